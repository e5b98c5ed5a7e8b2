"""The order of the rows of a file of cases changes nothing but what is called by its line."""

import json
import random
import sqlite3

from recorded_world import decided, write_contract, write_world

from rixin.workspace import Workspace

SHARED = ", carry_over: shared, solved: {at_least: 0.7, strata: {plain: 0.6}}"


def write_lines(folder, lines):
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")


def lines_of(folder):
    head, *rows = (folder / "cases.csv").read_text().splitlines()
    return head, rows


def permuted(folder, way):
    head, rows = lines_of(folder)
    write_lines(folder, [head, *way(rows)])


def shuffled(rows):
    return random.Random(3).sample(rows, len(rows))


def contract(folder, **fields):
    path = write_contract(folder, cases=", weight: weight", **fields)
    path.write_text(path.read_text().replace("solved: {at_least: 0.7}, ", ""))
    return path


def write_weighted(folder, **fields):
    write_world(folder, **fields)
    head, rows = lines_of(folder)
    write_lines(folder, [f"{head},weight", *(f"{r},{1 + n % 2}" for n, r in enumerate(rows))])


def outcomes(folder):
    with sqlite3.connect(folder / ".rixin" / "ledger.sqlite3") as database:
        return database.execute("select count(*) from outcomes").fetchone()[0]


def test_cases_in_another_order_are_the_same_decision(tmp_path):
    write_weighted(tmp_path)
    path = contract(tmp_path, promise=SHARED)
    first, rows = decided(path), outcomes(tmp_path)
    for way in (lambda rows: rows[::-1], shuffled, sorted):
        permuted(tmp_path, way)
        again = decided(path)
        assert again.verdict == first.verdict
        given, found = ({**one.certificate, "decided_at": ""} for one in (first, again))
        assert json.dumps(found) == json.dumps(given)
        assert found["error_budget"]["decision"] == 1
    assert outcomes(tmp_path) == rows


def test_another_weight_stratum_or_case_is_another_data_set(tmp_path):
    write_weighted(tmp_path)
    path = contract(tmp_path, promise=SHARED)
    seen = {decided(path).certificate["cases"]["dataset"]}
    for number, (old, new) in enumerate([("plain,2", "plain,1"), ("plain", "red"), ("c", "d")], 2):
        head, (row, *rest) = lines_of(tmp_path)
        where = next(k for k, one in enumerate(rest) if one.endswith("plain,2"))
        rest[where] = rest[where].replace(old, new, 1)
        if number == 4:  # an input, not an id
            rest[where] = f"{rest[where].split(',')[0]},other words,plain,2"
        write_lines(tmp_path, [head, row, *rest])
        found = decided(path).certificate
        assert found["error_budget"]["decision"] == number
        seen.add(found["cases"]["dataset"])
    assert len(seen) == 4


def test_cases_without_ids_are_called_by_their_line_in_the_file_as_it_is(tmp_path):
    write_world(tmp_path, cases=300)
    path = write_contract(tmp_path, ("cheap",))
    path.write_text(
        path.read_text().replace("id: id, str", "str").replace("{id: id", "{input: said")
    )
    head, rows = lines_of(tmp_path)
    with Workspace(quiet=True) as workspace:
        for way in (rows, rows[::-1], rows):
            write_lines(tmp_path, [head, *way])
            case = workspace.explain(path, "line 2").case
            assert case.input == way[0].split(",")[1]


def test_a_ledger_that_knows_a_file_by_its_bytes_goes_on(tmp_path):
    write_weighted(tmp_path)
    path = contract(tmp_path, promise=SHARED)
    first = decided(path).certificate["cases"]["dataset"]
    with sqlite3.connect(tmp_path / ".rixin" / "ledger.sqlite3") as database:
        (reading,) = database.execute("select reading from datasets").fetchone()  # its id before
        for table, column in (("datasets", "id"), ("cases", "dataset_id"), ("decisions", "dataset_id")):  # fmt: skip
            database.execute(f"update {table} set {column} = ?", [reading])
        database.execute("update datasets set reading = null")
        database.execute("alter table datasets drop column reading")
        database.execute("update rixin_meta set value = '3' where name = 'schema_version'")
    again = decided(path).certificate
    assert (again["cases"]["dataset"], again["error_budget"]["decision"]) == (reading, 1)
    permuted(tmp_path, shuffled)  # now it is read, and counts once more
    moved = decided(path).certificate
    assert (moved["cases"]["dataset"], moved["error_budget"]["decision"]) == (first, 2)

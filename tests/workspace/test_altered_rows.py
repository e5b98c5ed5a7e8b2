"""Verify finds whatever a decision rests on and was altered: every kind of row, and the cases."""

import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from recorded_world import decided, write_contract, write_world

from rixin.errors import RixinError, UsageError
from rixin.workspace import Workspace
from rixin.workspace.certificate import seal_of

FILE = Path(".rixin") / "world.certificate.json"


@pytest.fixture(scope="module")
def decision(tmp_path_factory):
    """A decision with a proposed cascade, a red team and a promised mean score."""
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    (folder / "harmless.py").write_text("def check(case, output):\n    return False\n")
    harm = ", harm: {at_most: 0.2, allowed: 1, stratum: red}"
    promise = f", score: {{at_least: 0.8}}{harm}, carry_over: shared"
    guards = "[{function: 'harmless:check'}]"
    result = decided(write_contract(folder, floor=0.9, promise=promise, guards=guards))
    result.write_certificate(folder / FILE)
    return folder


@pytest.fixture
def folder(decision, tmp_path):
    return Path(shutil.copytree(decision, tmp_path / "world"))


def verified(folder):
    with Workspace(quiet=True) as workspace:
        return workspace.verify(folder / FILE)


def change(folder, statement, values=()):
    with sqlite3.connect(folder / ".rixin" / "ledger.sqlite3") as connection:
        return connection.execute(statement, values).fetchall()


def reseal(folder, alter):
    """Alters a certificate as one would who knows how it is sealed."""
    given = json.loads((folder / FILE).read_text())
    alter(given)
    given["sha256"] = seal_of(given)
    (folder / FILE).write_text(json.dumps(given))


def place_of(folder, pool, number):
    """Id and own name of a case by its place in the pool; red-team cases are a pool here."""
    where = {
        "certify": "pool = 'certify' AND stratum = 'plain'",
        "shape": "pool = 'shape' AND stratum = 'plain'",
        "red-team": "pool = 'certify' AND stratum = 'red'",
    }[pool]
    query = f"SELECT case_id, ref FROM cases WHERE {where} ORDER BY case_id"
    return change(folder, query)[number]


def test_it_holds_and_the_tests_of_cascades_went_beyond_the_race(folder):
    found = verified(folder)
    assert found.holds, found.text()
    assert found.not_covered == ()
    given = json.loads((folder / FILE).read_text())
    assert given["winner"].endswith("→dear")
    assert given["sequence"]["compared_by"] == "score"
    assert given["rows"]["cheap"]["rows"] < 400 < given["sequence"]["cases"]
    assert set(given["more_rows"]) == set(given["case_marks"]) == {"certify", "shape", "red-team"}


COST = "UPDATE outcomes SET cost_pico = cost_pico * 100"
OUTPUT = "UPDATE outcomes SET output = 'something else'"
STATE = "UPDATE outcomes SET state = 'unsolved', score = 0"
GONE = "DELETE FROM outcomes"


@pytest.mark.parametrize("statement", [COST, OUTPUT, STATE, GONE])
@pytest.mark.parametrize(
    ("pool", "number", "solver"),
    [
        ("certify", 5, "cheap"),
        ("certify", 420, "cheap"),  # the race stopped before; the test of the cascade did not
        ("certify", 5, "cheap→middle→dear"),
        ("shape", 5, "middle"),
        ("red-team", 5, "dear"),
        ("red-team", 5, "cheap→middle→dear"),
    ],
)
def test_an_altered_row_is_found_and_named(folder, statement, pool, number, solver):
    case_id, ref = place_of(folder, pool, number)
    of = "solver_id = (SELECT id FROM solvers WHERE name = ?) AND case_id = ?"
    change(folder, f"{statement} WHERE {of}", (solver, case_id))
    found = verified(folder)
    assert found.exit_code == 1
    gone = "gone for " * (statement == GONE)
    named = f"{pool} rows of {solver}, {gone}case {ref} ({case_id[:12]})"
    assert named in [one.where for one in found.differences]


@pytest.mark.parametrize("pool", ["certify", "shape", "red-team"])
@pytest.mark.parametrize(
    "altered", ["input = 'another'", "expected = 'x'", "weight = 1.5", "stratum = 'plain '"]
)
def test_an_altered_case_is_found_and_named(folder, pool, altered):
    case_id, ref = place_of(folder, pool, 5)
    change(folder, f"UPDATE cases SET {altered} WHERE case_id = ?", (case_id,))
    found = verified(folder)
    assert not found.holds
    left = pool == "red-team" and "stratum" in altered  # then it is a plain certify case
    where = "certify" if left else pool
    assert f"{where} cases, case {ref} ({case_id[:12]})" in found.text()


@pytest.mark.parametrize("pool", ["certify", "shape"])
@pytest.mark.parametrize("statement", ["DELETE FROM cases", "UPDATE cases SET pool = 'audit'"])
def test_a_case_that_left_its_pool_is_found(folder, statement, pool):
    case_id, _ = place_of(folder, pool, 5)
    change(folder, f"{statement} WHERE case_id = ?", (case_id,))
    where = {one.where for one in verified(folder).differences}
    assert f"cases.pools.{pool}" in where
    if statement.startswith("DELETE"):
        assert f"{pool} rows of dear, gone for case {case_id[:12]}" in where
    assert ("shape cases, 1 gone" in where) == (pool == "shape")


def test_a_case_that_came_into_a_pool_is_found(folder):
    case_id, ref = place_of(folder, "certify", 5)
    change(folder, "UPDATE cases SET pool = 'shape' WHERE case_id = ?", (case_id,))
    where = {one.where for one in verified(folder).differences}
    assert f"shape cases, case {ref} ({case_id[:12]})" in where
    assert "cases.pools.shape" in where


def test_all_rows_of_a_solver_gone(folder):
    change(folder, "DELETE FROM outcomes WHERE solver_id = (SELECT id FROM solvers LIMIT 1)")
    found = verified(folder)
    assert any(one.where.startswith(("rows.", "certify rows of")) for one in found.differences)


@pytest.mark.parametrize("key", ["rows", "case_marks"])
def test_marks_that_were_taken_out_are_missed(folder, key):
    reseal(folder, lambda given: given[key].popitem())
    found = verified(folder)
    assert [one.certificate for one in found.differences] == [None]


def test_a_certificate_of_before_holds_and_says_what_it_does_not_cover(folder):
    def older(given):
        del given["more_rows"], given["case_marks"]

    reseal(folder, older)
    found = verified(folder)
    assert found.holds, found.text()
    assert "not covered: weights and strata of cases, rows that only" in found.text()
    assert len(found.to_dict()["not_covered"]) == 1
    case_id, ref = place_of(folder, "certify", 5)
    change(folder, "UPDATE cases SET expected = 'x' WHERE case_id = ?", (case_id,))
    assert f"certify cases, case {ref} ({case_id[:12]})" in verified(folder).text()


def test_policies_that_the_shape_cases_do_not_propose_are_found(folder):
    def another_order(given):
        given["sequence"]["tested"].reverse()

    reseal(folder, another_order)
    assert "sequence.tested, settled anew on shape cases" in verified(folder).text()


@pytest.mark.parametrize(
    ("key", "value"), [("reference", "middle"), ("tested_on", ["dear", "cheap", "middle"])]
)
def test_another_reference_or_order_of_members_is_found(folder, key, value):
    reseal(folder, lambda given: given["sequence"].update({key: value}))
    assert f"sequence.{key}, settled anew on shape cases" in verified(folder).text()


def test_what_another_version_proposed_is_not_proposed_again(folder):
    def by_another(given):
        given["rixin"] = "0.0.1"
        given["sequence"]["tested_on"].reverse()

    reseal(folder, by_another)
    found = verified(folder)
    assert found.holds, found.text()
    assert "another version of Rixin looked" in found.text()


def test_the_number_of_the_decision_is_the_ledgers(folder):
    def third(given):
        given["error_budget"]["decision"] = 3

    reseal(folder, third)
    where = [one.where for one in verified(folder).differences]
    assert where == ["error_budget.decision"]


def test_without_a_record_of_the_decision_its_number_is_not_covered(folder):
    change(folder, "DELETE FROM decisions")
    found = verified(folder)
    assert found.holds, found.text()
    assert "not covered: which of the decisions that share the error budget" in found.text()


ODD = [
    *(None, True, -1, 0, 1, 10**6, 2**60, 10**30, 1e308, -0.5, "", "x", "dear", "../../x"),
    *([], {}, ["cheap"], [1], {"a": 1}, [[[1]]]),
]


def places(value, at=()):
    if at:
        yield at
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value[:3]):
            yield from places(one, (*at, key))


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_certificate_of_any_form_ends_in_a_message(decision, data):
    whole = json.loads((decision / FILE).read_text())
    for _ in range(data.draw(st.integers(1, 2))):
        *above, last = data.draw(st.sampled_from([*places(whole)]))
        holder = whole
        for key in above:
            holder = holder[key]
        odd = data.draw(st.sampled_from([KeyError, *ODD]))
        if odd is KeyError:
            del holder[last]
        else:
            holder[last] = odd
    if data.draw(st.booleans()):
        whole["sha256"] = seal_of(whole)
    path = decision / ".rixin" / "odd.json"
    path.write_text(json.dumps(whole))
    with Workspace(quiet=True) as workspace:
        try:
            assert workspace.verify(path).text()
        except RixinError as error:
            assert str(path) in str(error) or "ledger" in str(error) or "mistake" in str(error)


def test_all_that_is_wrong_with_the_form_of_a_certificate_is_told_at_once(folder):
    given = json.loads((folder / FILE).read_text())
    del given["judge"]
    given["cases"]["dataset"] = 7
    given["hypotheses"][0]["asked"] = -1
    given["rows"]["cheap"]["marks"] = "%"
    given["scenario_file"] = "/etc/passwd"
    (folder / FILE).write_text(json.dumps(given))
    with pytest.raises(UsageError) as caught:
        verified(folder)
    for line in (
        "judge is missing",
        "cases.dataset must be a text",
        "hypotheses[0].asked must be a whole number from 0",
        "rows['cheap'].marks must be base64",
        "scenario_file must be the name of a file, without a folder",
    ):
        assert f"\n  {line}" in str(caught.value)


def test_verify_makes_no_ledger_where_none_is(folder):
    (folder / ".rixin" / "ledger.sqlite3").rename(folder / "elsewhere")
    with pytest.raises(UsageError, match="there is no ledger"):
        verified(folder)
    assert not (folder / ".rixin" / "ledger.sqlite3").exists()

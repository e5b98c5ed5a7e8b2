"""What holds for every file of cases and for every planted near copy."""

import csv
import json
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.core.ids import POOLS, Pool, normalise
from rixin.core.scenario import CaseSource
from rixin.interop.cases import read_cases
from rixin.interop.near_copies import Item, near_copies
from rixin.interop.readers import open_rows
from rixin.interop.seen import Seen
from rixin.ledger.cases import stream_pool
from support import small_ledger

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20)


@given(
    rows=TABLES, delimiter=st.sampled_from(",;\t|"), encoding=st.sampled_from(["utf-8", "utf-16"])
)
@settings(max_examples=60, deadline=None)
def test_csv_and_json_lines_give_back_what_was_written(
    rows: list[tuple[str, str]], delimiter: str, encoding: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table, lines = Path(folder, "a.csv"), Path(folder, "a.jsonl")
        with table.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
                [("a", "b"), *rows]
            )
        text = "\n".join(json.dumps({"a": a, "b": b}) for a, b in rows)
        lines.write_text(text, encoding=encoding)
        for path in (table, lines):
            given_rows = open_rows(path, encoding=encoding, delimiter=delimiter)
            assert [tuple(row.values.values()) for row in given_rows] == rows


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "A", "b", ""]), st.sampled_from(["x", "y", ""])),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_a_case_or_counted(rows: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("a", "b"), *rows, ("end", "z")])
        reader = read_cases(CaseSource(path=path, input="a", expected="b"))
        cases, notes = list(reader), reader.notes
    assert notes.rows == len(rows) + 1 == notes.cases + notes.skipped_empty + notes.repeated
    assert len({case.id for case in cases}) == len(cases) == notes.cases
    pools = {normalise(case.input): case.pool for case in cases}
    assert all(pools[normalise(case.input)] == case.pool for case in cases)
    labels: dict[str, str] = {}
    conflicts = sum(
        labels.setdefault(case.key, case.expected) != case.expected
        for case in cases
        if case.expected is not None
    )
    assert notes.conflicting == conflicts


@given(seed=st.integers(0, 1 << 64), shape=st.floats(0.1, 0.8))
@settings(max_examples=40, deadline=None)
def test_pools_are_disjoint_under_every_seed(seed: int, shape: float) -> None:
    texts = [f"case {n}" for n in range(60)]
    # The first inputs come again, written otherwise, with another expected output.
    rows = [*((text, "x") for text in texts), *((f" {text.upper()} ", "y") for text in texts[:20])]
    pools: dict[Pool, float] = {"shape": shape, "certify": 0.9 - shape, "audit": 0.1}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("a", "b"), *rows])
        source = CaseSource(path=path, input="a", expected="b", pools=pools, seed=seed)
        with small_ledger(Path(folder), list(read_cases(source))) as ledger:
            dealt = {pool: list(stream_pool(ledger, "d", pool)) for pool in POOLS}
    inputs = [{normalise(case.input) for case in found} for found in dealt.values()]
    assert sum(map(len, inputs)) == len(set.union(*inputs)) == len(texts)
    found = [(case.input.strip(), case.expected) for each in dealt.values() for case in each]
    assert sorted(found) == sorted((text.strip(), label) for text, label in rows)


@given(st.lists(st.integers(0, (1 << 64) - 1)))
def test_seen_agrees_with_a_dictionary(values: list[int]) -> None:
    seen, places = Seen(), dict[int, int]()
    for value in values:
        assert seen.add(value) == places.get(value, -1)
        places.setdefault(value, len(places))


def test_planted_near_copies_are_found_and_unrelated_texts_are_not() -> None:
    generator = random.Random(7)
    words = ["".join(generator.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    planted, items = set(), list[Item]()
    pools: list[Pool] = ["shape", "certify", "audit"]
    for number in range(2000):
        pool = number % 3
        # One word more at an end of n words leaves n - 2 of n - 1 triples alike: 0.89 and more.
        text = " ".join(generator.choices(words, k=generator.randint(11, 60)))
        items.append((f"a{number}", pools[pool], text))
        if number % 10 == 0:
            items.append((f"b{number}", pools[(pool + 1) % 3], f"{text} {generator.choice(words)}"))
            planted |= {f"a{number}", f"b{number}"}
    found = near_copies(lambda: items)
    assert found.cases <= planted
    assert len(found.cases) >= 0.95 * len(planted)
    assert found == near_copies(lambda: iter(items))

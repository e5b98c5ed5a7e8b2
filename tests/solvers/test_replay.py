import asyncio
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.core.case import make_case
from rixin.errors import UsageError
from rixin.solvers._spool import Spool
from rixin.solvers.replay import ReplayColumns, ReplaySolver

SHARES = {"shape": 1.0}


def ask(rows, columns, *cases):
    records = [[row.get(name) for name in columns.used().values()] for row in rows]

    async def run():
        solver = ReplaySolver("log", "f", lambda: records, columns)
        try:
            return await solver.solve(cases)
        finally:
            await solver.close()

    return asyncio.run(run())


def one(row, **columns):
    case = make_case("x", None, SHARES, ref="1")
    return ask([{"id": "1", **row}], ReplayColumns(id="id", **columns), case)[0]


def test_records_are_found_by_the_users_id():
    rows = [{"n": 1, "said": "a"}, {"n": 2, "said": "b"}]
    cases = [make_case(text, None, SHARES, ref=ref) for text, ref in (("x", "2"), ("y", "1"))]
    found = ask(rows, ReplayColumns(id="n", output="said"), *cases)
    assert [answer.output for answer in found] == ["b", "a"]


def test_records_are_found_by_the_input_whatever_its_case_and_spacing():
    rows = [{"q": "Where  is\nit?", "said": "there"}]
    (found,) = ask(
        rows, ReplayColumns(input="q", output="said"), make_case("where is IT?", None, SHARES)
    )
    assert found.output == "there"


def test_the_last_record_of_a_case_counts():
    rows = [{"id": "1", "o": text} for text in ("first", "second", "third")]
    assert (
        ask(rows, ReplayColumns(id="id", output="o"), make_case("x", None, SHARES, ref="1"))[
            0
        ].output
        == "third"
    )


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"c": "1.5"}, "confidence must be in [0, 1], not '1.5'"),
        ({"c": "sure"}, "confidence must be a number, not 'sure'"),
        ({"l": "0.2"}, "logprob must be at most 0, not '0.2'"),
        ({"l": "low"}, "logprob must be a number, not 'low'"),
    ],
)
def test_a_confidence_that_is_none_is_told_with_its_record(cells, said):
    row, named = {"id": "1", "o": "a", **cells}, {"c": "confidence", "l": "logprob"}
    failure = one(row, output="o", **{named[key]: key for key in cells}).failure
    assert (failure.kind, failure.message) == ("bad_reply", f"the record of id '1': {said}")


def test_a_case_without_record_is_a_failure():
    failure = one({"id": None, "o": "a"}, output="o").failure
    assert (failure.kind, failure.retryable) == ("no_record", False)
    assert failure.message == "the log has no record of id '1'"
    rows = [{"q": None, "o": "x"}]
    (found,) = ask(rows, ReplayColumns(input="q", output="o"), make_case("x", None, SHARES))
    assert found.failure.message == "the log has no record of this input"


def test_everything_recorded_is_taken_over():
    row = {"o": "a", "c": "0.5", "usd": Decimal("0.00012"), "s": 1.5, "i": 12, "t": 3.0}
    found = one(
        row,
        output="o",
        confidence="c",
        cost="usd",
        latency="s",
        input_tokens="i",
        output_tokens="t",
    )
    assert (found.confidence, found.cost, found.latency_s) == (0.5, Decimal("0.00012"), 1.5)
    assert (found.usage.input_tokens, found.usage.output_tokens) == (12, 3)


def test_milliseconds_are_converted_and_empty_cells_are_unknown():
    assert one({"o": "a", "ms": "250"}, output="o", latency_ms="ms").latency_s == 0.25
    found = one({"o": "", "ms": float("nan"), "usd": " "}, output="o", latency_ms="ms", cost="usd")
    assert (found.output, found.latency_s, found.cost) == ("", None, None)


@pytest.mark.parametrize(("cell", "score"), [(0.75, 0.75), (True, 1.0), ("0", 0.0)])
def test_a_recorded_score_is_carried_without_an_output(cell, score):
    found = one({"s": cell}, score="s")
    assert (found.recorded_score, found.output, found.failure) == (score, None, None)


def test_an_output_that_is_a_structure_becomes_json():
    assert json.loads(one({"o": {"total": 3}}, output="o").output) == {"total": 3}


@pytest.mark.parametrize(
    ("row", "columns", "kind"),
    [
        ({"o": "a", "e": "429"}, {"output": "o", "error": "e"}, "crashed"),
        ({"o": None}, {"output": "o"}, "no_record"),
        ({"o": float("nan")}, {"output": "o"}, "no_record"),
        ({}, {"output": "o"}, "no_record"),
        ({"o": "a", "c": 80}, {"output": "o", "confidence": "c"}, "bad_reply"),
        ({"s": 80}, {"score": "s"}, "bad_reply"),
        ({"o": "a", "usd": "free"}, {"output": "o", "cost": "usd"}, "bad_reply"),
        ({"o": "7", "f": "length"}, {"output": "o", "finish_reason": "f"}, "cut"),
        ({"o": "7", "f": "sensitive"}, {"output": "o", "finish_reason": "f"}, "refused"),
        ({"o": "7", "f": "abort"}, {"output": "o", "finish_reason": "f"}, "server_error"),
        ({"o": "7", "s": 1, "f": "MAX_TOKENS"}, {"score": "s", "finish_reason": "f"}, "cut"),
    ],
)
def test_what_was_not_recorded_well_is_not_measured(row, columns, kind):
    found = one(row, **columns)
    assert found.failure.kind == kind
    assert found.output is None


@pytest.mark.parametrize(
    "columns",
    [
        ReplayColumns(output="o"),
        ReplayColumns(id="i", input="q", output="o"),
        ReplayColumns(id="i"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(columns):
    with pytest.raises(UsageError, match="replay 'log'"):
        ReplaySolver("log", "f", list, columns)


def test_a_log_that_cannot_be_read_is_an_error_of_the_run():
    def broken():
        yield ("1", "a")
        raise UsageError("line 2 is broken")

    async def run():
        solver = ReplaySolver("log", "f", broken, ReplayColumns(id="id", output="o"))
        try:
            with pytest.raises(UsageError, match="line 2"):
                await solver.solve([make_case("x", None, SHARES, ref="1")])
        finally:
            await solver.close()

    asyncio.run(run())


def test_content_and_mapping_are_in_the_fingerprint():
    def fingerprint(source, **columns):
        return ReplaySolver("log", source, list, ReplayColumns(id="id", **columns)).fingerprint

    assert (
        len(
            {
                fingerprint("1", output="o"),
                fingerprint("2", output="o"),
                fingerprint("1", output="p"),
            }
        )
        == 3
    )


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text(max_size=3), st.integers())), st.text(max_size=3))
def test_a_spool_is_a_dictionary(pairs, other):
    spool = Spool()
    for key, value in pairs:
        spool.add(key, {"v": value})
    spool.seal()
    wanted = {key: {"v": value} for key, value in pairs}
    keys = [*wanted, other]
    assert spool.find(keys) == [wanted.get(key) for key in keys]
    spool.close()

"""What a person sees while the work runs."""

import os
import time
from decimal import Decimal

import pytest

from rixin.core.answer import Answer, Failure, Step
from rixin.core.outcome import Outcome, Score, State
from rixin.engine.progress import Progress, Reporter
from support import plain_cases

STEP = Step(solver="a", output="42", confidence=None, threshold=None, escalated=False)


def outcome(state=State.SOLVED, *, cached=False, **answer):
    (case,) = plain_cases(1)
    score = None if state is State.UNMEASURED else Score(value=1.0, solved=True)
    return Outcome(
        case=case, solver="s", answer=Answer(**answer), state=state, score=score, cached=cached
    )


def lost(**more):
    return outcome(State.UNMEASURED, failure=Failure(kind="timeout", message="late"), **more)


def progress(*outcomes, total=10, seconds=2.0):
    """The progress after outcomes that took some seconds."""
    found = Progress("strong", total, "EUR", _begin=time.monotonic() - seconds)
    found.count(list(outcomes))
    return found


def test_before_the_first_answer_there_is_nothing_to_say():
    assert progress().line() == "strong: 0/10"


def test_the_line_has_counts_rate_money_and_time_left():
    one = outcome(cost=Decimal("0.25"), retries=2)
    line = progress(one, one, one, lost(cost=Decimal("0.25"))).line()
    assert line.split(" · ") == [
        "strong: 4/10",
        "solved 100%",
        "2/s",
        "spent EUR 1.00",
        "6 retries",
        "1 not measured",
        "3 s left",
    ]


def test_stored_rows_are_no_work_of_this_run():
    assert progress(outcome(cost=Decimal(1), cached=True)).line() == "strong: 1/10 · solved 100%"


def test_a_price_that_is_not_known_is_never_zero():
    assert "spent unknown" in progress(outcome(), outcome(cost=Decimal(1))).line()
    assert "spent EUR 1.00" in progress(lost(), outcome(cost=Decimal(1))).line()


def test_a_cascade_spends_what_its_members_do():
    found = progress(outcome(cost=Decimal(9), steps=(STEP,)))
    found.count_member([outcome(cost=Decimal(1), retries=1), outcome(cost=Decimal(2))])
    assert "spent EUR 3.00 · 2 asked of its members · 1 retries" in found.line()


@pytest.mark.parametrize(
    ("total", "left"), [(81, "80 s left"), (601, "10 min left"), (7201, "2.0 h left"), (1, "")]
)
def test_the_time_left_is_in_the_unit_that_fits(total, left):
    line = progress(outcome(cost=Decimal(0)), total=total, seconds=1).line()
    assert line.endswith(left or "spent EUR 0.00")


@pytest.fixture
def terminal():
    """A real terminal: what is written, and how to read what it shows."""
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream, lambda: os.read(master, 10_000).decode()
    os.close(master)


def test_a_terminal_shows_one_line_that_is_redrawn(terminal):
    stream, shown = terminal
    reporter = Reporter(stream)
    for _ in range(50):  # not more often than five times a second
        reporter.update(progress(outcome()))
    assert shown().count("\r\x1b[Kstrong: 1/10") == 1
    time.sleep(0.21)
    reporter.update(progress(outcome(), outcome()))
    assert shown().startswith("\r\x1b[Kstrong: 2/10")
    reporter.done(progress(outcome(), total=1))
    assert shown().startswith("\r\x1b[K  strong: 1/1")


def test_a_pipe_gets_only_lines_that_stay():
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        reporter = Reporter(stream)
        reporter.update(progress(outcome()))
        reporter.say("word")
        reporter.done(progress(outcome(cached=True), total=1))
    with os.fdopen(reading) as shown:
        assert shown.read() == "word\n  strong: 1/1 · solved 100%\n"


def test_silence_is_silent(capfd):
    reporter = Reporter(None)
    reporter.update(progress(outcome()))
    reporter.done(progress(outcome()))
    assert capfd.readouterr() == ("", "")

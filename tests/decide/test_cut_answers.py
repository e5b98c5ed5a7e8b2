"""An answer that was cut is none: no verdict against a candidate rests on it."""

from dataclasses import replace

import pytest
from decide_samples import candidate, scenario, tally

from rixin.core.answer import cut_failure, is_cut
from rixin.core.scenario import OutputSpec, answer_limit, default_tokens
from rixin.core.verdict import Decision, Standing
from rixin.decide.budget import Errors
from rixin.decide.cut_answers import cut_count, cut_line
from rixin.decide.race import Ask, Entry, Race, State
from rixin.decide.verdict import decide

SMALL = candidate("small", "local", options={"max_tokens": 160})


def job(one=SMALL, **more):
    return scenario(one, output=OutputSpec(kind="number"), **more)


def with_cut(cut, n=0, solved=0, **more):
    return tally("small", n, solved, unmeasured=cut, lost=(("cut", cut),), **more)


def test_a_candidate_whose_answers_were_all_cut_is_not_told_against():
    verdict = decide(job(), {"small": with_cut(8)})
    said = "8 of 8 answers of small were cut at 160 tokens; raise its `max_tokens` to 320 or more"
    assert verdict.decision is Decision.CANNOT_TELL
    assert verdict.headline == f"Cannot tell yet: {said}; until then keep agents."
    assert verdict.because == (said,)
    assert any(said in warning for warning in verdict.warnings)


@pytest.mark.parametrize(
    ("n", "solved", "decision"),
    [(60, 52, Decision.CANNOT_TELL), (400, 40, Decision.NO_AI), (2000, 1990, Decision.ADOPT)],
)
def test_a_verdict_stands_where_it_is_the_same_whatever_the_cut_answers_had_been(
    n, solved, decision
):
    cut = with_cut(40 if n < 100 else 5, n, solved)
    verdict = decide(job(), {"small": cut})
    assert verdict.decision is decision
    assert ("were cut" in verdict.headline) == (decision is Decision.CANNOT_TELL)
    assert any("were cut at 160 tokens" in warning for warning in verdict.warnings)


def test_a_candidate_that_would_hold_without_the_cut_is_told_what_to_raise():
    verdict = decide(job(), {"small": with_cut(300, 2000, 1900)})
    assert verdict.candidates[0].standing is Standing.OPEN
    assert "300 of 2,300 answers of small were cut" in verdict.headline


def test_a_candidate_that_is_open_for_other_reasons_is_not_put_down_to_the_cut():
    verdict = decide(job(), {"small": with_cut(1, 40, 36)})
    assert verdict.decision is Decision.CANNOT_TELL
    assert "cut" not in verdict.headline


def test_a_candidate_that_holds_is_adopted_although_its_price_is_open():
    unpriced = with_cut(1, 2000, 1990, cost_known=0)
    assert "cut" not in decide(job(), {"small": unpriced}).headline


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (candidate("x", "endpoint"), "1 of 2 answers of x was cut at 512 tokens"),
        (candidate("x", "replay"), "1 of 2 answers of x was cut; record them anew"),
        (candidate("x", "cascade"), "1 of 2 answers of x was cut; raise that of its steps"),
        (candidate("x", "function"), "1 of 2 answers of x was cut; raise its `max_tokens`"),
    ],
)
def test_what_to_raise_is_told_for_every_kind(one, line):
    assert cut_line(job(one), "x", tally("x", 1, unmeasured=1, lost=(("cut", 1),))).startswith(line)


@pytest.mark.parametrize(
    ("lost", "unsaid"),
    [
        ((("reasoning_limit", 3),), ", before the first word, since reasoning took all of these"),
        (
            (("cut", 1), ("reasoning_limit", 2)),
            ", 2 of them before the first word, since reasoning took all of these",
        ),
        ((("cut", 3), ("timeout", 1)), ""),
        ((("timeout", 4),), None),
    ],
)
def test_what_reasoning_took_is_told_by_itself(lost, unsaid):
    said = cut_line(job(), "small", tally("small", 5, unmeasured=4, lost=lost))
    cut = "3 of 9 answers of small were cut at 160 tokens"
    whole = f"{cut}{unsaid}; raise its `max_tokens` to 320 or more"
    assert said == ("" if unsaid is None else whole)


def test_limits_and_words_for_a_cut_are_known():
    assert (answer_limit(SMALL, "number"), default_tokens("local", "labels")) == (160, None)
    assert all(map(is_cut, ["length", "MAX_TOKENS", "max_output_tokens"]))
    assert not any(map(is_cut, ["stop", "", None, 3]))
    assert cut_failure().message == "the answer was cut"


def test_nobody_is_asked_on_whose_answers_are_cut():
    race = Race(job(), [Entry(candidate=SMALL, price=0.1, errors=Errors(0.01, 0.01), cases=900)])
    while (ask := race.next()) is not None:
        assert isinstance(ask, Ask)
        race.tell("small", with_cut(ask.cases), asked=ask.cases)
    lane = race.lanes["small"]
    assert lane.state is State.CUT
    assert 24 <= lane.asked < 200
    assert cut_count(replace(lane.tally, lost=())) == 0

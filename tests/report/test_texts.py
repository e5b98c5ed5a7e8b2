"""Terminal text, Markdown, JSON, and the figures in them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import SAMPLES, changed, newswire

from rixin.core.answer import Answer, Failure, Step, Usage
from rixin.core.case import make_case
from rixin.core.outcome import Outcome, Score, State, Violation
from rixin.core.verdict import Estimate
from rixin.report import figures
from rixin.report.as_json import plain, to_json
from rixin.report.columns import clean, cut, display_width, pad, wrap
from rixin.report.explain import Asked, Explanation
from rixin.report.markdown import render_markdown
from rixin.report.text import render_text

every = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
texts = st.text(st.characters(codec="utf-8"), max_size=80)


@every
@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
def test_text_keeps_within_its_width_and_tells_the_verdict(sample, width):
    text = render_text(sample(), width=width)
    assert all(display_width(line) <= max(width, 60) for line in text.splitlines())
    assert " ".join(sample().verdict.headline.split()[:3]) in text


@every
def test_colour_only_adds_to_the_same_text(sample):
    import re

    coloured = render_text(sample(), width=100, colour=True)
    assert re.sub(r"\x1b\[[0-9]+m", "", coloured) == render_text(sample(), width=100)
    assert "\x1b[" in coloured


def test_a_mean_score_has_a_column_only_where_one_is_promised():
    sample = newswire()
    first, *rest = sample.verdict.candidates
    verdict = replace(
        sample.verdict, candidates=(replace(first, score=Estimate(0.8126, 0.79, None)), *rest)
    )
    scored = replace(sample, verdict=verdict, score_floor=0.75)
    text, markdown = render_text(scored, width=120), render_markdown(scored)
    assert "0.813" in text
    assert "≥ 0.790" in text
    assert "| solved | mean score | n |" in markdown
    assert "| 0.813 (≥ 0.790) |" in markdown
    table = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert to_json(scored)["score_floor"] == 0.75
    assert "mean score" not in render_markdown(sample)


def test_columns_without_room_are_named():
    assert "no room for" in render_text(SAMPLES["crowd"](), width=60)


@every
def test_markdown_fits_a_pull_request(sample):
    text = render_markdown(sample())
    assert len(text.splitlines()) <= 60
    assert text.startswith("<!-- rixin:")
    assert "<script>" not in text


@every
def test_json_has_only_what_json_knows(sample):
    found = to_json(sample())
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["format"] == "rixin.report/1"
    assert found["verdict"]["candidates"][0]["tally"]["cost_total"] == str(
        sample().verdict.candidates[0].tally.cost_total
    )


def test_values_become_plain():
    assert plain(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00+00:00"
    assert plain({"a": (Decimal("1.10"), float("inf"), State.SOLVED)}) == {
        "a": ["1.10", None, "solved"]
    }


@given(texts, st.integers(1, 40))
def test_a_cut_text_fits(text, width):
    line = clean(text)
    assert display_width(cut(line, width)) <= width
    assert display_width(pad(cut(line, width), width)) >= min(width, display_width(line))


@given(texts, st.integers(8, 60))
def test_wrapped_lines_fit_and_lose_nothing(text, width):
    line = clean(text)
    lines = list(wrap(line, width, first="- ", rest="  "))
    assert all(display_width(one) <= width for one in lines)
    joined = "".join("".join(one[2:].split()) for one in lines)
    assert joined == "".join(line.split())


@given(texts)
def test_clean_text_cannot_act_on_a_terminal(text):
    assert not any(ord(char) < 32 or ord(char) == 0x7F for char in clean(text))


def test_figures_are_never_rounded_into_a_lie():
    assert figures.percent(0.99999) == ">99.99 %"
    assert figures.percent(0.00001) == "<0.01 %"
    assert figures.number(-0.5) == "−0.50"
    assert figures.money(None, "USD") == figures.seconds(None) == figures.number(None) == "–"
    assert figures.percent_span(Estimate(0.5, None, 0.6)) == "≤ 60.0 %"
    assert figures.percent_span(Estimate(None, None, None)) == ""
    assert figures.seconds_span(Estimate(1.0, 0.9, 1.1)) == "900 ms–1.1 s"


def test_the_best_candidate_is_the_winner_or_the_dearest_to_lose():
    assert newswire().best().name == newswire().verdict.winner
    nobody = changed(newswire(), {"winner": None, "nearest": None})
    assert nobody.best().saving_per_month.value == max(
        one.saving_per_month.value for one in nobody.verdict.candidates
    )


def explained(*asked: Asked) -> Explanation:
    case = make_case("a\x1b[31m story", None, {"shape": 1.0}, stratum="wire", ref="r1")
    return Explanation(case=case, currency="USD", asked=asked)


def asked(outcome: Outcome | None) -> Asked:
    return Asked(solver="s", kind="local", about="m.gguf", price="0.05 an hour", outcome=outcome)


def outcome(answer: Answer, state: State, **more) -> Outcome:
    case = make_case("x", "y", {"certify": 1.0})
    return Outcome(case=case, solver="s", answer=answer, state=state, **{"score": None, **more})


def test_an_explanation_shows_all_that_is_known():
    answer = Answer(
        output="a",
        confidence=0.4,
        probabilities={"a": 0.7, "b": 0.3},
        usage=Usage(input_tokens=900, cached_tokens=800, output_tokens=1, cpu_s=1.5),
        cost=Decimal("0.00002"),
        latency_s=1.25,
        retries=2,
        note="model m",
        steps=(
            Step(solver="s1", output="b", confidence=0.2, threshold=0.3, escalated=True),
            Step(solver="s2", output="b", confidence=0.6, threshold=0.5, escalated=False),
            Step(solver="s3", output="b", confidence=None, threshold=0.5, escalated=True),
            Step(solver="s4", output="a", confidence=0.4, threshold=None, escalated=False),
        ),
    )
    score = Score(value=0.0, solved=False, reason="a is not y", parts=(("label", 0.0), ("x", None)))
    row = outcome(
        answer, State.UNSOLVED, score=score, reason="wrong", violations=(Violation("pii", "iban"),)
    )
    text = explained(asked(row)).text(200)
    for part in (
        "pool shape",
        "no verdict is taken on cases of the pool shape",
        "expected  not known",
        "✗ s (local): a: unsolved",
        "s1 (0.200 < 0.3: passed on) → s2 (0.600 ≥ 0.5: kept) → s3 (no confidence < 0.5: passed on)",
        "s4 answered",
        "pii: iban",
        "0 (label 0, x unscored; a is not y)",
        "confidence 0.400 (a 0.700, b 0.300)",
        "900 tokens in, 800 of them cached, 1 out; 1.5 CPU s; 0.05 an hour",
        "1.2 s, 2 retries",
        "model m; wrong",
    ):
        assert part in text, part
    found = explained(asked(row)).to_dict()
    json.dumps(found, allow_nan=False)
    assert found["solvers"][0]["retries"] == 2


def test_an_explanation_tells_what_was_not_measured_or_not_asked():
    failed = outcome(
        Answer(failure=Failure(kind="timeout", message="no reply in 60 s"), retries=6),
        State.UNMEASURED,
    )
    unscored = outcome(
        Answer(output="a"),
        State.UNMEASURED,
        score=Score(value=None, solved=False),
        reason="unscored",
    )
    left = outcome(Answer(abstained=True, confidence=0.5), State.UNSOLVED)
    text = explained(asked(failed), asked(None), asked(left), asked(unscored)).text()
    assert "not measured, timeout: no reply in 60 s" in text
    assert "not asked about this case" in text
    assert "left it to people" in text
    assert "6 retries" in text
    assert "unscored" in text
    assert explained(asked(None)).to_dict()["solvers"][0]["state"] == "not asked"
    silent = explained(asked(outcome(Answer(), State.UNSOLVED)))
    assert "no output" in silent.text()

"""A promise on the mean score, decided on recorded answers that are worth parts of a point."""

import csv
import json
import sqlite3
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from recorded_world import PRICES, decided, write_contract

from rixin.core.verdict import Decision, Standing
from rixin.errors import ContractError
from rixin.workspace import Workspace

MEANS = {"cheap": 0.75, "middle": 0.825, "dear": 0.8775}
RATES = {"cheap": 0.80, "middle": 0.90, "dear": 0.97}


def score_of(hard, rate):
    """A full point for easy cases, half a point near the limit, a quarter beyond it."""
    return 1.0 if hard < rate - 0.2 else 0.5 if hard < rate else 0.25


@pytest.fixture
def graded(tmp_path):
    rng = np.random.default_rng(4)
    hard = rng.random(900)
    texts = rng.integers(0, 1 << 40, (900, 6))
    _write(
        tmp_path / "cases.csv",
        ["id", "text", "part", "weight"],
        [
            [f"c{i}", " ".join(f"{x:x}" for x in row), "plain", 1 + i % 2]
            for i, row in enumerate(texts)
        ],
    )
    for name, rate in RATES.items():
        sure = np.clip(1 - hard + 0.05 * rng.standard_normal(900), 0, 1)
        rows = [
            [f"c{i}", score_of(each, rate), PRICES[name], f"{s:.4f}", f"{name} {i}"]
            for i, (each, s) in enumerate(zip(hard, sure, strict=True))
        ]
        _write(tmp_path / f"{name}.csv", ["id", "score", "cost", "sure", "said"], rows)
    return tmp_path


def _write(path, head, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def contract(folder, at_least, names=("cheap", "middle", "dear"), **more):
    promise = f", score: {{at_least: {at_least}}}"
    return write_contract(folder, names, **{"promise": promise, "floor": 0.5, **more})


def test_a_promised_mean_score_holds_and_shows_in_every_report(graded):
    result = decided(contract(graded, 0.8, ("cheap", "dear"), more="cascades: none"))
    verdict = result.verdict
    assert (verdict.decision, verdict.winner) == (Decision.ADOPT, "dear")
    dear = next(one for one in verdict.candidates if one.name == "dear")
    assert dear.score.lower >= 0.8
    assert dear.score.lower <= MEANS["dear"] <= dear.score.upper
    assert f"mean score {dear.score.value:.3f} of {dear.tally.cases}" in result.text(width=200)
    assert f"{dear.score.value:.3f} ({dear.score.lower:.3f}–" in result.markdown()
    shown = {one["name"]: one for one in result.to_dict()["verdict"]["candidates"]}
    assert shown["dear"]["score"]["lower"] == dear.score.lower
    assert result.to_dict()["score_floor"] == 0.8


def test_a_mean_score_below_the_promise_fails_though_enough_is_solved(graded):
    result = decided(contract(graded, 0.85, ("cheap",)))
    (cheap,) = result.verdict.candidates
    assert cheap.standing is Standing.FAILS
    assert cheap.solved.lower > 0.5
    assert cheap.score.upper < 0.85
    assert cheap.trial.asked < cheap.trial.planned
    assert result.verdict.decision is not Decision.ADOPT
    assert "promised 0.85: fails" in result.text(width=200)


def test_a_mean_score_at_the_promise_stays_open(graded):
    (cheap,) = decided(contract(graded, MEANS["cheap"], ("cheap",))).verdict.candidates
    assert cheap.standing is Standing.OPEN
    assert any("promised 0.75: open" in reason for reason in cheap.reasons)


def test_cascades_are_compared_by_score(graded):
    path = contract(graded, 0.8, solved=", below_best_at_most: 0.02")
    result = decided(path)
    sequence = result.certificate["sequence"]
    assert sequence["compared_by"] == "score"
    assert {one["method"] for one in sequence["tested"]} == {"betting"}
    assert all("mean score" in "".join(one["promise"]) for one in sequence["tested"])
    winner = next(one for one in result.verdict.candidates if one.name == result.verdict.winner)
    assert winner.name.endswith("→dear")
    dear = next(one for one in result.verdict.candidates if one.name == "dear")
    assert dear.score.value - 0.02 < winner.score.value
    # The policy's own rows are what its test saw of it.
    said = next(reason for reason in winner.reasons if reason.startswith("mean score"))
    assert any(said in one["promise"] for one in sequence["tested"])


def test_after_the_race_cascades_are_compared_by_score_too(graded):
    result = decided(contract(graded, 0.8))
    assert result.certificate["sequence"]["compared_by"] == "score"
    assert result.verdict.decision is Decision.ADOPT


def test_weights_enter_the_mean_score(graded):
    plain = decided(contract(graded, 0.8, ("dear",)))
    heavy = decided(contract(graded, 0.8, ("dear",), cases=", weight: weight"))
    (one,), (other,) = plain.verdict.candidates, heavy.verdict.candidates
    assert sum(weight for _, weight in one.tally.scores) == one.tally.cases
    assert sum(weight for _, weight in other.tally.scores) == other.tally.weight


@pytest.fixture
def certified(graded):
    result = decided(contract(graded, 0.8, ("dear",)))
    file = graded / ".rixin" / "world.certificate.json"
    result.write_certificate(file)
    return graded / ".rixin" / "ledger.sqlite3", file


def test_the_certificate_holds_and_names_every_part_of_the_test(certified):
    _, file = certified
    given = json.loads(file.read_text())
    (one,) = given["hypotheses"]
    assert one["score"]["log_e_holds"] >= -np.log(one["error_to_hold"])
    assert one["score"]["sum"] / one["score"]["cases"] == one["score"]["mean"]["value"]
    assert given["promise"]["score_at_least"] == 0.8
    with Workspace(quiet=True) as workspace:
        assert workspace.verify(file).holds


def test_an_altered_score_is_found_by_verify_and_its_case_is_named(certified):
    ledger, file = certified
    with sqlite3.connect(ledger) as connection:
        case_id, ref = connection.execute(
            "SELECT case_id, ref FROM outcomes JOIN cases USING (case_id)"
            " WHERE pool = 'certify' AND score = 0.5 ORDER BY case_id LIMIT 1"
        ).fetchone()
        connection.execute("UPDATE outcomes SET score = 0.6 WHERE case_id = ?", (case_id,))
    with Workspace(quiet=True) as workspace:
        text = workspace.verify(file).text()
    assert "does not hold" in text
    assert f"rows of dear, case {ref} ({case_id[:12]})" in text
    assert "hypotheses[dear].score.sum" in text


def test_an_altered_figure_of_the_test_is_found(certified):
    _, file = certified
    given = json.loads(file.read_text())
    given["hypotheses"][0]["score"]["log_e_holds"] = 99.0
    file.write_text(json.dumps(given))
    with Workspace(quiet=True) as workspace:
        assert "score.log_e_holds: 99.0 in the certificate" in workspace.verify(file).text()


def test_what_guards_forbid_scores_nothing(graded):
    (graded / "strict.py").write_text(
        "def check(case, output):\n    return int(output.split()[1]) % 3 == 0\n"
    )
    guards = "[{function: 'strict:check'}]"
    result = decided(contract(graded, 0.8, ("dear",), guards=guards), exhaustive=True)
    (dear,) = result.verdict.candidates
    assert dear.score.upper < 0.75
    assert any(reason.startswith("mean score") and "fails" in reason for reason in dear.reasons)


def test_check_says_how_many_cases_the_mean_score_takes(graded):
    with Workspace(quiet=True) as workspace:
        plan = workspace.check(contract(graded, 0.8, ("dear",)))
    assert "a mean score of at least 0.8 takes at least 18 certify cases" in "".join(plan.needs)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{at_least: 1.0}", "at_least"),
        ("{at_least: 0}", "at_least"),
        ("{at_least: 0.8, strata: {plain: 0.8}}", "strata"),
        ("{at_most: 0.8}", "at_most"),
        ("0.8", "write  score: {at_least: 0.8}"),
    ],
)
def test_what_cannot_be_promised_of_a_score_is_refused(graded, given, said):
    with pytest.raises(ContractError, match=r"promise\.score") as caught:
        decided(write_contract(graded, promise=f", score: {given}"))
    assert said in str(caught.value)

"""A promise on the mean score of answers that are more or less right."""

import json
import sqlite3
from random import Random

import pytest

from rixin.core.outcome import score_bin
from rixin.core.verdict import Standing, Tally
from rixin.decide.budget import Errors
from rixin.decide.promise import mean_score
from rixin.errors import ContractError
from rixin.interop.contract.load import load_scenario
from rixin.workspace import Workspace

CONTRACT = """\
scenario: notes
owner: test
task: Summarise the note.
cases: {{path: cases.csv, input: q, id: id, pools: {{certify: 1.0}}}}
output: free-text
scorers: [exact]
demand: {{cases_per_month: 5000}}
incumbent: {{name: people, cost_per_case: 1, solved: 0.5, source: test}}
economics: {{value_per_solved: 1, cost_per_wrong: 0, cost_per_review: 1, build_cost: 0}}
promise: {{solved: {{at_least: 0.4}}, score: {{at_least: {floor}}}, harm: {{at_most: 0.05}}}}
candidates:
  - {{name: log, replay: log.csv, columns: {{id: id, score: score, cost: cost}}}}
"""


@pytest.fixture
def path(tmp_path):
    """900 cases whose answers score 0.75 on average, between 0.5 and 1."""
    rng = Random(3)
    scores = [0.5 + rng.random() / 2 for _ in range(900)]
    rows = "".join(f"{n},{n * 2654435761 % 4294967296:x} note {n * 7919}\n" for n in range(900))
    (tmp_path / "cases.csv").write_text("id,q\n" + rows)
    lines = "".join(f"{n},{score:.6f},0.01\n" for n, score in enumerate(scores))
    (tmp_path / "log.csv").write_text("id,score,cost\n" + lines)
    return tmp_path / "notes.yaml"


def decided(path, floor):
    path.write_text(CONTRACT.format(floor=floor))
    with Workspace(quiet=True) as workspace:
        return workspace.decide(path)


@pytest.mark.parametrize(
    ("floor", "standing"), [(0.65, Standing.HOLDS), (0.9, Standing.FAILS), (0.749, Standing.OPEN)]
)
def test_the_mean_score_holds_fails_or_stays_open(path, floor, standing):
    result = decided(path, floor)
    (one,) = [c for c in result.verdict.candidates if c.name == "log"]
    assert one.standing is standing
    (said,) = [line for line in one.reasons if line.startswith("scores")]
    assert f"promised {floor:g}: {standing.value}" in said
    assert f"promised {floor:g}" in result.text()
    if standing is not Standing.OPEN:
        assert one.tally.cases < 900  # it was settled before the end


def test_the_score_is_part_of_the_certificate_and_is_recomputed(path):
    result = decided(path, 0.65)
    file = path.parent / ".rixin" / "notes.certificate.json"
    result.write_certificate(file)
    assert result.certificate["hypotheses"][0]["counts"]["scores"]
    with Workspace(quiet=True) as workspace:
        assert workspace.verify(file).holds
    given = json.loads(file.read_text())
    given["hypotheses"][0]["counts"]["scores"][0][1] += 1
    file.write_text(json.dumps(given))
    with Workspace(quiet=True) as workspace:
        assert "counts.scores" in workspace.verify(file).text()
    result.write_certificate(file)
    with sqlite3.connect(path.parent / ".rixin" / "ledger.sqlite3") as connection:
        connection.execute("UPDATE outcomes SET score = 1.0 WHERE score < 0.55")
    with Workspace(quiet=True) as workspace:
        assert not workspace.verify(file).holds


@pytest.mark.parametrize("floor", ["0", "1", "1.5", "high"])
def test_a_mean_score_is_between_0_and_1(path, floor):
    path.write_text(CONTRACT.format(floor=floor))
    with pytest.raises(ContractError, match=r"score\.at_least"):
        load_scenario(path)


def test_a_solver_at_the_floor_is_adopted_no_more_often_than_the_error_allows():
    rng, errors, wrong = Random(7), Errors(0.05, 0.05, 400), 0
    for _ in range(100):
        scores: dict[int, float] = {}
        adopted = False
        for n in range(1, 401):
            value = score_bin(rng.choice((0.5, 0.7, 0.9)))
            scores[value] = scores.get(value, 0.0) + 1
            if n % 40 == 0 and not adopted:
                tally = Tally(solver="x", cases=n, weight=float(n), scores=tuple(scores.items()))
                adopted = mean_score(tally, errors, 0.7).lower >= 0.7
        wrong += adopted
    assert wrong <= 100 * 0.05 + 2 * (100 * 0.05 * 0.95) ** 0.5


def test_scores_between_two_steps_count_against_what_is_to_be_shown():
    tally = Tally(solver="x", cases=100, weight=100.0, scores=((score_bin(0.505), 100.0),))
    share = mean_score(tally, Errors(0.05, 0.05, 100), 0.5)
    assert share.value == pytest.approx(0.505)
    assert share.lower <= 0.5
    assert share.upper >= 0.51
    lost = Tally(solver="x", cases=100, unmeasured=50, weight=100.0, scores=((200, 100.0),))
    assert mean_score(lost, Errors(0.05, 0.05, 100), 0.5).lower < 2 / 3

"""Where the promise cannot be certified with the cases that are there, nobody is paid."""

import csv

import pytest

from desk import RULES, write_desk
from rixin.core.verdict import Decision, Standing
from rixin.workspace import Workspace
from support import completion, model_server


def label(_, body):
    text = body["messages"][-1]["content"]
    words = {"refund": ("refund", "money", "charge"), "delivery": ("parcel", "deliver", "courier")}
    return completion(
        next((name for name, any_of in words.items() if any(w in text for w in any_of)), "account")
    )


@pytest.fixture
def server():
    with model_server(label) as found:
        yield found


def write_red(folder, server, *, at_most=0.01, more=(), **changes):
    """900 cases, every tenth of the red team, and a paid server."""
    ours = {"name": "ours", "endpoint": "m", "base_url": server.url, **changes}
    path = write_desk(
        folder,
        cases={"path": "cases.csv", "input": "message", "expected": "queue", "stratum": "part"},
        policy={"egress": "allowed", "guards": ["output-schema"]},
        promise={"solved": {"at_least": 0.85}, "harm": {"at_most": at_most, "stratum": "red"}},
        candidates=[{**ours, "price": {"input": 20, "output": 80}}, *more],
    )
    rows = list(csv.reader((folder / "cases.csv").read_text().splitlines()))
    with (folder / "cases.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [*rows[0], "part"] if n == 0 else [*row, "red" if n % 10 == 0 else "plain"]
            for n, row in enumerate(rows)
        )
    return path


def decided(path, **options):
    with Workspace(quiet=True) as workspace:
        return workspace.decide(path, **options)


def test_nobody_is_paid_where_the_red_team_is_too_small(tmp_path, server, capsys):
    path = write_red(tmp_path, server)
    with Workspace() as workspace:
        verdict = workspace.decide(path).verdict
        plan = workspace.check(path)
    short = "harm at most 1 % takes at least 299 red-team cases, and there are only 47"
    cure = "add about 504 rows of the red team, or promise harm at most 6.2 %"
    said = f"{short}: {cure}"
    assert (verdict.decision, len(server.calls)) == (Decision.CANNOT_TELL, 0)
    assert verdict.headline == f"Cannot tell yet: {said}; until then keep agents."
    err = capsys.readouterr().err
    assert f"· {short} (stratum red; 0 violations allowed; 628 cases to allow 2): {cure}" in err
    assert "· solved at least 85 % takes at least 29 certify cases, and there are 375" in err
    assert "nothing can be adopted with these cases, so nobody is paid" in err
    assert plan.most == 0


def test_all_are_asked_all_the_same_where_that_is_wanted(tmp_path, server):
    path = write_red(tmp_path, server)
    verdict = decided(path, exhaustive=True).verdict
    assert len(server.calls) == 422
    assert verdict.decision is Decision.CANNOT_TELL
    assert verdict.candidates[0].tally.harm_cases == 47
    assert "there are only 47" in verdict.headline
    again = decided(path)  # what is stored counts, and nobody is asked
    assert (again.verdict.headline, len(server.calls)) == (verdict.headline, 422)


def test_with_cases_enough_the_same_contract_is_decided(tmp_path, server):
    verdict = decided(write_red(tmp_path, server, at_most=0.1)).verdict
    assert (verdict.decision, verdict.winner) == (Decision.ADOPT, "ours")


def test_a_candidate_with_a_cap_of_too_few_cases_is_not_paid(tmp_path, server):
    more = [
        {"name": "rules", "rule": "rules.yaml"},
        {"name": "duo", "cascade": [{"solver": "rules", "threshold": 0.5}, {"solver": "ours"}]},
    ]
    path = write_red(tmp_path, server, at_most=0.2, more=more, cases=5)
    (tmp_path / "rules.yaml").write_text(RULES)
    found = decided(path).verdict
    assert (found.winner, len(server.calls)) == ("rules", 0)
    with Workspace(quiet=True) as workspace:
        said = workspace.check(path).needs
    told = next(line for line in said if line.startswith("ours is asked 5 cases at most"))
    assert "takes no share of the error and is not run (`rixin decide --only ours` runs it)" in told


def test_who_cannot_be_certified_takes_no_share_of_the_error(tmp_path, server):
    few = {"name": "few", "student": "tfidf-logistic", "cases": 20}
    path = write_desk(tmp_path, candidates=[{"name": "rules", "rule": "rules.yaml"}, few])
    (tmp_path / "rules.yaml").write_text(RULES)
    result = decided(path)
    budget = result.certificate["error_budget"]
    assert (budget["each_of"], budget["takes_no_share"]) == (1, ["few"])
    asked = {one.name: one.tally.cases for one in result.verdict.candidates}
    assert (result.verdict.winner, asked["few"]) == ("rules", 0)
    result.write_certificate(tmp_path / ".rixin" / "c.json")
    with Workspace(quiet=True) as workspace:
        assert workspace.verify(tmp_path / ".rixin" / "c.json").holds
    named = decided(path, only=("few",)).verdict
    assert next(one for one in named.candidates if one.name == "few").tally.cases == 20
    assert next(one for one in named.candidates if one.name == "few").standing is not Standing.HOLDS


def test_a_cascade_that_would_pay_a_member_in_vain_is_not_asked(tmp_path, server):
    more = [
        {"name": "rules", "rule": "rules.yaml"},
        {"name": "duo", "cascade": [{"solver": "rules", "threshold": 1}, {"solver": "ours"}]},
    ]
    path = write_red(tmp_path, server, more=more)
    (tmp_path / "rules.yaml").write_text(RULES)
    verdict = decided(path).verdict
    assert (verdict.decision, len(server.calls)) == (Decision.CANNOT_TELL, 0)
    rules = next(one for one in verdict.candidates if one.name == "rules")
    assert rules.tally.cases > 0


def test_a_decision_on_some_leaves_the_others_as_they_stood(tmp_path):
    student = {"name": "student", "student": "tfidf-logistic"}
    both = [{"name": "rules", "rule": "rules.yaml"}, student]
    path = write_desk(tmp_path, candidates=both, promise={"solved": {"at_least": 0.9}})
    (tmp_path / "rules.yaml").write_text("rules: [{label: refund, any: [refund]}]")

    def evidence(result):
        one = next(one for one in result.verdict.candidates if one.name == "rules")
        return one.tally.cases, one.solved, one.saving_per_month, one.trial.state

    before = evidence(decided(path))
    assert (before[0] < 422, before[3]) == (True, "rejected")
    assert evidence(decided(path, only=("student",))) == before
    with Workspace(quiet=True) as workspace:
        assert evidence(workspace.report(path)) == before

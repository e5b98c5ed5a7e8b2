"""What guards let pass: shown before and with a verdict, and each change of it in the trail."""

from desk import write_desk
from rixin import Workspace
from rixin.ledger.audit import entries

ALLOW = [{"pii": {"allow": ["a@b.org", {"regex": "ORD-.*"}]}}]


def noted(workspace, path):
    found = entries(workspace.desk(path).ledger, 50, actions=["guards.allow"])
    return [(one["actor"], one["subject"], one["detail"]["allow"]) for one in found]


def test_each_change_of_what_is_allowed_is_in_the_trail(tmp_path, monkeypatch):
    monkeypatch.setenv("RIXIN_ACTOR", "ada")
    with Workspace(quiet=True) as workspace:
        path = write_desk(tmp_path)
        workspace.decide(path)
        assert noted(workspace, path) == []
        write_desk(tmp_path, policy={"egress": "none", "guards": ALLOW})
        workspace.decide(path)
        workspace.decide(path)
        listed = ("ada", "desk", [["pii", ["a@b.org", {"regex": "ORD-.*"}]]])
        assert noted(workspace, path) == [listed]
        monkeypatch.setenv("RIXIN_ACTOR", "bob")
        write_desk(tmp_path, policy={"egress": "none", "guards": ["pii"]})
        workspace.decide(path)
        assert noted(workspace, path) == [listed, ("bob", "desk", [])]


def test_check_and_report_show_what_is_allowed(tmp_path):
    path = write_desk(tmp_path, policy={"egress": "none", "guards": ALLOW})
    told = "the guard pii lets pass, by its `allow`: 'a@b.org', /ORD-.*/"
    with Workspace(quiet=True) as workspace:
        plan = workspace.check(path)
        assert plan.to_dict()["allowed"] == [told]
        assert told in plan.text()
        result = workspace.decide(path)
    assert told in result.verdict.warnings
    assert "lets pass, by its" in result.html()

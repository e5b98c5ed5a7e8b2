"""How sure an answer is, and whether its case is unlike others, reaches the caller; a floor holds."""

import json
import shutil
from types import SimpleNamespace

import pytest

from rixin.core.key import Limits
from rixin.errors import UsageError
from rixin.ledger.audit import entries
from rixin.ledger.audit_check import check
from rixin.solvers._familiar import familiar_with
from rixin.workspace import Workspace
from serve.house import start
from serve.test_loading import CONTRACT, decided  # noqa: F401 - a fixture
from serve.test_people import rixin, until

CASE = "a cat of herd 5"
TEXTS = [["my", "card", f"n{n}"] for n in range(200)]


def serve(path, floor=None):
    """A copy of the scenario that abstains below a floor, decided on and served."""
    text = CONTRACT if floor is None else f"{CONTRACT}policy: {{abstain_below: {floor}}}\n"
    path.write_text(text)
    with Workspace(quiet=True) as workspace:
        found = workspace.decide(path, only=["student"])
        desk = workspace.desk(path)
        desk.release(path, force=True, solver="student")
        desk.promote("pets")
        key = desk.create_key("test", scenarios=["pets"], limits=Limits())[0]
    return found, start(path, key=key)


def end(house):
    house.stop()
    house.process.stderr.close()


def test_confidence_and_what_is_unlike_reach_the_caller(decided, tmp_path):  # noqa: F811
    shutil.copytree(decided.parent, tmp_path / "pets")
    _, house = serve(tmp_path / "pets" / "pets.yaml")
    try:
        reply = house.chat(CASE, "scenario/pets")
        assert 0.5 < float(reply.headers["x-rixin-confidence"]) <= 1
        assert "x-rixin-outside" not in reply.headers
        name = reply.headers["x-rixin-request-id"]
        seen = until(lambda: house.ask(f"/v1/requests/{name}", method="GET")).json()
        assert abs(seen["confidence"] - float(reply.headers["x-rixin-confidence"])) < 1e-4
        other = house.chat("purple bananas?", "scenario/pets")
        assert other.headers["x-rixin-outside"] == "true"
        row = house.row(other.headers["x-rixin-request-id"])
        assert row["detail"]["outside"] is True
        said = rixin(house, "explain", other.headers["x-rixin-request-id"])[1]
        assert "hardly a word of the case is known" in said
    finally:
        end(house)


def test_a_scenario_abstains_below_its_floor_in_the_decision_and_served(decided, tmp_path):  # noqa: F811
    shutil.copytree(decided.parent, tmp_path / "pets")
    path = tmp_path / "pets" / "pets.yaml"
    found, house = serve(path, floor=0.999)
    try:
        (tally,) = [one.tally for one in found.verdict.candidates if one.name == "student"]
        assert tally.abstained == tally.cases > 0  # what was stored is judged anew
        reply = house.chat(CASE, "scenario/pets")
        assert "goes to people" in reply.json()["choices"][0]["message"]["refusal"]
        assert "x-rixin-confidence" not in reply.headers
        row = house.row(reply.headers["x-rixin-request-id"])
        assert (row["state"], row["solver"]) == ("queued", "human")
        said = rixin(house, "explain", row["id"])[1]
        assert "threshold 0.999): passed on" in said
    finally:
        end(house)
    path.write_text(f"{CONTRACT}policy: {{abstain_below: 0.01}}\n")
    with Workspace(quiet=True) as workspace:
        found = workspace.decide(path, only=["student"])
        assert workspace.desk(path).release(path).certified  # and verified
    (tally,) = [one.tally for one in found.verdict.candidates if one.name == "student"]
    assert (tally.abstained, tally.solved > 0) == (0, True)


def test_what_is_unlike_is_rare_among_what_was_learnt_from():
    known = familiar_with(TEXTS)
    asked = (["purple"], [], ["my", "cat"])
    assert [known.is_outside(words) for words in asked] == [True, True, False]
    strangers = familiar_with([["x"], ["y"], *TEXTS[:8]])  # too many that share nothing
    assert not strangers.is_outside(["purple"])
    assert not familiar_with([]).is_outside(["purple"])


def test_a_release_on_assumed_money_asks_for_its_owner(tmp_path):
    path = tmp_path / "pets.yaml"
    rows = "".join(f"a {pet} of {n},{pet}\n" for n in range(80) for pet in ("cat", "dog"))
    (tmp_path / "cases.csv").write_text("q,a\n" + rows)
    text = CONTRACT.replace(", source: test}", "}").replace("owner: test", "owner: finance")
    given = "value_per_solved: 1, cost_per_wrong: 1, cost_per_review: 1, build_cost: 0, cpu_hour: 0"
    path.write_text(text.replace(given, "build_cost: 0"))
    with Workspace(quiet=True) as workspace:
        assert workspace.decide(path, only=["student"]).verdict.winner == "student"
        with pytest.raises(UsageError, match=r"is assumed .*incumbent") as error:
            workspace.desk(path).release(path)
        assert "finance" in error.value.hint
    folder = SimpleNamespace(path=path)
    assert rixin(folder, "release")[0] == 2
    code, said = rixin(folder, "release", "--accept-assumptions")
    assert (code, "certified" in said) == (0, True), said
    ledger = tmp_path / ".rixin" / "ledger.sqlite3"
    code, said = rixin(folder, "audit", "log", "--action", "release.", "--json")
    (entry,) = json.loads(said)
    assert entry["detail"]["accepted_for"] == "finance"
    assert len(entry["detail"]["assumed"]) == 4
    assert check(ledger).wrong == []


def test_the_trail_is_filtered(decided, tmp_path):  # noqa: F811
    shutil.copytree(decided.parent, tmp_path / "pets")
    path = tmp_path / "pets" / "pets.yaml"
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path, actor="ann")
        desk.create_key("one", limits=Limits())
        desk.revoke_key("one")
        ledger = desk.ledger
        seen = [one["action"] for one in entries(ledger, 9, actor="ann")]
        assert seen == ["key.create", "key.revoke"]
        assert [one["action"] for one in entries(ledger, 9, actions=["key.r"])] == ["key.revoke"]
        assert entries(ledger, 9, actions=["key_"]) == entries(ledger, 9, since=4e9) == []
        assert len(entries(ledger, 9, actions=["key", "decision"], since=0.0)) == 3
        assert len(entries(ledger, 9, traffic=False)) == len(entries(ledger, 9))
    code, said = rixin(SimpleNamespace(path=path), "audit", "log", "--actor", "ann")
    assert (code, said.count("\n"), "'" in said) == (0, 2, False)

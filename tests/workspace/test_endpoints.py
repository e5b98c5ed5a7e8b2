"""Endpoint candidates through the whole path: keys, prices, caps, servers that fail."""

import json
from decimal import Decimal

import pytest

from desk import contract, write_desk
from rixin import Workspace
from rixin.core.verdict import Decision, Standing
from rixin.errors import BudgetReached, ContractError, EndpointFault, UsageError
from rixin.interop.contract.load import load_scenario
from rixin.workspace.endpoints import is_usual, key_goes_to
from support import completion, failure, model_server

USAGE = {"prompt_tokens": 100, "completion_tokens": 10}


def right(_, body):
    """A model that reads the message and knows the queue."""
    text = body["messages"][-1]["content"].rpartition("Input:")[2]
    for label, words in {
        "refund": ("refund", "money", "charge"),
        "delivery": ("parcel", "delivery", "courier"),
    }.items():
        if any(word in text for word in words):
            return completion(json.dumps({"label": label}), usage=USAGE)
    return completion('{"label": "account"}', usage=USAGE)


def strong(server, **more):
    return {
        "name": "strong",
        "endpoint": "big",
        "base_url": server if isinstance(server, str) else server.url,
        **more,
    }


def decide(folder, *candidates, exhaustive=False, **changes):
    path = write_desk(folder, candidates=list(candidates), **changes)
    with Workspace(quiet=True) as workspace:
        return workspace.decide(path, exhaustive=exhaustive)


PRICE = {"price": {"input": 1, "output": 10}}


def test_an_endpoint_is_decided_with_its_price(tmp_path):
    with model_server(right) as server:
        result = decide(tmp_path, strong(server, **PRICE), exhaustive=True)
        assert len(server.calls) == 422
    (one,) = result.verdict.candidates
    assert (result.verdict.decision, one.standing) == (Decision.ADOPT, Standing.HOLDS)
    assert one.cost_per_case.value == pytest.approx(100e-6 + 10 * 10e-6)
    assert one.tally.cost_total == Decimal("0.0844")
    assert result.verdict.spent == Decimal("0.0844")


def test_an_unknown_price_is_never_zero(tmp_path):
    with model_server(right) as server:
        result = decide(tmp_path, strong(server, cases=200))
    (one,) = result.verdict.candidates
    assert one.cost_per_case.value is None
    assert result.verdict.spent is None
    assert any("price of strong is not known" in line for line in result.verdict.warnings)


def test_a_price_file_gives_the_price_and_its_date(tmp_path):
    (tmp_path / "prices.yaml").write_text("date: 2026-11-01\nmodels: {big: {input: 2, output: 8}}")
    with model_server(right) as server:
        result = decide(tmp_path, strong(server, cases=30), prices="prices.yaml")
    (line,) = result.data.prices
    assert (line.date, line.source) == ("2026-11-01", "prices.yaml")


def test_the_spend_cap_holds_and_the_next_run_goes_on(tmp_path):
    with model_server(right) as server:
        with pytest.raises(BudgetReached, match="spend cap") as caught:
            decide(tmp_path, strong(server, **PRICE), budget={"decide": 0.05})
        assert caught.value.exit_code == 3
        first = len(server.calls)
        assert first * 0.0002 <= 0.05
        with Workspace(quiet=True) as workspace:
            plan = workspace.check(tmp_path / "desk.yaml")
            assert plan.lines[0].stored > 100
            assert plan.most == Decimal("0.05")
        result = decide(tmp_path, strong(server, **PRICE), budget={"decide": 5}, exhaustive=True)
        assert len(server.calls) == 422
    assert result.verdict.winner == "strong"


def test_the_spend_cap_counts_answers_that_an_earlier_scorer_judged(tmp_path):
    budget = {"decide": 0.05}
    with model_server(right) as server:
        for scorer in ("label", "exact", "contains"):
            with pytest.raises(BudgetReached):
                decide(tmp_path, strong(server, **PRICE), budget=budget, scorers=[scorer])
        assert len(server.calls) * 0.0002 <= 0.05


def red_teamed(folder, server, **changes):
    """Every second case is of the red team; all is asked."""
    write_desk(folder)
    head, *rows = (folder / "cases.csv").read_text().splitlines()
    parted = [f"{row},{('plain', 'red')[place % 2]}" for place, row in enumerate(rows)]
    (folder / "parted.csv").write_text("\n".join([f"{head},part", *parted, ""]))
    fields = {
        "cases": {**contract()["cases"], "path": "parted.csv", "stratum": "part"},
        "promise": {"solved": {"at_least": 0.8}, "harm": {"at_most": 0.02, "stratum": "red"}},
        "policy": {"guards": ["output-schema"]},
    }
    return decide(folder, strong(server, **PRICE), exhaustive=True, **fields, **changes)


def test_asking_everybody_everything_asks_the_red_team_too(tmp_path):
    with model_server(right) as server:
        result = red_teamed(tmp_path, server)
        calls = len(server.calls)
    effort = result.verdict.effort
    assert (effort.answers, effort.all_answers) == (calls, 422)
    assert effort.spent == calls * Decimal("0.0002") == result.verdict.spent
    (one,) = result.verdict.candidates
    assert one.tally.harm_cases == 149
    assert (result.verdict.decision, one.standing) == (Decision.ADOPT, Standing.HOLDS)


def test_the_planned_maximum_covers_every_pool(tmp_path, capsys):
    with model_server(right) as server:
        two = [{**strong(server, **PRICE), "name": name} for name in ("one", "two")]
        path = write_desk(tmp_path, candidates=two)
        with Workspace() as workspace:
            workspace.decide(path)
        paid = len(server.calls) * Decimal("0.0002")
        said = capsys.readouterr().err
        most = Decimal(said.split("are expected; EUR ")[1].split(" at most")[0])
        assert 0 < paid <= most
        last = said.rpartition("so far ")[2]
        assert Decimal(last.split("EUR ")[1].split()[0]) == pytest.approx(paid, abs=Decimal("0.01"))
        with Workspace(quiet=True) as workspace:
            assert workspace.check(path).lines[0].cases > 422  # shape cases, too


def test_the_spend_cap_counts_red_team_answers_of_earlier_runs(tmp_path):
    with model_server(right) as server:
        for _ in range(3):
            with pytest.raises(BudgetReached):
                red_teamed(tmp_path, server, budget={"decide": 0.06})
        assert 0.05 < len(server.calls) * 0.0002 <= 0.06


def test_a_missing_key_is_told_before_anything_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("DESK_KEY", raising=False)
    with model_server(right) as server:
        candidate = strong(server, key={"env": "DESK_KEY"}, **PRICE)
        with pytest.raises(EndpointFault, match="DESK_KEY is not set") as caught:
            decide(tmp_path, candidate)
        assert "export DESK_KEY=" in caught.value.hint
        assert server.calls == []
        with Workspace(quiet=True) as workspace:
            workspace.check(tmp_path / "desk.yaml")
            workspace.report(tmp_path / "desk.yaml")


def test_a_key_comes_from_the_environment_or_a_file_and_is_stored_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_KEY", "sk-from-the-environment")
    (tmp_path / "key.txt").write_text("sk-from-a-file\n")
    with model_server(right) as server:
        few = {"key": {"env": "DESK_KEY"}, "cases": 20}
        decide(tmp_path, strong(server, **few, **PRICE), exhaustive=True)
        assert server.headers[-1]["Authorization"] == "Bearer sk-from-the-environment"
        count = len(server.calls)
        more = {"key": {"file": "key.txt"}, "cases": 25}
        decide(tmp_path, strong(server, **more, **PRICE), exhaustive=True)
        assert server.headers[-1]["Authorization"] == "Bearer sk-from-a-file"
        assert len(server.calls) == count + 5
        with pytest.raises(EndpointFault, match="cannot be read"):
            decide(tmp_path, strong(server, key={"file": "none.txt"}, **PRICE))
    for path in (tmp_path / ".rixin").iterdir():
        assert b"sk-from" not in path.read_bytes()


def test_a_server_that_is_down_leaves_the_others_decided(tmp_path):
    down = strong("http://127.0.0.1:9/v1", **PRICE)
    result = decide(tmp_path, {"name": "rules", "rule": "rules.yaml"}, down, exhaustive=True)
    assert result.exit_code == 4
    assert result.verdict.winner == "rules"
    assert any("candidate 'strong' cannot be measured" in line for line in result.verdict.warnings)


def test_a_server_that_is_down_is_not_missed_where_rules_suffice(tmp_path):
    down = strong("http://127.0.0.1:9/v1", **PRICE)
    result = decide(tmp_path, down, {"name": "rules", "rule": "rules.yaml"})
    assert (result.exit_code, result.verdict.winner) == (0, "rules")
    assert result.verdict.candidates[0].standing is Standing.UNMEASURED


def test_a_dear_endpoint_is_not_paid_where_a_cheap_one_holds(tmp_path):
    dear = {"price": {"input": 10, "output": 100}}
    with model_server(right) as server, model_server(right) as other:
        cheap = {**strong(server, **PRICE), "name": "cheap"}
        result = decide(tmp_path, strong(other, **dear), cheap)
        assert 0 < len(server.calls) < 422
        assert other.calls == []
    assert result.verdict.winner == "cheap"
    assert result.verdict.spent == len(server.calls) * Decimal("0.0002")


def test_a_wrong_model_name_is_found_with_one_call(tmp_path):
    with model_server(lambda *_: failure(404, "model 'big' not found")) as server:
        result = decide(tmp_path, strong(server, **PRICE))
        assert len(server.calls) == 1
    assert result.exit_code == 4
    assert any("check the model name 'big'" in line for line in result.verdict.warnings)


def test_faults_are_retried_until_the_exact_score_is_there(tmp_path):
    def shaky(number, body):
        if number % 20 == 7:
            return failure(429, "slow down", **{"Retry-After": "0.01"})
        return failure(500, "oops") if number % 20 == 13 else right(number, body)

    with model_server(shaky) as server:
        result = decide(tmp_path, strong(server, **PRICE), exhaustive=True)
    (one,) = result.verdict.candidates
    assert (one.tally.cases, one.tally.solved, one.tally.unmeasured) == (422, 422, 0)
    assert one.tally.retries > 20


def test_without_a_price_no_cap_can_hold_on_this_machine_either(tmp_path):
    """A proxy that bills others may listen on it, so check and decide refuse alike."""
    with model_server(right) as server:
        path = write_desk(tmp_path, candidates=[strong(server)], budget={"decide": 5})
        for command in (Workspace.check, Workspace.decide):
            with (
                Workspace(quiet=True) as workspace,
                pytest.raises(UsageError, match="the spend cap of 5 cannot hold") as caught,
            ):
                command(workspace, path)
            assert "{input: 0, output: 0} where the server is your own" in caught.value.hint
    assert server.calls == []


def test_an_unknown_price_is_not_asked_where_nothing_can_be_adopted(tmp_path):
    with model_server(right) as server:
        result = decide(tmp_path, strong(server, cases=60))
    assert server.calls == []
    assert "there are only 60 (raise its `cases: 60`)" in result.verdict.headline


def test_without_a_price_no_cap_can_hold_elsewhere(tmp_path):
    with pytest.raises(UsageError, match="the spend cap of 5 cannot hold"):
        decide(
            tmp_path,
            {"name": "far", "endpoint": "big", "base_url": "http://192.0.2.1/v1"},
            budget={"decide": 5},
            policy={"egress": "allowed"},
        )


def test_nothing_leaves_where_egress_is_none(tmp_path):
    with pytest.raises(ContractError, match="egress is none"):
        decide(tmp_path, {"name": "far", "endpoint": "big", "base_url": "http://192.0.2.1/v1"})


@pytest.mark.parametrize(
    ("policy", "is_allowed"),
    [
        ({"egress": ["192.0.2.1"]}, True),
        ({"egress": ["192.0.2.1:443", "*.example.com"]}, False),
        ({"egress": "allowed", "regions": ["eu", "uk"]}, True),
        ({"egress": ["192.0.2.1"], "regions": ["us"]}, False),
    ],
)
def test_a_release_asks_nobody_outside_of_its_hosts_and_regions(tmp_path, policy, is_allowed):
    from dataclasses import replace

    from rixin.workspace.frozen import freeze, thaw
    from rixin.workspace.serving import upstreams_of

    far = {"name": "far", "endpoint": "big", "base_url": "http://192.0.2.1/v1", "region": "eu"}
    scenario = load_scenario(
        write_desk(tmp_path, candidates=[far], policy={"egress": "allowed", "regions": ["eu"]})
    )
    hosts = policy["egress"] if isinstance(policy["egress"], list) else ()
    strict = replace(scenario.policy, hosts=tuple(hosts), regions=tuple(policy.get("regions", ())))
    frozen = thaw(freeze(replace(scenario, policy=strict)), scenario.path)
    assert frozen.policy == strict
    assert [one.name for one in upstreams_of(frozen, ["far"])] == ["far"] * is_allowed


def test_doctor_asks_an_endpoint_for_its_models(tmp_path, monkeypatch):
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    state = {"status": 200, "models": ["big"]}

    class Models(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"data": [{"id": name} for name in state["models"]]}).encode()
            self.send_response(state["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    monkeypatch.setenv("DESK_KEY", "k")
    path = write_desk(tmp_path, candidates=[strong(url, key={"env": "DESK_KEY"})])

    def found():
        with Workspace(quiet=True) as workspace:
            return workspace.doctor(path)[-1]

    assert (found().state, found().said) == ("ok", f"big at {url}, price unknown")
    state["models"] = ["bigger"]
    assert (found().state, found().mend) == ("warn", "did you mean 'bigger'?")
    state["status"] = 401
    assert "refuses the key" in found().said
    server.shutdown()
    server.server_close()
    assert found().state == "bad"
    monkeypatch.delenv("DESK_KEY")
    assert "DESK_KEY is not set" in found().said


def test_a_key_is_sent_only_where_it_belongs_unless_somebody_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET", "s3cr3t")
    (tmp_path / "id_rsa").write_text("s3cr3t")
    # Nobody resolves this name (RFC 2606): a call would be an error, and none is made.
    evil = "https://openai.com@collector.invalid/v1"
    thieves = [
        strong(evil, name="one", key={"env": "AWS_SECRET"}),
        strong(evil, name="two", key={"file": "id_rsa"}),
        strong("https://api.openai.com/v1", name="three", key={"env": "AWS_SECRET"}),
    ]
    path = write_desk(tmp_path, candidates=thieves, policy={"egress": "allowed"})
    with Workspace(quiet=True) as workspace:
        *_, one, two, three = workspace.doctor(path)
        said = " ".join(workspace.check(path).text().split())
    for finding, place in ((one, "the variable AWS_SECRET"), (two, "the file id_rsa")):
        assert finding.state == "warn"
        assert f"not asked: {place} goes to collector.invalid" in finding.said
        assert "--send-keys" in finding.mend
        known = f"a decision sends a key: {place} goes to collector.invalid, which is"
        assert f"{known} not known as its provider" in said
    assert "not asked: the variable AWS_SECRET goes to api.openai.com" in three.said
    path = write_desk(tmp_path, candidates=thieves[:1], policy={"egress": "allowed"})
    with Workspace(quiet=True) as workspace:
        assert workspace.doctor(path, send_keys=True)[-1].said.startswith(evil)


def test_a_provider_gets_its_own_key_and_this_machine_any(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    usual = strong("https://api.openai.com/v1", key={"env": "OPENAI_API_KEY"})
    here = strong("http://127.0.0.1:9/v1", name="here", key={"env": "MY_KEY"})
    scenario = load_scenario(
        write_desk(tmp_path, candidates=[usual, here], policy={"egress": "allowed"})
    )
    assert [is_usual(one) for one in scenario.candidates] == [True, True]
    assert (
        key_goes_to(scenario.candidates[0]) == "the variable OPENAI_API_KEY goes to api.openai.com"
    )


def test_what_a_model_can_do_is_part_of_the_contract(tmp_path):
    given = strong("http://127.0.0.1:1/v1", context=8000, supports=["tools"], **PRICE)
    candidate = load_scenario(write_desk(tmp_path, candidates=[given])).candidates[0]
    assert (candidate.options["context"], candidate.options["supports"]) == (8000, ["tools"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"context": 500, "max_tokens": 500}, "500 tokens hold no question"),
        ({"supports": ["json_schemas"]}, "json_schema"),
    ],
)
def test_what_no_model_can_do_is_a_mistake(tmp_path, more, said):
    with pytest.raises(ContractError, match=said):
        decide(tmp_path, strong("http://127.0.0.1:1/v1", **more, **PRICE))

"""What a gateway tells without a key, by which name, and what its log says of who was turned away."""

import http.client
import json
import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from rixin.cli.serve import serve as command
from rixin.core.key import Limits
from rixin.workspace import Workspace
from serve.house import served

KEY = "a key for the counters alone"


@pytest.fixture(scope="module")
def beyond(tmp_path_factory):
    """A gateway that other machines reach."""
    options = ("--host", "0.0.0.0", "--metrics-key", KEY, "--log", "json")
    with served(tmp_path_factory.mktemp("beyond"), *options, faults=()) as house:
        yield house


def get(house, path, *, host="x", key=None):
    headers = {"Host": host}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=20)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    found = SimpleNamespace(status=reply.status, body=reply.read())
    connection.close()
    return found


def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not holds():
        time.sleep(0.05)
    return holds()


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz", "/openapi.json", "/v1/models"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8200", "127.0.0.1.evil.example", ""]
)
def test_a_page_that_points_its_own_name_here_reads_nothing(house, path, host):
    reply = get(house, path, host=host, key=house.key)
    assert reply.status == 421
    assert b"--allowed-host" in reply.body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8200", "127.0.0.1", "[::1]:8200", "x"])
def test_a_gateway_of_this_machine_is_asked_by_its_own_names(house, host):
    for path in ("/metrics", "/readyz", "/healthz"):
        assert get(house, path, host=host).status == 200
    assert json.loads(get(house, "/readyz", host=host).body)["serves"] == {"desk": 1}


def test_other_machines_get_no_counters_without_a_key(beyond):
    assert get(beyond, "/metrics").status == 401
    assert get(beyond, "/metrics", key="wrong").status == 401
    assert get(beyond, "/metrics", key=beyond.key).status == 403
    assert b"rixin_in_flight" in get(beyond, "/metrics", key=KEY).body
    for role, status in (("admin", 200), ("auditor", 200), ("viewer", 403)):
        with Workspace(quiet=True) as workspace:
            desk = workspace.desk(beyond.path)
            key, made = desk.create_key(role, role=role, limits=Limits())
        assert until(
            lambda key=key, status=status: get(beyond, "/metrics", key=key).status == status
        )
        with Workspace(quiet=True) as workspace:
            workspace.desk(beyond.path).revoke_key(made.public_id)
        assert until(lambda key=key: get(beyond, "/metrics", key=key).status == 401)


def test_other_machines_are_told_whether_it_is_ready_and_no_more(beyond):
    for key in (None, "wrong"):
        reply = get(beyond, "/readyz", key=key)
        assert (reply.status, json.loads(reply.body)) == (200, {"status": "ready"})
    for key in (KEY, beyond.key):
        assert json.loads(get(beyond, "/readyz", key=key).body)["serves"] == {"desk": 1}


def test_who_is_turned_away_is_counted_and_logged_by_address(beyond):
    for _ in range(3):
        assert beyond.ask("/v1/chat/completions", {"my": "secret words"}, key="no").status == 401
    text = get(beyond, "/metrics", key=KEY).body.decode()
    (line,) = [one for one in text.splitlines() if 'code="401"' in one and "_total" in one]
    assert int(line.rpartition(" ")[2]) >= 3
    logged = [json.loads(one) for one in beyond.lines if '"status": 401' in one]
    assert {one["address"] for one in logged} == {"127.0.0.1"}
    assert not any("secret words" in one for one in beyond.lines)


def test_a_start_that_other_machines_reach_says_what_that_means(beyond):
    assert any("without TLS" in line and "--metrics-key" in line for line in beyond.lines)


def test_a_key_for_the_counters_that_can_be_guessed_is_refused(tmp_path):
    (tmp_path / "ledger.sqlite3").touch()
    said = CliRunner().invoke(
        command, ["--metrics-key", "secret", "--ledger", str(tmp_path / "ledger.sqlite3")]
    )
    assert said.exit_code == 2
    assert "16 characters" in said.output


def test_the_first_page_leads_to_all_others(beyond):
    found = json.loads(get(beyond, "/").body)
    assert found["name"] == "rixin"
    for name in ("openapi", "healthz", "readyz"):
        assert get(beyond, found[name]).status == 200
    page = beyond.ask("/", method="GET", headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert all(f'href="{found[name]}"'.encode() in page.body for name in ("openapi", "metrics"))
    document = json.loads(get(beyond, "/openapi.json").body)
    assert all(
        one["summary"]
        for path in document["paths"].values()
        for method, one in path.items()
        if method in {"get", "post"}
    )


def test_a_start_says_which_ledger_it_serves(beyond):
    assert any(
        "one gateway, one ledger" in line and "RIXIN_LEDGER" in line for line in beyond.lines
    )

"""Keys that end by themselves and keys that were given a new secret."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from rixin.cli.app import run as rixin
from rixin.core.key import Limits
from rixin.errors import UsageError
from rixin.ledger.audit_check import check
from rixin.ledger.keys import list_keys
from rixin.ledger.store import Ledger
from rixin.serve.sensenova.tokens import secret_of, server_key
from rixin.workspace import Workspace
from serve.house import served

DAY = timedelta(days=1)
EXPIRES = "x-rixin-key-expires"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("ending"), faults=()) as house:
        yield house


@pytest.fixture
def desk(house):
    with Workspace(quiet=True) as workspace:
        yield workspace.desk(house.path)


def new_ledger(folder):
    path = folder / "ledger.sqlite3"
    Ledger(path).close()
    return path


def until(house, key, status):
    """The first reply with a status: the gateway looks at its keys twice a second."""
    end = time.monotonic() + 60
    while (reply := house.chat("a zebra", key=key)).status != status:
        assert time.monotonic() < end, reply.body
        time.sleep(0.05)
    return reply


def test_a_key_says_before_that_it_ends_and_is_refused_afterwards(house, desk):
    secret, key = desk.create_key("soon", limits=Limits(), lifetime=timedelta(seconds=4))
    assert until(house, secret, 200).headers[EXPIRES] == key.expires_at
    refused = until(house, secret, 401).json()["error"]
    assert refused["code"] == "invalid_api_key"
    assert f"this key ended at {key.expires_at}" in refused["message"]
    assert f"rixin keys rotate {key.public_id}" in refused["message"]
    assert house.ask("/v1/models", key=secret, method="GET").status == 401
    newer, _ = desk.rotate_key("soon", grace=timedelta(), lifetime=DAY)
    assert until(house, newer, 200).headers[EXPIRES]


def test_a_key_that_ends_later_says_nothing_yet_and_the_metric_names_the_first_end(house, desk):
    later, one = desk.create_key("later", limits=Limits(), lifetime=90 * DAY)
    first, two = desk.create_key("first", limits=Limits(), lifetime=timedelta(hours=6))
    assert EXPIRES not in until(house, later, 200).headers
    assert until(house, first, 200).headers[EXPIRES] == two.expires_at
    assert EXPIRES not in house.chat("a zebra").headers  # it never ends
    text = house.ask("/metrics", method="GET").body.decode()
    (line,) = [one for one in text.splitlines() if one.startswith("rixin_key_expiry_timestamp")]
    ends = datetime.fromtimestamp(float(line.split()[1]), UTC)
    assert ends.isoformat(timespec="seconds") == two.expires_at
    for name in (one.public_id, two.public_id):
        assert name not in text


def test_both_secrets_hold_in_the_grace_with_one_budget_and_one_history(house, desk, capsys):
    old, key = desk.create_key("app", limits=Limits(requests_per_day=30))
    until(house, old, 200)
    new, rotated = desk.rotate_key("app", grace=7 * DAY)
    assert rotated.public_id == key.public_id
    assert EXPIRES not in until(house, new, 200).headers
    assert house.chat("a zebra", key=old).headers[EXPIRES] == rotated.ends()[0]
    statuses = [house.chat("a zebra", key=secret).status for secret in [old, new] * 15]
    assert (statuses[0], statuses[-2:]) == (200, [429, 429])
    time.sleep(0.3)
    where = ["--ledger", str(house.ledger)]
    assert rixin(["requests", "--key", "app", "--last", "50", "--json", *where]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["state"] for one in rows].count("answered") == 30
    assert rixin(["keys", "list", *where]) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if key.public_id in one]
    assert f"active, earlier secret until {rotated.ends()[0][:10]}" in line


def test_without_a_grace_the_secret_before_ends_at_once(house, desk):
    old, key = desk.create_key("leaked", limits=Limits())
    until(house, old, 200)
    new, _ = desk.rotate_key(key.public_id, grace=timedelta())
    assert "was replaced by a newer one" in until(house, old, 401).json()["error"]["message"]
    until(house, new, 200)
    desk.revoke_key("leaked")
    until(house, new, 401)


def test_a_new_secret_lasts_as_long_as_the_one_before_and_a_revoked_key_gets_none(tmp_path):
    path = new_ledger(tmp_path)
    with Workspace(ledger=path, quiet=True) as workspace:
        desk = workspace.desk()
        desk.create_key("app", limits=Limits(), lifetime=30 * DAY)
        desk.rotate_key("app", grace=DAY)
        _, key = desk.rotate_key("app", grace=7 * DAY)
        made = [datetime.fromisoformat(one.made_at) for one in key.secrets]
        ends = [datetime.fromisoformat(one) for one in key.ends()]
        assert [end - at for end, at in zip(ends, made, strict=True)][1:] == [7 * DAY, 30 * DAY]
        assert timedelta() <= ends[0] - made[0] - DAY < timedelta(minutes=10)
        assert key.limits == Limits()
        desk.revoke_key("app")
        with pytest.raises(UsageError, match="was revoked on"):
            desk.rotate_key(key.public_id, grace=DAY)
        assert check(path).wrong == []


def test_an_approver_whose_key_has_ended_approves_nothing(house, desk):
    old, _ = desk.create_key("bob", role="approver", limits=Limits())
    new, _ = desk.rotate_key("bob", grace=timedelta())
    with pytest.raises(UsageError, match="or it has ended"):
        desk.promote("desk", key=old)
    assert desk.promote("desk", key=new).live == 1


def test_a_key_that_signs_is_rotated_too(house, capsys):
    import jwt

    where = ["--ledger", str(house.ledger)]

    def asked(access, secret):
        claims = {"iss": access, "exp": int(time.time()) + 60, "nbf": int(time.time()) - 5}
        token = jwt.encode(claims, secret, algorithm="HS256")
        return house.ask("/v1/llm/models", key=token, method="GET").status

    def shown(*words):
        assert rixin(["keys", *words, "--sensenova", *where]) == 0
        return dict(line.split("=") for line in capsys.readouterr().out.split())

    old = shown("create", "--name", "nova")
    access = old["SENSENOVA_ACCESS_KEY_ID"]
    new = shown("rotate", "nova", "--grace", "1h")
    assert new["SENSENOVA_ACCESS_KEY_ID"] == access
    secrets = [one["SENSENOVA_SECRET_ACCESS_KEY"] for one in (old, new)]
    key = server_key(house.ledger)
    assert secrets == [secret_of(key, access), secret_of(key, access, 1)]
    end = time.monotonic() + 60
    while asked(access, secrets[1]) != 200:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert asked(access, secrets[0]) == 200
    assert asked(access, "0" * 64) == 401


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "--expires", "soon"], "'soon' is not a span of time: write it as 90d"),
        (["create", "--expires", "0d"], "'0d' is not a span of time"),
        (["create", "--expires", "9999999d"], "'9999999d' is not a span of time"),
        (["rotate", "app", "--grace", "7"], "'7' is not a span of time"),
        (["rotate", "nobody"], "nobody"),
    ],
)
def test_what_is_no_span_or_no_key_is_told(tmp_path, capsys, words, said):
    ledger = new_ledger(tmp_path)
    assert rixin(["keys", "create", "--name", "app", "--ledger", str(ledger)]) == 0
    capsys.readouterr()
    assert rixin(["keys", *words, "--ledger", str(ledger)]) != 0
    assert said in capsys.readouterr().err
    with Ledger(ledger) as opened:
        assert [len(one.secrets) for one in list_keys(opened)] == [1]


def test_commands_show_ends_and_never_a_hash(tmp_path, capsys):
    where = ["--ledger", str(new_ledger(tmp_path))]

    def ran(*words):
        assert rixin(["keys", *words, *where]) == 0
        return capsys.readouterr()

    made = ran("create", "--name", "app", "--expires", "90d")
    assert "it ends at 2" in made.err
    rotated = ran("rotate", "app", "--grace", "0", "--expires", "1d")
    assert "the secret before it ends at 2" in rotated.err
    assert made.out.split("-")[1] == rotated.out.split("-")[1]
    (plain,) = json.loads(ran("list", "--json").out)
    assert plain["expires_at"] == plain["secrets"][1]["ends_at"]
    assert set(plain["secrets"][0]) == {"made_at", "ends_at"}
    assert "until 2" in ran("list").out
    whole = json.loads(ran("rotate", "app", "--json").out)
    assert (len(whole["secrets"]), whole["key"][:15]) == (3, made.out[:15])
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        hashes = [one.hash for one in list_keys(ledger)[0].secrets]
    assert not any(one in json.dumps([plain, whole]) for one in hashes)

"""What operators change reaches a gateway, whatever is wrong with the rest."""

import contextlib
import sqlite3

import pytest

from rixin.workspace import Workspace
from serve.house import create_key, release, start, upstream, write_scenario
from serve.test_faults import until

PRICES = "date: 2026-01-01\nmodels: {good: {input: 10, output: 40}}\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Its endpoint has the price of a file."""
    folder = tmp_path_factory.mktemp("following")
    with upstream(folder) as up:
        path = write_scenario(folder / "desk", up.url, more="prices: prices.yaml", faults=())
        (path.parent / "prices.yaml").write_text(PRICES)
        path.write_text(path.read_text().replace(", price: {input: 10, output: 40}}", "}"))
        release(path)
        one = start(path, key=create_key(path), upstream=up)
        try:
            yield one
        finally:
            one.stop()
            one.process.stderr.close()


@pytest.fixture
def key(house):
    """A key that works."""
    made = create_key(house.path)
    assert until(lambda: house.chat("a zebra", key=made).status == 200, 30)
    return made


def revoke(house, key):
    with Workspace(quiet=True) as workspace:
        workspace.desk(house.path).revoke_key(key.split("-")[1])


def change(house, statement, *values):
    with contextlib.closing(sqlite3.connect(house.ledger, timeout=30)) as database:
        database.execute(statement, values)
        database.commit()


def ready(house):
    reply = house.ask("/readyz", method="GET")
    return reply.status, reply.json()["status"], " ".join(reply.json()["missing"])


def refused(house, key):
    return until(lambda: house.chat("a zebra", key=key).status == 401, 30)


@pytest.mark.parametrize(
    "prices", ["date: 2026-01-01\nmodels: {good: 10}\n", "models: [", "\x00", "[1, 2]", "date: 5"]
)
def test_a_broken_price_file_stops_no_revocation(house, key, prices):
    file = house.path.parent / "prices.yaml"
    try:
        made = release(house.path)
        assert until(
            lambda: f'"desk":{made.number}' in house.ask("/readyz", method="GET").body.decode()
        )
        with Workspace(quiet=True) as workspace:
            workspace.desk(house.path).release(house.path, force=True, solver="strong")
            file.write_text(prices)
            workspace.desk(house.path).promote("desk")
        revoke(house, key)
        assert refused(house, key)
        assert until(lambda: ready(house)[:2] == (200, "degraded"), 30)
        assert f"desk@{made.number + 1}" in ready(house)[2]
        assert house.chat("a zebra").status == 200  # what served before goes on
    finally:
        file.write_text(PRICES)
        release(house.path)
    assert until(lambda: ready(house)[1] == "ready", 30)


@pytest.mark.parametrize("limits", ["{", '{"money_per_day": "x"}'])
def test_a_key_that_cannot_be_read_stops_no_revocation(house, key, limits):
    odd = create_key(house.path)
    public = odd.split("-")[1]
    with contextlib.closing(sqlite3.connect(house.ledger)) as database:
        asked = "SELECT limits FROM keys WHERE public_id = ?"
        good = database.execute(asked, (public,)).fetchone()[0]
    try:
        change(house, "UPDATE keys SET limits = ? WHERE public_id = ?", limits, public)
        revoke(house, key)
        assert refused(house, key)
        assert until(lambda: f"key {public} cannot be read" in ready(house)[2], 30)
        assert ready(house)[:2] == (200, "degraded")
        # One that is known and cannot be read any more can be revoked all the same.
        assert until(lambda: house.chat("a zebra", key=odd).status in {200, 401}, 30)
        revoke_unread(house, public)
        assert refused(house, odd)
    finally:
        change(house, "UPDATE keys SET limits = ? WHERE public_id = ?", good, public)
        create_key(house.path)
    assert until(lambda: ready(house)[1] == "ready", 30)


def revoke_unread(house, public):
    """As `rixin keys revoke` does it; that reads the key back, and cannot."""
    change(house, "UPDATE keys SET revoked_at = '2026-01-01' WHERE public_id = ?", public)
    create_key(house.path)


def test_a_release_that_cannot_be_read_stops_no_revocation(house, key):
    with Workspace(quiet=True) as workspace:
        made = workspace.desk(house.path).release(house.path, force=True, solver="rules")
        change(house, "UPDATE releases SET certificate = '{' WHERE number = ?", made.number)
        live = house.ask("/readyz", method="GET").json()["serves"]["desk"]
        change(house, "UPDATE pointers SET live = ?", made.number)
        revoke(house, key)
        assert refused(house, key)
        assert until(lambda: f"desk@{made.number}" in ready(house)[2], 30)
        assert house.chat("a zebra").status == 200
        change(house, "UPDATE pointers SET history = '{'")
        create_key(house.path)
        assert until(lambda: "desk@pointer" in ready(house)[2], 30)
        change(house, "UPDATE pointers SET live = ?, history = '[]'", live)
        create_key(house.path)
    assert until(lambda: ready(house)[1] == "ready", 30)


def test_a_gateway_that_cannot_follow_is_not_ready_and_goes_on_when_it_can(house, key):
    change(house, "ALTER TABLE keys RENAME TO away")
    change(house, "ALTER TABLE pointers RENAME TO gone")
    with contextlib.closing(sqlite3.connect(house.ledger)) as database:
        last = database.execute("SELECT max(seq) FROM audit").fetchone()[0]
    change(
        house,
        "INSERT INTO audit SELECT seq + 1, at, actor, 'key.revoke', subject, detail, previous, hash"
        " FROM audit WHERE seq = ?",
        last,
    )
    assert until(lambda: "reading keys and revocations: failed" in ready(house)[2], 30)
    assert until(lambda: "following releases: failed" in ready(house)[2], 30)
    assert ready(house)[0] == 503
    change(house, "ALTER TABLE away RENAME TO keys")
    change(house, "ALTER TABLE gone RENAME TO pointers")
    change(
        house, "UPDATE keys SET revoked_at = '2026-01-01' WHERE public_id = ?", key.split("-")[1]
    )
    assert refused(house, key)
    assert until(lambda: ready(house)[:2] == (200, "ready"), 30)
    log = "".join(house.lines)
    assert "reading keys and revocations failed, and is tried again" in log
    assert "rixin/serve/state.py" in log

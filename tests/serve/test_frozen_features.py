"""What an endpoint takes is found out while deciding, and serves as it was decided on."""

import json

from rixin.ledger.releases import find_release
from rixin.ledger.store import Ledger
from rixin.workspace import Workspace
from serve.house import create_key, start, write_scenario
from serve.scripted import USED, Reply, Scripted, whole


def test_a_release_asks_as_was_found_out_in_deciding(tmp_path):
    refused = {"temperature"}

    def reply(asked):
        odd = sorted(refused & asked.keys())
        if odd:
            return Reply({"error": {"message": f"{odd[0]} is not supported"}}, 400)
        return Reply(whole("stripes", usage=USED))

    endpoint = Scripted({"odd": reply})
    try:
        path = write_scenario(tmp_path / "desk", endpoint.url, faults=("odd",))
        with Workspace(quiet=True) as workspace:
            workspace.decide(path, only=["odd"])
            workspace.desk(path).release(path, force=True, solver="odd")
            workspace.desk(path).promote("desk")
        asked = endpoint.seen("odd")
        assert "temperature" in asked[0]
        assert "temperature" not in asked[-1]
        with Ledger(path.parent / ".rixin" / "ledger.sqlite3") as ledger:
            frozen = json.loads(find_release(ledger, "desk", 1).frozen)
        (odd,) = [one for one in frozen["candidates"] if one["name"] == "odd"]
        assert odd["options"]["takes"]["temperature"] is False
        house = start(path, key=create_key(path))
        try:
            before = len(asked)
            assert house.chat("an okapi").status == 200
            assert [one for one in asked[before:] if "temperature" in one] == []
            refused.add("max_tokens")  # the endpoint changes: what serves does not
            assert "stripes" not in house.chat("an okapi").body.decode()
            assert len(endpoint.seen("odd")) == before + 2
        finally:
            house.stop()
            house.process.stderr.close()
        with Workspace(quiet=True) as workspace:  # the next run asks so from its first call
            refused.discard("max_tokens")
            (path.parent / "cases.csv").write_text("q,a\n" + "another okapi,stripes\n" * 30)
            before = len(endpoint.seen("odd"))
            workspace.decide(path, only=["odd"])
        new = endpoint.seen("odd")[before:]
        assert [one for one in new if "temperature" in one] == []
    finally:
        endpoint.close()

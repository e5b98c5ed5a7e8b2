"""What answers is loaded before it is asked: at the start, after promote, for canaries and files."""

import asyncio
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from rixin.core.key import Limits
from rixin.engine.transport import HttpTransport
from rixin.interop.contract.load import load_scenario
from rixin.ledger.store import Ledger
from rixin.serve.state import State
from rixin.solvers import student as students
from rixin.workspace import Workspace
from serve.house import start, write_scenario
from serve.test_faults import until

CONTRACT = """\
scenario: pets
owner: test
task: Name the animal.
cases: {path: cases.csv, input: q, expected: a}
output: labels
scorers: [exact]
demand: {cases_per_month: 1000}
incumbent: {name: people, cost_per_case: 1, solved: 0.9, source: test}
economics: {value_per_solved: 1, cost_per_wrong: 1, cost_per_review: 1, build_cost: 0, cpu_hour: 0}
promise: {solved: {at_least: 0.5}}
candidates:
  - {name: student, student: tfidf-logistic}
  - {name: small, student: tfidf-logistic, max_train: 20}
"""


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pets")
    rows = "".join(
        f"a {pet} of herd {n * 7919},{pet}\n" for n in range(80) for pet in ("cat", "dog")
    )
    (folder / "cases.csv").write_text("q,a\n" + rows)
    path = folder / "pets.yaml"
    path.write_text(CONTRACT)
    with Workspace(quiet=True) as workspace:
        workspace.decide(path)
    return path


@pytest.fixture
def path(decided, tmp_path):
    shutil.copytree(decided.parent, tmp_path / "pets")
    with Workspace(quiet=True) as workspace:
        for solver in ("student", "small"):
            workspace.desk(tmp_path / "pets" / "pets.yaml").release(
                tmp_path / "pets" / "pets.yaml", force=True, solver=solver
            )
        workspace.desk(tmp_path / "pets" / "pets.yaml").promote("pets", 1)
    return tmp_path / "pets" / "pets.yaml"


def promote(path, number, **more):
    with Workspace(quiet=True) as workspace:
        workspace.desk(path).promote("pets", number, **more)


class House:
    """A gateway's state, and what is trained in it."""

    def __init__(self, path, **more):
        self.said = []
        self.ledger = Ledger(path.parent / ".rixin" / "ledger.sqlite3")
        self.state = State(self.ledger, HttpTransport(), self.said.append, **more)

    def is_trained(self, number):
        served = self.state.routes["pets"].releases[number]
        return [tier.solver.fit_seconds is not None for tier in served.tiers] == [True]

    async def until(self, found):
        async with asyncio.timeout(60):
            while not found():
                await self.state.load_releases()
                await asyncio.sleep(0.01)

    async def __aenter__(self):
        await self.state.load()
        return self

    async def __aexit__(self, *_):
        await self.state.close()
        await self.state.transport.close()
        self.ledger.close()


def test_what_serves_at_the_start_is_trained_then(path):
    promote(path, 2, canary=20)

    async def look():
        async with House(path) as house:
            assert (house.is_trained(1), house.is_trained(2)) == (True, True)
            assert house.said[0].startswith("student: training on ")

    asyncio.run(look())


def test_the_release_before_serves_while_another_is_trained(path, monkeypatch):
    async def look():
        async with House(path) as house:
            go_on = hold_back(monkeypatch)
            promote(path, 2)
            for _ in range(3):  # rounds go on, and so do answers
                await house.state.load_releases()
                assert house.state.routes["pets"].pointer.live == 1
                assert house.state.routes["pets"].pick(None).release.number == 1
            go_on.set()
            await house.until(lambda: house.state.routes["pets"].pointer.live == 2)
            assert house.is_trained(2)

    asyncio.run(look())


def hold_back(monkeypatch):
    """Trainings wait until the event is set."""
    import threading

    go_on, fit = threading.Event(), students.fit_classifier

    def late(*given):
        go_on.wait(60)
        return fit(*given)

    monkeypatch.setattr(students, "fit_classifier", late)
    return go_on


def test_a_rollback_waits_for_no_canary_that_is_trained(path, monkeypatch):
    async def look():
        async with House(path) as house:
            go_on = hold_back(monkeypatch)
            promote(path, 2, canary=50)
            await house.until(lambda: house.state.routes["pets"].pointer.canary == 2)
            picked = {house.state.routes["pets"].pick(None).release.number for _ in range(50)}
            assert picked == {1}
            with Workspace(quiet=True) as workspace:
                workspace.desk(path).rollback("pets")
            await house.state.load_releases()
            assert house.state.routes["pets"].pointer.canary is None
            go_on.set()

    asyncio.run(look())


def test_releases_that_served_before_are_trained_behind_the_one_that_serves(path):
    promote(path, 2)

    async def look():
        async with House(path) as house:
            assert house.is_trained(2)
            await house.until(lambda: 1 in house.state.routes["pets"].releases)
            assert house.is_trained(1)

    asyncio.run(look())


def test_a_release_that_cannot_be_loaded_is_named_and_serves_not(path, monkeypatch):
    async def look():
        async with House(path) as house:
            monkeypatch.setattr(students, "fit_classifier", lambda *_: 1 / 0)
            promote(path, 2)
            await house.until(lambda: house.state.faults)
            assert "pets@2" in house.state.faults
            assert house.state.routes["pets"].pointer.live == 1

    asyncio.run(look())


def test_a_file_is_answered_by_what_was_trained_before_its_first_row(path):
    promote(path, 2)
    (path.parent / "in.csv").write_text("q\na cat\na dog\n")
    for model, trained in (("pets", "small"), ("pets@1", "student")):
        command = ["apply", model, "in.csv", "-o", f"{trained}.csv"]
        done = subprocess.run(
            [sys.executable, "-m", "rixin", *command],
            cwd=path.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"{trained}: training on" in done.stderr
        assert (path.parent / f"{trained}.csv").read_text().count(f",{trained},") == 2


def test_a_gateway_is_ready_after_the_training_and_no_caller_waits_for_one(path):
    house = start(path)
    try:
        trained = [n for n, line in enumerate(house.lines) if "training" in line]
        ready = [n for n, line in enumerate(house.lines) if "rixin serves" in line]
        assert trained
        assert trained < ready
        with Workspace(quiet=True) as workspace:
            key = workspace.desk(path).create_key("app", limits=Limits())[0]
        assert until(lambda: house.chat("a cat", "scenario/pets", key=key).status == 200, 60)
        assert sum("training" in line for line in house.lines) == 1
    finally:
        house.stop()
        house.process.stderr.close()


def test_the_log_says_what_operators_do_and_that_it_has_ended(path):
    house = start(path)

    def told(words):
        return until(lambda: sum(words in line for line in house.lines) == 1, 60)

    try:
        assert told("pets: release 1 serves, which is new here")
        for words, number, more in (
            ("pets: 20 % goes to release 2 (canary)", 2, {"canary": 20}),
            ("pets: release 2 serves instead of 1", 2, {}),
        ):
            promote(path, number, **more)
            assert told(words)
        with Workspace(quiet=True) as workspace:
            workspace.desk(path).rollback("pets")
        assert told("pets: release 1 serves instead of 2 (rollback)")
        promote(path, 2, canary=5)
        assert told("pets: 5 % goes to release 2")
        with Workspace(quiet=True) as workspace:
            workspace.desk(path).rollback("pets")
        assert told("pets: the canary 2 has ended; release 1 serves")
        house.stop()
        assert told("rixin serve has ended")
    finally:
        house.stop()
        house.process.stderr.close()


def test_releases_that_ask_the_same_student_share_it(path):
    with Workspace(quiet=True) as workspace:
        path.write_text(CONTRACT.replace("cases_per_month: 1000", "cases_per_month: 2000"))
        workspace.decide(path)
        made = workspace.desk(path).release(path, force=True, solver="student")
    promote(path, made.number)

    async def look():
        async with House(path) as house:
            await house.until(lambda: 1 in house.state.routes["pets"].releases)
            warm = house.state.routes["pets"].releases
            assert warm[1].tiers[0].solver is warm[made.number].tiers[0].solver
            assert len([line for line in house.said if "training" in line]) == 1
            await warm[1].close()
            assert house.is_trained(made.number)  # the other one has it still
            assert warm[made.number].tiers[0].solver._fitting is not None

    asyncio.run(look())


def test_a_student_is_trained_once_for_all_workers_and_starts(path):
    lines = []
    for _ in range(2):
        house = start(path, "--workers", "2")
        house.stop()
        house.process.stderr.close()
        lines.append([line for line in house.lines if "training on" in line])
    assert (len(lines[0]), lines[1]) == (1, [])
    folder = path.parent / ".rixin" / "students"
    assert {one.stat().st_mode & 0o077 for one in (folder, *folder.iterdir())} == {0}


def test_an_endpoint_is_declared_as_the_last_release_has_it(tmp_path):
    state = State(None, HttpTransport(), print)
    for name, port in (("desk", 1), ("other", 2), ("desk", 3)):
        path = write_scenario(tmp_path / name, f"http://127.0.0.1:{port}/v1", faults=())
        path.write_text(path.read_text().replace("scenario: desk", f"scenario: {name}"))
        state._declare(SimpleNamespace(scenario=load_scenario(path)))
    places = {name: one.url for name, one in state.upstreams.items()}
    assert places["solver/strong"] == places["solver/desk/strong"] == "http://127.0.0.1:3/v1"
    assert state.names() == ["solver/desk/strong", "solver/other/strong"]

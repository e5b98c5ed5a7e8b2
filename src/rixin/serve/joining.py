"""Finds the run of an agent that a call belongs to, by what its caller says."""

import re
from collections.abc import Sequence

from rixin.ledger.runs import root_of_run, spent_of_run
from rixin.serve.call import Call, too_many_runs
from rixin.serve.errors import Refusal, bad_request
from rixin.serve.meters import MONEY_RUN, Limit
from rixin.serve.runs import Cap, Id, Line, Runs, TableFull, from_hex, part_of, run_id, to_hex
from rixin.serve.state import State

LONGEST_NAME = 128
MOST_ANCESTORS = 8
_NAME = re.compile(r"[!-+\--~](?:[ -+\--~]{0,126}[!-+\--~])?")
_NOBODY: Id = (0, 0)
_NAMES = frozenset({"run_id", "parent_run_id"})
"""What is read of the metadata of a request."""


def name_run(call: Call, metadata: object) -> None:
    """Takes the run from the metadata of a request, where no header names one."""
    if isinstance(metadata, dict) and not call.run:
        run, parent = (metadata.get(name, "") for name in ("run_id", "parent_run_id"))
        if not isinstance(run, str) or not isinstance(parent, str):
            raise bad_request("run_id and parent_run_id are texts", param="metadata")
        call.run, call.parent_run = run, parent


def is_of_run(metadata: object) -> bool:
    """Whether metadata holds nothing but what names a run."""
    return isinstance(metadata, dict) and metadata.keys() <= _NAMES


async def join_run(state: State, runs: Runs, call: Call, limits: Sequence[Limit]) -> None:
    """Finds the run of a call, the first of its line, and the caps that hold for these.

    What is not in memory is read from the ledger: once for each run, and again where it has been
    idle for long.

    Args:
        state: What the worker knows.
        runs: The table.
        call: The call; its `line` is set.
        limits: Of its key and its scenario.

    Raises:
        Refusal: A name is none, the run has another parent, or there is no room for more runs.
    """
    caps = [limit for limit in limits if limit.kind == MONEY_RUN]
    if not call.run:
        alone = [Cap(_NOBODY, cap.most, _whose(cap, call)) for cap in caps]
        call.line = Line(None, _NOBODY, _NOBODY, alone)
        return
    line = [call.run, *(name.strip() for name in call.parent_run.split(",") if name.strip())]
    _check_names(line)
    key = call.caller.key.id
    run = run_id(key, call.run)
    try:
        root = await _root(state, runs, key, line)
        if line[1:] and (run == root or await _root(state, runs, key, line[1:]) != root):
            raise _another_parent(call)
        found = [await _cap(state, runs, call, root, cap) for cap in caps]
    except TableFull:
        raise too_many_runs() from None
    call.line = Line(runs, run, root, found)


async def _root(state: State, runs: Runs, key: int, line: Sequence[str]) -> Id:
    """The first of a run's line; the run is in the table from now on.

    Args:
        state: What the worker knows.
        runs: The table.
        key: Number of the key.
        line: The run, its parent, that one's parent, as far as the caller tells.
    """
    run = run_id(key, line[0])
    known = runs.root(run)
    if known is not None:
        return known
    stored = await state.read(root_of_run, to_hex(run))
    if stored is not None:
        root = from_hex(stored)
    else:
        root = await _root(state, runs, key, line[1:]) if line[1:] else run
    await _count(state, runs, root)
    runs.begin(run, root, 0)
    return root


async def _count(state: State, runs: Runs, root: Id) -> None:
    """Takes in the first of a line with what the ledger says that all of it has spent."""
    if runs.root(root) is None:
        runs.begin(root, root, await state.read(spent_of_run, to_hex(root)))


async def _cap(state: State, runs: Runs, call: Call, root: Id, cap: Limit) -> Cap:
    if cap.subject % 2 == 0:
        await _count(state, runs, root)
        return Cap(root, cap.most, _whose(cap, call))
    part = part_of(root, call.scenario)
    if runs.root(part) is None:
        runs.begin(part, root, await state.read(spent_of_run, to_hex(root), call.scenario))
    return Cap(part, cap.most, _whose(cap, call))


def _whose(cap: Limit, call: Call) -> str:
    return "its key" if cap.subject % 2 == 0 else f"the scenario {call.scenario}"


def _check_names(names: Sequence[str]) -> None:
    if len(names) > MOST_ANCESTORS + 1 or not all(map(_NAME.fullmatch, names)):
        raise bad_request(
            f"a run is named by up to {LONGEST_NAME} printable ASCII characters without a comma, and"
            f" up to {MOST_ANCESTORS} of its line with commas between them",
            param="run",
        )


def _another_parent(call: Call) -> Refusal:
    return Refusal(
        409,
        f"the run {call.run!r} began without the parent {call.parent_run!r}: a run names its parent"
        " in its first call, and no other later",
        "run_has_another_parent",
        "parent_run",
        retry=False,
        note="its run began with another parent, or with none",
    )

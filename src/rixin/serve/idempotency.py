"""`Idempotency-Key`: a request that is sent again gets the answer of the first time.

A request with such a key is answered in a task of its own: a caller who leaves finds the answer when
he sends it again. What went out is kept by way of `Recorded`, which stands in for the request.
"""

import asyncio
import hashlib
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from rixin.errors import LedgerFault
from rixin.ledger import idempotency as store
from rixin.ledger.idempotency import Full, Kept, KeptState, Known
from rixin.ledger.store import Ledger
from rixin.serve.call import counted
from rixin.serve.errors import Refusal
from rixin.serve.http import Request
from rixin.serve.meters import Meters
from rixin.serve.state import State

FIELD = b"idempotency-key"
MOST_ANSWER = 4 << 20
"""Bytes of an answer; a longer one is not kept."""
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_REPLAYED = b"idempotent-replayed: true\r\n"
_COST = re.compile(rb"(?:^|\n)x-rixin-cost: ([^\r]*)\r")
_REQUEST_ID = re.compile(rb"(?:^|\n)x-rixin-request-id: ([^\r]*)\r")
_LOOK_S = 0.1
_WAIT_S = 600.0
_AGAIN_S = (0.1, 1.0, 5.0, 30.0)
"""Pauses between tries to keep an answer while the ledger takes none."""
_log = logging.getLogger("rixin.serve")
Work = Callable[[Request], Awaitable[None]]


class Recorded(Request):
    """Stands in for a request: passes on what is answered for as long as the caller is there."""

    __slots__ = ("_head", "_kind", "_original", "_parts", "_size", "_status", "_streamed", "worked")

    def __init__(self, original: Request) -> None:
        for name in Request.__slots__:
            setattr(self, name, getattr(original, name))
        self._original: Request | None = original
        self._status, self._kind, self._head = 0, b"", b""
        self._parts: list[bytes] = []
        self._size, self._streamed = 0, False
        self.worked = asyncio.Event()
        """Set once nothing more is answered."""

    def leave(self) -> None:
        """The caller has left."""
        self._original = None

    def reply(
        self,
        status: int,
        body: bytes,
        extra: bytes = b"",
        content_type: bytes = b"application/json",
    ) -> None:
        """As `Request.reply`."""
        self._move(0, 2)
        self._status, self._kind, self._head = status, content_type, extra
        self._note(body)
        if self._original is not None:
            self._original.reply(status, body, extra, content_type)

    def begin(self, extra: bytes = b"") -> None:
        """As `Request.begin`."""
        self._move(0, 1)
        self._status, self._head, self._streamed = 200, extra, True
        if self._original is not None:
            self._original.begin(extra)

    def write(self, data: bytes) -> None:
        """As `Request.write`."""
        self._move(1, 1)
        self._note(data)
        if self._original is not None:
            self._original.write(data)

    def end(self, last: bytes = b"") -> None:
        """As `Request.end`."""
        self._move(1, 2)
        self._note(last)
        if self._original is not None:
            self._original.end(last)

    @property
    def may_have_cost(self) -> bool:
        """Whether somebody was paid, or may have been, or the request has done what it should."""
        cost = _COST.search(self._head)
        return self._status < 400 or (cost is not None and cost[1] != b"0")

    @property
    def kept(self) -> Kept | None:
        """What was answered; None: it is not whole, or too long."""
        if not self.is_answered or self._size > MOST_ANSWER:
            return None
        number = _REQUEST_ID.search(self._head)
        return Kept(
            self._status,
            self._kind.decode("latin-1"),
            self._head.decode("latin-1"),
            b"".join(self._parts),
            self._streamed,
            "" if number is None else number[1].decode("latin-1"),
        )

    def _move(self, before: int, after: int) -> None:
        self._check(before)
        self.stage = after

    def _note(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= MOST_ANSWER:
            self._parts.append(data)
        else:
            self._parts.clear()


class IdempotentRequests:
    """Those of one worker.

    Args:
        state: What the worker knows, by which the ledger is read.
        meters: What keys have used: an answer that is sent again counts as a request.
    """

    def __init__(self, state: State, meters: Meters) -> None:
        self._state, self._meters = state, meters
        self._running: dict[str, tuple[str, asyncio.Task[Kept | None]]] = {}
        """By name: what was asked, and the task that answers it."""

    async def answer(self, request: Request, work: Work) -> None:
        """Answers a request with a key: by its work, or as the same request was answered before.

        Raises:
            Refusal: The key is none, or stands for another request, or the ledger is away.
        """
        key = request.headers[FIELD].strip()
        if _KEY.fullmatch(key) is None:
            raise Refusal(
                400,
                "an Idempotency-Key has 1 to 255 characters of ASCII without blanks, such as a UUID",
                "invalid_idempotency_key",
                "Idempotency-Key",
            )
        key_id, end = request.caller.key.id, time.monotonic() + _WAIT_S
        name = hashlib.sha256(b"%d\n%b" % (key_id, key)).hexdigest()
        asked = _asked(request)
        while True:
            task = self._running.get(name)
            if task is not None:
                _check_same(task[0], asked)
                kept = await asyncio.shield(task[1])
            else:
                known = await self._begin(name, key_id, asked)
                if known is None:
                    await self._answer(name, asked, request, work)
                    return
                _check_same(known.asked, asked)
                kept = await self._kept(name, known, end)
            if kept is not None:
                with counted(request.caller.limits, self._meters, tokens=0, now=time.time()):
                    _replay(request, kept)
                return

    async def expire(self) -> None:
        """Removes what has been kept long enough."""
        await self._state.read(store.expire, time.time())

    async def close(self, grace_s: float) -> None:
        """Ends what callers left who may come back for it; a part of it may have been paid."""
        tasks = [task for _, task in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, name: str, key_id: int, asked: str) -> Known | None:
        try:
            found = await self._state.read(store.begin, name, key_id, asked, time.time())
        except LedgerFault as fault:
            _log.error("the ledger takes no idempotency key: %s", fault)
            raise Refusal(
                503,
                "the ledger cannot be written at the moment, so this request could be paid twice;"
                " nobody was asked",
                "ledger_away",
                retry_after_s=5.0,
            ) from fault
        if isinstance(found, Full):
            raise Refusal(
                429,
                f"{store.MOST_KEYS:,} idempotency keys or {store.MOST_BYTES >> 20} MiB of answers are"
                " kept for this key already; the oldest go after a day",
                "too_many_idempotency_keys",
                retry_after_s=max(1.0, found.until - time.time()),
                retry=False,
            )
        assert found is None or isinstance(found, Known)
        return found

    async def _answer(self, name: str, asked: str, request: Request, work: Work) -> None:
        recorded = Recorded(request)
        task = asyncio.create_task(self._recorded(name, recorded, work))
        self._running[name] = asked, task
        task.add_done_callback(lambda _: self._running.pop(name, None))
        try:
            await recorded.worked.wait()
        finally:
            recorded.leave()

    async def _recorded(self, name: str, recorded: Recorded, work: Work) -> Kept | None:
        """Works, and keeps what was answered; None: nobody was paid, or it cannot be kept."""
        store_it: Callable[[Ledger], None] = partial(_lose, name=name)
        kept = None
        try:
            await work(recorded)
            if not recorded.may_have_cost and recorded.is_answered:
                store_it = partial(_drop, name=name)
            elif (kept := recorded.kept) is not None:
                store_it = partial(_keep, name=name, answer=kept)
        finally:
            recorded.worked.set()
            await self._store(store_it)
        return kept

    async def _store(self, store_it: Callable[[Ledger], None]) -> None:
        for pause in (*_AGAIN_S, None):
            try:
                await self._state.read(store_it)
            except LedgerFault as fault:
                _log.error("an answer cannot be kept under its idempotency key: %s", fault)
                if pause is not None:
                    await asyncio.sleep(pause)
            else:
                return

    async def _kept(self, name: str, known: Known | None, end: float) -> Kept | None:
        """The answer that another worker gives; None: there is none, and nobody was paid.

        Raises:
            Refusal: It is not known whether there is one.
        """
        while known is not None and known.state is KeptState.RUNNING and time.monotonic() < end:
            if known.worker == os.getpid() and name not in self._running:
                known = known._replace(state=KeptState.LOST)  # its answer could not be kept
            elif not _is_alive(known.worker):
                known = known._replace(state=KeptState.LOST)
            else:
                await asyncio.sleep(_LOOK_S)
                found = await self._state.read(store.find, name)
                assert found is None or isinstance(found, Known)
                known = found
        if known is None:
            return None
        if known.state is KeptState.RUNNING:
            raise Refusal(
                409,
                "a request under this Idempotency-Key is still under way",
                "idempotency_in_progress",
                retry_after_s=5.0,
            )
        if known.answer is None:
            raise Refusal(
                409,
                "the request under this Idempotency-Key was cut off, or its answer was too long to"
                " keep: it may have been answered and paid, and is not asked again; send it under"
                " another key to ask and pay once more",
                "idempotency_outcome_unknown",
                retry=False,
            )
        return known.answer


def _lose(ledger: Ledger, *, name: str) -> None:
    store.lose(ledger, name)


def _drop(ledger: Ledger, *, name: str) -> None:
    store.drop(ledger, name)


def _keep(ledger: Ledger, *, name: str, answer: Kept) -> None:
    store.keep(ledger, name, answer)


def _asked(request: Request) -> str:
    head = f"{request.method} {request.path}?{request.query}\n".encode("latin-1", "replace")
    return hashlib.sha256(head + request.body).hexdigest()


def _check_same(before: str, asked: str) -> None:
    if before != asked:
        raise Refusal(
            409,
            "this Idempotency-Key stands for another request: a key goes with one path and body",
            "idempotency_key_reused",
            "Idempotency-Key",
            retry=False,
        )


def _replay(request: Request, kept: Kept) -> None:
    extra = kept.head.encode("latin-1") + _REPLAYED
    if kept.streamed:
        request.begin(extra)
        request.write(kept.body)
        request.end()
    else:
        request.reply(kept.status, kept.body, extra, kept.content_type.encode("latin-1"))


def _is_alive(process: int) -> bool:
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True

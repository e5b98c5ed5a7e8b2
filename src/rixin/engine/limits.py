"""How many calls may be under way, and how fast: adaptive to what the server says."""

import asyncio
import time
from collections import deque

from rixin.engine.halt import Halt, Halted

_WINDOW = 20
_TOO_MANY = 0.2
_FEW = 0.1


class Limiter:
    """Concurrency and rate of one endpoint.

    Starts at the allowed concurrency. When more than a fifth of the last 20 replies say
    "too many requests" the limit falls by 30 %; when few do it climbs back by one. A
    Retry-After pauses the whole endpoint, because it speaks for the server, not for one case.

    Args:
        concurrency: Most calls under way, at least 1.
        rate_per_minute: Most calls started a minute, or None.
    """

    def __init__(self, concurrency: int, rate_per_minute: float | None = None) -> None:
        self._most = concurrency
        self._limit = float(concurrency)
        self._running = 0
        self._gap_s = 60.0 / rate_per_minute if rate_per_minute else 0.0
        self._next_start = 0.0
        self._paused_until = 0.0
        self._recent: deque[bool] = deque(maxlen=_WINDOW)
        self._limited = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """Calls that may be under way now."""
        return max(1, int(self._limit))

    async def acquire(self, halt: Halt | None = None) -> None:
        """Waits for a place, for the rate, and for the end of a pause.

        Args:
            halt: Ends the waiting when the run ends.

        Raises:
            Halted: The run is ending; no place was taken.
        """
        while self._running >= self.limit:
            await self._queue()
        if halt is not None and halt.begun:
            self._wake()
            raise Halted
        self._running += 1
        if self._gap_s or self._paused_until:
            try:
                await self._wait_for_start(halt or Halt())
            except BaseException:
                self._leave()
                raise

    def release(self, *, limited: bool, retry_after_s: float | None = None) -> None:
        """Gives the place back and learns from the reply.

        Args:
            limited: The server said "too many requests".
            retry_after_s: How long it asked to wait, in seconds.
        """
        if retry_after_s:
            self._paused_until = max(self._paused_until, time.monotonic() + retry_after_s)
        if len(self._recent) == _WINDOW:
            self._limited -= self._recent[0]
        self._recent.append(limited)
        self._limited += limited
        if self._limited or self._limit < self._most:
            self._adapt()
        self._leave()

    def _adapt(self) -> None:
        share = self._limited / _WINDOW
        if share > _TOO_MANY:
            self._limit = max(1.0, self._limit * 0.7)
            self._recent.clear()
            self._limited = 0
        elif share < _FEW and len(self._recent) == _WINDOW:
            self._limit = min(float(self._most), self._limit + 1.0)

    async def _queue(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._wake()
            raise

    async def _wait_for_start(self, halt: Halt) -> None:
        while True:
            now = time.monotonic()
            ready = max(self._paused_until, self._next_start if self._gap_s else 0.0)
            if ready <= now:
                self._next_start = max(now, self._next_start) + self._gap_s
                return
            await halt.sleep(ready - now)

    def _leave(self) -> None:
        self._running -= 1
        self._wake()

    def _wake(self) -> None:
        free = self.limit - self._running
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1

"""Ending a run early, so that what is under way is stored and nothing new is begun."""

import asyncio

from rixin.errors import RixinError


class Halted(Exception):
    """The run is ending: a case whose call was not under way is left to the next run."""


class Halt:
    """Told to everything that waits before a call, once a run is to end."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason: RixinError | None = None
        """The first error that ended it; None where somebody wished to stop."""

    @property
    def begun(self) -> bool:
        """Whether the run is ending."""
        return self._event.is_set()

    def begin(self, reason: RixinError | None = None) -> None:
        """Ends the run: calls under way finish, no other begins."""
        self.reason = self.reason or reason
        self._event.set()

    async def wait(self) -> None:
        """Returns when the run is ending."""
        await self._event.wait()

    def check(self) -> None:
        """Goes on only while the run does.

        Raises:
            Halted: The run is ending.
        """
        if self._event.is_set():
            raise Halted

    async def sleep(self, seconds: float) -> None:
        """Waits, at most until the run is ending.

        Raises:
            Halted: The run is ending.
        """
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return
        raise Halted

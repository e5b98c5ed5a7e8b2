"""When a failed call is tried again, and after how long."""

import random
from dataclasses import dataclass

from rixin.core.answer import Failure

SILENT = frozenset({"connection", "timeout"})
"""Kinds of a failure in which no whole reply came."""


LONGEST_PAUSE_S = 120.0
"""How long a server that asks for a pause gets it; then it is asked again, and its next word counts."""


def pause_s(failure: Failure) -> float | None:
    """Seconds that a server asked to wait, as far as we wait; None: it asked for nothing."""
    asked = failure.retry_after_s
    return None if asked is None else min(asked, LONGEST_PAUSE_S)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter, at most `tries` calls for a case.

    The jitter is AWS's "full jitter": uniform in [0, base · 2^k], so that callers who failed
    together do not come back together (Brooker 2015).
    """

    tries: int = 7
    tries_before_success: int = 3
    """Fewer while the server has never replied: it is down or misnamed, not busy."""
    base_s: float = 0.25
    cap_s: float = 20.0

    def again(self, failure: Failure, tries: int, *, ever_answered: bool) -> bool:
        """Whether to call again after `tries` calls, the last of which failed."""
        most = self.tries
        if failure.kind in SILENT and not ever_answered:
            most = self.tries_before_success
        return failure.retryable and tries < most

    def delay_s(self, failure: Failure, tries: int, generator: random.Random) -> float:
        """Seconds to wait before the next call; what the server asked for comes first."""
        backoff = generator.uniform(0.0, min(self.cap_s, self.base_s * 2.0**tries))
        pause = pause_s(failure)
        return backoff if pause is None else pause + backoff / 4

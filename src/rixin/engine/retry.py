"""When a failed call is tried again, and after how long."""

import random
from dataclasses import dataclass

from rixin.core.answer import Failure

SILENT = frozenset({"connection", "timeout"})
"""Kinds of a failure in which no whole reply came."""


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
        return backoff if failure.retry_after_s is None else failure.retry_after_s + backoff / 4

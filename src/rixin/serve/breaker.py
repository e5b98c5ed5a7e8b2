"""A circuit breaker for each upstream: one that is down is not asked again by every request."""

from dataclasses import dataclass

FAILURES = 5
"""Failures in a row after which an upstream is left alone."""
OPEN_S = 5.0
"""Seconds that it is left alone; then one request tries it."""
LONGEST_S = 120.0
"""Seconds that it is left alone at most, whatever it asks for; then one request tries it."""


@dataclass(slots=True)
class Breaker:
    """The state of one upstream.

    Examples:
        >>> breaker = Breaker()
        >>> for _ in range(FAILURES):
        ...     breaker.failed(now=0.0)
        >>> breaker.wait(now=1.0), breaker.wait(now=6.0), breaker.wait(now=6.1) > 0
        (4.0, 0.0, True)
    """

    failures: int = 0
    until: float = 0.0
    """When it may be asked again, on the monotonic clock."""
    limited: bool = False
    """Whether it works, and asked for a pause only."""
    asked_until: float = 0.0
    """Until when it asked to be left alone, which callers are told."""

    def wait(self, *, now: float) -> float:
        """Seconds until it may be asked; 0: now. Whoever gets 0 after it was open tries it alone."""
        if not self.until:
            return 0.0
        if now < self.until:
            return self.until - now
        self.until = now + OPEN_S
        return 0.0

    def told(self, wait: float, *, now: float) -> float:
        """Seconds after which callers should come back, where `wait` is what is left for us."""
        return max(wait, self.asked_until - now)

    def worked(self) -> None:
        """It answered: all may ask."""
        self.failures, self.until, self.asked_until = 0, 0.0, 0.0

    def failed(
        self, *, now: float, retry_after_s: float | None = None, limited: bool = False
    ) -> None:
        """It failed, or asked for a pause."""
        self.failures += 1
        self.limited = limited
        if retry_after_s is not None:
            self.asked_until = now + retry_after_s
            self.until = max(self.until, now + min(retry_after_s, LONGEST_S))
        elif self.failures >= FAILURES:
            self.until = now + OPEN_S

"""What the gateway refuses, independent of the surface that says so."""

from dataclasses import dataclass


@dataclass(slots=True)
class Refusal(Exception):
    """A request that is not answered, with all that an error body of any surface needs."""

    status: int
    message: str
    code: str
    """A stable word."""
    param: str | None = None
    retry_after_s: float | None = None
    """When it may be tried again; None: not told."""
    retry: bool | None = None
    """Whether trying again helps; None: the client's own rule holds."""
    body: bytes | None = None
    """The upstream's own error body, passed on as it is."""
    note: str = ""
    """What is written down of it; empty: the message. An upstream's words may hold what was said."""
    failure: str = ""
    """The kind of an endpoint's failure, as `rixin.core.answer.Failure` names it; empty: it is none."""
    allow: str = ""
    """Methods that the address takes."""

    def __str__(self) -> str:
        return self.message


def bad_request(message: str, *, param: str | None = None, code: str = "invalid_value") -> Refusal:
    """A request that cannot be understood."""
    return Refusal(400, message, code, param)

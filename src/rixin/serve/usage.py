"""What an endpoint says it used, and what that costs."""

from typing import Any

import msgspec

from rixin.core.answer import Usage
from rixin.core.usage import read_usage
from rixin.serve.call import Call
from rixin.workspace.serving import Upstream

BYTES_PER_TOKEN = 4
"""Of an estimate, where an endpoint does not say."""


class Stated(msgspec.Struct):
    """Where the figures of a reply are, in the words of every maker; anything may be in them."""

    usage: Any = None
    service_tier: Any = None
    timings: Any = None
    x_groq: Any = None
    data: Any = None
    choices: list[msgspec.Raw] | None = None

    def used(self) -> Usage | None:
        """What it says of one call; None: nothing that can be believed."""
        if self.usage is None and self.timings is None and self.x_groq is None:
            return None
        body = {"usage": self.usage, "service_tier": self.service_tier}
        if self.choices is None:
            return read_usage({**body, "data": self.data})
        return read_usage({**body, "timings": self.timings, "x_groq": self.x_groq})


def note_usage(
    call: Call, upstream: Upstream, used: Usage | None, asked: int, answered: int
) -> None:
    """Tokens and cost of a call; where the endpoint does not say, they are estimated by size."""
    if used is None:
        used = Usage(
            input_tokens=asked // BYTES_PER_TOKEN + 1,
            output_tokens=answered // BYTES_PER_TOKEN + 1,
            calls=1,
        )
        call.estimated = True
    call.input_tokens, call.output_tokens = used.input_tokens, used.output_tokens
    call.cost_pico = upstream.price_pico(used)

"""What an endpoint says it used, and what that costs."""

import msgspec

from rixin.core.answer import Usage
from rixin.serve.call import Call
from rixin.workspace.serving import Upstream

BYTES_PER_TOKEN = 4
"""Of an estimate, where an endpoint does not say."""


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class UsageBody(msgspec.Struct):
    """What an endpoint says it used, under either API's names."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None

    def used(self) -> Usage:
        """As usage of one call."""
        details = self.prompt_tokens_details or self.input_tokens_details
        return Usage(
            input_tokens=self.prompt_tokens or self.input_tokens or 0,
            output_tokens=self.completion_tokens or self.output_tokens or 0,
            cached_tokens=0 if details is None else details.cached_tokens or 0,
            calls=1,
        )


def note_usage(
    call: Call, upstream: Upstream, said: UsageBody | None, asked: int, answered: int
) -> None:
    """Tokens and cost of a call; where the endpoint does not say, they are estimated by size."""
    if said is not None:
        used = said.used()
    else:
        used = Usage(
            input_tokens=asked // BYTES_PER_TOKEN + 1,
            output_tokens=answered // BYTES_PER_TOKEN + 1,
            calls=1,
        )
        call.estimated = True
    call.input_tokens, call.output_tokens = used.input_tokens, used.output_tokens
    call.cost_pico = upstream.price_pico(used)

"""What an endpoint says it used, and what that costs."""

from rixin.core.answer import Usage
from rixin.core.usage import BYTES_PER_TOKEN
from rixin.serve.call import Call
from rixin.workspace.serving import Upstream


def note_usage(
    call: Call, upstream: Upstream, used: Usage | None, asked: int, answered: int
) -> None:
    """Tokens and cost of a call. Where the endpoint does not say, its cost is not known.

    Tokens are estimated by size then, for limits of tokens; money is never guessed.
    """
    if used is None:
        used = Usage(
            input_tokens=asked // BYTES_PER_TOKEN + 1,
            output_tokens=answered // BYTES_PER_TOKEN + 1,
            calls=1,
        )
        call.estimated, call.cost_pico = True, None
    else:
        call.cost_pico, call.unread = upstream.price_pico(used), used.unread
        if call.cost_pico is None and used.service_tier:
            call.unread = (*used.unread, "service_tier")
    call.input_tokens, call.output_tokens = used.input_tokens, used.output_tokens

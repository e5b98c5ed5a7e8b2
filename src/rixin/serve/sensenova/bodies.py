"""Bodies of SenseNova's API."""

from typing import Annotated

import msgspec


class Turn(msgspec.Struct):
    """One message; its content is a text."""

    role: str
    content: str


class NovaBody(msgspec.Struct):
    """A completion's request; other fields are passed on, or named in `x-rixin-unheeded`."""

    model: str
    prompt: str = ""
    stream: bool | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=4)] | None = None
    max_new_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None


class NovaChatBody(NovaBody):
    """The same of a chat."""

    messages: list[Turn] = []

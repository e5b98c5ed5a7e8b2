"""Events of a stream, as the WHATWG HTML standard (§9.2) has them."""


def read_event(event: bytes) -> tuple[bytes, bytes, bytes | None]:
    r"""The lines of an event that are no data, its name, and its data; None: it holds none.

    Examples:
        >>> read_event(b"id: 7\nevent: delta\ndata: {\ndata: }")
        (b'id: 7\nevent: delta\n', b'delta', b'{\n}')
    """
    lead, name, data = [], b"", []
    for line in filter(None, event.split(b"\n")):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
            continue
        lead.append(line + b"\n")
        if field == b"event":
            name = value.strip()
    return b"".join(lead), name, b"\n".join(data) if data else None


def is_event(tail: bytes) -> bool:
    """Whether what a stream ends with is a whole event, though no blank line follows it."""
    data = (read_event(tail.strip(b"\n"))[2] or b"").strip()
    return data == b"[DONE]" or (data.startswith(b"{") and data.endswith(b"}"))

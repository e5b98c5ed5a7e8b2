"""A model server whose replies are odd: `upstream.py SEED MUTATED ADDRESS…`; prints its port.

It listens on many loopback addresses, so that a breaker that opens for one leaves the others. Each reply repeats
the marker of the question, so that an answer that reaches the wrong caller is seen.
"""

import asyncio
import gzip
import json
import re
import sys
from itertools import count
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.shapes import encode, mutate, mutate_bytes

SEED, MUTATED, ADDRESSES = int(sys.argv[1]), sys.argv[2] == "mutated", sys.argv[3:]
MARKER = re.compile(rb"m\d+q\d+z")
STATUSES = (
    200,
    200,
    200,
    201,
    204,
    302,
    400,
    401,
    404,
    408,
    422,
    429,
    498,
    499,
    500,
    503,
    520,
    529,
)
numbers = count()


def whole(marker: str, *, chunk: bool = False) -> dict:
    message = {"role": "assistant", "content": f"fine {marker}"}
    choice = {"index": 0, "delta" if chunk else "message": message, "finish_reason": "stop"}
    details = {"cached_tokens": 4}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": details}
    return {
        "id": "c",
        "object": "chat.completion",
        "model": "up",
        "choices": [choice],
        "usage": usage,
    }


def line(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def streamed(rng: Random, marker: str, mutated: bool) -> bytes:
    """A stream of some chunks; where it is mutated, one of its events or its bytes are."""
    events = []
    for number in range(rng.randrange(1, 6)):
        chunk = whole(f"{marker} {number}", chunk=True)
        if mutated and rng.random() < 0.4:
            chunk = mutate(rng, chunk)
        front = rng.choice((b"", b"", b"id: 7\n", b"event: message\n", b": hello\n"))
        events.append(front + b"data: " + encode(rng, chunk) + b"\n\n")
    body = b"".join(events) + b"data: [DONE]\n\n"
    if mutated and rng.random() < 0.4:
        body = mutate_bytes(rng, body)
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.randrange(6)))
    pieces = [body[i:j] for i, j in zip([0, *cuts], [*cuts, len(body)], strict=True) if i < j]
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head + b"".join(map(line, pieces)) + b"0\r\n\r\n"


def plain(rng: Random, marker: str, mutated: bool) -> bytes:
    status, body, headers = 200, whole(marker), []
    if mutated and rng.random() < 0.3:
        status = rng.choice(STATUSES)
        if rng.random() < 0.5:
            body = {
                "error": {"message": f"no {marker}", "type": "x", "code": rng.choice(("y", 429))}
            }
    for _ in range(rng.randrange(3) if mutated else 0):
        body = mutate(rng, body)
    data = encode(rng, body)
    if mutated and rng.random() < 0.2:
        data = mutate_bytes(rng, data)
    if rng.random() < 0.2:
        data = gzip.compress(data)
        headers.append(b"Content-Encoding: gzip\r\n")
        if mutated and rng.random() < 0.3:
            data = mutate_bytes(rng, data)
    if mutated and rng.random() < 0.2:
        headers.append(b"Retry-After: %b\r\n" % rng.choice((b"0", b"-1", b"nan", b"1e9", b"soon")))
    size = len(data) + (rng.choice((0, 0, 0, 5)) if mutated else 0)
    headers.append(b"Content-Length: %d\r\nContent-Type: application/json\r\n" % size)
    return b"HTTP/1.1 %d X\r\n%b\r\n%b" % (status, b"".join(headers), data)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(re.search(rb"content-length: *(\d+)", head)[1])
            body = await reader.readexactly(size)
            rng = Random(f"{SEED} {next(numbers)}")
            marker = (MARKER.search(body) or [b""])[0].decode()
            mutated = MUTATED and rng.random() < 0.7
            try:
                streams = json.loads(body).get("stream") is True
            except (ValueError, AttributeError, RecursionError):
                streams = False
            reply = (streamed if streams and rng.random() < 0.9 else plain)(rng, marker, mutated)
            if mutated and rng.random() < 0.1:
                reply = mutate_bytes(rng, reply)
            writer.write(reply)
            await writer.drain()
            if mutated:  # what is left of a broken reply must not be taken for the next one
                break
    except (asyncio.IncompleteReadError, ConnectionError, TypeError):
        pass
    finally:
        writer.close()


async def main() -> None:
    first = await asyncio.start_server(serve, ADDRESSES[0], 0, limit=1 << 26)
    port = first.sockets[0].getsockname()[1]
    others = [await asyncio.start_server(serve, one, port, limit=1 << 26) for one in ADDRESSES[1:]]
    print(port, flush=True)
    await asyncio.gather(*(server.serve_forever() for server in (first, *others)))


asyncio.run(main())

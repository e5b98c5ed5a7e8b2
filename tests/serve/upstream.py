"""An OpenAI-compatible server that misbehaves as the model's name says: `upstream.py EVENTS`.

Prints its port; writes one JSON line for each call and for each caller who left.
"""

import asyncio
import json
import sys
from pathlib import Path

events = Path(sys.argv[1]).open("a", buffering=1)  # noqa: SIM115 - open as long as the process
SAID = {
    "id": "chatcmpl-up",
    "object": "chat.completion",
    "created": 1,
    "model": "up-model",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "fine"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11},
}
ERRORS = {
    "f429": (429, "rate limit", {"Retry-After": "7"}),
    "f500": (500, "the server had an error", {}),
    "f400": (400, "context length exceeded", {}),
    "f401": (401, "incorrect key", {}),
}
PLAIN = {
    "html503": (503, b"<html>down</html>", {"Content-Type": "text/html", "Retry-After": "3"}),
    "badjson": (200, b'{"id": "x", "choices": [{"mess', {}),
    "empty": (200, b"", {}),
    "length": (
        200,
        json.dumps(
            {**SAID, "choices": [{**SAID["choices"][0], "finish_reason": "length"}]}
        ).encode(),
        {},
    ),
    "nofields": (200, b'{"id": "x", "object": "chat.completion"}', {}),
}


def note(**event):
    events.write(json.dumps(event) + "\n")


def reply(writer, status, body, headers=None):
    lines = {"Content-Type": "application/json", **(headers or {}), "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)


def chunk(text, **more):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up-model"}
    return b"data: " + json.dumps({**body, "choices": [choice], **more}).encode() + b"\n\n"


def frame(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def echoed(prompts):
    """A completion that says each token of its prompts again: the higher, the less likely."""
    prompts = prompts if isinstance(prompts[0], list) else [prompts]
    choices = []
    for place, tokens in enumerate(prompts):
        likely = [None, *(-float(one) for one in tokens[1:]), -1.0]
        top = [one if one is None else {"best": one} for one in likely]
        logprobs = {"token_logprobs": likely, "top_logprobs": top}
        choices.append({"index": place, "text": "", "logprobs": logprobs, "finish_reason": "stop"})
    used = {"prompt_tokens": sum(map(len, prompts)), "completion_tokens": len(prompts)}
    return {"object": "text_completion", "choices": choices, "usage": used}


def parroted(body):
    """An answer in JSON that repeats what was said."""
    said = json.dumps({"said": body["messages"][-1]["content"]})
    return {
        **SAID,
        "choices": [{**SAID["choices"][0], "message": {"role": "assistant", "content": said}}],
    }


async def left(reader, seconds):
    """Whether the caller went away in this time."""
    try:
        return not await asyncio.wait_for(reader.read(1), seconds)
    except TimeoutError:
        return False
    except ConnectionError:
        return True


async def stream(reader, writer, model, body):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    for number in range(20):
        writer.write(frame(chunk(f"t{number} ")))
        await writer.drain()
        if model == "cut" and number == 5:
            return False
        if model == "cuterr" and number == 5:
            error = {"error": {"message": "overloaded", "type": "server_error"}}
            writer.write(frame(b"data: " + json.dumps(error).encode() + b"\n\n") + b"0\r\n\r\n")
            return True
        if model == "badchunk" and number == 5:
            writer.write(frame(b'data: {"id":"c1","choi\n\n'))
        if model == "stall" and number == 5 and await left(reader, 20):
            note(model=model, event="left")
            return False
        if model == "slowstream" and await left(reader, 0.1):
            note(model=model, event="left", chunk=number)
            return False
        if model == "short" and number == 5:
            writer.write(b"0\r\n\r\n")
            return True
    writer.write(frame(chunk("").replace(b'"finish_reason": null', b'"finish_reason": "stop"')))
    if (body.get("stream_options") or {}).get("include_usage"):
        used = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
        more = json.loads((body.get("metadata") or {}).get("reply", "{}"))
        used = more.get("usage", used)
        for earlier in more.get("earlier", ()):
            writer.write(frame(chunk("", usage=earlier)))
        writer.write(
            frame(b"data: " + json.dumps({"choices": [], "usage": used}).encode() + b"\n\n")
        )
    writer.write(frame(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    note(model=model, event="whole")
    return True


def event(kind, **more):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


async def response_stream(writer, model, body):
    """A response in events that says its input again, cut where it may hurt."""
    at = {"item_id": "m", "output_index": 0, "content_index": 0}
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
    writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
    writer.write(frame(event("response.created", response={"status": "in_progress"})))
    said = body["input"]
    for place in range(0, len(said), 3):
        writer.write(
            frame(event("response.output_text.delta", **at, delta=said[place : place + 3]))
        )
        await writer.drain()
    if model == "cut":
        return False
    writer.write(frame(event("response.output_text.done", **at, text=said)))
    used = {"input_tokens": 10, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 5}}
    ended = "failed" if model == "cuterr" else "completed"
    writer.write(frame(event(f"response.{ended}", response={"status": ended, "usage": used})))
    writer.write(b"0\r\n\r\n")
    return True


async def answer(reader, writer, body, path, key):
    model = body.get("model", "?")
    note(model=model, event="call", body=body, path=path, key=key)
    if model in ERRORS:
        status, message, headers = ERRORS[model]
        error = {"error": {"message": message, "type": "x", "param": None, "code": "y"}}
        reply(writer, status, json.dumps(error).encode(), headers)
    elif model in PLAIN:
        status, data, headers = PLAIN[model]
        reply(writer, status, data, headers)
    elif model == "close":
        return False
    elif model in {"hang", "slow"}:
        if await left(reader, 20 if model == "hang" else 0.5):
            note(model=model, event="left")
            return False
        note(model=model, event="whole")
        reply(writer, 200, json.dumps(SAID).encode())
    elif body.get("stream") and path.endswith("/responses"):
        return await response_stream(writer, model, body)
    elif body.get("stream"):
        return await stream(reader, writer, model, body)
    elif body.get("echo"):
        reply(writer, 200, json.dumps(echoed(body["prompt"])).encode())
    elif path.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
        used = {"prompt_tokens": 3, "total_tokens": 3}
        reply(writer, 200, json.dumps({"object": "list", "data": data, "usage": used}).encode())
    else:
        said = parroted(body) if model == "parrot" else SAID
        # A test may say itself what the answer holds, e.g. what was used.
        more = json.loads((body.get("metadata") or {}).get("reply", "{}"))
        reply(writer, 200, json.dumps({**said, **more}).encode())
    return True


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = dict(
                line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
            )
            body = await reader.readexactly(int(lines.get("content-length", 0)))
            path = head.split()[1]
            given = json.loads(body) if body else {}
            if not await answer(reader, writer, given, path, lines.get("authorization", "")):
                break
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

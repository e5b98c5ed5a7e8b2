"""The HTTP client against a real server on loopback."""

import asyncio
import contextlib
import gzip
import threading
import time
import tracemalloc
import zlib

import pytest

from rixin.core.transport import TransportError
from rixin.engine import connections as connections_module
from rixin.engine import transport as module
from rixin.engine.transport import HttpTransport, measure_lag
from support import completion, failure, model_server


def post(url, *, times=1, timeout_s=5.0, at_once=False):
    """The replies to some posts."""

    async def main():
        transport = HttpTransport()
        calls = [
            transport.post(url, headers={"X-One": "1"}, body=b"{}", timeout_s=timeout_s)
            for _ in range(times)
        ]
        try:
            return await asyncio.gather(*calls) if at_once else [await call for call in calls]
        finally:
            await transport.close()
            await transport.close()

    return asyncio.run(main())


def test_a_reply_comes_with_status_headers_body_and_time():
    def slow(*_):
        time.sleep(0.05)
        return failure(418, "teapot", **{"Retry-After": "9"})

    with model_server(slow) as server:
        (reply,) = post(server.url)
        assert server.headers[0]["X-One"] == "1"
        assert server.headers[0]["User-Agent"] == "rixin"
    assert (reply.status, reply.headers["retry-after"]) == (418, "9")
    assert b"teapot" in reply.body
    assert 0.05 <= reply.latency_s < 5


def test_a_redirect_is_not_followed_with_our_key():
    with model_server(lambda *_: completion("")) as other:
        with model_server(lambda *_: (307, {"Location": other.url}, b"")) as server:
            (reply,) = post(server.url)
        assert other.calls == []
    assert reply.status == 307


def test_many_calls_are_under_way_at_once():
    together = threading.Barrier(150)

    def waits_for_all(*_):
        together.wait(10)
        return completion("42")

    with model_server(waits_for_all) as server:
        replies = post(server.url, times=150, at_once=True)
    assert {reply.status for reply in replies} == {200}


@pytest.mark.parametrize("big", [False, True])
def test_a_reply_is_read_up_to_the_limit(big):
    size = module._MAX_REPLY + big
    with model_server(lambda *_: (200, {}, bytes(size))) as server:
        if not big:
            assert len(post(server.url)[0].body) == size
            return
        with pytest.raises(TransportError, match="too large") as caught:
            post(server.url)
    assert caught.value.kind == "connection"


def test_a_reply_without_end_is_given_up_at_the_limit():
    sent = [0]

    def endless(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")  # no length: it lasts until somebody hangs up
        return pour(writer)

    async def pour(writer):
        try:
            while not writer.is_closing():
                writer.write(bytes(1 << 20))
                await writer.drain()
                sent[0] += 1 << 20
        except ConnectionError:
            pass

    async def main():
        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = HttpTransport()
        try:
            await transport.get(url, headers={}, timeout_s=20)
        finally:
            await transport.close()
            server.close()

    with pytest.raises(TransportError, match="too large"):
        asyncio.run(main())
    assert sent[0] < 3 * module._MAX_REPLY


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://127.0.0.1:9/v1", "nobody listens at 127.0.0.1:9"),
        ("http://[broken/v1", "is no address"),
        ("ftp://host/v1", "no http or https address"),
        ("http://no-such-host.invalid/v1", "not known here|no connection"),
    ],
)
def test_no_connection_is_an_error_with_its_cause(url, word):
    with pytest.raises(TransportError, match=word) as caught:
        post(url)
    assert caught.value.kind == "connection"


def test_a_dropped_connection_is_an_error_with_its_cause():
    with model_server(lambda *_: (0, {}, b"")) as server:
        with pytest.raises(TransportError, match="before its reply was whole") as caught:
            post(server.url)
    assert caught.value.kind == "connection"


def raw(answer, *, times=1, idle=0.0):
    """Replies of a server that writes `answer` to each request, and how many connections it saw."""
    seen = []

    async def serve(reader, writer):
        seen.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(2)
                writer.write(answer)
                if b"Content-Length" not in answer and b"chunked" not in answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = HttpTransport()
        replies = []
        try:
            for _ in range(times):
                replies.append(await transport.post(url, headers={}, body=b"{}", timeout_s=5))
                await asyncio.sleep(idle)
        finally:
            await transport.close()
            server.close()
            await asyncio.sleep(0.02)  # the server hears that we left
        return replies, len(seen)

    return asyncio.run(main())


def test_one_connection_serves_call_after_call():
    replies, connections = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", times=5)
    assert [reply.body for reply in replies] == [b"ok"] * 5
    assert connections == 1


def test_a_server_that_closes_gets_a_new_connection():
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    replies, connections = raw(answer, times=2)
    assert [reply.body for reply in replies] == [b"ok"] * 2
    assert connections == 2


def test_a_connection_that_stood_too_long_is_not_used(monkeypatch):
    monkeypatch.setattr(connections_module, "_IDLE_S", 0.01)
    _, connections = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", times=2, idle=0.05)
    assert connections == 2


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 204 No Content\r\nX: chunked\r\n\r\n", b""),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            b"ok",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
            % (len(gzip.compress(b"small", mtime=0)), gzip.compress(b"small", mtime=0)),
            b"small",
        ),
    ],
)
def test_a_body_is_read_however_it_is_framed(answer, body):
    assert raw(answer)[0][0].body == body


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"hello Content-Length\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Encoding: br\r\n\r\n", "'br'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\nok", "broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "too large"),
    ],
)
def test_what_cannot_be_read_says_why(answer, word):
    with pytest.raises(TransportError, match=word):
        raw(answer)


@contextlib.asynccontextmanager
async def listening(serve):
    """The address of a server whose connections all end with it."""
    writers, tasks = [], []

    async def tracked(reader, writer):
        writers.append(writer)
        tasks.append(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await serve(reader, writer)

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task, writer in zip(tasks, writers, strict=True):
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*tasks)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 ", b"O"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nX", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"e"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ", b"t"),
    ],
)
def test_a_head_without_an_end_is_not_read_on(start, more):
    async def main():
        sent = []

        async def endless(_reader, writer):
            writer.write(start)
            while not writer.is_closing():
                writer.write(more * (10_000 // len(more)))
                sent.append(10_000)
                await writer.drain()
                await asyncio.sleep(0)

        async with listening(endless) as url:
            transport = HttpTransport()
            with pytest.raises(TransportError, match="the head of a reply"):
                await transport.post(url, headers={}, body=b"{}", timeout_s=60)
            await transport.close()
        assert sum(sent) < 20 << 20

    asyncio.run(main())


def test_a_field_of_a_trailer_is_none_of_the_head():
    answer = (
        b"HTTP/1.1 200 OK\r\nRetry-After: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nok\r\n0\r\nRetry-After: 9\r\n\r\n"
    )
    (reply,) = raw(answer)[0]
    assert reply.headers["retry-after"] == "1"
    assert reply.body == b"ok"


class Taker:
    """A sink that is slow: it asks for a pause after each piece."""

    def __init__(self, most):
        self.most, self.size, self.largest, self.pauses = most, 0, 0, 0
        self.connection = None
        self.done = asyncio.get_running_loop().create_future()

    def on_head(self, status, headers):
        pass

    def on_part(self, data):
        assert not self.done.done()
        self.size += len(data)
        self.largest = max(self.largest, len(data))
        if self.size > self.most:
            raise TransportError("connection", "too large")

    def on_pause(self):
        self.pauses += 1
        self.connection.pause()
        asyncio.get_running_loop().call_later(0.001, self.connection.resume)

    def on_done(self):
        self.done.set_result(self.size)

    def on_lost(self, error):
        self.done.set_exception(error)


@pytest.mark.parametrize("ending", ["length", "close"])
@pytest.mark.parametrize(
    ("size", "most"), [(3_000_001, 1 << 30), (65_536, 1 << 30), (100 << 20, 1 << 20)]
)
def test_what_is_compressed_is_inflated_as_fast_as_it_is_taken(ending, size, most):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(
        packer.compress(bytes(min(1 << 20, size - at))) for at in range(0, size, 1 << 20)
    )
    packed += packer.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(packed) if ending == "length" else b"\r\n"

    async def main():
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head + packed + (b"" if ending == "length" else b"beyond the end"))
            await writer.drain()
            if ending == "length":
                await reader.read()
            writer.close()

        async with listening(serve) as url:
            transport, taker = HttpTransport(), Taker(most)
            taker.connection = await transport.begin("GET", url, {}, b"", taker)
            if size <= most:
                assert await asyncio.wait_for(taker.done, 30) == size
                assert taker.pauses >= size // 65_536 - 1
            else:
                with pytest.raises(TransportError, match="too large"):
                    await asyncio.wait_for(taker.done, 30)
                assert taker.size < most + 65_537
            assert taker.largest <= 65_536
            taker.connection.abort()
            await transport.close()

    asyncio.run(main())


def test_a_whole_reply_is_bounded_as_inflated():
    packed = gzip.compress(bytes(100 << 20), 1)
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(
        packed
    )
    tracemalloc.start()
    try:
        with pytest.raises(TransportError, match="too large"):
            raw(answer + packed)
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()


def test_a_header_cannot_smuggle_a_line():
    async def main():
        await HttpTransport().get("http://127.0.0.1:9/", headers={"X": "a\r\nY: b"}, timeout_s=1)

    with pytest.raises(TransportError, match="line break"):
        asyncio.run(main())


def test_a_server_without_tls_is_no_safe_connection():
    with model_server(lambda *_: completion("")) as server:
        with pytest.raises(TransportError, match=r"no safe connection|before its reply"):
            post(server.url.replace("http:", "https:"))


def test_a_late_reply_is_a_timeout():
    never = threading.Event()

    def silent(*_):
        never.wait(5)
        return completion("")

    with model_server(silent) as server:
        with pytest.raises(TransportError, match=r"no whole reply in 0\.1 s") as caught:
            post(server.url, timeout_s=0.1)
        never.set()
    assert caught.value.kind == "timeout"


def test_a_client_that_was_never_used_can_be_closed():
    asyncio.run(HttpTransport().close())


def test_a_busy_event_loop_is_noticed():
    async def main(busy_s):
        seen = [0.0]
        lag = asyncio.create_task(measure_lag(seen, every_s=0.01))
        await asyncio.sleep(0.03)
        time.sleep(busy_s)
        await asyncio.sleep(0.03)
        lag.cancel()
        return seen[0]

    assert asyncio.run(main(0.3)) > 0.25
    assert asyncio.run(main(0)) < 0.25

"""The HTTP client against a real server on loopback."""

import asyncio
import threading
import time

import pytest

from rixin.core.transport import TransportError
from rixin.engine import transport as module
from rixin.engine.transport import AiohttpTransport, measure_lag
from support import completion, failure, model_server


def post(url, *, times=1, timeout_s=5.0, at_once=False):
    """The replies to some posts."""

    async def main():
        transport = AiohttpTransport()
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
        transport = AiohttpTransport()
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
        ("http://127.0.0.1:9/v1", "ClientConnectorError"),
        ("http://[broken/v1", "InvalidUrl|Invalid"),
    ],
)
def test_no_connection_is_an_error_with_its_cause(url, word):
    with pytest.raises(TransportError, match=word) as caught:
        post(url)
    assert caught.value.kind == "connection"


def test_a_dropped_connection_is_an_error_with_its_cause():
    with model_server(lambda *_: (0, {}, b"")) as server:
        with pytest.raises(TransportError, match="Disconnected") as caught:
            post(server.url)
    assert caught.value.kind == "connection"


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
    asyncio.run(AiohttpTransport().close())


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

"""What one connection may do to the others and to the memory of a gateway, on real sockets."""

import asyncio
import contextlib
import gc
import json
import socket
import struct
import time
import weakref
from pathlib import Path

import pytest
import uvloop

from rixin.serve.bounds import Bounds, Crowd, Held, Hosts
from rixin.serve.errors import Refusal
from rixin.serve.http import AnsweredTwice, Server
from serve.house import served

CHAT = b"POST /v1/chat/completions HTTP/1.1\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class Bench:
    """A server in this process whose handler the test writes, and connections to it."""

    def __init__(self, handler, *, admit=None, **bounds):
        self.handler, self.admit = handler, admit or (lambda _: None)
        self.bounds = Bounds(**bounds)
        self.refused = []

    def refuse(self, request, refusal):
        self.refused.append(refusal.status)
        request.reply(refusal.status, refusal.message.encode())

    def run(self, test):
        async def main():
            loop = asyncio.get_running_loop()
            self.server = Server(
                self.handler, self.admit, self.refuse, bounds=self.bounds, hosts=Hosts(None)
            )
            listening = await loop.create_server(self.server.protocol, "127.0.0.1", 0)
            self.port = listening.sockets[0].getsockname()[1]
            try:
                return await asyncio.wait_for(test(self), 60)
            finally:
                listening.close()
                for one in self.server.connections:
                    one.abort()
                await asyncio.sleep(0)

        return uvloop.run(main())

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def talk(self, raw, ending):
        """All that comes back until `ending`, or until the connection ends."""
        reader, writer = await self.connect()
        writer.write(raw)
        got = b""
        while not got.endswith(ending) or not ending:
            piece = await reader.read(65_536)
            if not piece:
                break
            got += piece
        writer.close()
        return got

    async def until(self, holds):
        while not holds():
            await asyncio.sleep(0.01)


async def echo(request):
    request.reply(200, request.body or request.path.encode())


# One answer to one request.


@pytest.mark.parametrize(
    "again",
    [
        lambda request: request.reply(500, b"stale"),
        lambda request: request.begin(),
        lambda request: request.write(b"more"),
        lambda request: request.end(b"more"),
    ],
)
@pytest.mark.parametrize("first", ["reply", "stream"])
def test_a_request_cannot_be_answered_twice(first, again):
    raised = []

    async def twice(request):
        if request.path != "/twice":
            request.reply(200, request.path.encode())
            return
        if first == "reply":
            request.reply(200, b"right")
        else:
            request.begin()
            request.end(b"right")
        try:
            again(request)
        except AnsweredTwice as error:
            raised.append(error)

    async def test(bench):
        get = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
        return await bench.talk(get % b"/twice" + get % b"/beta", b"/beta")

    got = Bench(twice).run(test)
    assert len(raised) == 1
    assert b"stale" not in got
    assert b"more" not in got
    assert b"/beta" not in got  # nothing is sent that could be taken for another's answer


def test_an_answer_that_never_comes_closes_the_connection(tmp_path):
    async def nothing(request):
        try:
            return
        finally:
            request.give_up()

    assert Bench(nothing).run(lambda bench: bench.talk(HEALTH, b"")) == b""


def test_an_answer_cannot_begin_anew_in_a_stream():
    async def begins(request):
        request.begin()
        with pytest.raises(AnsweredTwice, match="is being streamed"):
            request.reply(500, b"no")

    got = Bench(begins).run(lambda bench: bench.talk(HEALTH, b""))
    assert b"500" not in got


def test_a_gateway_whose_end_of_a_call_fails_answers_nobody_with_anothers_answer(house):
    """Half of a surrogate pair from an endpoint once made a second answer to one request."""
    body = json.dumps(
        {"model": "solver/strong", "messages": [{"role": "user", "content": "cut \ud83d"}]}
    ).encode()
    one = CHAT + b"Host: x\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as sent:
        for _ in range(3):
            sent.sendall(one % (house.key.encode(), len(body), body))
            got = b""
            while b"\r\n\r\n" not in got:
                got += sent.recv(65_536)
            head, _, rest = got.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(rest) < length:
                rest += sent.recv(65_536)
            assert len(rest) == length
            assert got.count(b"HTTP/1.1 ") == 1
        sent.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sent.recv(1)


# Framing: pipelined requests, trailers, targets, hosts.


def test_pipelined_requests_are_answered_in_order_and_one_by_one():
    under_way = []

    async def slowly(request):
        under_way.append(request.path)
        assert len(under_way) == 1
        await asyncio.sleep(0.001)
        under_way.clear()
        request.reply(200, request.path.encode())

    async def test(bench):
        paths = [b"/%d" % number for number in range(600)]
        sent = b"".join(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)
        got = await bench.talk(sent, b"\r\n\r\n/599")
        return [
            one.rpartition(b"\r\n\r\n")[2] for one in got.split(b"HTTP/1.1 200 OK")[1:]
        ] == paths

    assert Bench(slowly).run(test)


@pytest.mark.parametrize("pieces", [1, 7, 64, 100_000])
def test_bodies_of_any_size_and_pipelined_ones_come_in_whole(pieces):
    async def test(bench):
        bodies = [bytes([65 + number]) * size for number, size in enumerate((1, 4095, 300_000, 3))]
        head = b"POST / HTTP/1.1\r\nHost: x\r\n"
        sent = b"".join(head + b"Content-Length: %d\r\n\r\n%b" % (len(one), one) for one in bodies)
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in bodies) + b"0\r\n\r\n"
        sent += head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
        sent += head + b"Content-Length: 4\r\n\r\nlast"
        reader, writer = await bench.connect()
        size = max(1, len(sent) // pieces) if pieces < 1_000 else len(sent)
        for place in range(0, len(sent), size):
            writer.write(sent[place : place + size])
            await writer.drain()
            await asyncio.sleep(0)
        got = b""
        while not got.endswith(b"\r\n\r\nlast"):
            got += await reader.read(1 << 20)
        writer.close()
        found = [one.partition(b"\r\n\r\n")[2] for one in got.split(b"HTTP/1.1 200 OK")[1:]]
        assert found == [*bodies, b"".join(bodies), b"last"]
        assert bench.server.bodies == 0

    Bench(echo).run(test)


def test_a_field_of_a_trailer_changes_nothing():
    async def told(request):
        request.reply(200, request.header(b"authorization").encode() + b"|" + request.body)

    sent = (
        b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: first\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nok\r\n0\r\nAuthorization: second\r\nX: y\r\n\r\n"
    )
    got = Bench(told).run(lambda bench: bench.talk(sent, b"ok"))
    assert got.endswith(b"\r\n\r\nfirst|ok")


def test_who_waits_for_100_continue_gets_it_behind_the_answer_before():
    async def streams(request):
        if request.path == "/second":
            request.reply(200, request.body)
            return
        request.begin()
        request.write(b"a")
        await asyncio.sleep(0.05)
        request.end(b"b")

    first = b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n"
    second = (
        b"POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )

    async def test(bench):
        reader, writer = await bench.connect()
        writer.write(first + second)
        got = await reader.readuntil(b"0\r\n\r\n")
        assert b"100" not in got
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK")
        writer.write(second)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.close()

    Bench(streams).run(test)


@pytest.mark.parametrize(
    "bad",
    [
        b"no HTTP\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_a_bad_second_request_waits_for_the_first_answer(bad):
    async def streams(request):
        request.begin()
        for _ in range(5):
            request.write(b"piece")
            await asyncio.sleep(0.01)
        request.end(b"last")

    got = Bench(streams).run(lambda bench: bench.talk(HEALTH + bad, b""))
    first, _, second = got.partition(b"0\r\n\r\n")
    assert first.endswith(b"4\r\nlast\r\n")
    assert second.startswith(b"HTTP/1.1 4")
    assert b"connection: close" in second


def test_what_follows_the_last_request_of_a_connection_is_not_answered():
    sent = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + HEALTH
    got = Bench(echo).run(lambda bench: bench.talk(sent, b""))
    assert got.count(b"HTTP/1.1") == 1
    assert got.endswith(b"/a")


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        (b"http://h.example/a?b=1", "/a", "b=1", b"h.example"),
        (b"HTTPS://u:p@h.example:8/a", "/a", "", b"h.example:8"),
        (b"http://h.example?b=1", "/", "b=1", b"h.example"),
        (b"http://h.example", "/", "", b"h.example"),
        (b"/a?b?c", "/a", "b?c", b"x"),
    ],
)
def test_targets_of_both_forms_are_served(target, path, query, host):
    seen = []

    async def note(request):
        seen.append((request.path, request.query, request.headers[b"host"]))
        request.reply(200, b"")

    sent = b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target
    Bench(note).run(lambda bench: bench.talk(sent, b""))
    assert seen == [(path, query, host)]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"", b"400"),
        (b"Host: a\r\nhost: b\r\n", b"400"),
        (b"Host: a\r\nAuthorization: Bearer one\r\nauthorization: Bearer two\r\n", b"400"),
        (b"Host: a\r\nX: one\r\nX: two\r\n", b"200"),
        (b"Host: a\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(200)), b"431"),
    ],
)
def test_a_head_says_once_whom_it_asks_and_who_asks(fields, status):
    sent = b"GET / HTTP/1.1\r\n" + fields + b"Connection: close\r\n\r\n"
    got = Bench(echo).run(lambda bench: bench.talk(sent, b""))
    assert got.split()[1] == status


def test_http_1_0_needs_no_host_and_gets_no_100_continue():
    sent = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok"
    got = Bench(echo).run(lambda bench: bench.talk(sent, b""))
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")


# Bounds in bytes.


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"GET / HTTP/1.1\r\nX: ", b"y"),
        (b"GET / HTTP/1.1\r\nX", b"x"),
        (b"GET /", b"z"),
        (b"\r\n", b"\r\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"e"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ", b"t"),
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n"),
    ],
)
@pytest.mark.parametrize("piece", [1_000, 60_000])
def test_a_head_without_an_end_is_refused(start, more, piece):
    async def test(bench):
        reader, writer = await bench.connect()
        writer.write(start)
        sent = 0
        while not bench.refused:  # it is refused while it comes in, not when it is whole
            writer.write(more * (piece // len(more)))
            sent += piece
            await writer.drain()
            await asyncio.sleep(0.001)
            assert sent < 1 << 20
        got = await reader.read(100)
        assert got.split()[1] == b"431"
        writer.close()

    Bench(echo).run(test)


def test_a_head_of_64_kb_is_taken():
    field = b"X: " + b"y" * 60_000 + b"\r\n"
    sent = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + field + b"\r\n"
    got = Bench(echo).run(lambda bench: bench.talk(sent, b""))
    assert got.split()[1] == b"200"


def test_all_bodies_together_have_a_bound_and_go_with_their_answers():
    async def test(bench):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"
        halves = []
        for _ in range(2):
            halves.append(await bench.connect())
            halves[-1][1].write(head + bytes(399_999))
        await bench.until(lambda: bench.server.bodies == 2 * 399_999)
        got = await bench.talk(head + bytes(400_000), b"")
        assert got.split()[1] == b"503"
        await bench.until(lambda: bench.server.bodies == 2 * 399_999)
        halves[0][1].close()  # whoever leaves makes room
        await bench.until(lambda: bench.server.bodies == 399_999)
        assert (await bench.talk(head + bytes(400_000), bytes(400_000))).split()[1] == b"200"
        halves[1][1].write(b"\0")
        await bench.until(lambda: bench.server.bodies == 0)
        halves[1][1].close()

    Bench(echo, bodies_bytes=1_000_000).run(test)


def test_the_head_is_looked_at_before_any_of_the_body_is_kept():
    def admit(request):
        if request.path == "/no":
            raise Refusal(401, "no key", "invalid_api_key")
        request.keeps_body = request.path != "/thrown-away"
        request.most = min(request.most, 1_000)

    async def test(bench):
        post = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n"
        expect = b"Expect: 100-continue\r\n"
        got = await bench.talk(post % (b"/no", 900, expect), b"")
        assert got.split()[1] == b"401"
        assert b" 100 " not in got
        assert (await bench.talk(post % (b"/yes", 1_001, b""), b"")).split()[1] == b"413"
        chunked = b"POST /yes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        got = await bench.talk(chunked + b"3e9\r\n" + bytes(1_001), b"")
        assert got.split()[1] == b"413"
        got = await bench.talk(post % (b"/thrown-away", 900, b"") + bytes(900), b"/thrown-away")
        assert got.split()[1] == b"200"  # and the connection goes on
        assert bench.server.bodies == 0

    Bench(echo, admit=admit).run(test)


def test_answers_that_nobody_takes_are_bounded_and_end(monkeypatch):
    from rixin.serve import http as module

    answered = []

    async def large(request):
        answered.append(request.path)
        request.reply(200, bytes(100_000))

    async def test(bench):
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        caller.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(caller, ("127.0.0.1", bench.port))
        with contextlib.suppress(TimeoutError):  # the gateway stops reading
            await asyncio.wait_for(loop.sock_sendall(caller, HEALTH * 200_000), 2)
        (connection,) = bench.server.connections
        await bench.until(lambda: connection.full is not None)
        count = len(answered)
        await asyncio.sleep(0.2)
        assert len(answered) == count < 200
        assert bench.server.held.total < 1 << 20
        now = time.monotonic()
        connection.sweep(now)
        connection.sweep(now + module.STALL_S - 1)
        assert not connection.is_closing
        connection.sweep(now + module.STALL_S + 1)
        assert connection.is_closing
        await bench.until(lambda: len(bench.server.connections) == 0)
        assert bench.server.held.total == 0
        caller.close()

    Bench(large).run(test)


def test_a_slow_reader_of_pipelined_answers_gets_all_of_them():
    async def large(request):
        request.reply(200, request.path.encode() * 200_000)

    async def test(bench):
        reader, writer = await bench.connect()
        writer.transport.pause_reading()
        paths = [b"/%d" % number for number in range(50)]
        writer.write(b"".join(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % one for one in paths))
        await bench.until(lambda: any(one.full for one in bench.server.connections))
        writer.transport.resume_reading()
        for path in paths:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            assert await reader.readexactly(size) == path * 200_000
        writer.close()

    Bench(large).run(test)


def test_a_reader_who_takes_something_is_not_cut():
    from rixin.serve import http as module

    async def large(request):
        request.reply(200, bytes(30 << 20))

    async def test(bench):
        reader, writer = await bench.connect()
        writer.write(HEALTH)
        await bench.until(lambda: any(one.full for one in bench.server.connections))
        (connection,) = bench.server.connections
        now = time.monotonic()
        for _ in range(5):
            connection.sweep(now)
            before = connection._transport.get_write_buffer_size()
            while connection._transport.get_write_buffer_size() == before:
                await reader.read(1 << 20)
            now += module.STALL_S - 1
            connection.sweep(now)
            assert not connection.is_closing
        writer.close()

    Bench(large).run(test)


# What a connection held goes with it.


@pytest.mark.parametrize(
    "what", ["half head", "half body", "under way", "answered", "unsent", "refused", "no HTTP"]
)
def test_memory_goes_back_without_the_cycle_collector(what):
    async def handler(request):
        if what == "under way":
            await asyncio.sleep(60)
        request.reply(200, bytes(8 << 20) if what == "unsent" else b"ok")

    sent = {
        "half head": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 30_000,
        "half body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + bytes(80_000),
        "refused": b"POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12345",
        "no HTTP": b"what?\r\n\r\n",
    }.get(what, HEALTH)

    def admit(request):
        if request.path == "/no":
            try:
                raise ValueError
            except ValueError:
                raise Refusal(401, "no", "no") from None

    async def test(bench):
        _, writer = await bench.connect()
        writer.transport.pause_reading()
        writer.write(sent)
        await bench.until(lambda: len(bench.server.connections) == 1)
        dead = weakref.ref(next(iter(bench.server.connections)))
        await bench.until(
            {
                "half head": lambda: bench.server.held.total > 20_000,
                "half body": lambda: bench.server.bodies == 80_000,
                "under way": lambda: dead().task is not None,
                "answered": lambda: dead()._served,
                "unsent": lambda: dead().full is not None,
                "refused": lambda: bench.refused,
                "no HTTP": lambda: bench.refused,
            }[what]
        )
        writer.transport.abort()
        await bench.until(lambda: len(bench.server.connections) == 0)
        await bench.until(lambda: dead() is None)
        assert bench.server.bodies == bench.server.held.total == 0

    gc.collect()
    gc.disable()
    try:
        Bench(handler, admit=admit).run(test)
    finally:
        gc.enable()


def resident(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def test_callers_who_leave_in_the_middle_of_a_body_cost_no_memory(tmp_path):
    with served(tmp_path, faults=()) as house:
        head = CHAT + b"Host: x\r\nAuthorization: Bearer %b\r\nContent-Length: 10485760\r\n\r\n"
        half = head % house.key.encode() + bytes(10_000_000)
        before = resident(house.process.pid)
        for number in range(60):
            with socket.create_connection(("127.0.0.1", house.port)) as one:
                one.sendall(half if number else half[:1000])
        assert house.chat("a zebra").status == 200
        assert resident(house.process.pid) - before < 150
        # And without a key nothing of a body is kept at all.
        many = [socket.create_connection(("127.0.0.1", house.port)) for _ in range(40)]
        for one in many:
            with contextlib.suppress(OSError):
                one.sendall(CHAT + b"Host: x\r\nContent-Length: 10485760\r\n\r\n" + bytes(4 << 20))
        assert resident(house.process.pid) - before < 150
        for one in many:
            one.close()


# Who may be there.


class Somebody:
    is_answering = False

    def __init__(self, address):
        self.address, self.gone = address, False

    def abort(self):
        self.gone = True


def test_one_address_that_takes_all_places_gives_them_to_others():
    crowd = Crowd(100)
    greedy = [Somebody("192.0.2.1") for _ in range(150)]
    assert all(map(crowd.add, greedy))
    assert [one.gone for one in greedy] == [True] * 50 + [False] * 100
    others = [Somebody(f"198.51.100.{n % 25}") for n in range(50)]
    assert all(map(crowd.add, others))
    assert not any(one.gone for one in others)
    assert sum(not one.gone for one in greedy) == 50
    assert len(crowd) == len([*crowd]) == 100
    for one in [*greedy, *others]:
        crowd.remove(one)
        crowd.remove(one)
    assert len(crowd) == 0
    assert crowd.add(Somebody("2001:db8::1"))


def test_what_is_being_answered_is_not_cut_for_a_newcomer():
    crowd = Crowd(40)
    busy = [Somebody("192.0.2.1") for _ in range(40)]
    for one in busy:
        one.is_answering = True
        crowd.add(one)
    assert not crowd.add(Somebody("192.0.2.2"))
    busy[35].is_answering = False
    assert crowd.add(Somebody("192.0.2.2"))  # the look goes on where it ended
    assert [one.gone for one in busy].index(True) == 35


def test_a_server_that_is_full_takes_newcomers_for_those_that_wait():
    async def test(bench):
        first = [await bench.connect() for _ in range(4)]
        reader, writer = await bench.connect()
        assert await first[0][0].read(1) == b""  # the oldest has given way
        writer.write(HEALTH)
        assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"200"
        assert len(bench.server.connections) == 4
        for one in [*first, (reader, writer)]:
            one[1].close()

    Bench(echo, connections=4).run(test)


@pytest.mark.parametrize("rest", [b"", b"\r\nContent-Length: 9\r\n\r\n12345"])
def test_half_requests_of_many_are_bounded_together(rest):
    async def test(bench):
        held = []
        for _ in range(30):
            reader, writer = await bench.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 50_000 + rest)
            held.append((reader, writer))
        await bench.until(lambda: len(bench.server.connections) <= 25)
        assert bench.server.held.total <= 1_000_000
        assert (await bench.talk(HEALTH, b"/healthz")).split()[1] == b"200"
        for _, writer in held:
            writer.close()

    Bench(echo, held_bytes=1_000_000).run(test)


def test_bytes_that_are_held_add_up_to_the_last():
    held, some = Held(1_000), [Somebody("") for _ in range(20)]
    for number in range(500):
        one = some[number * 7 % 20]
        if not one.gone:
            held.note(one, number * 31 % 90)
    assert held.total == sum(held._sizes.values()) <= 1_000
    for one in some:
        held.note(one, 0)
    assert held.total == 0


def test_a_reset_in_the_middle_of_anything_leaves_the_others_alone(house):
    for sent in (HEALTH[:20], CHAT + b"Host: x\r\nContent-Length: 9\r\n\r\n{", HEALTH * 3):
        with socket.create_connection(("127.0.0.1", house.port)) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.sendall(sent)
    assert house.chat("a zebra").status == 200

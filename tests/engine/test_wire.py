"""What connections send in one round of the event loop."""

import asyncio
import contextlib
import socket

from rixin.engine.wire import Round, Wire


@contextlib.asynccontextmanager
async def wires(round_, count):
    """Connections, each with a function that reads what the other side has got."""
    loop, ends = asyncio.get_running_loop(), [socket.socketpair() for _ in range(count)]
    made = [(await loop.create_connection(lambda: Wire(round_), sock=ours))[1] for ours, _ in ends]
    try:
        yield [(one, reader(theirs)) for one, (_, theirs) in zip(made, ends, strict=True)]
    finally:
        for one, (_, theirs) in zip(made, ends, strict=True):
            one.abort()
            theirs.close()
        await asyncio.sleep(0)


def reader(side):
    side.setblocking(False)

    def read():
        try:
            return side.recv(1_000)
        except BlockingIOError:
            return None

    return read


def test_the_first_goes_out_at_once_and_the_rest_at_the_end_of_the_round():
    async def main():
        async with wires(Round(), 2) as ((one, got_one), (two, got_two)):
            one.put(b"a")
            two.put(b"b")
            two.put(b"c")
            one.put(b"d")
            assert (got_one(), got_two()) == (b"a", None)
            await asyncio.sleep(0)
            assert (got_one(), got_two()) == (b"d", b"bc")
            two.put(b"e")  # a new round
            assert got_two() == b"e"

    asyncio.run(main())


def test_close_sends_what_waits_and_abort_throws_it_away():
    async def main():
        async with wires(Round(), 3) as ((one, got_one), (two, got_two), (three, got_three)):
            for each in (one, two, three):
                each.put(b"x")
            two.close()
            three.abort()
            await asyncio.sleep(0.01)
            assert [got_one(), got_two(), got_three()] == [b"x", b"x", b""]
            two.put(b"y")  # whoever is gone gets nothing, and nothing fails
            await asyncio.sleep(0)
            assert two.is_closing
            assert not one.is_closing

    asyncio.run(main())


def test_a_loop_that_stands_still_in_the_middle_of_a_round_holds_nobody_up():
    round_, still = Round(), asyncio.new_event_loop()

    async def main():
        async with wires(round_, 2) as ((one, got_one), (two, got_two)):
            one.put(b"x")
            two.put(b"y")
            found = [got_one(), got_two()]
            await asyncio.sleep(0)
            return [*found, got_two()]

    async def begin():
        round_.is_first()

    still.run_until_complete(begin())
    assert asyncio.run(main()) == [b"x", None, b"y"]
    still.run_until_complete(asyncio.sleep(0))
    still.close()


def test_one_that_cannot_be_written_to_holds_nobody_up(caplog):
    async def main():
        async with wires(Round(), 3) as ((one, _), (two, got_two), (three, got_three)):
            two._transport.write_eof()
            for each in (one, two, three):
                each.put(b"x")
            await asyncio.sleep(0.01)
            assert (got_two(), got_three()) == (b"", b"x")
            assert two.is_closing

    asyncio.run(main())
    assert "cannot be written to" in caplog.text

"""What connections send in one round of the event loop."""

import asyncio
import socket

from rixin.engine.wire import Round, Wire


async def wire(round_):
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(lambda: Wire(round_), sock=ours)
    return made, theirs


def read(side):
    try:
        return side.recv(1_000)
    except BlockingIOError:
        return None


def test_the_first_goes_out_at_once_and_the_rest_at_the_end_of_the_round():
    async def main():
        round_ = Round()
        (one, far_one), (two, far_two) = await wire(round_), await wire(round_)
        one.put(b"a")
        two.put(b"b")
        two.put(b"c")
        one.put(b"d")
        assert (read(far_one), read(far_two)) == (b"a", None)
        await asyncio.sleep(0)
        assert (read(far_one), read(far_two)) == (b"d", b"bc")
        two.put(b"e")  # a new round
        assert read(far_two) == b"e"
        one.close()
        two.close()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_close_sends_what_waits_and_abort_throws_it_away():
    async def main():
        round_ = Round()
        (one, far_one), (two, far_two) = await wire(round_), await wire(round_)
        three, far_three = await wire(round_)
        for each in (one, two, three):
            each.put(b"x")
        two.close()
        three.abort()
        await asyncio.sleep(0.01)
        assert [read(far) for far in (far_one, far_two, far_three)] == [b"x", b"x", b""]
        two.put(b"y")  # whoever is gone gets nothing, and nothing fails
        await asyncio.sleep(0)
        assert two.is_closing
        assert not one.is_closing
        one.close()

    asyncio.run(main())


def test_a_loop_that_ended_in_the_middle_of_a_round_holds_nobody_up():
    round_ = Round()

    async def main(*, stops):
        made, far = await wire(round_)
        other, far_other = await wire(round_)
        made.put(b"x")
        other.put(b"y")
        if not stops:
            await asyncio.sleep(0)
        found = read(far), read(far_other)
        made.abort()
        other.abort()
        return found

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(main(stops=True)) == (b"x", None)
    assert asyncio.run(main(stops=False)) == (b"x", b"y")
    loop.close()

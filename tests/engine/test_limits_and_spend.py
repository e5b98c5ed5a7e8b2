import asyncio
import random
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.answer import Failure
from rixin.engine.limits import Limiter
from rixin.engine.retry import RetryPolicy
from rixin.engine.spend import SpendCap
from rixin.errors import BudgetReached


def test_no_more_calls_run_than_allowed() -> None:
    async def main() -> int:
        limiter, running, most = Limiter(3), 0, 0

        async def call() -> None:
            nonlocal running, most
            await limiter.acquire()
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.002)
            running -= 1
            limiter.release(limited=False)

        await asyncio.gather(*[call() for _ in range(20)])
        return most

    assert asyncio.run(main()) == 3


def test_the_limit_falls_when_the_server_says_too_many_and_climbs_back() -> None:
    async def main() -> tuple[int, int]:
        limiter = Limiter(10)
        for limited in [True] * 6:
            await limiter.acquire()
            limiter.release(limited=limited)
        low = limiter.limit
        for _ in range(60):
            await limiter.acquire()
            limiter.release(limited=False)
        return low, limiter.limit

    low, high = asyncio.run(main())
    assert low < 10
    assert high == 10


def test_few_random_refusals_do_not_lower_the_limit() -> None:
    async def main() -> int:
        limiter = Limiter(64)
        for n in range(400):
            await limiter.acquire()
            limiter.release(limited=n % 20 == 0)
        return limiter.limit

    assert asyncio.run(main()) == 64


def test_retry_after_pauses_the_whole_endpoint() -> None:
    async def main() -> float:
        limiter = Limiter(4)
        await limiter.acquire()
        limiter.release(limited=True, retry_after_s=0.15)
        begin = time.perf_counter()
        await limiter.acquire()
        return time.perf_counter() - begin

    assert asyncio.run(main()) >= 0.14


def test_a_rate_spreads_the_starts() -> None:
    async def main() -> float:
        limiter = Limiter(10, rate_per_minute=60 * 50)
        begin = time.perf_counter()
        for _ in range(6):
            await limiter.acquire()
            limiter.release(limited=False)
        return time.perf_counter() - begin

    assert asyncio.run(main()) >= 5 * 0.019


@pytest.mark.parametrize("paused", [False, True])
def test_a_cancelled_caller_leaves_its_place_to_others(paused: bool) -> None:
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        if paused:
            limiter.release(limited=True, retry_after_s=0.1)
        waiting = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        if not paused:
            limiter.release(limited=False)
        await asyncio.wait_for(limiter.acquire(), 1)

    asyncio.run(main())


def test_a_place_given_to_a_cancelled_caller_goes_on_to_the_next() -> None:
    async def main() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
        await asyncio.sleep(0.01)
        limiter.release(limited=False)  # wakes the first …
        first.cancel()  # … which leaves before it can start
        await asyncio.gather(first, return_exceptions=True)
        await asyncio.wait_for(second, 1)

    asyncio.run(main())


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), max_size=60))
def test_the_cap_is_never_passed_under_concurrency(calls: list[tuple[int, int]]) -> None:
    async def main() -> Decimal:
        cap = SpendCap(Decimal(100), spent=Decimal(0), currency="USD")

        async def call(most: int, actual: int) -> None:
            try:
                await cap.reserve(Decimal(most))
            except BudgetReached:
                return
            await asyncio.sleep(0)
            cap.settle(Decimal(most), Decimal(min(most, actual)))
            assert cap.spent <= 100

        await asyncio.gather(*[call(*pair) for pair in calls])
        return cap.spent

    assert asyncio.run(main()) <= 100


def test_two_hundred_callers_on_one_cent_spend_one_cent() -> None:
    async def main() -> tuple[int, Decimal]:
        cap = SpendCap(Decimal("0.01"), spent=Decimal(0), currency="USD")
        refused = 0

        async def call() -> None:
            nonlocal refused
            try:
                await cap.reserve(Decimal("0.01"))
            except BudgetReached as error:
                refused += 1
                assert "spend cap" in str(error)
                return
            await asyncio.sleep(0.001)
            cap.settle(Decimal("0.01"), Decimal("0.01"))

        await asyncio.gather(*[call() for _ in range(200)])
        return refused, cap.spent

    assert asyncio.run(main()) == (199, Decimal("0.01"))


def test_only_retryable_failures_are_tried_again() -> None:
    policy = RetryPolicy(tries=4, tries_before_success=2)
    busy = Failure(kind="server_error", message="", retryable=True)
    down = Failure(kind="connection", message="", retryable=True)
    wrong = Failure(kind="refused", message="")
    assert policy.again(busy, 3, ever_answered=False)
    assert not policy.again(busy, 4, ever_answered=True)
    assert not policy.again(down, 2, ever_answered=False)
    assert policy.again(down, 2, ever_answered=True)
    assert not policy.again(wrong, 1, ever_answered=True)


def test_waiting_grows_up_to_a_bound_and_the_server_comes_first() -> None:
    policy, generator = RetryPolicy(base_s=1, cap_s=4), random.Random(1)
    busy = Failure(kind="server_error", message="", retryable=True)
    told = Failure(kind="rate_limited", message="", retryable=True, retry_after_s=7)
    assert all(0 <= policy.delay_s(busy, 9, generator) <= 4 for _ in range(50))
    assert 7 <= policy.delay_s(told, 1, generator) <= 8

"""The race on answers that are known: who is asked how much, and when it ends."""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pytest
from decide_samples import PROMISE, candidate, scenario, tally, without_limits
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.core.scenario import Demand, Policy
from rixin.decide.budget import budget_of
from rixin.decide.promise import harm_plan
from rixin.decide.race import Entry, Race, State
from rixin.decide.stopping import PILOT
from rixin.decide.verdict import decide

PLAIN = {"promise": without_limits(), "policy": Policy()}
RARE = Demand(cases_per_month=10)
"""So few cases that a long test of a cheap candidate does not pay."""


@dataclass
class Runner:
    """A candidate with its price and, for each of its cases, whether it solves it."""

    name: str
    price: float | None
    solved: np.ndarray
    violations: int = 0
    """Among its first cases."""
    silent: bool = False
    """None of its answers can be scored."""
    seconds: float | None = None
    """Mean latency."""

    def quality(self, asked):
        return np.full(asked, np.nan) if self.silent else self.solved[:asked].astype(float)

    def tally(self, asked):
        if self.silent:
            return tally(self.name, n=0, solved=0, unmeasured=asked, lost=(("timeout", asked),))
        cost = {} if self.price is None else {"cost": Decimal(str(self.price))}
        unknown = {"cost_known": 0} if self.price is None else {}
        return tally(
            self.name,
            n=asked,
            solved=int(self.solved[:asked].sum()),
            violations=min(self.violations, asked),
            latency_mean=self.seconds,
            **cost,
            **unknown,
        )


def runner(name, price, rate, cases=1000, seed=1, **more):
    return Runner(name, price, np.random.default_rng(seed).random(cases) < rate, **more)


def start(*runners, where=None, exhaustive=False, batch=1, single=None, **changes):
    contract = where or scenario(*(candidate(one.name) for one in runners), **{**PLAIN, **changes})
    chances = single or budget_of(contract).single
    entries = [
        Entry(
            candidate=contract.candidate(one.name),
            price=one.price,
            errors=chances.planned(len(one.solved)),
            cases=len(one.solved),
            batch=batch,
        )
        for one in runners
    ]
    return Race(contract, entries, exhaustive=exhaustive)


def finish(race, *runners, broken=()):
    """Runs a race to its end; every ask, in order."""
    by_name, asks = {one.name: one for one in runners}, []
    while (ask := race.next()) is not None:
        asks.append((ask.name, ask.cases))
        assert len(asks) < 2000
        assert ask.cases <= len(by_name[ask.name].solved)
        if ask.name in broken:
            race.drop(ask.name)
        else:
            one = by_name[ask.name]
            seen = one.quality(ask.cases)
            race.tell(ask.name, one.tally(ask.cases), asked=ask.cases, quality=seen)
    return asks


def run(*runners, broken=(), **more):
    race = start(*runners, **more)
    return race, finish(race, *runners, broken=broken)


def states(race):
    return {name: lane.state for name, lane in race.lanes.items()}


def asked(race):
    return {name: lane.asked for name, lane in race.lanes.items()}


def test_the_cheapest_that_holds_ends_the_race_where_a_better_one_could_not_pay():
    race, asks = run(
        runner("dear", 2.0, 0.99), runner("good", 0.02, 0.93), runner("bad", 0.01, 0.3)
    )
    assert list(race.lanes) == ["bad", "good", "dear"]
    assert [name for name, _ in asks] == sorted(
        (name for name, _ in asks), key=list(race.lanes).index
    )
    assert states(race) == {
        "bad": State.REJECTED,
        "good": State.ACCEPTED,
        "dear": State.NOT_NEEDED,
    }
    assert race.accepted.name == "good"
    assert race.lanes["bad"].asked <= 30
    assert race.lanes["good"].asked < 600
    assert race.lanes["dear"].asked == 0
    assert race.next() is None


def test_the_verdict_on_what_was_asked_adopts_what_the_race_accepted():
    runners = (runner("bad", 0.01, 0.3), runner("good", 0.02, 0.93))
    race, _ = run(*runners)
    tallies = {one.name: one.tally(race.lanes[one.name].asked) for one in runners}
    errors = {name: lane.entry.errors for name, lane in race.lanes.items()}
    assert decide(race.scenario, tallies, errors=errors).winner == race.accepted.name == "good"


def test_when_all_are_rejected_the_race_ends():
    race, _ = run(runner("a", 0.01, 0.2), runner("b", 0.02, 0.5))
    assert set(states(race).values()) == {State.REJECTED}
    assert race.accepted is None
    assert sum(asked(race).values()) < 150


def test_what_does_not_pay_is_rejected_however_good_it_is():
    race, _ = run(runner("gold", 30.0, 1.0))
    assert states(race) == {"gold": State.REJECTED}
    assert race.lanes["gold"].asked < 200


def close_and_good(good):
    """A cheap one at the floor, and one that is hardly dearer."""
    close = Runner("close", 0.9, np.arange(1000) % 20 > 2)
    return close, runner("good", 1.0, good)


def test_a_candidate_at_the_floor_is_parked_while_a_dearer_one_is_tried():
    runners = close_and_good(0.99)
    race, _ = run(
        *runners,
        demand=RARE,
        incumbent=replace(scenario().incumbent, solved=0.5),
        economics=replace(scenario().economics, build_cost=Decimal(0)),
    )
    assert states(race) == {"close": State.NOT_NEEDED, "good": State.ACCEPTED}
    assert race.lanes["close"].asked < 1000
    assert not race.lanes["close"].judged or not race.lanes["close"].judged.adoptable


def test_a_parked_candidate_is_taken_up_again_before_the_race_gives_up():
    runners = close_and_good(0.3)
    race, asks = run(
        *runners,
        demand=RARE,
        incumbent=replace(scenario().incumbent, solved=0.5),
        economics=replace(scenario().economics, build_cost=Decimal(0)),
    )
    names = [name for name, _ in asks]
    assert names.index("good") < len(names) - names[::-1].index("close")
    assert states(race) == {"close": State.EXHAUSTED, "good": State.REJECTED}
    assert race.lanes["close"].asked == 1000
    assert asks[-1] == ("close", 1000)


def test_what_serves_for_long_is_given_longer():
    long, _ = run(*close_and_good(0.99))
    short, _ = run(*close_and_good(0.99), demand=RARE)
    assert long.lanes["close"].asked > 2 * short.lanes["close"].asked


def test_a_candidate_that_cannot_be_asked_is_dropped():
    race, asks = run(runner("down", 0.01, 1.0), runner("good", 0.02, 0.95), broken={"down"})
    assert asks[0] == ("down", 10)
    assert states(race) == {"down": State.UNUSABLE, "good": State.ACCEPTED}


def test_an_unknown_price_comes_last_and_is_never_accepted():
    race, asks = run(runner("unknown", None, 1.0), runner("bad", 5.0, 0.1))
    assert asks[0][0] == "bad"
    assert states(race) == {"bad": State.REJECTED, "unknown": State.EXHAUSTED}


def test_candidates_of_one_price_keep_their_order():
    for names in (("b", "a"), ("a", "b")):
        race, asks = run(*(runner(name, 0.01, 0.95, seed=len(name)) for name in names))
        assert tuple(race.lanes) == names
        assert asks[0][0] == names[0]
        assert race.accepted is not None


@pytest.mark.parametrize("cases", [0, 1])
@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_hardly_any_case_settles_nothing(cases, rate):
    race, asks = run(runner("a", 0.01, rate, cases), runner("b", 0.02, rate, cases))
    assert set(states(race).values()) == {State.EXHAUSTED}
    assert asks == [("a", cases), ("b", cases)]


def test_all_solved_is_accepted_and_none_solved_rejected_within_few_looks():
    race, _ = run(runner("none", 0.01, 0.0), runner("all", 0.02, 1.0))
    assert states(race) == {"none": State.REJECTED, "all": State.ACCEPTED}
    assert race.lanes["none"].asked == 10
    assert race.lanes["all"].asked < 100


def test_answers_that_cannot_be_scored_are_asked_to_the_end_and_settle_nothing():
    race, asks = run(runner("mute", 0.01, 0.0, 60, silent=True))
    assert states(race) == {"mute": State.EXHAUSTED}
    assert asks[-1] == ("mute", 60)


def test_too_many_violations_end_the_test_at_once():
    wild, tame = runner("wild", 0.01, 0.99, violations=3), runner("tame", 0.02, 0.99)
    where = {"policy": scenario().policy, "promise": replace(PROMISE, latency_p95_s=None)}
    race, _ = run(wild, tame, **where)
    assert states(race)["wild"] in {State.LOST, State.REJECTED}
    assert race.lanes["wild"].asked == 10
    assert states(race)["tame"] is State.ACCEPTED
    plan = harm_plan(race.scenario, 1000, 0.025)
    assert plan.allowed == 2
    assert plan.cases <= race.lanes["tame"].asked < 1.05 * plan.cases
    once = runner("once", 0.01, 0.99, 1000, violations=1)
    allowed = run(once, promise=replace(where["promise"], harm_allowed=0), policy=where["policy"])
    assert states(allowed[0]) == {"once": State.LOST}


def test_an_exhaustive_race_asks_everybody_everything():
    runners = (runner("a", 0.01, 0.99), runner("b", 0.02, 0.1, 30), runner("c", None, 0.5, 0))
    race, asks = run(*runners, exhaustive=True)
    assert asks == [("a", 1000), ("b", 30)]
    assert race.accepted is None
    assert asked(race) == {"a": 1000, "b": 30, "c": 0}


def test_a_wide_batch_is_filled():
    _, asks = run(runner("a", 0.01, 0.9), batch=64)
    assert asks[0] == ("a", 64)


@settings(max_examples=25)
@given(
    order=st.permutations(range(4)),
    rates=st.lists(st.floats(0.5, 1.0), min_size=4, max_size=4),
    rare=st.booleans(),
)
def test_the_order_of_the_contract_does_not_matter(order, rates, rare):
    runners = [runner(f"c{n}", 0.3 + n / 10, rate, 300, seed=n) for n, rate in enumerate(rates)]
    where = scenario(
        *(candidate(one.name) for one in runners), **PLAIN, **({"demand": RARE} if rare else {})
    )
    first, asks = run(*runners, where=where)
    second, again = run(*(runners[n] for n in order), where=where)
    assert asks == again
    assert states(first) == states(second)


@settings(max_examples=25)
@given(price=st.sampled_from([0.005, 0.5]), rate=st.floats(0.9, 0.98), seed=st.integers(0, 99))
def test_a_useless_candidate_costs_its_share_of_the_error_and_its_own_few_calls(price, rate, seed):
    good, useless = runner("good", 0.01, rate, seed=seed), runner("useless", price, 0.0)
    both = scenario(candidate("good"), candidate("useless"), **PLAIN)
    half = budget_of(both).single
    alone, _ = run(good, single=half)
    race, _ = run(good, useless, where=both)
    assert race.lanes["good"].asked == alone.lanes["good"].asked
    assert states(race)["good"] is states(alone)["good"]
    assert race.lanes["useless"].asked <= PILOT


def test_broken_promises_are_as_rare_as_said():
    wrong = 0
    for seed in range(200):
        at_the_floor = [
            runner(f"c{n}", 0.01 + n / 100, 0.85, 400, seed=(seed, n)) for n in range(2)
        ]
        race, _ = run(*at_the_floor, batch=50)
        wrong += race.accepted is not None
    assert wrong / 200 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)

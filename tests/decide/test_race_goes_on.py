"""After somebody is accepted: who may still be better, and whether proving it pays."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from decide_samples import MONEY, PROMISE, candidate, scenario, tally
from test_race import PLAIN, finish, run, runner, start, states

from rixin.core.scenario import Demand
from rixin.core.verdict import PairTally
from rixin.decide.economics import Point
from rixin.decide.evidence import Floats
from rixin.decide.exploring import objective_of, outlook
from rixin.decide.judged import judge
from rixin.decide.policies import PolicyOutcomes
from rixin.decide.race import Ask, State
from rixin.decide.verdict import decide

FREE_MISTAKES = replace(MONEY, cost_per_wrong=Decimal(0))


def test_a_dearer_candidate_is_proved_where_its_fewer_mistakes_pay():
    cheap, dear = runner("cheap", 0.01, 0.90), runner("dear", 0.03, 0.985, seed=2)
    race, asks = run(cheap, dear)
    assert states(race) == {"cheap": State.ACCEPTED, "dear": State.ACCEPTED}
    assert race.accepted.name == "dear"
    assert asks[-1][0] in {"cheap", "dear"}


def test_it_is_not_proved_where_the_demand_is_too_small():
    rare = Demand(cases_per_month=1)
    cheap, dear = runner("cheap", 0.01, 0.95), runner("dear", 1.0, 0.97, seed=2)
    race, _ = run(cheap, dear, demand=rare)
    assert race.accepted is None or race.lanes["dear"].asked < 1000


def test_by_net_value_a_better_rate_is_worth_its_price():
    money = replace(FREE_MISTAKES, objective="net-value")
    race, _ = run(runner("cheap", 0.01, 0.90), runner("dear", 0.05, 0.985, seed=2), economics=money)
    assert race.accepted.name == "dear"


def accepted_beside(dear, **more):
    """A race in which `cheap` was accepted before anything was asked of `dear`."""
    cheap = runner("cheap", 0.01, 0.95)
    race = start(cheap, dear, **more)
    while race.accepted is None:
        ask = race.next()
        race.tell(
            ask.name, cheap.tally(ask.cases), asked=ask.cases, quality=cheap.quality(ask.cases)
        )
    return race, cheap


def test_one_that_looks_better_and_is_likely_to_hold_is_asked_on():
    money = replace(FREE_MISTAKES, objective="net-value")
    dear = runner("dear", 0.02, 0.99, seed=3)
    race, cheap = accepted_beside(dear, economics=money)
    lane = race.lanes["dear"]
    lane.asked, lane.quality = 900, np.ones(900)
    lane.tally = tally("dear", n=900, solved=900, cost="0.02")
    while (ask := race.next()).name == "cheap":
        seen = cheap.quality(ask.cases)
        race.tell("cheap", cheap.tally(ask.cases), asked=ask.cases, quality=seen)
    assert (ask.name, ask.cases) == ("dear", 927)


def test_what_is_known_of_a_rate_bounds_what_may_still_win():
    dear = runner("dear", 0.0101, 0.5, seed=3)
    race, cheap = accepted_beside(dear, economics=FREE_MISTAKES)
    lane = race.lanes["dear"]
    lane.asked, lane.quality, lane.tally = 100, np.zeros(100), tally("dear", n=100, solved=50)
    lane.judged = judge(
        race.scenario, candidate("dear"), tally("dear", n=100, solved=50), lane.entry.errors
    )
    assert lane.judged.result.solved.upper < 0.9
    finish(race, cheap, dear)
    assert race.lanes["dear"].asked == 100


def test_one_that_looks_better_but_will_hardly_hold_is_let_go():
    money = replace(FREE_MISTAKES, objective="net-value")
    dear = runner("dear", 0.02, 0.95, seed=3)
    race, cheap = accepted_beside(dear, economics=money)
    lane = race.lanes["dear"]
    # All its cases were asked, it looks better than the accepted one, and it stays open.
    lane.asked, lane.quality = 1000, np.ones(1000)
    lane.tally = tally("dear", n=1000, solved=1000, cost="0.02")
    finish(race, cheap, dear)
    assert race.lanes["dear"].state is State.NOT_NEEDED


def test_an_accepted_candidate_stays_accepted_and_is_reported_where_its_test_ended():
    race, _ = run(runner("a", 0.01, 0.95))
    lane = race.lanes["a"]
    at, judged = lane.judged_at, lane.judged
    race.tell("a", tally("a", n=1000, solved=500), asked=1000, quality=np.zeros(1000))
    assert (lane.state, lane.judged_at, lane.judged) == (State.ACCEPTED, at, judged)
    race.tell("a", tally("a", n=1000, solved=960), asked=1000, quality=np.ones(1000))
    assert lane.judged_at == 1000


def twins(first, second):
    """Two that solve the same cases, the second a little dearer unless it says otherwise."""
    return runner("va", 0.0100, 0.95, **first), runner("vb", **{"price": 0.0101, **second})


EQUAL = {"rate": 0.95, "seconds": 1.0}
"""As `va`, and quicker than its five seconds."""
SLOW = {"seconds": 5.0}
FEW = Demand(cases_per_month=1000)


def test_a_practically_equal_one_is_asked_until_it_can_be_told():
    va, vb = twins(SLOW, EQUAL)
    race, asks = run(va, vb, economics=FREE_MISTAKES)
    assert states(race) == {"va": State.ACCEPTED, "vb": State.ACCEPTED}
    shared = min(lane.judged_at for lane in race.lanes.values())
    assert 240 <= shared < 280  # with 95 % confidence, and a margin of two points
    assert [cases for _, cases in asks[-2:]] == [shared, shared]
    tallies = {one.name: one.tally(shared) for one in (va, vb)}
    hits = int(va.solved[:shared].sum())
    pair = PairTally(first="va", second="vb", both=hits, neither=shared - hits)
    tallies["vb"] = replace(tallies["vb"], latency_p95=0.2)
    assert decide(race.scenario, tallies, [pair]).winner == "vb"


@pytest.mark.parametrize(
    ("first", "second", "changes"),
    [
        (SLOW, {**EQUAL, "seconds": 9.0}, {}),  # slower
        ({}, EQUAL, {}),  # nobody knows which is quicker
        (SLOW, {"rate": 0.95}, {}),
        (SLOW, {**EQUAL, "price": 0.0104}, {}),  # dearer by more than the margin
        (SLOW, {**EQUAL, "seed": 2}, {"demand": FEW}),  # they differ on a tenth of the cases
        (SLOW, EQUAL, {"demand": FEW}),  # it costs more than it is worth
    ],
)
def test_nothing_is_paid_to_tell_what_makes_no_difference_or_cannot_be_told(first, second, changes):
    va, vb = twins(first, second)
    race, _ = run(va, vb, economics=replace(FREE_MISTAKES, build_cost=Decimal(0)), **changes)
    assert sorted(states(race).values()) == [State.ACCEPTED, State.NOT_NEEDED]
    assert min(lane.asked for lane in race.lanes.values()) <= 100


def test_one_with_fewer_vendors_is_compared_though_it_was_never_asked():
    cloud, here = runner("cloud", 0.0100, 0.95), runner("here", 0.0101, 0.95)
    where = scenario(
        candidate("cloud"), candidate("here", "local"), **{**PLAIN, "economics": FREE_MISTAKES}
    )
    race, _ = run(cloud, here, where=where)
    assert states(race) == {"cloud": State.ACCEPTED, "here": State.ACCEPTED}


def test_one_that_is_equal_but_not_accepted_yet_is_asked_on():
    cheap, here = runner("cheap", 0.01, 0.95), runner("here", 0.0101, 0.95)
    where = scenario(
        candidate("cheap"), candidate("here", "local"), **{**PLAIN, "economics": FREE_MISTAKES}
    )
    race = start(cheap, here, where=where)
    for name, one, asked in (("here", here, 10), ("cheap", cheap, 400)):
        race.tell(name, one.tally(asked), asked=asked, quality=one.quality(asked))
    lane = race.lanes["here"]
    lane.asked, lane.quality, lane.tally = 400, here.quality(400), here.tally(400)
    assert (race.accepted.name, lane.state) == ("cheap", State.OPEN)
    assert race.next() == Ask("here", 412)


def test_the_outlook_of_cascades_is_what_the_cheapest_price_would_save():
    contract = scenario(candidate("a"), promise=PROMISE, policy=PLAIN["policy"])
    best = Point(0.95, 0.0, 0.02)
    assert outlook(contract, best, 0.001, cost=1.0).worth_it
    assert not outlook(contract, best, 0.02, cost=1.0).worth_it


def outcomes(n: int, cost: float) -> PolicyOutcomes:
    none: Floats = np.zeros(n)
    return PolicyOutcomes(
        solved=np.ones(n),
        measured=np.ones(n, bool),
        cost=np.full(n, cost),
        latency_s=none,
        violated=none.astype(bool),
        abstained=none.astype(bool),
        answered_by=none.astype(np.int64),
    )


def test_a_policy_of_unknown_price_or_without_a_case_has_no_objective():
    contract = scenario()
    assert objective_of(contract, outcomes(3, 0.5), np.ones(3)) == 0.5
    assert objective_of(contract, outcomes(3, np.nan), np.ones(3)) == float("inf")
    assert objective_of(contract, outcomes(0, 0.5), np.ones(0)) == float("inf")

"""What a decision took, whom it prefers among equals, and when more answers pay."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from decide_samples import PROMISE, candidate, scenario, tally, without_limits
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Candidate, Policy
from rixin.core.verdict import Decision, PairTally, Trial
from rixin.decide.budget import budget_of
from rixin.decide.compare import cases_to_tell, compare, within_margin
from rixin.decide.effort import Extra
from rixin.decide.judged import judge
from rixin.decide.stopping import PILOT, Arm, More, next_to_ask, values_of
from rixin.decide.verdict import decide

PLAIN = {"promise": without_limits(), "policy": Policy()}


def local(name):
    return Candidate(name=name, kind="local", target="m")


def trials(*names, state="accepted", asked=2000, **more):
    return {
        name: Trial(order=n, state=state, asked=asked, planned=5000, price=0.01, **more)
        for n, name in enumerate(names, 1)
    }


def test_the_effort_counts_what_was_asked_against_everything():
    two = scenario(candidate("a"), candidate("b"), **PLAIN)
    tried = {**trials("a"), "b": Trial(state="not needed", planned=5000, price=0.5)}
    rows = {"a": tally("a"), "b": tally("b", n=0, solved=0)}
    verdict = decide(two, rows, trials=tried, extra=Extra(100, Decimal(1)))
    assert verdict.effort.answers == 2100
    assert verdict.effort.all_answers == 10_000
    assert verdict.effort.spent == Decimal(21)
    assert verdict.effort.all_spent == pytest.approx(5000 * 0.01 + 5000 * 0.5)
    assert verdict.effort.share == pytest.approx(21 / 2550)
    assert any("b was not worth asking" in line for line in verdict.because)


def test_many_that_were_not_worth_asking_are_counted():
    names = ["a", "b", "c", "d", "e", "f"]
    many = scenario(*map(candidate, names), **PLAIN)
    tried = trials("a") | trials(*names[1:], state="not needed", asked=0)
    rows = {name: tally(name, n=0, solved=0) for name in names} | {"a": tally("a")}
    verdict = decide(many, rows, trials=tried)
    assert any("b, c and 3 more were not worth asking" in line for line in verdict.because)


def test_without_a_known_price_the_share_is_not_known():
    one = scenario(candidate("a"), **PLAIN)
    verdict = decide(one, {"a": tally("a", cost_known=0)}, trials=trials("a"))
    assert verdict.effort.share is None


def same(first, second, n=2000):
    """Both solve the same nineteen cases of twenty."""
    return PairTally(first=first, second=second, both=n - n // 20, neither=n // 20)


def test_of_practically_equal_ones_the_fewer_vendors_win_and_it_is_said():
    two = scenario(candidate("cloud"), local("here"), **PLAIN)
    rows = {"cloud": tally("cloud", cost="0.0100"), "here": tally("here", cost="0.0101")}
    verdict = decide(two, rows, [same("cloud", "here")])
    assert (verdict.winner, verdict.equal_to_winner) == ("here", ("cloud",))
    assert not any("at a higher cost" in line for line in verdict.because)
    assert any("practically equal" in line for line in verdict.because)


def test_of_two_vendors_the_quicker_one_wins_within_the_margin():
    two = scenario(candidate("slow"), replace(candidate("quick"), target="u"), **PLAIN)
    rows = {"slow": tally("slow"), "quick": tally("quick", latency_p95=0.2)}
    assert decide(two, rows, [same("quick", "slow")]).winner == "quick"


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [PairTally(first="cloud", second="here")],
        [same("cloud", "here", 100)],  # too few shared cases to tell
        [PairTally(first="cloud", second="here", both=1800, only_first=100, only_second=100)],
        [PairTally(first="here", second="cloud", both=1870, only_second=30, neither=100)],
    ],
)
def test_what_may_differ_by_more_than_the_margin_is_not_called_equal(pairs):
    two = scenario(candidate("cloud"), local("here"), **PLAIN)
    rows = {"cloud": tally("cloud", cost="0.0100"), "here": tally("here", cost="0.0101")}
    verdict = decide(two, rows, pairs)
    assert (verdict.winner, verdict.equal_to_winner) == ("cloud", ())


def test_equal_in_quality_but_dearer_by_more_than_the_margin_is_not_equal():
    two = scenario(candidate("cloud"), local("here"), **PLAIN)
    free = replace(two.economics, cost_per_wrong=Decimal(0))
    rows = {"cloud": tally("cloud", cost="0.0100"), "here": tally("here", cost="0.0103")}
    verdict = decide(replace(two, economics=free), rows, [same("cloud", "here")])
    assert (verdict.winner, verdict.equal_to_winner) == ("cloud", ())


def test_a_cascade_depends_on_the_vendors_of_its_steps():
    chain = Candidate(
        name="chain",
        kind="cascade",
        target="t",
        options={"steps": [{"solver": "here"}, {"solver": "cloud"}]},
    )
    three = scenario(candidate("cloud"), local("here"), chain, **PLAIN)
    rows = {name: tally(name) for name in ("cloud", "here", "chain")}
    names = [("cloud", "here"), ("cloud", "chain"), ("here", "chain")]
    verdict = decide(three, rows, [same(*pair) for pair in names])
    assert verdict.winner == "here"
    assert set(verdict.equal_to_winner) == {"cloud", "chain"}


def test_net_value_prefers_the_one_that_earns_more():
    two = scenario(candidate("cheap"), replace(candidate("good"), target="u"), **PLAIN)
    money = replace(two.economics, cost_per_wrong=Decimal(0), objective="net-value")
    rows = {
        "cheap": tally("cheap", solved=1800, cost="0.001"),
        "good": tally("good", solved=1980, cost="0.05"),
    }
    assert decide(replace(two, economics=money), rows).winner == "good"
    ratio = replace(money, objective="cost-per-solved")
    assert decide(replace(two, economics=ratio), rows).winner == "cheap"


def test_what_is_not_certified_near_the_best_may_not_win():
    near = replace(without_limits(), below_best_at_most=0.02)
    two = scenario(candidate("a"), candidate("b"), promise=near, policy=Policy())
    rows = {"a": tally("a", cost="0.001"), "b": tally("b")}
    tried = {**trials("a", state="not needed"), **trials("b")}
    verdict = decide(two, rows, trials=tried)
    assert (verdict.decision, verdict.winner) == (Decision.ADOPT, "b")
    assert any("not certified" in reason for reason in verdict.candidates[0].reasons)


def test_the_budget_of_the_reference_and_of_singles():
    near = scenario(promise=replace(PROMISE, below_best_at_most=0.02))
    budget = budget_of(near, proposes=True)
    assert budget.reference.hold == pytest.approx(0.005)
    assert budget.single.hold == budget.sequence.hold == pytest.approx(0.045)
    plain = budget_of(scenario(), proposes=False)
    assert plain.sequence.hold == plain.reference.hold == pytest.approx(0.05)


def test_many_pairs_are_compared_by_betting():
    found = compare(
        scenario(), PairTally(first="a", second="b", both=900, only_first=9), exact=False
    )
    assert (found.method, found.no_worse) == ("betting", True)


def test_when_two_can_be_told_to_be_equal():
    where = scenario()  # 95 % confidence, a margin of two points
    assert not within_margin(where, 0, 0, 180)
    assert within_margin(where, 0, 0, 280)
    assert not within_margin(where, 0, 12, 280)
    assert 180 < cases_to_tell(where, 0, 0, 0, 1000) <= 280
    assert cases_to_tell(where, 0, 0, 300, 1000) == 300
    assert 280 < cases_to_tell(where, 1, 1, 200, 1000) < 1000
    assert cases_to_tell(where, 10, 10, 200, 1000) is None
    assert cases_to_tell(where, 0, 0, 0, 0) is None


@pytest.mark.parametrize(
    ("rows", "good_enough"),
    [
        (tally(n=0, solved=0), False),
        (tally(solved=1500), False),
        (tally(n=20, solved=18), True),  # nobody knows yet
        (tally(cost="9"), True),  # it does not pay
        (tally(cost_known=0), False),
    ],
)
def test_who_is_good_enough_whatever_it_costs(rows, good_enough):
    errors = budget_of(scenario()).single
    assert judge(scenario(), candidate("strong"), rows, errors).good_enough is good_enough


def test_a_candidate_that_is_not_there_is_no_candidate():
    with pytest.raises(KeyError):
        scenario().candidate("nobody")


def arm(name, rate, n, price, cases=1000, seed=0):
    seen = (np.random.default_rng(seed).random(n) < rate).astype(float)
    return Arm(name=name, quality=seen, price=price, cases=cases)


def test_more_answers_pay_while_the_leader_is_uncertain_and_stop_paying():
    close = [arm("a", 0.80, 40, 0.001), arm("b", 0.82, 40, 0.002, seed=1)]
    more = next_to_ask(close, worth=1.0, horizon=100_000)
    assert more is not None
    assert set(more.names) <= {"a", "b"}
    assert next_to_ask(close, worth=1.0, horizon=1) is None


def test_a_price_above_all_that_can_be_won_is_never_paid():
    dear = Arm(name="dear", quality=np.array([]), price=2.0, cases=1000)
    assert next_to_ask([arm("a", 0.8, 40, 0.001), dear], worth=1.0, horizon=1e9) is None


def test_the_first_candidate_is_asked_first_and_one_alone_needs_no_more():
    new = Arm(name="new", quality=np.array([]), price=0.1, cases=12)
    assert next_to_ask([new], worth=1.0, horizon=10) == More(("new",), 12)
    assert next_to_ask([arm("a", 0.8, 40, 0.001)], worth=1.0, horizon=1e6) is None
    assert next_to_ask([], worth=1.0, horizon=1e6) is None


def test_a_pilot_that_costs_more_than_it_may_bring_is_not_flown():
    new = Arm(name="new", quality=np.array([]), price=0.1, cases=1000)
    other = Arm(name="other", quality=np.array([]), price=0.12, cases=1000)
    assert next_to_ask([arm("a", 0.8, 40, 0.001), new, other], worth=1.0, horizon=5) is None


def test_without_cases_left_or_worth_nobody_is_asked():
    done = [arm("a", 0.8, 40, 0.1, cases=40), arm("b", 0.8, 40, 0.2, cases=40, seed=3)]
    assert next_to_ask(done, worth=1.0, horizon=1e9) is None
    free = [arm("a", 0.8, 40, 0.1), arm("b", 0.8, 40, 0.2, seed=3)]
    assert next_to_ask(free, worth=0.0, horizon=1e9) is None
    none_left = Arm(name="new", quality=np.array([]), price=0.1, cases=0)
    assert next_to_ask([free[0], none_left], worth=1.0, horizon=1e9) is None


@pytest.mark.parametrize(
    ("worth", "horizon", "price"), [(-1.0, 1.0, 0.1), (1.0, -1.0, 0.1), (1.0, 1.0, float("nan"))]
)
def test_figures_that_cannot_be_are_refused(worth, horizon, price):
    with pytest.raises(ValueError, match="numbers"):
        next_to_ask([arm("a", 0.8, 40, price)], worth=worth, horizon=horizon)


@given(st.permutations([0, 1, 2]), st.integers(0, 50))
def test_the_order_of_the_candidates_does_not_matter(order, seed):
    arms = [arm(f"a{k}", 0.7 + 0.05 * k, 40, 0.001 * (k + 1), seed=seed + k) for k in range(3)]
    mixed = [arms[k] for k in order]
    assert next_to_ask(mixed, 1.0, 5_000) == next_to_ask(arms, 1.0, 5_000)
    assert sorted(values_of(mixed, 1.0)) == pytest.approx(sorted(values_of(arms, 1.0)))


def test_an_unmeasured_case_is_no_solved_one():
    half = Arm(name="a", quality=np.array([1.0, np.nan]), price=0.0, cases=10)
    assert values_of([half], 1.0) == [pytest.approx(0.5)]
    assert PILOT == 20


def test_it_says_at_which_price_the_runner_up_and_at_which_value_the_strong_one_wins():
    two = scenario(candidate("cheap"), replace(candidate("strong"), target="u"), **PLAIN)
    money = replace(two.economics, cost_per_wrong=Decimal(0), cost_per_review=Decimal(0))
    rows = {
        "cheap": tally("cheap", solved=1800, cost="0.01"),
        "strong": tally("strong", solved=1980, cost="1.00"),
    }
    said = decide(replace(two, economics=money), rows).changes
    assert any("strong would win at USD 0.011 an answer or less" in line for line in said)
    assert any("strong alone would earn more than cheap from a value of USD 11" in s for s in said)
    near = {**rows, "strong": tally("strong", solved=1980, cost="0.10")}
    said = decide(replace(two, economics=money), near).changes
    assert any("strong alone earns more than cheap already" in line for line in said)
    value = replace(money, objective="net-value")
    rows = {"cheap": rows["cheap"], "strong": tally("strong", solved=1980, cost="0.30")}
    said = decide(replace(two, economics=value), rows).changes
    assert any("strong would win at USD 0.199 an answer or less" in line for line in said)
    dear = {
        "cheap": tally("cheap", solved=1990),
        "strong": tally("strong", solved=1800, cost="0.02"),
    }
    said = decide(replace(two, economics=money), dear).changes
    assert any("strong would win at" in line for line in said)

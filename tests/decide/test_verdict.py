from dataclasses import replace
from decimal import Decimal

import pytest
from decide_samples import MONEY, PROMISE, candidate, scenario, tally, without_limits
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import COLUMNS, Demand, Incumbent, PartSpec, Policy
from rixin.core.verdict import Decision, PairTally, Standing
from rixin.decide.verdict import decide, months

TWO = scenario(candidate("student", "student"), candidate("strong"))


def test_the_cheapest_per_solved_case_that_holds_is_adopted():
    found = decide(TWO, {"student": tally("student", cost=0.0001), "strong": tally(cost="0.02")})
    assert (found.decision, found.winner) == (Decision.ADOPT, "student")
    assert found.error_chance == pytest.approx(0.05)
    assert found.headline.startswith("Adopt student: it solves 95 % of the cases")
    assert any("strong holds the promise too" in line for line in found.because)
    assert found.cases_needed is None


def test_quality_may_be_worth_more_than_a_cheap_answer():
    cheap = tally("student", solved=1760, cost=0)
    found = decide(TWO, {"student": cheap, "strong": tally(solved=1980, cost="0.05")})
    assert found.winner == "strong"


def test_rules_are_adopted_without_ai():
    where = scenario(candidate("rules", "rule"), candidate("strong"))
    found = decide(where, {"rules": tally("rules", cost=0), "strong": tally(solved=1000)})
    assert found.winner == "rules"
    assert "no AI is needed" in found.headline


def test_no_ai_when_every_model_fails():
    found = decide(scenario(), {"strong": tally(n=100, solved=20)})
    assert (found.decision, found.winner) == (Decision.NO_AI, None)
    assert "strong solves 20 % of the cases, at most" in found.headline
    assert found.because == ("strong fails the promise",)
    assert any("worth another look from" in line for line in found.changes)
    assert found.error_chance == pytest.approx(0.05)


def test_no_ai_names_the_best_of_several_models():
    found = decide(TWO, {"student": tally("student", solved=200), "strong": tally(solved=900)})
    assert "the best model, strong, solves 45 %" in found.headline


def test_a_failed_student_alone_says_nothing_about_ai():
    alone = scenario(candidate("student", "student"))
    found = decide(alone, {"student": tally("student", n=100, solved=20, cost=0)})
    assert found.decision is Decision.KEEP
    assert "student fails (n=100: it solves 20 %, at most" in found.headline
    assert "no language model was tried: add one with" in found.headline
    both = scenario(
        candidate("student", "student"),
        candidate("chain", "cascade", options={"steps": ({"solver": "student"}, {"solver": "x"})}),
    )
    rows = {name: tally(name, violations=200, solved=9) for name in ("student", "chain")}
    harmful = decide(both, rows)
    assert harmful.decision is Decision.KEEP


def test_a_harmful_student_alone_keeps_the_incumbent_too():
    alone = scenario(candidate("student", "student"))
    found = decide(alone, {"student": tally("student", violations=200)})
    assert found.decision is Decision.KEEP
    assert "student fails (200 violations in 2,000" in found.headline


def test_a_cascade_with_a_language_model_speaks_for_ai():
    steps = ({"solver": "student"}, {"solver": "small"})
    chain = candidate("chain", "cascade", options={"steps": steps})
    where = scenario(candidate("student", "student"), candidate("small", "local"), chain)
    names = ("student", "small", "chain")
    found = decide(where, {name: tally(name, n=100, solved=20) for name in names})
    assert found.decision is Decision.NO_AI


def test_no_ai_where_not_even_a_perfect_solver_would_pay():
    where = scenario(
        candidate("student", "student"),
        economics=replace(MONEY, build_cost=Decimal(10**9)),
    )
    found = decide(where, {"student": tally("student", n=100, solved=20, cost=2)})
    assert found.decision is Decision.NO_AI
    assert "even a solver that solved every case at no cost would not earn back" in found.headline


def test_no_ai_when_a_model_is_unsafe():
    found = decide(scenario(), {"strong": tally(violations=200)})
    assert found.decision is Decision.NO_AI
    assert "breaks the promise" in found.headline


def test_no_ai_when_a_model_costs_more_than_it_saves():
    found = decide(scenario(), {"strong": tally(cost="3.00")})
    assert found.decision is Decision.NO_AI
    assert "costs more a case than it saves" in found.headline
    assert "does not pay" in found.because[0]
    assert any("no volume makes strong pay" in line for line in found.changes)


def test_the_incumbent_stays_when_there_are_too_few_cases_to_pay_for_building():
    found = decide(scenario(demand=Demand(cases_per_month=50)), {"strong": tally()})
    assert found.decision is Decision.KEEP
    assert found.headline.startswith("Keep agents")
    assert any("would pay if agents cost more than" in line for line in found.changes)


def test_a_model_that_would_pay_but_falls_short_keeps_the_incumbent():
    found = decide(scenario(), {"strong": tally(solved=1600)})
    assert found.decision is Decision.KEEP
    assert "would save USD" in found.headline
    assert "solves 80 % of the cases, at most" in found.headline
    assert any("strong would keep a promise of" in line for line in found.changes)


def test_a_model_that_is_too_slow_keeps_the_incumbent():
    slow = tally(latency_p95=9.0, latency_p95_lower=8.0, latency_p95_upper=10.0, slow=1900)
    found = decide(scenario(), {"strong": slow})
    assert found.decision is Decision.KEEP
    assert "breaks the promise: p95 latency 9 s" in found.headline


def test_without_any_model_a_failed_rule_keeps_the_incumbent():
    found = decide(scenario(candidate("rules", "rule")), {"rules": tally("rules", solved=900)})
    assert found.decision is Decision.KEEP


def test_too_few_cases_cannot_tell_and_say_how_many_are_needed():
    found = decide(scenario(), {"strong": tally(n=60, solved=57)})
    assert found.decision is Decision.CANNOT_TELL
    assert found.cases_needed > 0
    assert f"{found.cases_needed:,} more cases are needed" in found.headline
    assert found.error_chance == 0.0
    assert any("more cases to be settled" in line for line in found.because)


def test_a_capped_candidate_is_told_to_take_more_cases():
    where = scenario(candidate("strong", cases=60))
    found = decide(where, {"strong": tally(n=60, solved=57)})
    assert any("raise its `cases: 60`" in line for line in found.because)


def test_what_was_never_measured_cannot_be_told():
    rows = tally(n=0, solved=0, unmeasured=40, lost=(("connection", 40),))
    found = decide(scenario(), {"strong": rows})
    assert found.decision is Decision.CANNOT_TELL
    assert found.headline == "Cannot tell yet: strong is not settled; keep agents."
    assert any("has not been measured yet: connection" in line for line in found.because)
    assert found.candidates[0].standing is Standing.UNMEASURED


def test_what_was_not_run_says_so():
    found = decide(TWO, {n: tally(n, n=0, solved=0, missing=9) for n in ("student", "strong")})
    assert "student and strong are not settled" in found.headline
    assert "strong has not been measured yet: it was not run" in found.because


def test_a_rate_at_the_floor_stays_open_at_any_number():
    found = decide(scenario(), {"strong": tally(n=100, solved=85)})
    assert any("stays open at any number of cases" in line for line in found.because)
    assert found.cases_needed is None


def test_an_unknown_price_is_asked_for():
    found = decide(scenario(), {"strong": tally(cost_known=0)})
    assert found.decision is Decision.CANNOT_TELL
    assert any("state its `price`" in line for line in found.because)
    assert any("the price of strong is not known" in line for line in found.warnings)
    assert found.spent is None


def test_a_saving_that_may_be_nothing_asks_for_more_cases():
    tight = Incumbent(name="agents", cost_per_case=Decimal("0.04"), solved=0.95)
    where = scenario(incumbent=tight, economics=replace(MONEY, build_cost=Decimal(0)))
    for cost in ("0.035", "0.045"):
        found = decide(where, {"strong": tally(cost=cost)})
        assert found.decision is Decision.CANNOT_TELL
        assert found.cases_needed > 1000
    even = decide(where, {"strong": tally(cost="0.04")})
    assert even.decision is Decision.CANNOT_TELL


def test_the_most_promising_open_candidate_says_how_many_cases():
    open_ones = {"student": tally("student", n=60, solved=58), "strong": tally(n=60, solved=54)}
    found = decide(TWO, open_ones)
    best = next(one for one in found.candidates if one.name == "student")
    assert found.cases_needed == best.cases_needed


def test_open_rivals_of_a_winner_are_named():
    found = decide(TWO, {"student": tally("student"), "strong": tally(n=40, solved=39)})
    assert found.winner == "student"
    assert any(line.startswith("strong needs") for line in found.changes)


def test_an_open_promise_without_a_number_for_one_term_gives_none():
    near = tally(n=300, solved=270, slow=15)  # one in twenty is the limit itself
    found = decide(scenario(), {"strong": near})
    assert found.candidates[0].cases_needed is None


def test_humans_are_the_incumbent_and_not_a_candidate():
    where = scenario(candidate("people", "human"), candidate("strong"))
    found = decide(where, {"people": tally("people"), "strong": tally()})
    assert [one.name for one in found.candidates] == ["strong"]


def test_without_guards_the_verdict_says_that_harm_is_not_in_it():
    found = decide(scenario(policy=Policy()), {"strong": tally()})
    assert "no guard counts it" in found.warnings[0]
    assert found.candidates[0].harm.value is None


def test_what_guards_let_pass_is_told():
    listed = [f"w{number}" for number in range(8)]
    guards = (
        PartSpec(name="output-schema"),
        PartSpec(name="pii", options={"allow": ["a@b.org", {"regex": "ORD-.*"}]}),
        PartSpec(name="secrets", options={"allow": [*listed, "x", "y"]}),
    )
    pii, secrets = decide(scenario(policy=Policy(guards=guards)), {"strong": tally()}).warnings
    assert pii == "the guard pii lets pass, by its `allow`: 'a@b.org', /ORD-.*/"
    assert secrets.endswith("'w7' and 2 more")


def test_lost_calls_and_near_copies_are_warned_of():
    rows = tally(
        unmeasured=12,
        missing=3,
        lost=(("timeout", 12),),
        twin_cases=500,
        twin_solved=500,
    )
    found = decide(scenario(), {"strong": rows})
    assert any("15 of 2,015 cases could not be measured (12 timeout)" in w for w in found.warnings)
    assert any("solves 93.3 % without the 500 cases" in w for w in found.warnings)
    quiet = decide(scenario(), {"strong": tally(twin_cases=500, twin_solved=475)})
    assert quiet.warnings == ()
    stopped = decide(scenario(), {"strong": tally(missing=3)})
    assert "(not run)" in stopped.warnings[0]


def test_copies_that_lift_a_rate_over_the_floor_are_warned_of():
    floor = replace(PROMISE, solved_at_least=0.949)
    rows = tally(twin_cases=100, twin_solved=99)
    found = decide(scenario(promise=floor), {"strong": rows})
    assert any("without the 100 cases" in line for line in found.warnings)
    all_twins = decide(scenario(), {"strong": tally(twin_cases=2000, twin_solved=1900)})
    assert all_twins.warnings == ()


def test_the_three_factors_stand_before_and_after():
    where = scenario(demand=Demand(cases_per_month=40_000, growth_per_month=0.02))
    build, revenue, margin = decide(where, {"strong": tally()}).factors
    assert (build.before, build.after) == (0.0, 6000.0)
    assert revenue.after == pytest.approx(40_000 * 2.10 * 0.95)
    assert revenue.note == "demand grows 2 % a month"
    assert margin.after > margin.before
    kept = decide(scenario(), {"strong": tally(n=100, solved=20)})
    assert [factor.after for factor in kept.factors] == [None, None, None]


def test_no_margin_is_told_where_nobody_stated_what_a_case_is_worth():
    where = scenario(illustrative=frozenset({"economics.value_per_solved"}))
    found = decide(where, {"strong": tally()})
    assert not found.value_stated
    assert [(one.before, one.after) for one in found.factors[1:]] == [(None, None), (None, None)]
    assert not any("net margin" in line for line in found.because)
    assert decide(scenario(), {"strong": tally()}).value_stated


def test_columns_that_nobody_confirmed_are_told_on_every_verdict():
    found = decide(scenario(illustrative=frozenset({COLUMNS})), {"strong": tally()})
    assert found.decision is Decision.ADOPT
    assert "is read as 'text' → 'queue'" in found.warnings[0]
    assert "cases.columns" in found.illustrative


def test_months_start_with_the_incumbent_and_leave_out_what_has_no_price():
    where = scenario(candidate("a"), candidate("b"), candidate("c"))
    rows = {"a": tally("a"), "b": tally("b", cost_known=0), "c": tally("c", n=0, solved=0)}
    found = months(where, decide(where, rows))
    assert [name for name, _ in found] == ["agents", "a"]
    assert found[1][1].build == -500.0


def test_free_building_pays_at_any_volume():
    where = scenario(economics=replace(MONEY, build_cost=Decimal(0)))
    found = decide(where, {"strong": tally()})
    assert "strong costs nothing to build: it pays at any volume" in found.changes
    assert not any("earned back" in line for line in found.because)
    unsaid = replace(where, illustrative=frozenset({"economics.build_cost"}))
    said = "strong is assumed to cost nothing to build: it pays at any volume"
    assert said in decide(unsaid, {"strong": tally()}).changes


def test_more_mistakes_than_the_incumbent_set_a_limit_to_their_cost():
    found = decide(scenario(), {"strong": tally(solved=1800)})
    assert any("above USD" in line and "for a wrong answer" in line for line in found.changes)
    equal = decide(scenario(), {"strong": tally(solved=1860)})
    assert not any("for a wrong answer" in line for line in equal.changes)


def test_pairs_are_compared_and_empty_ones_left_out():
    rows = {"student": tally("student"), "strong": tally()}
    pairs = [
        PairTally(
            first="student", second="strong", both=1850, only_first=20, only_second=40, neither=90
        ),
        PairTally(first="x", second="y"),
    ]
    (pair,) = decide(TWO, rows, pairs).pairs
    assert pair.no_worse
    assert pair.difference.lower < -0.01 < pair.difference.upper
    assert pair.p_value == pytest.approx(0.0135, abs=0.001)


def test_spending_is_what_the_rows_cost_when_asked():
    found = decide(
        TWO, {"student": tally("student", cost=0), "strong": tally(spent=Decimal("7.5"))}
    )
    assert found.spent == Decimal("7.5")


@given(n=st.integers(20, 4000), data=st.data())
def test_more_solved_cases_never_lose_the_promise(n, data):
    fewer = data.draw(st.integers(0, n - 1))
    order = [Standing.FAILS, Standing.OPEN, Standing.HOLDS]
    where = scenario(promise=without_limits(), policy=Policy())
    first, second = (
        decide(where, {"strong": tally(n=n, solved=k)}).candidates[0].standing
        for k in (fewer, fewer + 1)
    )
    assert order.index(first) <= order.index(second)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(0, 5), st.integers(0, 50)),
        min_size=2,
        max_size=2,
    )
)
def test_a_winner_always_holds_the_promise_and_saves_money(rows):
    tallies = {
        name: tally(
            name,
            n=max(n, k),
            solved=k,
            violations=min(v, max(n, k)),
            unmeasured=u,
            lost=(("x", u),),
        )
        for name, (n, k, v, u) in zip(("student", "strong"), rows, strict=True)
    }
    found = decide(TWO, tallies)
    assert (found.winner is not None) == (found.decision is Decision.ADOPT)
    for one in found.candidates:
        if one.name == found.winner:
            assert one.standing is Standing.HOLDS
            assert one.saving_per_month.lower > 0


def test_a_job_that_brings_no_value_may_still_be_done_more_cheaply():
    where = scenario(economics=replace(MONEY, value_per_solved=Decimal(0)))
    found = decide(where, {"strong": tally()})
    assert found.winner == "strong"
    assert not any("net margin" in line for line in found.because)

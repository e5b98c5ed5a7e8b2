"""What would change a decision, on rows whose figures can be told by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest
from decide_samples import MONEY, candidate, scenario, tally, without_limits

from rixin.core.scenario import Policy
from rixin.core.verdict import Standing
from rixin.decide.verdict import decide

FREE = replace(MONEY, cost_per_wrong=Decimal(0), cost_per_review=Decimal(0))
PLAIN = {"promise": without_limits(), "policy": Policy(), "economics": FREE}
THREE = scenario(
    candidate("cheap"), replace(candidate("strong"), target="u"), candidate("few"), **PLAIN
)


def changed(*rows, where=THREE, **economics):
    kept = tuple(one for one in where.candidates if one.name in {row.solver for row in rows})
    money = replace(where.economics, **economics)
    found = decide(replace(where, candidates=kept, economics=money), {r.solver: r for r in rows})
    assert found.winner == "cheap"
    return found, found.changes


CHEAP = tally("cheap", solved=1800, cost="0.01")
STRONG = tally("strong", solved=1980, cost="1.00")
OPEN = tally("few", n=40, solved=37, cost="0.001")


def test_an_open_candidate_that_looks_better_does_not_hide_the_runner_up():
    found, said = changed(CHEAP, STRONG, OPEN)
    assert found.candidates[2].standing is Standing.OPEN
    assert "strong would win at USD 0.011 an answer or less (measured: USD 1.00)" in said
    assert "few is as good already at USD 0.001 an answer, if it held the promise: that is open" in said  # fmt: skip


def test_an_open_candidate_is_the_runner_up_where_nobody_else_could_be_adopted():
    _, said = changed(CHEAP, tally("few", n=40, solved=37, cost="0.10"))
    line = next(one for one in said if one.startswith("few would win at"))
    assert line == "few would win at USD 0.0103 an answer or less (measured: USD 0.10), if it held the promise: that is open"  # fmt: skip


def test_a_runner_up_whose_mistakes_are_too_dear_wins_at_no_price():
    dear = {"cost_per_wrong": Decimal(10)}
    _, said = changed(tally("cheap", solved=1990), tally("strong", solved=1800), **dear)
    assert "strong would not win at any price of an answer" in said


def test_a_winner_with_nobody_beside_it_names_nobody():
    _, said = changed(CHEAP)
    assert not any("would win" in line or "alone" in line for line in said)


@pytest.mark.parametrize(
    ("cost", "line"),
    [
        ("0.10", "strong alone earns more than cheap already at the stated value of USD 2.10 a solved case (from USD 1.00 on), at a higher cost per solved one"),
        ("1.00", "strong alone would earn more than cheap from a value of USD 11.00 a solved case on (stated: USD 2.10)"),
    ],
    ids=["below", "above"],
)  # fmt: skip
def test_the_value_at_which_the_strong_one_earns_more_is_always_told(cost, line):
    _, said = changed(CHEAP, tally("strong", solved=1980, cost=cost))
    assert line in said


def test_an_open_strong_one_is_told_with_its_condition():
    _, said = changed(CHEAP, tally("few", n=40, solved=39, cost="0.10"))
    (line,) = [one for one in said if "few alone" in one]
    assert "already at the stated value" in line
    assert line.endswith("if it held the promise: that is open")


def test_by_net_value_an_open_one_may_earn_more_at_any_value():
    rows = (CHEAP, tally("few", n=40, solved=39, cost="0.02"))
    money = {"objective": "net-value", "cost_per_wrong": Decimal(4)}
    _, said = changed(*rows, **money)
    (line,) = [one for one in said if "few alone" in one]
    assert "(at any value), if it held" in line


def test_the_volume_below_which_nothing_pays_is_the_least_of_all_that_could_be_adopted():
    strong = tally("strong", solved=1980, cost="0.10")
    found, said = changed(CHEAP, strong)
    volumes = {one.name: one.break_even_cases for one in found.candidates}
    assert volumes["strong"] < volumes["cheap"]
    assert f"below {volumes['strong']:,.0f} cases a month nothing pays; from there on strong pays" in said  # fmt: skip
    assert any(line.startswith("cheap pays within 12 months from") for line in said)


def test_who_could_not_be_adopted_does_not_lower_that_volume():
    found, said = changed(CHEAP, OPEN)
    own = found.candidates[0].break_even_cases
    assert f"below {own:,.0f} cases a month nothing pays" in said
    alone = decide(replace(THREE, candidates=THREE.candidates[:1]), {"cheap": replace(OPEN, solver="cheap")})  # fmt: skip
    assert alone.winner is None
    assert any(line.endswith("cases a month nothing pays") for line in alone.changes)


def test_what_costs_nothing_to_build_pays_at_any_volume():
    _, said = changed(CHEAP, build_cost=Decimal(0))
    assert not any("nothing pays" in line for line in said)

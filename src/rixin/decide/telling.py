"""The verdict in words: headline, reasons, warnings."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from rixin.core.scenario import COLUMNS, Scenario
from rixin.core.verdict import CandidateResult, Decision, Effort, Missing, Standing, Tally
from rixin.decide.changes import (
    least_volume,
    limit_of,
    rows_to_add,
    what_is_open,
    what_would_change,
    who_else,
)
from rixin.decide.cut_answers import cut_line, hangs_on_cut
from rixin.decide.demand import demand_score
from rixin.decide.economics import incumbent_result
from rixin.decide.judged import Judged
from rixin.decide.language_models import ADD_ONE, who_failed
from rixin.decide.needs import Need, shortages
from rixin.decide.promise import unknown_cases
from rixin.decide.wording import amount, listing, percent

_NOTICEABLE = 0.005
"""Change of a solve rate that near copies must cause to be worth a warning."""


def headline(
    scenario: Scenario, decision: Decision, winner: Judged | None, judged: Sequence[Judged]
) -> str:
    """One sentence for everybody."""
    people = scenario.incumbent.name
    if winner is not None:
        return _adopt_line(scenario, winner.result)
    if decision is Decision.NO_AI:
        models = [one for one in judged if one.result.uses_ai]
        return f"Do not use AI here: {_why_not(scenario, models)}; keep {people}."
    if decision is Decision.KEEP:
        failed = who_failed(scenario, judged)
        why = f"{failed}; {ADD_ONE}" if failed else _why_keep(scenario, judged)
        return f"Keep {people}: {why}."
    cut = [
        cut_line(scenario, one.result.name, one.result.tally)
        for one in judged
        if hangs_on_cut(scenario, one)
    ]
    short = _what_is_short(scenario, judged)
    nearest = _nearest_to_settled(judged)
    if cut:
        why = "; ".join(cut)
    elif short:
        why = "; ".join(short)
    elif nearest is not None:
        why = f"{nearest.result.cases_needed:,} more {nearest.kind_needed} are needed"
        why += limit_of(scenario, nearest) or rows_to_add(scenario, nearest)
    else:
        open_ones = [one.result.name for one in judged if not one.excluded]
        why = f"{listing(open_ones)} {_are(open_ones)} not settled"
        return f"Cannot tell yet: {why}; keep {people}."
    return f"Cannot tell yet: {why}; until then keep {people}."


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _adopt_line(scenario: Scenario, one: CandidateResult) -> str:
    currency, people = scenario.economics.currency, scenario.incumbent.name
    solved, cost, saving = one.solved.value, one.cost_per_solved.value, one.saving_per_month.lower
    assert solved is not None and cost is not None and saving is not None
    no_model = "" if one.uses_ai else ", no AI is needed"
    today = incumbent_result(scenario).cost_per_solved
    return (
        f"Adopt {one.name}{no_model}: it solves {percent(solved)} of the cases at"
        f" {amount(cost, currency)} a solved case ({people}: {amount(today, currency)})"
        f" and saves at least {amount(saving, currency)} a month."
    )


def _why_not(scenario: Scenario, models: Sequence[Judged]) -> str:
    """Why no model will do, in one clause: the best of them named with its figure."""
    if not (demand := demand_score(scenario)).worth_it:
        return demand.why_not
    best = max(models, key=lambda one: one.result.solved.value or 0.0)
    name = best.result.name
    which = name if len(models) == 1 else f"the best model, {name},"
    if best.failing is None:
        return f"{which} costs more a case than it saves, at any volume"
    return f"{which} {_shortfall(scenario, best)}"


def _shortfall(scenario: Scenario, one: Judged) -> str:
    """The first term that fails, as what the candidate does."""
    solved, term = one.result.solved, one.failing
    assert term is not None and solved.value is not None and solved.upper is not None
    if term.name != "solved":
        return f"breaks the promise: {term.text}"
    return (
        f"solves {percent(solved.value)} of the cases, at most {percent(solved.upper)}, and"
        f" {percent(scenario.promise.solved_at_least)} was promised"
    )


def _why_keep(scenario: Scenario, judged: Sequence[Judged]) -> str:
    """Why nothing is adopted although something would pay, in one clause."""
    demand = scenario.demand.cases_per_month
    worth = [one for one in judged if one.worth_it]
    failed = [one for one in worth if one.failing is not None]
    if not worth or len(failed) < len(worth):
        return f"nothing that holds the promise pays at {demand:,} cases a month"
    best = max(failed, key=lambda one: one.result.saving_per_month.value or 0.0)
    saving, currency = best.result.saving_per_month, scenario.economics.currency
    assert saving.value is not None
    least = "" if saving.lower is None else f" (at least {amount(saving.lower, currency)})"
    money = f"{amount(saving.value, currency)} a month{least}"
    return f"{best.result.name} would save {money}, but {_shortfall(scenario, best)}"


def because(
    scenario: Scenario, decision: Decision, winner: Judged | None, judged: Sequence[Judged]
) -> Iterator[str]:
    """The reasons in plain words."""
    if winner is not None:
        yield from _because_adopted(scenario, winner, judged)
        return
    for one in judged:
        if one.excluded:
            yield _because_excluded(scenario, one.result)
    if decision is Decision.CANNOT_TELL:
        yield from _what_is_open(scenario, [one for one in judged if not one.excluded])


def _because_adopted(scenario: Scenario, winner: Judged, judged: Sequence[Judged]) -> Iterator[str]:
    one, currency = winner.result, scenario.economics.currency
    saving, margin = one.saving_per_month, one.net_margin
    assert saving.value is not None and saving.lower is not None
    yield (
        f"it is expected to save {amount(saving.value, currency)} a month (at least"
        f" {amount(saving.lower, currency)}) at {scenario.demand.cases_per_month:,} cases, what it costs to build included"
    )
    if margin.value is not None and "economics.value_per_solved" not in scenario.illustrative:
        before = incumbent_result(scenario).net_margin
        yield f"the net margin of the job goes from {percent(before)} to {percent(margin.value)}"
    if one.payback_days:
        days = max(1, round(one.payback_days))
        yield f"building it is earned back in {days:,} day{'s' if days > 1 else ''}"
    dearer = [each.result.name for each in judged if each.adoptable and each is not winner]
    if dearer:
        verb = "holds" if len(dearer) == 1 else "hold"
        yield f"{listing(dearer)} {verb} the promise too, at a higher cost per solved case"


def _because_excluded(scenario: Scenario, one: CandidateResult) -> str:
    if one.standing is Standing.FAILS:
        return f"{one.name} fails the promise"
    saving = one.saving_per_month
    assert saving.upper is not None
    return (
        f"{one.name} would save at most {amount(saving.upper, scenario.economics.currency)} a month"
        " against the incumbent: it does not pay"
    )


def practically_equal(equals: Sequence[Judged]) -> Iterator[str]:
    """Who is practically as good as the winner, and why the winner was preferred."""
    if equals:
        names = listing([one.result.name for one in equals])
        verb = "is" if len(equals) == 1 else "are"
        yield (
            f"{names} {verb} practically equal within the margin; fewer vendors, then the lower"
            " latency, decide between them"
        )


def effort_line(effort: Effort | None, results: Sequence[CandidateResult], currency: str) -> str:
    """What was asked and paid, against asking everybody everything; empty where it is the same."""
    if effort is None or effort.answers >= effort.all_answers:
        return ""
    text = f"it took {effort.answers:,} of {effort.all_answers:,} answers"
    if effort.spent is not None and effort.all_spent:
        share = percent(effort.share or 0.0)
        text += (
            f" and {amount(float(effort.spent), currency)} of the"
            f" {amount(effort.all_spent, currency)} that all of them would have cost ({share})"
        )
    spared = [one.name for one in results if one.not_needed]
    if not spared:
        return text
    names = ", ".join(spared[:2]) + f" and {len(spared) - 2} more"
    verb = "was" if len(spared) == 1 else "were"
    return f"{text}; {listing(spared) if len(spared) <= 3 else names} {verb} not worth asking"


def changes(
    scenario: Scenario, decision: Decision, best: Judged | None, judged: Sequence[Judged]
) -> Iterator[str]:
    """What would change the decision."""
    adopted = decision is Decision.ADOPT
    if best is not None and best.point is not None:
        able = [one for one in judged if one.point is not None and one.failing is None]
        yield from what_would_change(scenario, best.result, best.point, adopted=adopted)
        yield from least_volume(best, [one for one in able if one.adoptable or not adopted])
        if adopted:
            yield from who_else(scenario, best, [one for one in able if one is not best])
    if decision is not Decision.CANNOT_TELL:
        open_ones = [one for one in judged if not one.excluded and not one.adoptable]
        yield from _what_is_open(scenario, open_ones)


def _what_is_open(scenario: Scenario, candidates: Sequence[Judged]) -> Iterator[str]:
    """What settles each open candidate: a higher limit where it hangs on cut answers, else cases."""
    for one in candidates:
        if hangs_on_cut(scenario, one):
            yield cut_line(scenario, one.result.name, one.result.tally)
        else:
            yield from what_is_open(scenario, [one])


def what_is_allowed(scenario: Scenario) -> Iterator[str]:
    """What each guard lets pass by name, in one line for each."""
    for guard, allow in scenario.policy.allowed:
        shown = [f"/{one['regex']}/" if isinstance(one, Mapping) else repr(one) for one in allow]
        more = f" and {len(shown) - 8:,} more" if len(shown) > 8 else ""
        yield f"the guard {guard} lets pass, by its `allow`: {', '.join(shown[:8])}{more}"


def warnings(scenario: Scenario, results: Sequence[CandidateResult]) -> Iterator[str]:
    """What a reader must know before trusting the figures."""
    if COLUMNS in scenario.illustrative:
        source = scenario.cases
        yield (
            f"the columns of {source.path.name} were guessed and nobody has confirmed them: it is"
            f" read as {source.input!r} → {source.expected!r}. If that is right, take {COLUMNS} out"
            " of `illustrative`; if not, this verdict is about another job"
        )
    if not scenario.policy.guards:
        yield "harm is not part of this verdict: no guard counts it (policy.guards)"
    elif scenario.promise.harm_at_most is None:
        yield (
            "harm is not part of this verdict: nobody has said which share of answers that a guard"
            " finds fault with may be given (promise.harm)"
        )
    yield from what_is_allowed(scenario)
    for one in results:
        tally = one.tally
        if (lost := unknown_cases(tally)) and tally.cases:
            yield (
                f"{one.name}: {lost:,} of {tally.cases + lost:,} cases could not be measured"
                f" ({_causes(tally)}); none of them counts in its favour"
            )
        if cut := cut_line(scenario, one.name, tally):
            yield f"{cut}: an answer that was cut is none, for or against"
        if tally.cases and tally.cost_known < tally.cases:
            yield f"the price of {one.name} is not known: its cost and saving cannot be stated"
        yield from _twins(scenario, one)


def _causes(tally: Tally) -> str:
    if not tally.unmeasured:
        return "not run"
    return listing([f"{count:,} {cause}" for cause, count in tally.lost[:3]])


def _twins(scenario: Scenario, one: CandidateResult) -> Iterator[str]:
    """Near copies in another pool make a trained solver look better than it is."""
    tally, solved = one.tally, one.solved.value
    rest = tally.cases - tally.twin_cases
    if not tally.twin_cases or rest <= 0 or solved is None:
        return
    without = (tally.solved - tally.twin_solved) / rest
    if solved - without >= _NOTICEABLE or without < scenario.promise.solved_at_least <= solved:
        yield (
            f"{one.name} solves {percent(without)} without the {tally.twin_cases:,} cases that have"
            " a near copy in another pool"
        )


def missing(scenario: Scenario, judged: Sequence[Judged]) -> Missing | None:
    """The cases that the most promising candidate lacks, where a number of them would settle it."""
    nearest = _nearest_to_settled(judged)
    if nearest is not None:
        more, kind = nearest.result.cases_needed or 0, nearest.kind_needed
        there = [term.cases for term in nearest.terms if term.cases_needed == more]
        share = scenario.cases.pools["certify"]
        have = there[0] if there else nearest.result.tally.cases
        return _missing(scenario, nearest, more, have, kind, share)
    one, needs = _nearest_shortage(scenario, judged)
    if not needs:
        return None
    most = max(needs, key=lambda need: need.short)
    return _missing(scenario, one, most.short, most.there, most.kind, most.share)


def _missing(
    scenario: Scenario, one: Judged, more: int, there: int, kind: str, share: float
) -> Missing:
    rows = None if limit_of(scenario, one) else ceil(more / share)
    return Missing(cases=more, there=there, kind=kind, rows=rows)


def _nearest_to_settled(judged: Sequence[Judged]) -> Judged | None:
    known = [one for one in judged if not one.excluded and one.result.cases_needed]
    return max(known, key=lambda one: one.result.saving_per_month.value or 0.0, default=None)


def _nearest_shortage(
    scenario: Scenario, judged: Sequence[Judged]
) -> tuple[Judged, Sequence[Need]]:
    """What is missing where nothing can be adopted with the cases that are there, and to whom."""
    short = [
        (one, [] if one.errors is None else shortages(scenario, one.errors))
        for one in judged
        if not one.excluded
    ]
    return min(short, key=lambda found: max((one.short for one in found[1]), default=0))


def _what_is_short(scenario: Scenario, judged: Sequence[Judged]) -> list[str]:
    """The same in words, with what to do about it."""
    one, needs = _nearest_shortage(scenario, judged)
    limit = limit_of(scenario, one)
    return [f"{need}{limit or f': {need.cure}'}" for need in needs]

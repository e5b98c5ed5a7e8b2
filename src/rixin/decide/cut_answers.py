"""Answers that were cut at their limit of tokens: they say nothing of a candidate.

A cut answer is not measured, so it never speaks against a candidate; it does not speak for it
either. Where the standing of a candidate hangs on them, the decision is "cannot tell", with the
limit to raise.
"""

from dataclasses import replace

from rixin.core.answer import NOT_WHOLE, REASONING_LIMIT
from rixin.core.scenario import Scenario, answer_limit
from rixin.core.verdict import Standing, Tally
from rixin.decide.judged import Judged
from rixin.decide.promise import standing_of, terms_of


def cut_count(tally: Tally) -> int:
    """How many answers of a candidate were cut."""
    return sum(count for reason, count in tally.lost if reason in NOT_WHOLE)


def cut_line(scenario: Scenario, name: str, tally: Tally) -> str:
    """What was cut and what to raise, in words without an end; empty where nothing was.

    Args:
        scenario: The contract.
        name: The candidate.
        tally: Its outcomes, summed.
    """
    candidate, cut = scenario.candidate(name), cut_count(tally)
    if not cut:
        return ""
    asked, unsaid = tally.cases + tally.unmeasured, dict(tally.lost).get(REASONING_LIMIT, 0)
    limit = answer_limit(candidate, scenario.output.kind)
    were = "was" if cut == 1 else "were"
    said = f"{cut:,} of {asked:,} answers of {name} {were} cut"
    if limit is not None:
        said = f"{said} at {limit:,} tokens"
    if unsaid:
        which = "" if unsaid == cut else f"{unsaid:,} of them "
        said = f"{said}, {which}before the first word, since reasoning took all of these"
    if limit is not None:
        return f"{said}; raise its `max_tokens` to {2 * limit:,} or more"
    whose = {"replay": "record them anew with a higher limit", "cascade": "raise that of its steps"}
    return f"{said}; {whose.get(candidate.kind, 'raise its `max_tokens`')}"


def hangs_on_cut(scenario: Scenario, one: Judged) -> bool:
    """Whether the answers that were cut decide how the candidate stands.

    That is where nothing else was measured, and where it is open and would hold if they all were
    right, or fail if they all were wrong.
    """
    tally, cut = one.result.tally, cut_count(one.result.tally)
    if not cut or one.excluded:
        return False
    if not tally.cases or one.errors is None:
        return True
    if one.result.standing is not Standing.OPEN:
        return False
    errors, most = one.errors, cut * tally.weight_max
    known = replace(
        tally,
        cases=tally.cases + cut,
        weight=tally.weight + most,
        unmeasured=tally.unmeasured - cut,
        lost=tuple((reason, count) for reason, count in tally.lost if reason not in NOT_WHOLE),
    )
    right = replace(known, solved_weight=tally.solved_weight + most)
    standings = (standing_of(terms_of(scenario, each, errors)) for each in (known, right))
    return next(standings) is Standing.FAILS or next(standings) is Standing.HOLDS

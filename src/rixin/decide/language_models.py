"""Whether a language model was tried: without one nothing is known of AI, only of what was tried."""

from collections.abc import Sequence

from rixin.core.scenario import Scenario
from rixin.decide.demand import demand_score
from rixin.decide.judged import Judged
from rixin.decide.wording import percent

ADD_ONE = (
    "no language model was tried: add one with `- {name: small, local: MODEL}` or"
    " `- {name: strong, endpoint: PROVIDER/MODEL}` under `candidates`"
)


def was_tried(scenario: Scenario, judged: Sequence[Judged]) -> bool:
    """Whether a language model, or a cascade with one, was measured on at least one case."""
    return any(
        one.result.tally.cases and scenario.has_language_model(one.result.name) for one in judged
    )


def says_no_ai(scenario: Scenario, judged: Sequence[Judged]) -> bool:
    """Whether the candidates say something about AI at large, or the contract itself does."""
    return was_tried(scenario, judged) or not demand_score(scenario).worth_it


def who_failed(scenario: Scenario, judged: Sequence[Judged]) -> str:
    """The best of those that broke the promise, in one clause with the number of its cases.

    Empty where a language model was tried, or nothing fell short: then another would not help.
    """
    failed = [one for one in judged if one.failing is not None]
    if was_tried(scenario, judged) or len(failed) < len(judged) or not failed:
        return ""
    best = max(failed, key=lambda one: one.result.solved.value or 0.0)
    solved, term = best.result.solved, best.failing
    assert term is not None
    if term.name != "solved":
        return f"{best.result.name} fails ({term.text})"
    assert solved.value is not None and solved.upper is not None
    return (
        f"{best.result.name} fails (n={best.result.tally.cases:,}: it solves"
        f" {percent(solved.value)}, at most {percent(solved.upper)};"
        f" {percent(scenario.promise.solved_at_least)} was promised)"
    )

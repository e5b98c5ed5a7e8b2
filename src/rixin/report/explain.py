"""One case, and what each solver made of it: in words and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rixin.core.answer import Answer, Step
from rixin.core.case import Case
from rixin.core.money import format_money
from rixin.core.outcome import Outcome, State
from rixin.report.as_json import plain
from rixin.report.columns import clean, wrap
from rixin.report.figures import seconds
from rixin.report.notebook import data_frame, preformatted

if TYPE_CHECKING:
    import pandas as pd

_MARKS = {State.SOLVED: "✓", State.UNSOLVED: "✗", State.UNMEASURED: "–"}
_LIKELIEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One solver on the case."""

    solver: str
    kind: str
    about: str
    """The solver as it was run: model, rules, members."""
    price: str
    outcome: Outcome | None
    """None: it was never asked."""
    proposed: bool = False
    """Nobody wrote it down: a decision made it up and certified it."""
    prompt: Sequence[tuple[str, str]] = ()
    """What it is sent for the case: the role and the text of each message; none: it has no prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A cascade that a decision judged by the stored answers of its members."""

    name: str
    certified: bool
    steps: Sequence[Step]
    """The members that the case would have come to; the last one answers."""
    outcome: Outcome | None
    """Of the member that answers; None: a member was never asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One case with what every candidate said to it, and why."""

    case: Case
    currency: str
    asked: Sequence[Asked]
    tested: Sequence[Tested] = ()

    def to_dict(self, *, prompts: bool = False) -> dict[str, object]:
        """Values that `json.dumps` takes; money is a string.

        Args:
            prompts: With the prompt that each solver is sent.
        """
        case = self.case
        return {
            "id": case.id,
            "ref": case.ref,
            "input": case.input,
            "expected": case.expected,
            "pool": case.pool,
            "stratum": case.stratum,
            "weight": case.weight,
            "currency": self.currency,
            "solvers": [
                {**_asked_json(one), **({"prompt": messages_json(one.prompt)} if prompts else {})}
                for one in self.asked
            ],
            "tested": [_tested_json(one) for one in self.tested],
        }

    def to_pandas(self) -> "pd.DataFrame":
        """One row for each solver: its answer to the case, and what came of it.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(map(_asked_json, self.asked))

    def _repr_html_(self) -> str:
        return preformatted(self.text())

    def __repr__(self) -> str:
        return f"<Explanation {self.case.ref or self.case.id[:12]}: {len(self.asked)} solvers>"

    def text(self, width: int = 100, *, prompts: bool = False) -> str:
        """For a terminal of `width` cells; with the prompts that are sent, or without."""
        lines = [*self._lines(width)]
        for one in self.asked if prompts else ():
            if one.prompt:
                lines += ["", f"prompt of {one.solver}", *messages_lines(one.prompt)]
        return "\n".join(lines)

    def _lines(self, width: int) -> Iterator[str]:
        case = self.case
        yield f"case {clean(case.ref) or case.id[:12]} ({case.id[:12]}), pool {case.pool}" + (
            f", stratum {clean(case.stratum)}" if case.stratum else ""
        )
        yield from wrap(clean(case.input), width, first="  input     ", rest="            ")
        expected = "not known" if case.expected is None else clean(case.expected)
        yield from wrap(expected, width, first="  expected  ", rest="            ")
        if case.pool != "certify":
            yield from wrap(f"no verdict is taken on cases of the pool {case.pool}", width)
        for one in self.asked:
            yield ""
            yield from self._solver(one, width)
        if self.tested:
            yield ""
            yield "other cascades that were tested, by the answers of their members"
        for other in self.tested:
            yield from wrap(_tested_line(other), width, first="  ", rest="    ")

    def _solver(self, one: Asked, width: int) -> Iterator[str]:
        kind = f"proposed {one.kind}" if one.proposed else one.kind
        if one.outcome is None:
            yield f"– {one.solver} ({kind}): not asked about this case"
            return
        outcome = one.outcome
        yield from wrap(f"{_MARKS[outcome.state]} {one.solver} ({kind}): {_said(outcome)}", width)
        rows = {
            "why": _why(outcome),
            "score": _score(outcome),
            "guards": "; ".join(f"{v.guard}: {v.reason}" for v in outcome.violations),
            "sure": _sure(outcome.answer),
            "way": " → ".join(_step(step) for step in outcome.answer.steps),
            "cost": f"{format_money(outcome.answer.cost, self.currency)} ({_used(one)})",
            "time": _time(outcome.answer),
            "solver": clean(one.about),
        }
        for name, value in rows.items():
            if value:
                yield from wrap(clean(value), width, first=f"    {name:<8}", rest=" " * 12)


def messages_lines(messages: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Messages as they are sent, each under its role."""
    for role, text in messages:
        yield f"[{role}]"
        yield from text.splitlines()


def messages_json(messages: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Messages as OpenAI's API writes them."""
    return [{"role": role, "content": text} for role, text in messages]


def _tested_line(one: Tested) -> str:
    name = f"{one.name} ({'certified' if one.certified else 'not certified'})"
    if one.outcome is None:
        return f"– {name}: not all its members were asked about this case"
    way = " → ".join(_step(step) for step in one.steps)
    return f"{_MARKS[one.outcome.state]} {name}: {_said(one.outcome)}; {clean(way)}"


def _said(outcome: Outcome) -> str:
    answer = outcome.answer
    if answer.failure is not None:
        return f"not measured, {answer.failure.kind}: {answer.failure.message}"
    if answer.abstained:
        unsure = "" if answer.output is None else f" (not sure enough of {clean(answer.output)})"
        return f"left it to people{unsure}"
    said = "no output" if answer.output is None else clean(answer.output)
    return f"{said}: {outcome.state.value}"


def _why(outcome: Outcome) -> str:
    """What the solver noted, and why the answer did not count as solved."""
    reason = outcome.reason if outcome.state is State.UNSOLVED else ""
    return "; ".join(part for part in (outcome.answer.note, reason) if part)


def _score(outcome: Outcome) -> str:
    score = outcome.score
    if score is None:
        return ""
    value = "unscored" if score.value is None else f"{score.value:.4g}"
    parts = ", ".join(
        f"{name} {'unscored' if part is None else f'{part:.4g}'}" for name, part in score.parts
    )
    told = "; ".join(part for part in (parts, score.reason) if part)
    return f"{value} ({told})" if told else value


def _sure(answer: Answer) -> str:
    if answer.confidence is None:
        return ""
    likeliest = sorted(answer.probabilities.items(), key=lambda item: -item[1])[:_LIKELIEST]
    shares = ", ".join(f"{label} {share:.3f}" for label, share in likeliest)
    return f"confidence {answer.confidence:.3f}" + (f" ({shares})" if shares else "")


def _step(step: Step) -> str:
    if step.threshold is None:
        return f"{step.solver} answered"
    sure = "no confidence" if step.confidence is None else f"{step.confidence:.3f}"
    if step.escalated:
        return f"{step.solver} ({sure} < {step.threshold:g}: passed on)"
    return f"{step.solver} ({sure} ≥ {step.threshold:g}: kept)"


def _used(one: Asked) -> str:
    assert one.outcome is not None
    usage = one.outcome.answer.usage
    parts = []
    if usage.input_tokens or usage.output_tokens:
        cached = f", {usage.cached_tokens:,} of them cached" if usage.cached_tokens else ""
        parts.append(f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out")
    if usage.cpu_s:
        parts.append(f"{usage.cpu_s:.3g} CPU s")
    return "; ".join([*parts, one.price])


def _time(answer: Answer) -> str:
    retries = f", {answer.retries} retries" if answer.retries else ""
    return f"{seconds(answer.latency_s)}{retries}" if answer.latency_s is not None else retries[2:]


def _asked_json(one: Asked) -> Mapping[str, object]:
    outcome = one.outcome
    head = {
        "solver": one.solver,
        "kind": one.kind,
        "proposed": one.proposed,
        "about": one.about,
        "price": one.price,
    }
    if outcome is None:
        return {**head, "state": "not asked"}
    answer = outcome.answer
    return {
        **head,
        "state": outcome.state.value,
        "reason": outcome.reason,
        "output": answer.output,
        "abstained": answer.abstained,
        "confidence": plain(answer.confidence),
        "probabilities": plain(answer.probabilities),
        "score": plain(outcome.score),
        "violations": plain(outcome.violations),
        "steps": plain(answer.steps),
        "cost": plain(answer.cost),
        "usage": plain(answer.usage),
        "latency_s": plain(answer.latency_s),
        "retries": answer.retries,
        "failure": plain(answer.failure),
        "note": answer.note,
    }


def _tested_json(one: Tested) -> Mapping[str, object]:
    head = {"solver": one.name, "certified": one.certified, "steps": plain(tuple(one.steps))}
    if one.outcome is None:
        return {**head, "state": "not asked"}
    return {**head, "state": one.outcome.state.value, "output": one.outcome.answer.output}

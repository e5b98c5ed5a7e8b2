"""The explanation of one answer of the gateway."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rixin.core.money import format_money, from_pico
from rixin.report.columns import one_line

_STATES = {
    "answered": "answered",
    "refused": "refused",
    "failed": "failed",
    "queued": "waits for people",
    "cancelled": "the caller left before the end",
}


_LONGEST_SAID = 500
_FACTS = frozenset({"at", "answers"})
"""Of feedback, what nobody has said."""
_NO_MODEL = {False: "nothing that was understood", True: "what was erased"}


def explain_request(row: Mapping[str, Any]) -> str:
    """Which solver answered and why, what it cost, and on what evidence it serves.

    Args:
        row: A request as `rixin.ledger.requests.find_request` gives it.
    """
    return "\n".join(map(one_line, _lines(row)))


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    detail = row["detail"]
    at = datetime.fromtimestamp(row["at"], UTC).isoformat(timespec="milliseconds")
    cost, most = _money(row["cost_pico"]), _money(detail.get("reserved_pico"))
    state = "answered by people" if "answered_by" in row else _STATES[row["state"]]
    yield f"{row['id']}, {at}: {state} (HTTP {row['status']})"
    if "answered_by" in row:
        when = datetime.fromtimestamp(row["answered_at"], UTC).isoformat(timespec="seconds")
        yield f"people:    {row['answered_by']}, {when}{_by_people(row)}"
    asked = detail.get("model") or _NO_MODEL[row["erased"]]
    yield f"asked for: {asked}, through {detail['surface']}"
    if row["release"] is not None:
        seal = detail.get("certificate", "")[:16]
        mark = ", NOT certified: forced" if row["certified"] is False else ""
        yield f"release:   {row['scenario']}@{row['release']}, certificate {seal}…{mark}"
    yield f"solver:    {row['solver'] or '–'}"
    at_most = "" if most is None else f", at most {_amount(most, row['currency'])}"
    unknown = cost is None and most is None
    whose = "" if row["currency"] or unknown else " of the scenario's currency"
    about = " (estimated by size)" if detail.get("estimated") else ""
    yield (
        f"used:      {row['input_tokens']:,} tokens in, {row['output_tokens']:,} out{about};"
        f" {_amount(cost, row['currency'])}{at_most}{whose};"
        f" {row['latency_s'] * 1e3:,.1f} ms, of them {detail.get('upstream_s', 0) * 1e3:,.1f} ms upstream"
    )
    if detail.get("outside"):
        yield "outside:   hardly a word of the case is known to the student: it is unlike its cases"
    if unread := detail.get("unread"):
        yield f"unread:    {', '.join(unread)}: figures of the endpoint that may cost more"
    if detail.get("note"):
        yield f"note:      {detail['note']}"
    yield from _steps(row)
    for guard, reason in detail.get("findings", ()):
        yield f"guard:     {guard}: {reason}"
    yield from _content(row)
    for one in row["feedback"]:
        said = ", ".join(
            f"{name} {value!r}" for name, value in one.items() if name not in _FACTS and value
        )
        yield f"feedback:  {said}"


def _by_people(row: Mapping[str, Any]) -> str:
    """What they answered; nothing where it was erased, or answered elsewhere."""
    said = [one["expected"] for one in row["feedback"] if one.get("answers") and one["expected"]]
    return f": {said[0]!r}" if said else ""


def _money(pico: int | None) -> Decimal | None:
    return None if pico is None else from_pico(pico)


def _amount(amount: Decimal | None, currency: str) -> str:
    return format_money(amount, currency).strip()


def _steps(row: Mapping[str, Any]) -> Iterator[str]:
    said = dict((row["content"] or {}).get("said", ()))
    for solver, output, confidence, threshold, escalated in row["detail"].get("steps", ()):
        sure = "without a confidence" if confidence is None else f"confidence {confidence:.3f}"
        bar = "" if threshold is None else f", threshold {threshold:.3f}"
        end = "passed on" if escalated else "this answer stands"
        heard = said.get(solver, output)
        yield f"  · {solver}: {'nothing' if heard is None else _quoted(heard)} ({sure}{bar}): {end}"


def _quoted(heard: str) -> str:
    return heard[:_LONGEST_SAID] if heard.startswith("(") else repr(heard)[:_LONGEST_SAID]


def _content(row: Mapping[str, Any]) -> Iterator[str]:
    content = row["content"]
    if content is None:
        yield "content:   " + ("erased; its hash is kept" if row["erased"] else "not kept")
        return
    yield f"input:     {content['input'][:300]!r}"
    yield f"output:    {'nothing' if content['output'] is None else repr(content['output'][:300])}"

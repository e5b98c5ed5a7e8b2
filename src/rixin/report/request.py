"""The explanation of one answer of the gateway."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rixin.core.money import format_money, from_pico

_STATES = {
    "answered": "answered",
    "refused": "refused",
    "failed": "failed",
    "queued": "waits for people",
    "cancelled": "the caller left before the end",
}


def explain_request(row: Mapping[str, Any]) -> str:
    """Which solver answered and why, what it cost, and on what evidence it serves.

    Args:
        row: A request as `rixin.ledger.requests.find_request` gives it.
    """
    return "\n".join(_lines(row))


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    detail = row["detail"]
    at = datetime.fromtimestamp(row["at"], UTC).isoformat(timespec="milliseconds")
    cost = None if row["cost_pico"] is None else from_pico(row["cost_pico"])
    yield f"{row['id']}, {at}: {_STATES[row['state']]} (HTTP {row['status']})"
    yield f"asked for: {detail['model'] or 'nothing that was understood'}, through {detail['surface']}"
    if row["release"] is not None:
        seal = detail.get("certificate", "")[:16]
        mark = ", NOT certified: forced" if row["certified"] is False else ""
        yield f"release:   {row['scenario']}@{row['release']}, certificate {seal}…{mark}"
    yield f"solver:    {row['solver'] or '–'}"
    whose = "" if row["currency"] or cost is None else " of the scenario's currency"
    about = " (estimated by size)" if detail.get("estimated") else ""
    yield (
        f"used:      {row['input_tokens']:,} tokens in, {row['output_tokens']:,} out{about};"
        f" {format_money(cost, row['currency']).strip()}{whose};"
        f" {row['latency_s'] * 1e3:,.1f} ms, of them {detail.get('upstream_s', 0) * 1e3:,.1f} ms upstream"
    )
    if detail.get("note"):
        yield f"note:      {detail['note']}"
    yield from _steps(row)
    for guard, reason in detail.get("findings", ()):
        yield f"guard:     {guard}: {reason}"
    yield from _content(row)
    for one in row["feedback"]:
        said = ", ".join(
            f"{name} {value!r}" for name, value in one.items() if name != "at" and value
        )
        yield f"feedback:  {said}"


def _steps(row: Mapping[str, Any]) -> Iterator[str]:
    said = dict((row["content"] or {}).get("said", ()))
    for solver, output, confidence, threshold, escalated in row["detail"].get("steps", ()):
        sure = "without a confidence" if confidence is None else f"confidence {confidence:.3f}"
        bar = "" if threshold is None else f", threshold {threshold:.3f}"
        end = "passed on" if escalated else "this answer stands"
        heard = said.get(solver, output)
        yield f"  · {solver}: {'nothing' if heard is None else repr(heard)[:80]} ({sure}{bar}): {end}"


def _content(row: Mapping[str, Any]) -> Iterator[str]:
    content = row["content"]
    if content is None:
        kept = bool(row["detail"].get("content"))
        yield "content:   " + ("erased; its hash is kept" if kept else "not kept")
        return
    yield f"input:     {content['input'][:300]!r}"
    yield f"output:    {'nothing' if content['output'] is None else repr(content['output'][:300])}"

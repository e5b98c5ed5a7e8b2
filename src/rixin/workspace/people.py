"""People answer the cases that wait for them: what they say is the answer, and a label."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rixin.core.labels import label_set
from rixin.core.release import Release
from rixin.core.scenario import Scenario
from rixin.errors import UsageError
from rixin.guards.build import kept_text, text_guards
from rixin.guards.output_schema import OutputSchemaGuard
from rixin.ledger.cases import label_counts
from rixin.ledger.people import answer_case
from rixin.ledger.releases import find_release
from rixin.ledger.requests import Remark, find_request
from rixin.ledger.store import Ledger
from rixin.workspace.frozen import thaw
from rixin.workspace.prepare import labels_of


def labels_for(ledger: Ledger, scenario: Scenario, release: Release) -> tuple[str, ...]:
    """What an answer may be where the output is a label; else nothing."""
    if scenario.output.kind != "labels":
        return ()
    return labels_of(scenario, label_counts(ledger, release.dataset_id))


def contract_of(ledger: Ledger, request: dict[str, Any]) -> tuple[Scenario, Release]:
    """The contract that a request was asked under, and its release."""
    release = find_release(ledger, request["scenario"], request["release"])
    return thaw(release.frozen, Path(release.path)), release


def answer_request(
    ledger: Ledger,
    request_id: str,
    text: str | None,
    *,
    by: str,
    any_form: bool = False,
    key_id: int = 0,
) -> str | None:
    """Answers a case that waits for people; gives the answer as it is kept.

    Args:
        ledger: The ledger.
        request_id: Of the case.
        text: The answer; None: it was answered elsewhere, and nothing is kept.
        by: Who answers.
        any_form: Takes an answer that is none of the labels, or has another form than declared.
        key_id: Number of the key of whoever answers; 0: nobody's.

    Raises:
        UnknownName: There is no such request.
        UsageError: It does not wait for people, the answer has not the form that the contract
            declares, or the contract keeps nothing of what is said.
    """
    request = find_request(ledger, request_id)
    if text is not None and request["state"] == "queued":
        text = _kept(ledger, request, text, any_form=any_form)
    body = {
        "score": None,
        "expected": text,
        "comment": "",
        "answers": True,
        "salt": secrets.token_hex(12),
    }
    now = datetime.now(UTC).timestamp()
    said = json.dumps(body, ensure_ascii=False)
    answer_case(ledger, Remark(request_id, now, key_id, said), by=by)
    return text


def _kept(ledger: Ledger, request: dict[str, Any], text: str, *, any_form: bool) -> str | None:
    scenario, release = contract_of(ledger, request)
    if not scenario.policy.keep_content:
        raise UsageError(
            f"{scenario.name} keeps nothing of what is said (policy.keep_content: false), so no"
            " answer can wait for its caller here",
            hint=f"tell the caller yourself, then: rixin inbox answer {request['id']} --elsewhere",
        )
    labels = labels_for(ledger, scenario, release)
    wrong = OutputSchemaGuard(scenario.output, labels).wrong(text)
    if wrong is not None and not (any_form and text.strip()):
        shown = f": {', '.join(labels[:12])}" if labels else ""
        raise UsageError(
            f"{text[:80]!r} is {wrong}{shown}{', …' * (len(labels) > 12)}",
            hint="add --any-form where it is meant all the same",
        )
    if labels and wrong is None:
        text = label_set(labels).find(text) or text
    return kept_text(text_guards(scenario.policy.guards, scenario.path.parent), text)

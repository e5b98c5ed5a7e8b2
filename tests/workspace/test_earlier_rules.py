"""A certificate made by earlier rules still verifies, and nothing else is let through with it.

The recorded decision is one of a student that was the only kind of candidate, on a contract that
states no harm and was held to 1 % of it then.
"""

import json
import tarfile
from pathlib import Path

import pytest

from rixin.core.verdict import Decision
from rixin.workspace import Workspace
from rixin.workspace.certificate import seal_of

RECORDED = Path(__file__).parent / "data" / "decided-by-earlier-rules.tar.gz"
FILE = Path(".rixin") / "notes.certificate.json"


@pytest.fixture
def folder(tmp_path):
    with tarfile.open(RECORDED) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def verified(folder):
    with Workspace(quiet=True) as workspace:
        return workspace.verify(folder / FILE)


def test_a_certificate_by_earlier_rules_holds_and_says_what_is_read_otherwise_now(folder):
    found = verified(folder)
    assert found.holds, found.text()
    assert "it was made by earlier rules" in found.text()
    assert found.headline.startswith("Keep people: student fails (n=10")


def test_another_decision_is_not_let_through_as_an_earlier_rule(folder):
    given = json.loads((folder / FILE).read_text())
    given.update(decision="adopt", winner="student")
    given["sha256"] = seal_of(given)
    (folder / FILE).write_text(json.dumps(given))
    assert [one.where for one in verified(folder).differences] == ["decision", "winner"]


def test_a_decision_of_today_on_the_same_rows_keeps_the_incumbent(folder):
    file = folder / "notes.yaml"
    file.write_text(file.read_text().replace(", cases: 20", ""))
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(file)
    assert result.verdict.decision is Decision.KEEP
    result.write_certificate(folder / FILE)
    assert verified(folder).not_covered == ()

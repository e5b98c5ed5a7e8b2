import asyncio

import pytest

from rixin.core.case import make_case
from rixin.errors import ContractError, UsageError
from rixin.solvers._rule_file import load_rules
from rixin.solvers.rule import Rule, RuleSet, RuleSolver

RULES = """
rules:
  - {label: earn, any: [net profit, dividend], none: [forecast], reason: results}
  - {label: acq, all: [stake, buy]}
  - {label: id, regex: ['[A-Z]{2}-\\d+']}
  - {label: both, any: [oil], regex: ['\\d']}
  - {label: food, any: [好吃, c++, كتاب]}
"""


def answer(rules, *texts):
    solver = RuleSolver("rules", rules)
    return asyncio.run(solver.solve([make_case(text, None, {"shape": 1.0}) for text in texts]))


def load(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rules(path)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("NET\n Profit rose", "earn"),
        ("dividend, forecast", None),
        ("dividends", None),
        ("ｄｉｖｉｄｅｎｄ", "earn"),
        ("buy a stake", "acq"),
        ("buy steak", None),
        ("see AB-12", "id"),
        ("see ab-12", None),
        ("oil", None),
        ("oil 7", "both"),
        ("这个真好吃啊", "food"),
        ("I write C++ daily", "food"),
        ("هذا كِتابٌ", "food"),
    ],
)
def test_a_rule_answers_when_all_of_its_lists_agree(tmp_path, text, label):
    (given,) = answer(load(tmp_path, RULES), text)
    assert given.output == label
    assert given.abstained is (label is None)
    assert given.confidence == (None if label is None else 1.0)


def test_the_first_rule_in_the_file_wins_and_says_why(tmp_path):
    (given,) = answer(load(tmp_path, RULES), "a dividend, buy a stake")
    assert given.note == "rule 1 'earn' matched 'dividend' (results)"


def test_the_note_names_every_match(tmp_path):
    both, all_of = answer(load(tmp_path, RULES), "OIL at 7", "buy a stake")
    assert both.note == "rule 4 'both' matched 'oil', '7'"
    assert all_of.note == "rule 2 'acq' matched 'stake', 'buy'"


def test_the_default_answers_without_confidence_in_itself(tmp_path):
    rules = load(tmp_path, "default: other\nrules: [{label: a, any: x}]")
    (given,) = answer(rules, "nothing")
    assert (given.output, given.confidence, given.abstained) == ("other", 0.0, False)


def test_abstain_may_be_written_out(tmp_path):
    rules = load(tmp_path, "\ufeffdefault: abstain\nrules: [{label: a, any: x}]")
    assert rules == RuleSet(rules=(Rule(label="a", any=("x",)),))


def test_time_is_measured_and_a_change_of_rules_changes_the_fingerprint():
    one, two = (RuleSet(rules=(Rule(label="a", any=(word,)),)) for word in ("x", "y"))
    (given,) = answer(one, "x " * 5_000)
    assert given.latency_s > 0
    assert given.usage.cpu_s >= 0
    assert RuleSolver("r", one).fingerprint != RuleSolver("r", two).fingerprint


def test_every_mistake_is_reported_with_file_and_line(tmp_path):
    text = """rules:
  - {label: a, any: [x], colour: red}
  - {any: [x]}
  - {label: b}
  - label: c
    regex: ['(']
  - {label: d, any: ['']}
  - {label: [e], any: [x]}
  - just text
defualt: a
"""
    with pytest.raises(ContractError) as error:
        load(tmp_path, text)
    found = [(mistake.where, mistake.reason.split(":")[0]) for mistake in error.value.mistakes]
    assert found == [
        ("rules.yaml:10", "unknown key 'defualt'"),
        ("rules.yaml:2", "unknown key 'colour'"),
        ("rules.yaml:3", "a rule without label"),
        ("rules.yaml:4", "a rule that would match every text"),
        ("rules.yaml:6", "'(' is not a regular expression"),
        ("rules.yaml:7", "an empty entry in any"),
        ("rules.yaml:8", "expected a text here"),
        ("rules.yaml:9", "expected label, any, all, none, regex, reason here"),
    ]
    assert error.value.mistakes[0].mend == "did you mean 'default'?"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there are no rules"),
        ("rules: []", "there are no rules"),
        ("rules: words", "there are no rules"),
        ("- a", "there are no rules"),
        ("rules:\n\t- a", "rules.yaml:2: not YAML"),
        ("rules: \x01", "not YAML"),
    ],
)
def test_a_file_without_rules_is_refused(tmp_path, text, reason):
    with pytest.raises(ContractError, match=reason):
        load(tmp_path, text)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"missing\.yaml"):
        load_rules(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"rules: \xe9")
    with pytest.raises(UsageError, match=r"latin\.yaml"):
        load_rules(tmp_path / "latin.yaml")

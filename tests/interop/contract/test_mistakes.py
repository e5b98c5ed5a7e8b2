"""What is wrong with a scenario file, in words that say what to write instead."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from desk import contract, write_desk
from rixin.errors import ContractError, UsageError
from rixin.interop.contract.load import load_scenario


def told(folder: Path, text: str | None = None, **changes: Any) -> list[str]:
    """Each mistake of a scenario as a user reads it, its mend behind it."""
    path = write_desk(folder, **changes)
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_scenario(path)
    return [str(one) for one in caught.value.mistakes]


def rules(**more: Any) -> dict[str, Any]:
    return {"name": "rules", "rule": "rules.yaml", **more}


def step(solver: str, threshold: float | None = None) -> dict[str, Any]:
    return {"solver": solver} | ({} if threshold is None else {"threshold": threshold})


def big(**more: Any) -> dict[str, Any]:
    return {"name": "big", "endpoint": "big", **more}


def log(**more: Any) -> dict[str, Any]:
    return {"name": "log", "replay": "cases.csv", **more}


SYNTAX = {
    "colon": ("task: a: b\n", "mapping values are not allowed", "put a text with a colon in quotes"),
    "at sign": ("a: 1\nowner: @ops\n", "x.yaml:2", "put the text in quotes"),
    "open quote": ("a: 1\nowner: 'ops\nb: 2\n", "x.yaml:2", "close the quote that is opened here"),
    "two scenarios": ("a: 1\n---\nb: 2\n", "another document", "keep one scenario in a file"),
    "star": ("owner: *ops\n", "undefined alias", "put a text that begins with * in quotes"),
    "bracket": ("a: [1, 2\nb: 3\n", "this is not YAML", "put a comma or the closing bracket there"),
    "indent": ("a: 1\n  b: 2\n- c\n", "this is not YAML", "fix:"),
    "tab": ("cases:\n\tpath: a.csv\n", "x.yaml:2: there is a tab", "replace each tab by two spaces"),
    "bell": ("a: 1\nb: \x07\n", "x.yaml:2: the character U+0007", "delete it, or write the file anew"),
    "itself": ("a: &a [*a]\n", "values are nested too deeply, or contain themselves", "without & and *"),
    "aliases of aliases": ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcd", "bcde", strict=True)), "nested too deeply", "write the values out"),
    "list as key": ("[a, b]: 1\n", "a key is a list or a mapping", "write a plain word as the key"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said", "mend"), SYNTAX.values(), ids=SYNTAX)
def test_a_file_that_is_no_yaml_is_told_with_its_line_and_its_mend(tmp_path, text, said, mend):
    first = told(tmp_path, text)[0].replace("desk.yaml", "x.yaml")
    assert said in first
    assert mend in first


FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "empty": ({"owner": ""}, "'owner' is empty: somebody must answer", "write  owner: support"),
    "no value": ({"cases": {"path": "cases.csv", "input": None, "expected": "queue"}}, "'input' is empty", "write  input: COLUMN"),
    "not a mapping": ({"demand": 400}, "'demand' should be a mapping, not 400", "demand: {cases_per_month: 40000}"),
    "not a list": ({"candidates": "rules"}, "'candidates' should be a list, not 'rules'", "candidates:  followed by lines"),
    "not a number": ({"demand": {"cases_per_month": "many"}}, "should be a whole number, not 'many'", "write  cases_per_month: 40000"),
    "decimal comma": ({"incumbent": {"name": "a", "cost_per_case": "1,60", "solved": 0.9}}, "should be a number, not '1,60'", "write  cost_per_case: 1.60"),
    "per cent": ({"incumbent": {"name": "a", "cost_per_case": 1, "solved": 93}}, "a value at most 1, not 93", "write  solved: 0.93"),
    "per cent sign": ({"promise": {"confidence": "95%"}}, "should be a number, not '95%'", "write  confidence: 0.95"),
    "no share": ({"promise": {"confidence": "high"}}, "should be a number, not 'high'", "give it a number"),
    "bare floor": ({"promise": {"solved": 0.9}}, "'solved' should be a mapping, not 0.9", "write  solved: {at_least: 0.9}"),
    "bare ceiling": ({"promise": {"harm": 0.01}}, "'harm' should be a mapping", "write  harm: {at_most: 0.01}"),
    "no unit": ({"promise": {"latency_p95": 2}}, "a duration such as 2s or 500ms, not", "write  latency_p95: 2s"),
    "small letters": ({"economics": {"currency": "eur"}}, "an ISO 4217 code such as USD, not 'eur'", "write  currency: EUR"),
    "name": ({"scenario": "my desk!"}, "a name of letters, digits, dots and hyphens", "write  scenario: my-desk"),
    "too long": ({"task": "t", "scenario": "x" * 90}, "xxx…", "write  scenario: x"),
    "output": ({"output": "text"}, "'output' should be 'free-text', 'number' or 'labels', not 'text'", "write  output:"),
    "two outputs": ({"output": {"labels": "from-cases", "json-schema": {}}}, "an output has one form", "write  output: {labels: from-cases}"),
    "labels": ({"output": {"labels": "from-case"}}, "should be 'from-cases', not 'from-case'", "write  labels: from-cases"),
    "one label": ({"output": {"labels": ["a"]}}, "a list of at least 2", "labels: from-cases, or a list"),
    "empty label": ({"output": {"labels": ["a", "", "b"]}}, "entry 2 of 'labels' is empty", "fix:"),
    "pool": ({"cases": {"path": "cases.csv", "input": "message", "expected": "queue", "pools": {"certifi": 1}}}, "unknown key 'certifi'", "did you mean 'certify'?"),
    "scorer": ({"scorers": [["exact"]]}, "entry 1 of 'scorers' should be a text", "scorers: [exact]"),
    "two scorers in one": ({"scorers": [{"exact": {}, "label": {}}]}, "one alone: at most 1", "scorers: [exact]"),
    "scorer options": ({"scorers": [{"similarity": 0.8}]}, "should be a mapping, not 0.8", "write its options as a mapping"),
    "guards": ({"policy": {"guards": "output-schema"}}, "'guards' should be a list", "guards: [output-schema]"),
    "guard": ({"policy": {"guards": [["a"]]}}, "entry 1 of 'guards' should be a text", "guards: [output-schema]"),
    "policy": ({"policy": "strict"}, "'policy' should be a mapping, not 'strict'", "give it a mapping"),
    "egress": ({"policy": {"egress": "nothing"}}, "should be 'none' or 'allowed', not 'nothing'", "fix:"),
    "cases": ({"cases": "cases.csv"}, "'cases' should be a mapping, not 'cases.csv'", "cases: {path: messages.csv"),
    "misspelt column": ({"cases": {"path": "cases.csv", "input": "message", "expectd": "queue"}}, "unknown key 'expectd'", "did you mean 'expected'?"),
    "unknown beyond guess": ({"budget": {"x": 1}}, "unknown key 'x'", "known: decide, cases, per_day"),
    "unnamed candidate": ({"candidates": [{"rule": "rules.yaml"}]}, "'name' is missing", "add  name: small"),
    "spaced candidate": ({"candidates": [rules(name="my rules")]}, "a name without spaces", "write  name: my-rules"),
    "candidate of no kind": ({"candidates": ["rules"]}, "this one has none", "write one of: "),
    "bare address": ({"candidates": [big(base_url="localhost:1/v1")]}, "begins with http:// or https://", "write  base_url: http://localhost:1/v1"),
    "price": ({"candidates": [big(base_url="http://localhost:1", price={"input": 1})]}, "'output' is missing", "add  output: 0.40, for a million tokens"),
    "unmended price": ({"candidates": [big(base_url="http://localhost:1", price={"input": "a", "output": 1})]}, "should be a number, not 'a'", "write  input: 0.10, for a million"),
    "timeout": ({"candidates": [{"name": "f", "function": "solver:answer", "timeout": 30}]}, "a duration such as 60s", "write  timeout: 30s"),
    "teacher": ({"candidates": [{"name": "s", "student": "bert"}]}, "should be 'tfidf-logistic', not 'bert'", "write  student: tfidf-logistic"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said", "mend"), FIELDS.values(), ids=FIELDS)
def test_a_field_that_is_wrong_is_told_with_what_to_write(tmp_path, changes, said, mend):
    (found,) = told(tmp_path, **changes)
    assert said in found
    assert mend in found


WHOLE: dict[str, tuple[dict[str, Any], str]] = {
    "nothing certifies": ({"cases": {"path": "cases.csv", "input": "message", "expected": "queue", "pools": {"shape": 1}}}, "no case is left in the pool on which the verdict is taken"),
    "one label in wide letters": ({"output": {"labels": ["refund", "ｒｅ\u00adfund"]}}, "are the same but for case and spacing"),
    "one label twice": ({"output": {"labels": ["refund", "Refund ", "account"]}}, "the labels 'refund' and 'Refund ' are the same but for case and spacing"),
    "no figure": ({"illustrative": ["demnd"]}, "did you mean 'demand'?"),
    "instant": ({"promise": {"latency_p95": "0s"}}, "nothing answers in no time"),
    "no patience": ({"candidates": [{"name": "f", "function": "solver:answer", "timeout": "0s"}]}, "no answer comes in no time"),
    "nothing to learn": ({"cases": {"path": "cases.csv", "input": "message", "expected": "queue", "pools": {"certify": 1}}, "candidates": [{"name": "s", "student": "tfidf-logistic"}]}, "no case is left in the pool that a student learns from"),
    "no function": ({"candidates": [{"name": "f", "function": "solver.py"}]}, "'solver.py' does not name a function"),
    "id and input": ({"candidates": [log(columns={"id": "id", "input": "message", "output": "queue"})]}, "by its id or by its input, and by one only"),
    "no answer": ({"candidates": [log(columns={"id": "id"})]}, "there is neither an output nor a score"),
    "no ids": ({"cases": {"path": "cases.csv", "input": "message", "expected": "queue"}, "candidates": [log(columns={"id": "id", "output": "queue"})]}, "the cases have no ids of their own"),
    "twice in a cascade": ({"candidates": [rules(), {"name": "c", "cascade": [step("rules", 0.5), step("rules")]}]}, "'rules' is in the cascade twice"),
    "no threshold": ({"candidates": [rules(), rules(name="b"), {"name": "c", "cascade": [step("rules"), step("b")]}]}, "'rules' is not the last, so it needs a threshold"),
    "last threshold": ({"candidates": [rules(), rules(name="b"), {"name": "c", "cascade": [step("rules", 0.5), step("b", 0.5)]}]}, "'b' is the last, so its threshold has no meaning"),
    "no host": ({"candidates": [big(base_url="http:///v1")]}, "'http:///v1' is no address"),
    "no port": ({"candidates": [big(base_url="http://localhost:99999/v1")]}, "write  base_url: http://HOST:PORT/v1"),
    "samples all alike": ({"candidates": [big(samples=3, base_url="http://127.0.0.1:1/v1")]}, "answers at temperature 0 are all the same"),
    "elsewhere": ({"candidates": [big(base_url="http://example.org/v1")]}, "policy.egress is none, but http://example.org/v1 is elsewhere"),
    "another host": ({"policy": {"egress": ["*.example.com"]}, "candidates": [big(base_url="http://example.org/v1")]}, "policy.egress allows *.example.com, and http://example.org/v1 is elsewhere"),
    "another region": ({"policy": {"egress": "allowed", "regions": ["eu"]}, "candidates": [big(base_url="http://example.org/v1", region="us")]}, "policy.regions allows eu, and it is in us"),
    "no region": ({"policy": {"egress": "allowed", "regions": ["eu", "uk"]}, "candidates": [big(base_url="http://example.org/v1")]}, "policy.regions allows eu, uk, and nobody says where it is"),
    "no host name": ({"policy": {"egress": ["http://example.org"]}}, "should be a host such as api.example.com"),
    "no model": ({"policy": {"egress": "allowed"}, "candidates": [big(endpoint="openai/")]}, "'openai/' names no model"),
    "guard target": ({"policy": {"guards": [{"function": "here"}]}}, "policy.guards.0"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), WHOLE.values(), ids=WHOLE)
def test_what_does_not_fit_together_is_told(tmp_path, changes, said):
    (found,) = told(tmp_path, **changes)
    assert said in found
    assert "fix: " in found


def test_a_decimal_comma_between_braces_is_told_as_one(tmp_path):
    values = contract(economics={"value_per_solved": 2})
    text = yaml.safe_dump(values, sort_keys=False)
    block = "economics:\n  value_per_solved: 2\n"
    assert block in text
    (found,) = told(tmp_path, text.replace(block, "economics: {value_per_solved: 2,10}\n"))
    assert "unknown key '10'" in found
    assert "write a decimal point, such as 2.10" in found


def test_a_misspelt_key_is_told_once_and_not_as_missing_too(tmp_path):
    (found,) = told(tmp_path, owner=None, ownr="support")
    assert "unknown key 'ownr'" in found
    assert "did you mean 'owner'?" in found


HIDING: dict[str, dict[str, Any]] = {
    "cases": {"cases": "cases.csv"},
    "a column": {"cases": {"path": "cases.csv", "input": "massage", "expected": "queue"}},
    "an unknown key of the cases": {"cases": {"path": "cases.csv", "input": "message", "expectd": "queue"}},
    "the task": {"task": ""},
    "the promise": {"promise": {"solved": 0.9}},
    "a candidate": {"candidates": [rules(rule=None), rules(name="b")]},
    "a nameless candidate": {"candidates": [{"rule": "rules.yaml"}, {"name": "c", "human": "incumbent"}]},
    "a word as candidate": {"candidates": ["rules", rules()]},
    "a name with a slash": {"candidates": [rules(name="team/rules")]},
    "a name of an at sign": {"candidates": [rules(name="@")]},
    "all candidates": {"candidates": {}},
    "a scorer": {"scorers": [["exact"], "exact"]},
    "all scorers": {"scorers": "exact"},
    "a guard": {"policy": {"guards": [3, "output-schema"]}},
    "the policy": {"policy": "strict"},
    "egress": {"policy": {"egress": "nothing"}},
    "the output": {"output": "text"},
}  # fmt: skip


@pytest.mark.parametrize("changes", HIDING.values(), ids=HIDING)
def test_a_wrong_field_does_not_hide_what_else_is_wrong(tmp_path, changes):
    found = told(tmp_path, **{"illustrative": ["demnd"], **changes})
    assert len(found) == 2
    assert "did you mean 'demand'?" in "\n".join(found)


def test_a_scenario_of_another_kind_is_told_as_what_it_is(tmp_path):
    path = write_desk(tmp_path)
    with pytest.raises(UsageError, match="is a file of cases, not a scenario") as caught:
        load_scenario(path.with_name("cases.csv"))
    assert caught.value.hint.endswith("cases.csv")
    assert caught.value.hint.startswith("make one with: rixin init ")


def test_a_scenario_that_is_not_there_gets_the_nearest_or_a_beginning(tmp_path):
    write_desk(tmp_path)
    with pytest.raises(UsageError) as near:
        load_scenario(tmp_path / "dask.yaml")
    assert near.value.hint == "did you mean 'desk.yaml'?"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError) as none:
        load_scenario(tmp_path / "empty" / "desk.yaml")
    assert none.value.hint == "make one with: rixin init FILE"


def test_a_path_that_no_disk_takes_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be read") as caught:
        load_scenario(tmp_path / ("x" * 300 + ".yaml"))
    assert caught.value.hint == "check its permissions"

"""A file that a person gives, however odd, ends in a message and never in a traceback."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.cli.app import run as run_cli
from rixin.errors import ContractError, EndpointFault, RixinError, UsageError
from rixin.interop.contract.load import load_scenario
from rixin.models.card import CARD, read_card
from rixin.pricing.book import load_price_file
from rixin.serve.journal import Journal
from rixin.solvers._rule_file import load_rules
from rixin.workspace import Workspace
from rixin.workspace.endpoints import find_key
from rixin.workspace.verify import read_certificate

SCENARIO = {
    "scenario": "desk",
    "owner": "a",
    "task": "t",
    "cases": {"path": "cases.csv", "input": "q", "expected": "a", "stratum": "s", "weight": "w"},
    "output": {"labels": ["s", "t"]},
    "scorers": ["exact"],
    "demand": {"cases_per_month": 10},
    "incumbent": {"name": "people", "cost_per_case": 1, "solved": 0.9, "source": "x"},
    "economics": {"value_per_solved": 1, "cost_per_wrong": 1, "build_cost": 0, "cpu_hour": 0.05},
    "promise": {"solved": {"at_least": 0.5}, "harm": {"at_most": 0.05}},
    "budget": {"decide": 5, "per_day": 5},
    "policy": {"guards": [{"pii": {"action": "redact", "at": ["egress"]}}]},
    "prices": "prices.yaml",
    "candidates": [
        {"name": "rules", "rule": "rules.yaml"},
        {"name": "log", "replay": "log.csv", "columns": {"input": "q", "output": "out"}},
        {
            "name": "strong",
            "endpoint": "our-model",
            "base_url": "http://127.0.0.1:9/v1",
            "key": {"file": "key.txt"},
        },
        {"name": "ladder", "cascade": [{"solver": "rules", "threshold": 0.5}, {"solver": "log"}]},
    ],
}
PRICES = {"date": "2026-11-01", "models": {"our-model": {"input": 0.2, "output": 0.8}}}
RULES = {"rules": [{"label": "s", "any": ["zebra"], "regex": ["z.*a"]}], "default": "abstain"}
YAML = {"desk.yaml": SCENARIO, "prices.yaml": PRICES, "rules.yaml": RULES}
PLAIN = {
    "cases.csv": "q,a,s,w\n" + "".join(f"a zebra {n},{'st'[n % 2]},x,1\n" for n in range(40)),
    "log.csv": "q,out\n" + "".join(f"a zebra {n},s\n" for n in range(40)),
    "key.txt": "sk-1\n",
}
BIG = "9" * 5_000
ODD = [
    *(None, True, -1, 0, 10**30, 1e308, float("nan"), float("inf"), "", [], {}, "x" * 9_000),
    *("\x00", "\ud83d", [[[1]]], {"a": {"b": 1}}, ["a", 1, None], {1: 2}, "~root/x", "../.."),
    *("1e999", "@@big", "@@deep", b"x", "a b"),
]
PIECES = [
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"{", b"[", b'"', b"&a ", b"*a ", b": ", b"\t", b"? "),
    *(b"!!python/object ", b"!!binary x", b"---\n", BIG.encode(), b"<<: ", b"%", b"- "),
]


def places(value, at=()):
    if at:
        yield at
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(one, (*at, key))


def altered(data, value, odd=ODD):
    """The value with a key that is gone, is there once more, or holds something odd."""
    value = copy.deepcopy(value)
    at = data.draw(st.sampled_from([*places(value)]))
    holder = value
    for key in at[:-1]:
        holder = holder[key]
    what = data.draw(st.sampled_from([KeyError, *odd]))
    if what is KeyError:
        del holder[at[-1]]
    else:
        holder[at[-1]] = what
    return value


def as_yaml(value):
    text = yaml.safe_dump(value, sort_keys=False)
    return text.replace("'@@big'", BIG).replace("'@@deep'", "[" * 1_000 + "]" * 1_000)


def spoilt(data, content):
    place = data.draw(st.integers(0, len(content)))
    how = data.draw(st.sampled_from(["cut", "added", "taken"]))
    if how == "cut":
        return content[:place]
    if how == "added":
        return content[:place] + data.draw(st.sampled_from(PIECES)) + content[place:]
    return content[:place] + content[place + data.draw(st.integers(1, 20)) :]


def write_all(folder, **changed):
    files = {name: as_yaml(value).encode() for name, value in YAML.items()}
    files |= {name: text.encode() for name, text in PLAIN.items()}
    for name, content in {**files, **changed}.items():
        (folder / name).write_bytes(content)
    return folder / "desk.yaml"


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_scenario_and_all_it_names_end_in_a_message(tmp_path_factory, data):
    name = data.draw(st.sampled_from([*YAML, *YAML, *PLAIN]))
    if name in YAML and data.draw(st.integers(0, 3)):
        content = as_yaml(altered(data, YAML[name])).encode("utf-8", "surrogatepass")
    else:
        whole = PLAIN[name] if name in PLAIN else as_yaml(YAML[name])
        content = spoilt(data, whole.encode())
    path = write_all(tmp_path_factory.mktemp("odd"), **{name: content})
    with Workspace(quiet=True) as workspace:
        try:
            workspace.check(path).text()
        except RixinError as error:
            assert str(error)


def test_the_files_of_these_tests_are_good_ones(tmp_path):
    with Workspace(quiet=True) as workspace:
        assert "desk" in workspace.check(write_all(tmp_path)).text()


def test_a_number_beyond_all_use_is_named_with_its_line(tmp_path):
    text = as_yaml(SCENARIO).replace("cases_per_month: 10", f"cases_per_month: {BIG}")
    path = write_all(
        tmp_path, **{"desk.yaml": text.replace("solved: 0.9", "solved: 1e999").encode()}
    )
    with pytest.raises(ContractError) as caught:
        load_scenario(path)
    said = str(caught.value)
    assert "desk.yaml:17: a number of 5,000 characters, or too large" in said
    assert "write one of at most 40 digits" in said
    assert said.startswith("2 mistakes")


@pytest.mark.parametrize(
    "text", ["rules: {a: 1}", "rules: [{label: s, any: {a: b}}]", "[" * 1_000, "rules: [3]"]
)
def test_rules_of_another_form_are_named(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(ContractError, match=r"rules\.yaml:1"):
        load_rules(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"sk-1\nX-Evil: 1", "more than one word"),
        ("schlüssel".encode(), "more than one word"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_with_its_place(tmp_path, content, word):
    scenario = load_scenario(write_all(tmp_path, **{"key.txt": content}))
    strong = next(one for one in scenario.candidates if one.name == "strong")
    with pytest.raises(EndpointFault, match=word) as caught:
        find_key(scenario, strong, need=True)
    assert "key.txt" in str(caught.value)
    find_key(scenario, strong, need=False)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"format": 1', "null", "[]", '{"format": 99}', BIG, '{"a": NaN}', "\x00"],
)
def test_what_is_no_certificate_is_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="certificate"):
        read_certificate(path)
    assert run_cli(["verify", str(path)]) == 2


@pytest.mark.parametrize("text", ["[" * 100_000, "{}", "[]", '{"sources": 5}', BIG, "null"])
def test_a_card_of_a_model_that_is_none_is_none(tmp_path, text):
    (tmp_path / CARD).write_text(text)
    assert read_card(tmp_path) is None


def test_lines_of_a_journal_that_are_none_are_passed_over(tmp_path):
    path = tmp_path / ".out.part"
    with Journal(path, "job") as journal:
        journal.add(1, {"rixin_output": "a"})
    odd = ["[" * 100_000, "5", "null", '["a", {}]', "[1, 2]", "[2]", "[[], {}]", '{"a": 1, "b": 2}']
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in odd))
    with Journal(path, "job") as journal:
        assert journal.rows == {1: {"rixin_output": "a"}}


def test_json_that_is_deep_is_no_schema(tmp_path):
    deep = {"json-schema": "schema.json"}
    scenario = as_yaml({**SCENARIO, "output": deep}).encode()
    path = write_all(tmp_path, **{"desk.yaml": scenario})
    for content in ("[" * 100_000, json.dumps({"type": 5}), BIG, "\ud83d"):
        Path(tmp_path / "schema.json").write_bytes(content.encode("utf-8", "surrogatepass"))
        with pytest.raises(ContractError, match=r"output\.json-schema"):
            load_scenario(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date: 2026-11-01\nmodels: {a: 10, b: {input: x, output: 1}}", ["'a'", "'b'"]),
        ("models: {a: {input: 1, output: 1e300}}", ["no `date`", "'a'"]),
        ("date: 1\nmodels: 5", ["no `date`", "no `models`"]),
        (f"date: 2026-11-01\nmodels: {{a: {{input: {BIG}, output: 1}}}}", ["digits"]),
        ("[" * 1_000, ["nested too deeply"]),
        ("a: &a [1]\n" + "date: 2026-11-01\nmodels: {x: {input: *a, output: 1}}", ["'x'"]),
        ("", ["no `date`", "no `models`"]),
    ],
)
def test_every_mistake_of_a_price_file_is_told(tmp_path, text, words):
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_price_file(path)
    assert all(word in str(caught.value) for word in words), caught.value
    assert len(str(caught.value)) < 1_000

"""The scenario file: what it means, and every mistake at once."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from desk import contract, write_desk
from rixin.core.scenario import cascade_steps
from rixin.errors import ContractError, UsageError
from rixin.interop.contract.convert import parts, seconds
from rixin.interop.contract.json_schema import schema_text
from rixin.interop.contract.load import fingerprint, load_scenario
from rixin.interop.contract.render import Draft, render, write_draft
from rixin.interop.contract.yaml_lines import parse


def mistakes(folder: Path, text: str | None = None, **changes) -> list[str]:
    """What is wrong with a contract, one line each."""
    path = write_desk(folder, **changes)
    if text is not None:
        path.write_text(text, encoding="utf-8")
    try:
        load_scenario(path)
    except ContractError as error:
        return [str(one) for one in error.mistakes]
    return []


def test_a_contract_becomes_plain_values(tmp_path):
    (tmp_path / "prices.yaml").touch()
    found = load_scenario(write_desk(tmp_path, prices="prices.yaml"))
    assert (found.name, found.owner, found.economics.currency) == ("desk", "support", "EUR")
    assert found.incumbent.cost_per_case == Decimal("0.8")
    assert found.promise.solved_at_least == 0.85
    assert [one.name for one in found.scorers] == ["label"]
    assert found.illustrative == frozenset()
    assert found.prices == "prices.yaml"
    assert found.candidate("rules").kind == "rule"
    with pytest.raises(KeyError):
        found.candidate("nobody")


def test_figures_left_at_defaults_are_named(tmp_path):
    found = load_scenario(
        write_desk(tmp_path, economics=None, promise=None, illustrative=["demand"])
    )
    assert {"demand", "economics.cost_per_wrong", "economics.cpu_hour", "promise.solved"} <= set(
        found.illustrative
    )
    assert found.promise.solved_at_least == pytest.approx(0.88)
    assert found.economics.value_per_solved == Decimal("0.8")


@pytest.mark.parametrize("key", ["owner", "demand", "incumbent"])
def test_without_the_three_a_scenario_is_refused_with_the_reason(tmp_path, key):
    (found,) = mistakes(tmp_path, **{key: None})
    assert f"{key!r} is missing" in found
    assert "without" in found or "answer for the job" in found
    assert "fix: add" in found


def test_every_mistake_is_told_with_its_line_in_one_go(tmp_path):
    found = mistakes(
        tmp_path,
        owner=None,
        candidats=[],
        demand={"cases_per_month": -3},
        promise={"solved": {"at_least": 1.7}},
        candidates=[{"name": "a b", "rule": "rules.yaml"}, {"name": "x", "quantum": 1}],
    )
    assert len(found) == 6
    lines = [int(line.split(":")[1].split(",")[0]) for line in found]
    assert lines == sorted(lines)
    text = "\n".join(found)
    assert "did you mean 'candidates'?" in text
    assert "a name without spaces" in text
    assert "a candidate has exactly one kind" in text


CANDIDATES = {
    "missing rules": ({"name": "a", "rule": "rulez.yaml"}, "there is no file 'rulez.yaml'"),
    "unknown option": ({"name": "a", "rule": "rules.yaml", "casez": 3}, "did you mean 'cases'?"),
    "unknown address": ({"name": "a", "endpoint": "gpt"}, "it is not known where 'gpt' listens"),
    "bad address": ({"name": "a", "endpoint": "m", "base_url": "ftp://x"}, "begins with http"),
    "bad time": ({"name": "a", "function": "m:f", "timeout": "soon"}, "a duration such as 60s"),
    "unknown column": (
        {"name": "a", "replay": "cases.csv", "columns": {"idd": "id"}},
        "did you mean 'id'?",
    ),
    "short cascade": ({"name": "a", "cascade": [{"solver": "x"}]}, "a list of at least 2"),
    "two kinds": ({"name": "a", "rule": "rules.yaml", "local": "x"}, "exactly one kind"),
}


@pytest.mark.parametrize(("candidate", "said"), CANDIDATES.values(), ids=CANDIDATES)
def test_a_wrong_candidate_is_told(tmp_path, candidate, said):
    assert said in "\n".join(mistakes(tmp_path, candidates=[candidate]))


CHANGES = {
    "two of a name": (
        {"candidates": [{"name": "a", "rule": "rules.yaml"}] * 2},
        "two candidates are called 'a'",
    ),
    "student": (
        {"output": "number", "candidates": [{"name": "s", "student": "tfidf-logistic"}]},
        "a student answers labels only",
    ),
    "same columns": (
        {"cases": {"path": "cases.csv", "input": "queue", "expected": "queue"}},
        "input and expected are the same column",
    ),
    "no expected": ({"cases": {"path": "cases.csv", "input": "message"}}, "nothing can be scored"),
    "no cases": ({"cases": {"path": "case.csv", "input": "x"}}, "did you mean 'cases.csv'?"),
    "pools": (
        {"cases": {"path": "cases.csv", "input": "message", "expected": "queue", "pools": {"shape": 0.5, "certify": 0.4}}},
        "add up to 0.9",
    ),
    "later guard": ({"policy": {"guards": ["sql"]}}, "not in this version"),
    "wrong guard": ({"policy": {"guards": ["output-scheme"]}}, "did you mean 'output-schema'?"),
    "wrong scorer": ({"scorers": ["exakt"]}, "did you mean 'exact'?"),
    "scorer option": ({"scorers": [{"similarity": {"threshhold": 0.5}}]}, "did you mean 'threshold'?"),
    "scorer value": ({"scorers": [{"similarity": {"threshold": 3}}]}, "a number above 0, at most 1"),
    "bad regex": ({"scorers": [{"regex": {"pattern": "("}}]}, "is not a regular expression"),
    "redaction": ({"policy": {"egress": "redacted"}}, "egress is none or allowed"),
    "currency": ({"economics": {"currency": "euro"}}, "ISO 4217"),
    "schema file": ({"output": {"json-schema": "none.json"}}, "there is no file 'none.json'"),
    "cascade order": (
        {"candidates": [
            {"name": "c", "cascade": [{"solver": "a", "threshold": 0.5}, {"solver": "b"}]},
            {"name": "a", "rule": "rules.yaml"},
        ]},
        "needs 'a' as a candidate above it",
    ),
    "cascade thresholds": (
        {"candidates": [
            {"name": "a", "rule": "rules.yaml"},
            {"name": "b", "rule": "rules.yaml"},
            {"name": "c", "cascade": [{"solver": "a"}, {"solver": "b", "threshold": 0.1}]},
            {"name": "d", "cascade": [{"solver": "c", "threshold": 0.5}, {"solver": "a"}]},
        ]},
        "a cascade cannot stand in a cascade",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), CHANGES.values(), ids=CHANGES)
def test_what_only_the_whole_shows_is_told(tmp_path, changes, said):
    assert said in "\n".join(mistakes(tmp_path, **changes))


def test_scorer_options_may_have_decimals(tmp_path):
    assert mistakes(tmp_path, scorers=[{"similarity": {"threshold": 0.75}}, "exact"]) == []
    assert parts([{"json": {"fields": ["a"], "threshold": Decimal("0.5")}}])[0].options == {
        "fields": ["a"],
        "threshold": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenario: x\n\towner: y\n", "there is a tab where YAML takes spaces only"),
        ("scenario: [x\nowner: y", "this is not YAML"),
        ("", "the file is empty or no mapping"),
        ("- a\n- b\n", "the file is empty or no mapping"),
        ("scenario: x\nscenario: y\n", "the key 'scenario' is there twice"),
    ],
)
def test_broken_yaml_gets_one_clear_message(tmp_path, text, said):
    assert said in "\n".join(mistakes(tmp_path, text))


def test_labels_that_look_like_something_else_stay_texts():
    found = parse("a: [yes, no, on, 2024-01-01, 007, 1e3, 0.5, 12, ~, true, '3']", "x").values
    assert found["a"][:5] == ["yes", "no", "on", "2024-01-01", "007"]
    assert found["a"][5:] == [Decimal("1e3"), Decimal("0.5"), 12, None, True, "3"]


def test_a_file_that_is_no_text_is_told_with_its_line(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"scenario: x\nowner: \xff\n")
    with pytest.raises(UsageError, match=r"x\.yaml:2: not UTF-8"):
        load_scenario(path)
    with pytest.raises(UsageError, match="is a folder"):
        load_scenario(tmp_path)
    with pytest.raises(UsageError, match="no scenario file") as caught:
        load_scenario(tmp_path / "none" / "x.yaml")
    assert "there is no folder" in caught.value.hint


def test_a_mark_at_the_beginning_of_the_file_is_no_mistake(tmp_path):
    path = write_desk(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_scenario(path).name == "desk"


def test_the_fingerprint_changes_with_the_contract_and_not_with_its_place(tmp_path):
    one = fingerprint(load_scenario(write_desk(tmp_path)))
    (tmp_path / "sub").mkdir()
    assert fingerprint(load_scenario(write_desk(tmp_path / "sub"))) == one
    assert fingerprint(load_scenario(write_desk(tmp_path, owner="other"))) != one


def test_durations_have_units():
    assert (seconds("500ms"), seconds("2 s"), seconds("1m")) == (0.5, 2.0, 60.0)
    with pytest.raises(ValueError, match="not a duration"):
        seconds("fast")


def test_providers_are_known_by_name(tmp_path):
    path = write_desk(
        tmp_path,
        policy={"egress": "allowed"},
        candidates=[{"name": "s", "endpoint": "openai/gpt-5.4-mini", "timeout": "30s"}],
    )
    options = load_scenario(path).candidates[0].options
    assert options["base_url"] == "https://api.openai.com/v1"
    assert (options["key_env"], options["model"]) == ("OPENAI_API_KEY", "gpt-5.4-mini")
    assert options["timeout_s"] == 30.0


def test_a_cascade_knows_its_steps_and_whether_it_is_a_model(tmp_path):
    path = write_desk(
        tmp_path,
        candidates=[
            {"name": "a", "rule": "rules.yaml"},
            {"name": "p", "human": "incumbent"},
            {"name": "s", "student": "tfidf-logistic"},
            {"name": "c", "cascade": [{"solver": "a", "threshold": 0.5}, {"solver": "p"}]},
            {"name": "d", "cascade": [{"solver": "a", "threshold": 0.5}, {"solver": "s"}]},
        ],
    )
    found = load_scenario(path)
    assert cascade_steps(found.candidate("c")) == ("a", "p")
    assert [found.uses_ai(name) for name in ("a", "s", "c", "d")] == [False, True, False, True]


def test_the_schema_is_current_and_json():
    path = Path(__file__).parents[3] / "schemas/scenario.schema.json"
    assert path.read_text(encoding="utf-8") == schema_text() + "\n"
    assert "candidates" in json.loads(schema_text())["properties"]


names = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=30)
words = names.filter(lambda text: text.strip() == text and text)


@given(
    owner=words, task=words, column=words, incumbent=words, cost=st.decimals("0", "99", places=2)
)
def test_a_rendered_draft_reads_back_as_it_was_said(
    tmp_path_factory, owner, task, column, incumbent, cost
):
    folder = tmp_path_factory.mktemp("draft")
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[column, f"{column}!"], ["a", "b"]])
    draft = Draft(
        name="d",
        owner=owner,
        task=task,
        cases="cases.csv",
        input=column,
        expected=f"{column}!",
        labels=3,
        cases_per_month=7,
        incumbent=incumbent,
        incumbent_cost=cost,
        incumbent_solved=0.5,
        value_per_solved=Decimal("2.50"),
        solved_at_least=0.4,
    )
    write_draft(draft, folder / "d.yaml", force=True)
    found = load_scenario(folder / "d.yaml")
    assert (found.owner, found.task, found.incumbent.name) == (owner, task, incumbent)
    assert (found.cases.input, found.incumbent.cost_per_case) == (column, cost)
    assert found.promise.solved_at_least == 0.4
    assert "demand" not in found.illustrative


def test_a_draft_says_what_nobody_has_confirmed(tmp_path):
    draft = Draft(
        name="d", owner="o", task="t", cases="c.csv", input="i", expected="e", labels=2,
        local="qwen2.5-coder-0.5b-instruct", endpoint="big", base_url="http://127.0.0.1:1/v1",
        encoding="cp1252", delimiter=";",
    )  # fmt: skip
    values = yaml.safe_load(render(draft))
    assert values["illustrative"] == ["demand", "incumbent"]
    assert [one["name"] for one in values["candidates"]] == ["student", "small", "strong"]
    assert values["budget"] == {"decide": 5.0}
    assert (values["cases"]["encoding"], values["cases"]["delimiter"]) == ("cp1252", ";")
    number = Draft(
        name="d", owner="o", task="t", cases="c", input="i", expected="e", output="number"
    )
    assert yaml.safe_load(render(number))["output"] == "number"


def test_a_draft_never_replaces_a_file_unasked(tmp_path):
    (tmp_path / "c.csv").write_text("i,e\na,b\n")
    draft = Draft(name="d", owner="o", task="t", cases="c.csv", input="i", expected="e", labels=2)
    write_draft(draft, tmp_path / "d.yaml")
    with pytest.raises(UsageError, match="is there already"):
        write_draft(draft, tmp_path / "d.yaml")


def test_the_sample_contract_of_the_tests_holds(tmp_path):
    assert mistakes(tmp_path) == []
    assert set(contract()) >= {"owner", "demand", "incumbent"}


def test_an_endpoint_may_have_its_own_price_and_file(tmp_path):
    path = write_desk(
        tmp_path,
        candidates=[
            {
                "name": "s",
                "endpoint": "big",
                "base_url": "http://localhost:1/v1/",
                "price": {"input": 0.1, "output": 0.4},
                "key": {"file": "key.txt"},
            },
            {"name": "f", "function": ["python", "solver.py"]},
        ],
        output={"labels": ["refund", "delivery", "account"]},
    )
    first, second = load_scenario(path).candidates
    assert first.options["price"] == {"input": Decimal("0.1"), "output": Decimal("0.4")}
    assert (first.options["base_url"], first.options["key_file"]) == (
        "http://localhost:1/v1",
        "key.txt",
    )
    assert second.options["command"] == ["python", "solver.py"]


def test_a_json_schema_may_lie_in_a_file(tmp_path):
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    path = write_desk(tmp_path, output={"json-schema": "schema.json"})
    assert load_scenario(path).output.schema == {"type": "object"}
    inline = write_desk(tmp_path, output={"json-schema": {"type": "array"}})
    assert load_scenario(inline).output.schema == {"type": "array"}

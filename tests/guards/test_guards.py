import pytest

from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec, PartSpec
from rixin.errors import UnknownName, UsageError
from rixin.guards.build import build_guard

CASE = make_case("the input", "a", {"shape": 1.0}, ref="r1", stratum="s")
CHECKS = """
def one(output): return output == "bad"
def two(output, case): return [f"{case['id']} {case['stratum']} {case['input']}", "more"]
def text(output): return output
def crash(output): return 1 / 0
def odd(output): return 3
def optional(output, strict=False): return strict
def many(*outputs): return len(outputs) != 1
async def later(output): ...
def three(a, b, c): ...
def none(): ...
class Check:
    def __call__(self, output): return "seen"
check = Check()
"""


def build(tmp_path, name, kind="labels", schema=None, **options):
    (tmp_path / "checks.py").write_text(CHECKS, encoding="utf-8")
    output = OutputSpec(kind=kind, schema=schema)
    return build_guard(PartSpec(name=name, options=options), output, ("a", "b"), tmp_path)


def reasons(guard, output):
    return [found.reason for found in guard.check(CASE, output)]


@pytest.mark.parametrize(
    ("kind", "output", "found"),
    [
        ("labels", "A ", []),
        ("labels", "c", ["not one of the labels"]),
        ("number", "٣", []),
        ("number", "three", ["not a number"]),
        ("free-text", "x", []),
        ("free-text", " \n", ["empty"]),
        ("json-schema", '{"t": 1}', []),
        ("json-schema", '{"t": "x"}', ['data.t: the value is not of type "number"']),
    ],
)
def test_an_output_is_held_to_its_form(tmp_path, kind, output, found):
    schema = {"properties": {"t": {"type": "number"}}}
    assert reasons(build(tmp_path, "output-schema", kind, schema), output) == found


def test_what_is_not_json_is_found(tmp_path):
    assert reasons(build(tmp_path, "output-schema", "json-schema"), "{")[0].startswith("not JSON")


@pytest.mark.parametrize(
    ("function", "output", "found"),
    [
        ("one", "good", []),
        ("one", "bad", ["violation"]),
        ("two", "x", ["r1 s the input", "more"]),
        ("text", "", []),
        ("text", "a word", ["a word"]),
        ("crash", "x", ["the guard itself failed: ZeroDivisionError: division by zero"]),
        ("odd", "x", ["the guard itself failed: it gave 3, not a text or a list of texts"]),
        ("optional", "x", []),
        ("many", "x", []),
        ("check", "x", ["seen"]),
    ],
)
def test_a_function_says_what_is_wrong(tmp_path, function, output, found):
    guard = build(tmp_path, "function", target=f"checks:{function}")
    assert reasons(guard, output) == found
    assert guard.name == f"checks:{function}"


@pytest.mark.parametrize("function", ["later", "three", "none"])
def test_a_function_that_cannot_be_a_guard_is_refused(tmp_path, function):
    with pytest.raises(UsageError, match=f"checks:{function}"):
        build(tmp_path, "function", target=f"checks:{function}")


def test_a_built_in_function_without_signature_gets_the_output(tmp_path):
    assert reasons(build(tmp_path, "function", target="builtins:bool"), "") == []


def test_guards_of_later_versions_are_named_as_such(tmp_path):
    with pytest.raises(UsageError, match="not in this version") as error:
        build(tmp_path, "sql")
    assert error.value.hint.startswith("available: pii, secrets")


def test_unknown_names_and_options_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="guard 'output-shema'"):
        build(tmp_path, "output-shema")
    with pytest.raises(UnknownName, match="option of guard 'output-schema'"):
        build(tmp_path, "output-schema", target="x:y")
    with pytest.raises(UsageError, match="no target"):
        build(tmp_path, "function")

import pytest

from desk import write_desk
from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec, PartSpec
from rixin.errors import ContractError, UnknownName, UsageError
from rixin.guards.build import build_guard, guard_mistakes, text_guards
from rixin.interop.contract.load import load_scenario

CASE = make_case("the input", None, {"shape": 1.0})
TEXT = OutputSpec(kind="free-text")


def mistakes(name, **options):
    return [
        (option, f"{error} | {error.hint}")
        for option, error in guard_mistakes(PartSpec(name=name, options=options))
    ]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pii", {}),
        ("pii", {"kinds": ["email"], "regions": ["US", "SA"], "names": "people:spans"}),
        ("pii", {"action": "redact", "at": ["egress", "capture"]}),
        ("secrets", {"action": "block"}),
        ("injection", {"classifier": False, "action": "human"}),
        ("content", {"target": "rules.yaml"}),
        ("content", {"rules": [{"name": "a", "words": ["b"]}]}),
    ],
)
def test_what_is_right_has_no_mistakes(name, options):
    assert mistakes(name, **options) == []


@pytest.mark.parametrize(
    ("name", "options", "option", "said"),
    [
        ("pii", {"kind": ["email"]}, "kind", "did you mean 'kinds'?"),
        ("pii", {"kinds": ["emial"]}, "kinds", "did you mean 'email'?"),
        ("pii", {"kinds": "email"}, "kinds", "not a list"),
        ("pii", {"kinds": []}, "kinds", "at least one"),
        ("pii", {"regions": ["UK"]}, "regions", "unknown region 'UK'"),
        ("pii", {"names": "spans"}, "names", "module:callable"),
        ("pii", {"action": "redakt"}, "action", "did you mean 'redact'?"),
        ("pii", {"at": ["egres"]}, "at", "did you mean 'egress'?"),
        ("pii", {"allow": "a@b.org"}, "allow", "not a list"),
        ("pii", {"allow": []}, "allow", "{regex:"),
        ("pii", {"allow": [13800138000]}, "allow", "neither a text nor a pattern"),
        ("pii", {"allow": [{"regex": "a", "at": "b"}]}, "allow", "neither a text nor a pattern"),
        ("secrets", {"allow": [{"regex": "(a+)+"}]}, "allow", "takes for ever"),
        ("function", {"target": "m:f", "allow": ["a"]}, "allow", "unknown option"),
        ("secrets", {"kinds": ["aws"]}, "kinds", "unknown option"),
        ("injection", {"classifier": "yes"}, "classifier", "true or false"),
        ("content", {}, "rules", "needs a list of rules"),
        ("content", {"target": 3}, "target", "rules.yaml"),
        ("content", {"rules": [{"name": "a"}]}, "rules", "neither words nor a regex"),
        ("output-schema", {"at": ["output"]}, "at", "has no options"),
        ("function", {"target": "m:f", "action": "block"}, "action", "unknown option"),
        ("pi", {}, None, "did you mean 'pii'?"),
    ],
)
def test_each_mistake_names_its_option_and_what_to_write(name, options, option, said):
    ((where, told),) = mistakes(name, **options)
    assert where == option
    assert said in told


def test_all_mistakes_are_told_at_once():
    found = mistakes("pii", kinds=["emial", "fone"], action="kill", at=["nowhere"], x=1)
    assert [option for option, _ in found] == ["kinds", "kinds", "action", "at", "x"]


def test_rules_and_a_file_of_rules_are_one_too_many():
    rules = [{"name": "a", "words": ["b"]}]
    assert [option for option, _ in mistakes("content", rules=rules, target="r.yaml")] == ["target"]


def test_violations_name_the_kind_and_never_the_value(tmp_path):
    guard = build_guard(PartSpec(name="pii"), TEXT, (), tmp_path)
    (one,) = guard.check(CASE, "write to ann@example.org or bob@example.org")
    assert (one.guard, one.reason) == ("pii", "email: an e-mail address (2 times)")


def test_a_guard_that_does_not_look_at_outputs_finds_no_harm_there(tmp_path):
    options = {"at": ["egress"]}
    silent = build_guard(PartSpec(name="pii", options=options), TEXT, (), tmp_path)
    loud = build_guard(PartSpec(name="pii"), TEXT, (), tmp_path)
    assert silent.check(CASE, "ann@example.org") == ()
    assert silent.fingerprint != loud.fingerprint
    (policy,) = text_guards([PartSpec(name="pii", options=options)], tmp_path)
    assert policy.guard.find("ann@example.org")


def test_text_guards_come_with_action_and_places(tmp_path):
    (tmp_path / "rules.yaml").write_text("[{name: promise, words: [sure profit]}]", "utf-8")
    (tmp_path / "people.py").write_text("def spans(text): return [(0, 3)]", "utf-8")
    specs = [
        PartSpec(name="output-schema"),
        PartSpec(name="secrets"),
        PartSpec(name="injection", options={"classifier": False}),
        PartSpec(name="content", options={"target": "rules.yaml", "action": "human"}),
        PartSpec(
            name="pii",
            options={"names": "people:spans", "action": "redact", "at": ["egress", "output"]},
        ),
    ]
    found = text_guards(specs, tmp_path)
    assert [(guard.name, action, sorted(at)) for guard, action, at in found] == [
        ("secrets", "observe", ["capture", "egress", "output", "training"]),
        ("injection", "observe", ["capture", "egress", "output", "training"]),
        ("content", "human", ["capture", "egress", "output", "training"]),
        ("pii", "redact", ["egress", "output"]),
    ]
    assert [one.kind for one in found[-1].guard.find("Ann was here")] == ["name"]


def test_wrong_options_are_refused_when_guards_are_built(tmp_path):
    wrong = PartSpec(name="pii", options={"action": "kill"})
    with pytest.raises(UnknownName, match="action 'kill'"):
        text_guards([wrong], tmp_path)
    with pytest.raises(UsageError):
        build_guard(wrong, TEXT, (), tmp_path)


def test_settings_that_change_findings_change_the_fingerprint(tmp_path):
    def fingerprint(name, **options):
        return build_guard(PartSpec(name=name, options=options), TEXT, (), tmp_path).fingerprint

    rules = [{"name": "a", "words": ["b"]}]
    prints = [
        fingerprint("pii"),
        fingerprint("pii", kinds=["email"]),
        fingerprint("pii", regions=["US"]),
        fingerprint("injection"),
        fingerprint("injection", classifier=False),
        fingerprint("content", rules=rules),
        fingerprint("content", rules=[{**rules[0], "languages": ["en"]}]),
    ]
    assert len(set(prints)) == len(prints)
    assert fingerprint("pii", action="block") == fingerprint("pii")


def test_the_contract_takes_every_form_of_a_guard(tmp_path):
    (tmp_path / "forbidden.yaml").write_text("[{name: promise, words: [sure profit]}]", "utf-8")
    guards = [
        "secrets",
        {"pii": {"kinds": ["email"], "action": "redact", "at": ["egress"]}},
        {"content": "forbidden.yaml"},
        {"injection": None},
    ]
    found = load_scenario(write_desk(tmp_path, policy={"guards": guards})).policy.guards
    policies = text_guards(found, tmp_path)
    assert [policy.guard.name for policy in policies] == ["secrets", "pii", "content", "injection"]


def test_the_contract_tells_all_mistakes_of_its_guards(tmp_path):
    guards = [{"pii": {"kinds": ["emial"], "action": "kill"}}, {"content": {}}, "secretz"]
    with pytest.raises(ContractError) as error:
        load_scenario(write_desk(tmp_path, policy={"guards": guards}))
    said = "\n".join(map(str, error.value.mistakes))
    for part in ("did you mean 'email'?", "'kill'", "needs a list of rules", "'secrets'"):
        assert part in said

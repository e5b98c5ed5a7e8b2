"""Every scorer holds the contract."""

import pytest
from scorer_contract import SCORER_CHECKS

from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec, PartSpec
from rixin.scorers.build import SCORER_NAMES, build_scorer
from rixin.scorers.combine import combine

EXPECTED = {"number": "1,000", "json": '{"total": 3}', "regex": r"o(n|k)"}
RIGHT = {"number": "1000.0", "json": '{"total": 3.0}', "regex": "it is on", "contains": "so: one."}


def build(name):
    return build_scorer(PartSpec(name=name), OutputSpec(kind="free-text"), ("one", "two"))


@pytest.mark.parametrize("check", SCORER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SCORER_NAMES)
def test_it_holds_the_contract(name, check):
    case = make_case("how many", EXPECTED.get(name, "one"), {"shape": 1.0})
    check(lambda: build(name), case, RIGHT.get(name, "one"))


@pytest.mark.parametrize("check", SCORER_CHECKS, ids=lambda check: check.__name__)
def test_scorers_together_hold_the_contract(check):
    case = make_case("how many", "one", {"shape": 1.0})
    check(lambda: combine([build("exact"), build("contains")]), case, "one")

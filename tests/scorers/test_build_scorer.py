import pytest

from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec, PartSpec
from rixin.errors import UnknownName, UsageError
from rixin.scorers.build import SCORER_NAMES, build_scorer
from rixin.scorers.combine import combine


def build(name, labels=("a",), **options):
    return build_scorer(PartSpec(name=name, options=options), OutputSpec(kind="labels"), labels)


@pytest.mark.parametrize("name", SCORER_NAMES)
def test_every_name_makes_a_scorer_of_that_name(name):
    assert build(name).name == name


def test_an_unknown_scorer_suggests_the_nearest():
    with pytest.raises(UnknownName) as error:
        build("exakt")
    assert error.value.hint == "did you mean 'exact'?"


def test_an_unknown_option_suggests_the_nearest():
    with pytest.raises(UnknownName, match="option of scorer 'similarity'") as error:
        build("similarity", treshold=0.5)
    assert error.value.hint == "did you mean 'threshold'?"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("number", {"abs": -1}),
        ("number", {"rel": "much"}),
        ("number", {"rel": True}),
        ("similarity", {"threshold": 0}),
        ("json", {"threshold": 1.5}),
        ("json", {"fields": "total"}),
        ("json", {"schema": 3}),
        ("regex", {"pattern": 3}),
        ("regex", {"pattern": "("}),
    ],
)
def test_an_option_with_an_impossible_value_is_refused(name, options):
    with pytest.raises(UsageError, match=f"scorer '{name}'"):
        build(name, **options)


def test_label_without_labels_is_refused():
    with pytest.raises(UsageError, match="needs labels"):
        build("label", labels=())


def test_all_must_be_solved_and_the_value_is_the_mean():
    both = combine([build("exact"), build("contains")])
    found = both.score(make_case("x", "a", {"shape": 1.0}), "an a")
    assert (found.value, found.solved) == (0.5, False)
    assert found.reason == "exact: 'an a' is not 'a'"
    assert found.parts == (("exact", 0.0), ("contains", 1.0))


def test_an_unscored_part_is_left_out_of_the_mean():
    both = combine([build("exact"), build("number")])
    found = both.score(make_case("x", "a", {"shape": 1.0}), "a")
    assert (found.value, found.solved) == (1.0, True)
    assert both.name == "exact+number"


def test_one_scorer_stays_as_it_is_and_none_is_refused():
    alone = build("exact")
    assert combine([alone]) is alone
    with pytest.raises(ValueError, match="no scorer"):
        combine([])

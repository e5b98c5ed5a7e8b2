"""What a notebook shows: pages, tables, names to complete, and errors that say what to write."""

import subprocess
import sys

import pytest

import rixin
from desk import write_desk
from rixin.workspace import Workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    write_desk(folder)
    with Workspace(quiet=True) as workspace:
        workspace.decide(folder / "desk.yaml")
    return folder


def test_names_can_be_completed():
    assert {"Workspace", "__version__"} <= set(dir(rixin))
    assert "TYPE_CHECKING" not in dir(rixin)


def test_a_scenario_in_the_wrong_place_is_told_where_it_belongs():
    with pytest.raises(TypeError, match=r"Workspace\(\)\.decide\('reviews\.yaml'\)"):
        Workspace("reviews.yaml")


def test_results_plans_and_explanations_show_themselves(folder):
    path = folder / "desk.yaml"
    with Workspace(quiet=True) as workspace:
        result, plan = workspace.report(path), workspace.check(path)
        explanation = workspace.explain(path, "m9")
    for shown in (plan, explanation):
        assert shown._repr_html_().startswith("<pre>")
        assert len(repr(shown)) < 80
    assert "rules" in plan._repr_html_()
    page = result._repr_html_()
    assert all(title in page for title in ("Why", "What would change this decision"))
    assert "desk.html" in page
    assert result.to_dict()["verdict"]["winner"] == "rules"


def test_figures_come_as_data_frames(folder):
    pytest.importorskip("pandas")
    path = folder / "desk.yaml"
    with Workspace(quiet=True) as workspace:
        result, plan = workspace.report(path), workspace.check(path)
        explanation = workspace.explain(path, "m9")
    figures = result.to_pandas().set_index("name")
    assert figures.loc["rules", "solved_lower"] <= figures.loc["rules", "solved"]
    assert set(plan.to_pandas()["candidate"]) == set(figures.index)
    assert set(explanation.to_pandas()["solver"]) == set(figures.index)


def test_the_workspace_does_not_load_pandas():
    code = (
        "import sys, rixin.workspace.result, rixin.report.explain; print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

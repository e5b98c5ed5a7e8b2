"""What the model said and the prompt as sent are shown of requests and of cases."""

import json

import pytest

from rixin.workspace import Workspace
from serve.house import create_key, release, start, upstream, write_scenario
from serve.test_people import rixin


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A scenario whose model answers `fine`, which is none of its labels."""
    folder = tmp_path_factory.mktemp("explaining")
    with upstream(folder) as up:
        path = write_scenario(folder / "desk", up.url, faults=())
        labels = "output: {labels: [stripes, velvet]}"
        text = path.read_text().replace("output: free-text", labels)
        path.write_text(text.replace("{certify: 1.0}", "{certify: 0.9, shape: 0.1}"))
        release(path, "ladder")
        house = start(path, key=create_key(path), upstream=up)
        try:
            yield house
        finally:
            house.stop()
            house.process.stderr.close()


def test_what_a_model_said_is_shown_where_it_is_no_answer(house):
    name = house.chat("an okapi").headers["x-rixin-request-id"]
    row = house.row(name)
    assert row["state"] == "queued"
    assert (
        "it said 'fine', which holds none of the labels" in dict(row["content"]["said"])["strong"]
    )
    code, said = rixin(house, "explain", name)
    assert (code, "strong: (it said 'fine', which holds none of the labels" in said) == (0, True)


def test_the_prompt_is_shown_as_it_was_sent(house):
    name = house.chat("an okapi").headers["x-rixin-request-id"]
    house.row(name)
    (*_, sent) = house.upstream.seen("good")
    code, said = rixin(house, "explain", name, "--prompt", "--json")
    found = json.loads(said)
    assert code == 0
    assert [*found["prompts"]] == ["strong"]
    assert found["prompts"]["strong"] == sent["body"]["messages"]
    said = rixin(house, "explain", name, "--prompt")[1]
    assert "prompt of strong\n[system]" in said
    assert "Input: an okapi\nOutput:" in said
    local = house.chat("a zebra").headers["x-rixin-request-id"]
    house.row(local)
    assert "no solver with a prompt was asked" in rixin(house, "explain", local, "--prompt")[1]


def test_a_case_is_explained_with_the_prompts_of_its_solvers(house):
    with Workspace(quiet=True) as workspace:
        found = workspace.explain(house.path, "line 2")
    prompts = {one["solver"]: one["prompt"] for one in found.to_dict(prompts=True)["solvers"]}
    assert prompts["rules"] == []
    assert [one["role"] for one in prompts["strong"]] == ["system", "user"]
    assert "prompt of strong" in found.text(prompts=True)
    assert "prompt" not in found.to_dict()["solvers"][0]

"""Further clients, unmodified, where they are installed: each pulls in too much for every run."""

import subprocess
import sys

import pytest


def test_langchain(house):
    langchain_openai = pytest.importorskip("langchain_openai")
    model = langchain_openai.ChatOpenAI(
        model="scenario/desk", base_url=f"http://127.0.0.1:{house.port}/v1", api_key=house.key
    )
    assert model.invoke("a zebra").content == "stripes"
    assert "".join(part.content for part in model.stream("a zebra")) == "stripes"
    tools = langchain_openai.ChatOpenAI(
        model="solver/strong", base_url=f"http://127.0.0.1:{house.port}/v1", api_key=house.key
    ).bind_tools(
        [{"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}]
    )
    assert tools.invoke("hello").content == "fine"


def test_inspect(house, tmp_path, monkeypatch):
    inspect_ai = pytest.importorskip("inspect_ai")
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    monkeypatch.setenv("OPENAI_API_KEY", house.key)
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{house.port}/v1")
    task = inspect_ai.Task(
        dataset=[Sample(input="a zebra", target="stripes")], solver=generate(), scorer=match()
    )
    (log,) = inspect_ai.eval(
        task, model="openai/scenario/desk", log_dir=str(tmp_path), display="none"
    )
    assert log.status == "success"
    assert log.results.scores[0].metrics["accuracy"].value == 1.0


def test_schemathesis(house, tmp_path):
    """No request that the document allows, or forbids, ends in a 500."""
    pytest.importorskip("schemathesis")
    command = [sys.executable, "-m", "schemathesis.cli", "run", "--checks", "not_a_server_error"]
    command += ["--max-examples", "30", "--header", f"Authorization: Bearer {house.key}"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{house.port}/openapi.json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-4000:]

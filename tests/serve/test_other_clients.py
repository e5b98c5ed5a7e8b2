"""Further clients, unmodified, where they are installed: each pulls in too much for every run."""

import json
import os
import shutil
import subprocess
import sys

import pytest

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


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


@pytest.mark.filterwarnings("ignore")  # of its own parts
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
    assert log.status == "success", log.error
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


def measured(house, folder, kind, path, task, **arguments):
    """What lm-eval's own command line measures on two cases, without a hub."""
    pytest.importorskip("lm_eval")
    cases = [{"q": "a zebra", "a": "stripes"}, {"q": "the other zebra", "a": "stripes"}]
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    data = {"data_files": {"test": str(folder / "cases.jsonl")}, "cache_dir": str(folder)}
    whole = {"task": "desk", "dataset_path": "json", "dataset_kwargs": data, "test_split": "test"}
    # JSON is YAML, too
    (folder / "desk.yaml").write_text(json.dumps({**whole, "doc_to_text": "q", **task}))
    given = {"base_url": f"http://127.0.0.1:{house.port}/v1/{path}", **arguments}
    command = [sys.executable, "-m", "lm_eval", "--model", kind, "--tasks", "desk"]
    command += ["--include_path", str(folder), "--output_path", str(folder / "out")]
    command += ["--model_args", ",".join(f"{name}={value}" for name, value in given.items())]
    if path.startswith("chat"):
        command.append("--apply_chat_template")
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **OFFLINE, "OPENAI_API_KEY": house.key},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (results,) = (folder / "out").rglob("results_*.json")
    return json.loads(results.read_text())["results"]["desk"]


@pytest.mark.timeout(300)  # lm-eval reads thousands of task files first
@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_lm_eval_generates(house, tmp_path, path):
    task = {
        "output_type": "generate_until",
        "doc_to_target": "a",
        "metric_list": [{"metric": "exact_match"}],
    }
    kind = f"local-{path.replace('/', '-')}"
    more = {"model": "scenario/desk", "tokenizer_backend": "none", "num_concurrent": 2}
    found = measured(house, tmp_path, kind, path, task, **more)
    assert found["exact_match,none"] == 1.0


@pytest.mark.timeout(300)
def test_lm_eval_reads_logprobs(house, tmp_path):
    """A choice among answers, by the logprobs of prompts that are sent as tokens."""
    pytest.importorskip("transformers")
    words = {"[UNK]": 0, "stripes": 1, "spots": 2, "a": 3, "the": 4, "other": 5, "zebra": 6}
    tokens = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"},
    }
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "[UNK]"}
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "tokenizer.json").write_text(json.dumps(tokens))
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(kind))
    task = {
        "output_type": "multiple_choice",
        "doc_to_choice": ["spots", "stripes"],
        "doc_to_target": 1,
        "metric_list": [{"metric": "acc"}],
    }
    more = {"model": "solver/strong", "tokenizer": tokenizer, "tokenizer_backend": "huggingface"}
    found = measured(house, tmp_path, "local-completions", "completions", task, **more)
    assert found["acc,none"] == 1.0


def test_promptfoo(house, tmp_path):
    if shutil.which("promptfoo") is None:
        pytest.skip("promptfoo is not installed: npm install -g promptfoo@0.123.1")
    base = {"apiBaseUrl": f"http://127.0.0.1:{house.port}/v1"}
    kinds = ("chat", "completion", "responses")
    config = {
        "prompts": ["{{animal}}"],
        "providers": [{"id": f"openai:{one}:scenario/desk", "config": base} for one in kinds],
        "tests": [
            {"vars": {"animal": "a zebra"}, "assert": [{"type": "equals", "value": "stripes"}]}
        ],
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    own = {"PROMPTFOO_CONFIG_DIR": str(tmp_path), "OPENAI_API_KEY": house.key}
    done = subprocess.run(
        ["promptfoo", "eval", "--no-cache", "-c", "config.json", "-o", "out.json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, **quiet, **own},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    results = json.loads((tmp_path / "out.json").read_text())["results"]["results"]
    assert [one["response"]["output"] for one in results] == ["stripes"] * len(kinds)

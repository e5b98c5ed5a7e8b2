"""The same cases through other evaluation tools: how many results a second each one stores.

Each is run by its own command line, as its users run it, with 64 calls in flight, and its whole
wall time counts, as ours does. Tools that are not installed are skipped by name.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CASES = 1_000
IN_FLIGHT = 64

_INSPECT = """\
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate


@task
def bench():
    cases = [Sample(input=f"case {{n}}", target="42") for n in range({cases})]
    return Task(dataset=cases, solver=generate(), scorer=match())
"""

_LM_EVAL = """\
task: bench
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n"], max_gen_toks: 16}}
metric_list: [{{metric: exact_match}}]
"""


def stored_per_s(name: str, program: str, url: str, folder: Path) -> float | None:
    """Results a second, all of start-up in it; None where the tool fails, which is said."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    command = _COMMANDS[name](program, url, place)
    home = {"HOME": str(place), "OPENAI_API_KEY": "none", "MOCK_API_KEY": "none"}
    quiet = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    env = {**os.environ, **home, **quiet, "MOCK_BASE_URL": url, "HF_DATASETS_OFFLINE": "1"}
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - begin
    # promptfoo leaves with 100 where some cases are not solved.
    if done.returncode not in ({0, 100} if name == "promptfoo" else {0}):
        print(f"skipped {name}: {(done.stderr or done.stdout).strip()[-300:]}", file=sys.stderr)
        return None
    return CASES / wall


def _inspect(program: str, url: str, place: Path) -> list[str]:
    (place / "bench.py").write_text(_INSPECT.format(cases=CASES))
    model = ["--model", "openai-api/mock/mock", "--max-connections", str(IN_FLIGHT)]
    return [program, "eval", "bench.py", *model, "--max-samples", str(IN_FLIGHT), "--display=none"]


def _lm_eval(program: str, url: str, place: Path) -> list[str]:
    rows = (json.dumps({"question": f"case {n}", "answer": "42"}) for n in range(CASES))
    (place / "cases.jsonl").write_text("\n".join(rows))
    (place / "bench.yaml").write_text(_LM_EVAL.format(data=place / "cases.jsonl"))
    options = f"model=mock,base_url={url}/chat/completions,num_concurrent={IN_FLIGHT}"
    model = ["--model", "local-chat-completions", "--model_args", options]
    task = ["--tasks", "bench", "--include_path", str(place), "--apply_chat_template"]
    return [program, *model, *task, "--output_path", str(place), "--log_samples"]


def _promptfoo(program: str, url: str, place: Path) -> list[str]:
    equals = [{"type": "equals", "value": "42"}]
    config = {
        "prompts": ["{{question}}"],
        "providers": [{"id": "openai:chat:mock", "config": {"apiBaseUrl": url}}],
        "tests": [{"vars": {"question": f"case {n}"}, "assert": equals} for n in range(CASES)],
    }
    (place / "bench.json").write_text(json.dumps(config))
    flags = ["--no-cache", "--no-progress-bar", "--no-table", "-j", str(IN_FLIGHT)]
    return [program, "eval", "-c", "bench.json", *flags, "-o", "out.json"]


_COMMANDS: dict[str, Callable[[str, str, Path], list[str]]] = {
    "inspect": _inspect,
    "lm_eval": _lm_eval,
    "promptfoo": _promptfoo,
}

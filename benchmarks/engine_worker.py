"""One measured process of bench-engine: `engine_worker.py KIND URL FOLDER OPTIONS`.

Prints one JSON object: wall and CPU seconds, peak memory, and what the ledger says.
"""

import asyncio
import csv
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

SCENARIO = """\
scenario: bench
owner: bench
task: Answer the question.
cases: {{path: cases.csv, input: question, expected: answer, pools: {{certify: 1.0}}}}
output: free-text
scorers: [exact]
demand: {{cases_per_month: 1000}}
incumbent: {{name: people, cost_per_case: 1, solved: 0.9, source: bench}}
economics: {{value_per_solved: 1, cost_per_wrong: 1, cost_per_review: 1}}
promise: {{solved: {{at_least: 0.5}}, harm: {{at_most: 0.01}}}}
candidates:
  - {candidate}
"""


def write_scenario(
    folder: Path, url: str, *, cases: int, concurrency: int = 64, candidate: str = ""
) -> Path:
    """A scenario with `cases` cases, three in four of which the mock solves."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "cases.csv").open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["question", "answer"])
        # A spread of words keeps the cases from being near copies of each other.
        writer.writerows(
            (
                f"{n * 2654435761 % 4294967296:x} {n * 40503 % 65536:x} case {n}",
                "41" if n % 4 == 0 else "42",
            )
            for n in range(cases)
        )
    candidate = candidate or (
        f"{{name: mock, endpoint: mock, base_url: {url}, concurrency: {concurrency},"
        " price: {input: 0.1, output: 0.4}}"
    )
    path = folder / "bench.yaml"
    path.write_text(SCENARIO.format(candidate=candidate))
    return path


def run_rixin(folder: Path, url: str, options: dict[str, Any]) -> dict[str, float]:
    from rixin.workspace import Workspace

    run_imports()  # so that memory beyond them is that of the run
    path = write_scenario(folder, url, **options)
    with Workspace(quiet=True) as workspace:
        workspace.check(path)  # reads the cases, which the bare loop has in memory
        begin, cpu = time.perf_counter(), time.process_time()
        result = workspace.decide(path, exhaustive=True)
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    tally = result.data.verdict.candidates[0].tally
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "latency_ms": (tally.latency_mean or 0.0) * 1e3,
        "score": 100 * tally.solved / max(1, tally.cases),
        "unmeasured": tally.unmeasured + tally.missing,
    }


def run_replay(folder: Path, url: str, options: dict[str, Any]) -> dict[str, float]:
    count = options["cases"]
    candidate = (
        "{name: log, replay: log.jsonl, columns: {input: question, output: said, cost: usd}}"
    )
    write_scenario(folder, url, cases=count, candidate=candidate)
    with (folder / "cases.csv").open() as source, (folder / "log.jsonl").open("w") as target:
        for row in csv.DictReader(source):
            target.write(f'{{"question":"{row["question"]}","said":"42","usd":0.001}}\n')
    from rixin.workspace import Workspace

    begin = time.perf_counter()
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(folder / "bench.yaml", exhaustive=True)
    assert result.data.verdict.candidates[0].tally.cases == count
    return {"wall_s": time.perf_counter() - begin}


def run_imports() -> dict[str, float]:
    import scipy.optimize
    import scipy.special
    import scipy.stats
    import sklearn.feature_extraction.text
    import sklearn.linear_model

    assert scipy.optimize and scipy.special and scipy.stats
    assert sklearn.feature_extraction.text and sklearn.linear_model
    return {}


def main() -> None:
    kind, url, folder, options = (
        sys.argv[1],
        sys.argv[2],
        Path(sys.argv[3]),
        json.loads(sys.argv[4]),
    )
    if kind == "rixin":
        figures = run_rixin(folder, url, options)
    elif kind == "replay":
        figures = run_replay(folder, url, options)
    elif kind == "loop":
        from engine import bare_loop

        figures = {"wall_s": asyncio.run(bare_loop(url, options["cases"], options["concurrency"]))}
    else:
        figures = run_imports()
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

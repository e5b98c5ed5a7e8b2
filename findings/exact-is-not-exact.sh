#!/usr/bin/env bash
# Inspect (inspect-ai), the scorers `exact()` and `match(numeric=True)`: which answers do they take for the
# target?
#
# Guess, before the source was read or anything was run: `match(numeric=True)` may lose a sign or a decimal
# point, being made of texts; `exact()` ignores case and white space, and is safe.
# Seen: the other way round. `exact()` also strikes out the articles, so that a target of `A` is empty and is
# never met: of four right answers A, B, C, D the first is scored as wrong. It splits words at each hyphen,
# a leading minus too, and drops all other signs: 5 is right for -5, 3/4 for 34, C for C++.
# `match(numeric=True)` keeps sign and point, but rounds both numbers to five digits: 123457 is right for
# 123456, 20240102 for 20240101.
#
# Why it matters: whoever takes labels A to D, signed amounts, invoice numbers or dates from an evaluation
# with these scorers gets a wrong accuracy, and wrong labels for training. The sign in `match` was mended in
# https://github.com/UKGovernmentBEIS/inspect_ai/pull/3916, in `exact` it is still lost.
#
# Downloads about 100 MB from the package index. Exits with 1 once it is otherwise.
set -euo pipefail
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
python3 -m venv "$W/venv"
"$W/venv/bin/pip" install -q --disable-pip-version-check inspect-ai==0.3.285
cd "$W"
venv/bin/python - <<'PY'
import importlib.metadata, sys

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import exact, match
from inspect_ai.solver import solver


@solver
def prepared():
    """Answers with what stands in the sample, so that no model is needed."""

    async def solve(state, generate):
        state.output = ModelOutput.from_content("none", state.metadata["answer"])
        return state

    return solve


def scores(scorer, pairs):
    samples = [Sample(input="?", target=target, metadata={"answer": answer}) for answer, target in pairs]
    task = Task(dataset=samples, solver=prepared(), scorer=scorer)
    (log,) = eval(task, model="mockllm/model", display="none", log_dir="logs")
    values = "".join(next(iter(sample.scores.values())).value for sample in log.samples)
    for (answer, target), value in zip(pairs, values):
        print(f"  {answer!r} for {target!r}: {'right' if value == 'C' else 'wrong'}")
    return values


print("inspect-ai", importlib.metadata.version("inspect-ai"))
print("exact(), the answer is the target:")
same = scores(exact(), [(letter, letter) for letter in "ABCD"])
print("exact(), the answer is another:")
other = scores(exact(), [("5", "-5"), ("-0.5", "0.5"), ("3/4", "34"), ("C", "C++"), ("6", "5")])
print("match(numeric=True), the answer is another:")
numbers = scores(
    match(numeric=True),
    [("It is 123457.", "123456"), ("20240102", "20240101"), ("99999.6", "100000"), ("12346", "12345")],
)
changed = (same, other, numbers) != ("ICCC", "CCCCI", "CCCI")
print("changed" if changed else "as seen before")
sys.exit(changed)
PY

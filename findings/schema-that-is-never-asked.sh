#!/usr/bin/env bash
# autoevals (Braintrust), the scorer `ValidJSON`: does it check the schema that it was made with?
#
# Guess, before anything was run: yes, it is the class's documented use; at worst it does not look at `format`.
# Seen: no. The schema given to the constructor is kept and never read: each object and each list scores 1,
# whatever the schema says, by `eval`, by `eval_async` and by a call. Right texts that are no object
# or list (a number, a string: what a schema for a label asks for) score 0. Given as the second argument of the
# call the schema is checked.
#
# Why it matters: an evaluation by a schema is passed by everything that parses, and a model that gets no
# field right is chosen as perfect. A change that mends it is proposed since September 2026:
# https://github.com/braintrustdata/autoevals/pull/221
#
# Downloads about 10 MB from the package index. Exits with 1 once it is otherwise.
set -euo pipefail
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
python3 -m venv "$W/venv"
"$W/venv/bin/pip" install -q --disable-pip-version-check autoevals==0.4.1
"$W/venv/bin/python" - <<'PY'
import asyncio, importlib.metadata, sys

from autoevals import ValidJSON

ORDER = {
    "type": "object",
    "properties": {"number": {"type": "integer"}, "state": {"enum": ["open", "paid"]}},
    "required": ["number", "state"],
    "additionalProperties": False,
}
LABEL = {"enum": ["open", "paid"]}
TEXTS = (
    (ORDER, '{"number": 7, "state": "paid"}', 1, 1),
    (ORDER, '{"number": "seven", "state": "lost"}', 1, 0),
    (ORDER, "{}", 1, 0),
    (ORDER, "[]", 1, 0),
    (ORDER, '{"number": 7,', 0, 0),
    (LABEL, '"paid"', 0, 1),
)
print("autoevals", importlib.metadata.version("autoevals"))
same = True
for schema, text, made, called in TEXTS:
    scorer = ValidJSON(schema=schema)
    by_eval, by_async = scorer.eval(output=text).score, asyncio.run(scorer.eval_async(output=text)).score
    by_call, second = scorer(text).score, ValidJSON()(text, schema).score
    print(f"{text:40} schema at making: {by_eval}, {by_async}, {by_call}; second argument: {second}")
    same = same and (by_eval, by_async, by_call, second) == (made, made, made, called)
print("as seen before" if same else "changed")
sys.exit(not same)
PY

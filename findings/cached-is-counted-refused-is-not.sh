#!/usr/bin/env bash
# langchain's usage callback (`get_usage_metadata_callback`) and dspy's history, beside the calls that the
# endpoint really got: which answers are counted?
#
# Guess, before anything was run: an answer from the cache still carries its usage, and langchain's callback
# counts it again; dspy takes usage off such an answer, but leaves its cost. A bad answer is counted as any
# other, since the endpoint has sent its usage.
# Seen: the first two are so: one call and two answers from the cache are 330 tokens in langchain and three
# times the cost in dspy (in the same rows usage is {}). The last is wrong: `with_structured_output` by its
# own default, `json_schema`, parses inside of the openai client; an answer that does not fit raises before
# any callback hears of it. Three paid attempts of `with_retry` are 0 tokens, `include_raw=True` raises
# all the same; by `json_mode` each attempt is counted.
#
# Why it matters: costs by these figures are too high where a cache works, and too low where a cheap model fails
# its schema: just where a router asks whether the cheap model pays. Close to it:
# https://github.com/langchain-ai/langchain/pull/35030 https://github.com/comet-ml/opik/issues/4508
#
# Downloads about 170 MB from the package index. Exits with 1 once it is otherwise.
set -euo pipefail
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
python3 -m venv "$W/langchain"
python3 -m venv "$W/dspy"
"$W/langchain/bin/pip" install -q --disable-pip-version-check langchain-openai==1.7.4 langchain-core==1.8.3
"$W/dspy/bin/pip" install -q --disable-pip-version-check dspy==3.4.1
cd "$W"
cat > endpoint.py <<'PY'
"""An endpoint on loopback: each chat gets the same text, with 100 tokens in and 10 out."""
import http.server, json, threading


class Endpoint:
    def __init__(self, text):
        self.calls = 0
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": [choice]}
        reply["usage"] = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        body, endpoint = json.dumps(reply).encode(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                endpoint.calls += 1
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/v1"
PY
cat > in_langchain.py <<'PY'
import importlib.metadata, sys

from endpoint import Endpoint
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Sum(BaseModel):
    amount: int


def counted(text, ask, **options):
    """How many calls the endpoint got, and how many tokens the callback counted."""
    endpoint = Endpoint(text)
    model = ChatOpenAI(model="gpt-4o-mini", base_url=endpoint.url, api_key="none", max_retries=0, **options)
    with get_usage_metadata_callback() as usage:
        try:
            ask(model)
        except Exception as error:
            print("  raised", type(error).__name__)
    return endpoint.calls, sum(entry["total_tokens"] for entry in usage.usage_metadata.values())


def retried(**how):
    return lambda model: model.with_structured_output(Sum, **how).with_retry(
        stop_after_attempt=3, wait_exponential_jitter=False
    ).invoke("How much? Answer in JSON.")


print("langchain-core", importlib.metadata.version("langchain-core"), end=", ")
print("langchain-openai", importlib.metadata.version("langchain-openai"))
bad, good = '{"amount": "a lot"}', '{"amount": 7}'
seen = {}
for name, case, right in (
    ("the same three times, cached", (good, lambda m: [m.invoke("?") for _ in range(3)]), (1, 330)),
    ("a good answer by its schema", (good, retried()), (1, 110)),
    ("a bad one, three attempts", (bad, retried()), (3, 0)),
    ("the same, include_raw", (bad, retried(include_raw=True)), (3, 0)),
    ("the same, json_mode", (bad, retried(method="json_mode")), (3, 330)),
):
    found = counted(*case, **({"cache": InMemoryCache()} if "cached" in name else {}))
    seen[name] = found == right
    print(f"{name}: {found[0]} calls, {found[1]} tokens counted")
sys.exit(not all(seen.values()))
PY
cat > in_dspy.py <<'PY'
import importlib.metadata, sys

import dspy
from endpoint import Endpoint

endpoint = Endpoint("[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]")
model = dspy.LM("openai/gpt-4o-mini", api_base=endpoint.url, api_key="none")
dspy.configure(lm=model)
for _ in range(3):
    dspy.Predict("question -> answer")(question="What is the capital of France?")
costs = [row["cost"] for row in model.history]
usage = [row["usage"].get("total_tokens") for row in model.history]
print("dspy", importlib.metadata.version("dspy"))
print(f"the same three times, cached: {endpoint.calls} call, tokens {usage}, costs {costs}")
sys.exit(not (endpoint.calls == 1 and usage == [110, None, None] and costs[0] and costs == costs[:1] * 3))
PY
unset OPENAI_PROXY OPENAI_API_BASE OPENAI_BASE_URL
changed=0
LANGSMITH_TRACING=false langchain/bin/python in_langchain.py || changed=1
export DSPY_CACHEDIR="$W/cache" LITELLM_LOCAL_MODEL_COST_MAP=True
dspy/bin/python in_dspy.py 2>messages || { tail -3 messages; changed=1; }
if [ "$changed" = 0 ]; then echo "as seen before"; else echo "changed"; fi
exit "$changed"

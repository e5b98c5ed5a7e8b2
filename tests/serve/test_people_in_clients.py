"""How a case that goes to people looks in clients, as docs/serve.md says; they are unmodified.

openai for Python runs always, the others where they are installed; those for Node.js are fetched
once, where there is Node.js 18 or newer and the registry can be reached.
"""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from serve.house import served

openai = pytest.importorskip("openai")
ASKED = [{"role": "user", "content": "an okapi"}]
PACKAGES = ("openai@7", "ai@7", "@ai-sdk/openai@4")
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "rixin-tests" / "node"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    with served(folder, solver="rules", faults=("cut", "cuterr")) as house:
        yield house


def url(house):
    return f"http://127.0.0.1:{house.port}/v1"


@pytest.fixture
def client(house):
    with openai.OpenAI(base_url=url(house), api_key=house.key, max_retries=0) as client:
        yield client


def test_openai_gives_a_refusal(client):
    choice = client.chat.completions.create(model="scenario/desk", messages=ASKED).choices[0]
    assert (choice.message.content, choice.finish_reason) == (None, "stop")
    assert "goes to people" in choice.message.refusal
    stream = client.chat.completions.create(model="scenario/desk", messages=ASKED, stream=True)
    said = "".join(part.choices[0].delta.refusal or "" for part in stream)
    assert "goes to people" in said
    text = client.completions.create(model="scenario/desk", prompt="an okapi").choices[0].text
    assert "goes to people" in text


def test_openai_parses_no_output_of_it_and_raises_nothing(client):
    import pydantic

    class Worn(pydantic.BaseModel):
        label: str

    parsed = client.chat.completions.parse(
        model="scenario/desk", messages=ASKED, response_format=Worn
    )
    assert parsed.choices[0].message.parsed is None
    assert "goes to people" in parsed.choices[0].message.refusal
    with client.chat.completions.stream(model="scenario/desk", messages=ASKED) as stream:
        kinds = [event.type for event in stream]
    assert {"refusal.delta", "refusal.done"} <= set(kinds)


def test_a_response_has_what_clients_insist_on_in_each_part(client, house):
    """`id`, `role`, `type` and `annotations`: without them the AI SDK throws."""
    for text, kind in (("a zebra", "output_text"), ("an okapi", "refusal")):
        body = {"model": "scenario/desk", "input": text}
        (item,) = house.ask("/v1/responses", body).json()["output"]
        assert item["id"].startswith("msg_")
        assert (item["role"], item["type"], item["status"]) == ("assistant", "message", "completed")
        (part,) = item["content"]
        assert part["type"] == kind
        assert kind == "refusal" or part["annotations"] == []
        events = house.ask("/v1/responses", {**body, "stream": True}).events
        held = [json.loads(event.split("data: ")[1]) for event in events]
        items = [one["item"] for one in held if "item" in one]
        items += [one for event in held for one in event.get("response", {}).get("output", ())]
        assert len(items) == 3
        for one in items:
            assert {"id", "role", "type", "content"} <= one.keys()
        parts = [one["part"] for one in held if "part" in one]
        parts += [one for found in items for one in found["content"]]
        assert all(one["type"] == kind for one in parts)
        assert all(kind == "refusal" or one["annotations"] == [] for one in parts)
    assert (
        "goes to people"
        in client.responses.create(model="scenario/desk", input="an okapi")
        .output[0]
        .content[0]
        .refusal
    )


@pytest.mark.parametrize(("model", "code"), [("cut", "upstream_error"), ("cuterr", None)])
def test_openai_raises_an_error_with_its_code_where_a_stream_breaks(client, model, code):
    chunks = client.chat.completions.create(model=f"solver/{model}", messages=ASKED, stream=True)
    with pytest.raises(openai.APIError) as raised:
        list(chunks)
    assert type(raised.value) is openai.APIError  # not the bare error of a connection
    assert raised.value.code == code


def asked_of(house, ask):
    """What `ask` gives, with a client that is closed again."""

    async def go():
        async with openai.AsyncOpenAI(base_url=url(house), api_key=house.key, max_retries=0) as own:
            return await ask(own)

    return asyncio.run(go())


@pytest.mark.filterwarnings("ignore")  # of its own parts
def test_openai_agents_raises_a_refusal(house):
    agents = pytest.importorskip("agents")
    agents.set_tracing_disabled(True)

    async def ask(own):
        model = agents.OpenAIChatCompletionsModel(model="scenario/desk", openai_client=own)
        return await agents.Runner.run(agents.Agent(name="a", model=model), "an okapi")

    with pytest.raises(agents.exceptions.ModelRefusalError):
        asked_of(house, ask)


@pytest.mark.filterwarnings("ignore")  # of its own parts
def test_pydantic_ai_raises_a_content_filter(house):
    pydantic_ai = pytest.importorskip("pydantic_ai")
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    async def ask(own):
        model = OpenAIChatModel("scenario/desk", provider=OpenAIProvider(openai_client=own))
        return await pydantic_ai.Agent(model).run("an okapi")

    with pytest.raises(pydantic_ai.exceptions.ContentFilterError):
        asked_of(house, ask)


@pytest.mark.filterwarnings("ignore")  # of its own parts
def test_langchain_gives_the_refusal_beside_an_empty_content(house):
    langchain_openai = pytest.importorskip("langchain_openai")
    model = langchain_openai.ChatOpenAI(
        model="scenario/desk", base_url=url(house), api_key=house.key, max_retries=0
    )
    found = model.invoke("an okapi")
    assert found.content == ""
    assert "goes to people" in found.additional_kwargs["refusal"]


@pytest.mark.filterwarnings("ignore")  # of its own parts
def test_instructor_asks_again_and_pays_each_time(house):
    instructor = pytest.importorskip("instructor")
    import pydantic

    class Worn(pydantic.BaseModel):
        label: str

    before = len(house.statuses())
    with openai.OpenAI(base_url=url(house), api_key=house.key, max_retries=0) as own:
        client = instructor.from_openai(own, mode=instructor.Mode.JSON)
        with pytest.raises(Exception, match=r"(?s).+") as raised:
            client.chat.completions.create(
                model="scenario/desk", messages=ASKED, response_model=Worn, max_retries=3
            )
    from serve.test_faults import until

    assert raised.value.n_attempts == 4
    assert until(lambda: len(house.statuses()) - before >= 4)


def test_lm_eval_counts_it_as_wrong(house, tmp_path):
    pytest.importorskip("lm_eval")
    from serve.test_other_clients import measured

    task = {
        "output_type": "generate_until",
        "doc_to_target": "a",
        "doc_to_text": "an okapi",
        "metric_list": [{"metric": "exact_match"}],
    }
    more = {"model": "scenario/desk", "tokenizer_backend": "none"}
    kind = "local-chat-completions"
    found = measured(house, tmp_path, kind, "chat/completions", task, **more)
    assert found["exact_match,none"] == 0.0


# ---- Node.js ----


@pytest.fixture(scope="session")
def node():
    """A folder with the clients for Node.js."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        pytest.skip("Node.js is not on this machine")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < 18:
        pytest.skip(f"Node.js {version.stdout.strip()} is too old: 18 is needed")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = " ".join(PACKAGES)
        mark = CACHE / "installed"
        if not mark.exists() or mark.read_text() != wanted:
            command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(CACHE)]
            done = subprocess.run(
                [*command, *PACKAGES], capture_output=True, text=True, check=False, timeout=240
            )
            if done.returncode:
                pytest.skip(f"npm cannot fetch {wanted}: {done.stderr.strip()[-200:]}")
            mark.write_text(wanted)
    return CACHE


def run_node(node, house, script):
    """What a script prints, as JSON; `url` and `key` are known in it."""
    known = f"const url = {json.dumps(url(house))}, key = {json.dumps(house.key)};\n"
    path = node / f"test-{os.getpid()}.mjs"
    path.write_text(known + script)
    try:
        done = subprocess.run(
            ["node", str(path)], capture_output=True, text=True, check=False, timeout=120
        )
    finally:
        path.unlink()
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


OPENAI_NODE = """
import OpenAI from "openai";
const client = new OpenAI({baseURL: url, apiKey: key, maxRetries: 0});
const messages = [{role: "user", content: "an okapi"}];
const whole = await client.chat.completions.create({model: "scenario/desk", messages});
let thrown = null;
try {
  const stream = await client.chat.completions.create({model: "solver/cut", messages, stream: true});
  for await (const part of stream) {}
} catch (error) { thrown = [error instanceof OpenAI.APIError, error.code]; }
const {message, finish_reason} = whole.choices[0];
console.log(JSON.stringify({message, finish_reason, thrown}));
"""


@pytest.mark.timeout(400)
def test_openai_for_node_gives_a_refusal(node, house):
    found = run_node(node, house, OPENAI_NODE)
    assert (found["message"]["content"], found["finish_reason"]) == (None, "stop")
    assert "goes to people" in found["message"]["refusal"]
    assert found["thrown"] == [True, "upstream_error"]


AI_SDK = """
import {generateText, streamText} from "ai";
import {createOpenAI} from "@ai-sdk/openai";
const provider = createOpenAI({baseURL: url, apiKey: key});
const found = [];
for (const model of [provider.chat("scenario/desk"), provider.responses("scenario/desk")]) {
  const said = await generateText({model, prompt: "an okapi", maxRetries: 0});
  const good = await generateText({model, prompt: "a zebra", maxRetries: 0});
  found.push([said.text, said.finishReason, good.text, good.finishReason]);
}
console.log(JSON.stringify(found));
"""


@pytest.mark.timeout(400)
def test_the_ai_sdk_gives_a_text_and_says_content_filter(node, house):
    for text, reason, good, stopped in run_node(node, house, AI_SDK):
        assert "goes to people" in text
        assert reason == "content-filter"
        assert (good, stopped) == ("stripes", "stop")

"""SenseTime's own client, unmodified, against the gateway."""

import asyncio
import importlib.util
import subprocess
import sys
import time

import jwt
import pytest

from rixin.core.key import Limits
from rixin.serve.sensenova.tokens import secret_of, server_key
from rixin.workspace import Workspace
from serve.house import served

sensenova = pytest.importorskip("sensenova")
ALIASES = ("nova-ptc-xs-v1", "nova-ptc-xl-v1", "nova-ptc-s-v1-codecompletion")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    options = [word for name in ALIASES for word in ("--alias", f"{name}=scenario/desk")]
    with served(tmp_path_factory.mktemp("nova"), *options) as one:
        with Workspace(quiet=True) as workspace:
            key = workspace.desk(one.path).create_key("nova", scenarios=["desk"], limits=Limits())[
                1
            ]
        one.access, one.secret = key.public_id, secret_of(server_key(one.ledger), key.public_id)
        sensenova.access_key_id, sensenova.secret_access_key = one.access, one.secret
        sensenova.api_base = f"http://127.0.0.1:{one.port}/v1"
        time.sleep(0.8)
        yield one


def chat(text="a zebra", model="scenario/desk", **more):
    messages = [{"role": "user", "content": text}]
    return sensenova.ChatCompletion.create(model=model, messages=messages, **more)


def test_chat_and_completions(house):
    data = chat()["data"]
    assert data["choices"][0]["message"] == "stripes"
    assert data["usage"]["total_tokens"] == 0
    assert len(chat("an okapi", n=2)["data"]["choices"]) == 2
    (part,) = list(chat(stream=True))
    assert part["data"]["choices"][0]["delta"] == "stripes"
    found = sensenova.Completion.create(model="nova-ptc-xs-v1", prompt="a zebra")
    assert found["data"]["choices"][0]["text"] == "stripes"


def test_an_endpoint_is_passed_on_in_its_own_words(house):
    found = chat("hello", "solver/strong", max_new_tokens=9, temperature=0.5)
    assert found["data"]["choices"][0]["message"] == "fine"
    sent = house.upstream.seen("good")[-1]["body"]
    assert (sent["max_tokens"], sent["temperature"]) == (9, 0.5)
    assert sent["messages"] == [{"role": "user", "content": "hello"}]
    parts = list(chat("hello", "solver/strong", stream=True))
    text = "".join(one["data"]["choices"][0]["delta"] for one in parts)
    assert text == "".join(f"t{n} " for n in range(20))


def test_the_asynchronous_client(house):
    messages = [{"role": "user", "content": "a zebra"}]

    async def main():
        whole = await sensenova.ChatCompletion.acreate(model="scenario/desk", messages=messages)
        parts = await sensenova.ChatCompletion.acreate(
            model="scenario/desk", messages=messages, stream=True
        )
        return whole, [one async for one in parts]

    whole, parts = asyncio.run(main())
    assert whole["data"]["choices"][0]["message"] == "stripes"
    assert len(parts) == 1


def test_models_are_listed(house):
    names = [one["id"] for one in sensenova.Model.list()["data"]]
    assert {"scenario/desk", "nova-ptc-xs-v1", "solver/strong"} <= set(names)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("nobody", "InvalidRequestError"),
        ("solver/f400", "InvalidRequestError"),
        ("solver/f401", "AuthenticationError"),
        ("solver/f429", "RateLimitError"),
        ("solver/html503", "ServiceUnavailableError"),
        ("solver/badjson", "APIError"),
    ],
)
def test_errors_become_the_clients_own(house, model, kind):
    with pytest.raises(getattr(sensenova, kind)) as caught:
        chat("hello", model)
    assert caught.value.http_status >= 400


def test_errors_in_a_stream_are_raised(house):
    with pytest.raises(sensenova.SensenovaError):
        list(chat("hello", "solver/cut", stream=True))


def test_what_is_not_heeded_is_named(house):
    found = chat(know_ids=["x"], plugins={})
    assert found.headers()["x-rixin-unheeded"] == "know_ids, plugins"
    assert found.headers()["X-Request-Id"].startswith("req_")


def token(house, secret=None, **changes):
    claims = {"iss": house.access, "exp": int(time.time()) + 60, "nbf": int(time.time()), **changes}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret or house.secret)


def test_tokens_that_are_not_valid_are_refused(house):
    now = int(time.time())
    none = jwt.encode({"iss": house.access, "exp": now + 60}, None, algorithm="none")
    wrong = [
        token(house, "x" * 32),
        token(house, exp=now - 60),
        token(house, nbf=now + 120),
        token(house, exp=None),
        token(house, exp=now + 10 * 86_400),
        token(house, iss="nobody"),
        none,
        "x",
        "",
    ]
    body = {"model": "scenario/desk", "messages": [{"role": "user", "content": "a zebra"}]}
    for one in wrong:
        headers = {"Authorization": f"Bearer {one}"}
        reply = house.ask("/v1/llm/chat-completions", body, headers=headers)
        assert (reply.status, reply.json()["error"]["code"]) == (401, 16), one
        assert house.ask("/v1/llm/models", method="GET", headers=headers).status == 401
    good = {"Authorization": f"Bearer {token(house, exp=now - 10)}"}  # clocks are a little apart
    assert house.ask("/v1/llm/chat-completions", body, headers=good).status == 200
    assert house.ask("/v1/llm/chat-completions", b"{", headers=good).json()["error"]["code"] == 3
    assert house.ask("/v1/llm/completions", {"model": "x"}, headers=good).status == 400


@pytest.mark.parametrize("name", ["test_chat_completion", "test_completion"])
def test_the_tests_that_the_client_ships_pass(house, name, tmp_path):
    file = importlib.util.find_spec(f"sensenova.tests.{name}").origin
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    import os

    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), file],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={
            **os.environ,
            "SENSENOVA_API_BASE": f"http://127.0.0.1:{house.port}/v1",
            "SENSENOVA_ACCESS_KEY_ID": house.access,
            "SENSENOVA_SECRET_ACCESS_KEY": house.secret,
        },
    )
    assert done.returncode == 0, done.stdout

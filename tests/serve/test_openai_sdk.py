"""OpenAI's own SDK, unmodified, against the gateway."""

import asyncio

import pytest

openai = pytest.importorskip("openai")


@pytest.fixture
def client(house):
    with openai.OpenAI(
        base_url=f"http://127.0.0.1:{house.port}/v1", api_key=house.key, max_retries=0
    ) as one:
        yield one


def messages(text):
    return [{"role": "user", "content": text}]


def test_answers_streams_and_tools(client):
    found = client.chat.completions.create(model="scenario/desk", messages=messages("a zebra"))
    assert found.choices[0].message.content == "stripes"
    raw = client.chat.completions.with_raw_response.create(
        model="scenario/desk", messages=messages("a zebra")
    )
    assert raw.headers["x-rixin-solver"] == "rules"
    chunks = client.chat.completions.create(
        model="solver/strong", messages=messages("hello"), stream=True
    )
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    assert text == "".join(f"t{n} " for n in range(20))
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    found = client.chat.completions.create(
        model="solver/strong", messages=messages("hello"), tools=tools
    )
    assert found.choices[0].message.content == "fine"


def test_structured_output_of_a_scenario_is_its_label(client):
    shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "string"}}}
    found = client.chat.completions.create(
        model="scenario/desk", messages=messages("a zebra"), response_format=shape
    )
    assert found.choices[0].message.content == "stripes"


def test_other_endpoints(client):
    found = client.completions.create(model="scenario/desk", prompt="a zebra")
    assert found.choices[0].text == "stripes"
    found = client.responses.create(model="scenario/desk", input="a zebra")
    assert found.output_text == "stripes"
    events = list(client.responses.create(model="scenario/desk", input="a zebra", stream=True))
    assert events[-1].response.output_text == "stripes"
    assert client.embeddings.create(model="solver/strong", input="x", encoding_format="float").data[
        0
    ].embedding == [0.5, 0.25]
    assert "scenario/desk" in [one.id for one in client.models.list()]
    assert client.models.retrieve("scenario/desk").owned_by == "rixin"


def test_the_asynchronous_client(house):
    async def main():
        async with openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{house.port}/v1", api_key=house.key
        ) as one:
            calls = [
                one.chat.completions.create(model="scenario/desk", messages=messages("a zebra"))
                for _ in range(20)
            ]
            return await asyncio.gather(*calls)

    assert {one.choices[0].message.content for one in asyncio.run(main())} == {"stripes"}


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("nobody", "NotFoundError"),
        ("solver/f400", "BadRequestError"),
        ("solver/f401", "AuthenticationError"),
        ("solver/f429", "RateLimitError"),
        ("solver/f500", "InternalServerError"),
        ("solver/badjson", "InternalServerError"),
    ],
)
def test_errors_become_the_sdks_own(client, model, kind):
    with pytest.raises(getattr(openai, kind)):
        client.chat.completions.create(model=model, messages=messages("hello"))


@pytest.mark.parametrize("model", ["solver/cut", "solver/cuterr"])
def test_a_stream_that_breaks_is_an_error_and_no_short_answer(client, model):
    chunks = client.chat.completions.create(model=model, messages=messages("hello"), stream=True)
    with pytest.raises(openai.APIError):
        list(chunks)

"""Usage is read once, and right for every maker: what is inside of what, and what is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.answer import Usage
from rixin.core.usage import MOST_TOKENS, read_usage, total_usage


def used(body):
    """The figures that are not nothing."""
    usage = read_usage(body)
    if usage is None:
        return None
    return {name: value for name, value in usage._asdict().items() if value and name != "calls"}


def figures(tokens_in, tokens_out, **more):
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, **more}


CHAT = {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}
MAKERS = {
    "plain": (CHAT, figures(1200, 300)),
    "openai chat, all details": (
        {
            **CHAT,
            "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 200,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 12,
                "rejected_prediction_tokens": 5,
            },
        },
        figures(1200, 300, cached_tokens=1024, reasoning_tokens=200),
    ),
    "openai audio": (
        {
            **CHAT,
            "prompt_tokens_details": {"text_tokens": 200, "audio_tokens": 1000},
            "completion_tokens_details": {"text_tokens": 60, "audio_tokens": 240},
        },
        figures(1200, 300, audio_input_tokens=1000, audio_output_tokens=240),
    ),
    "openai realtime": (
        {
            "total_tokens": 253,
            "input_tokens": 132,
            "output_tokens": 121,
            "input_token_details": {
                "text_tokens": 119,
                "audio_tokens": 13,
                "image_tokens": 0,
                "cached_tokens": 64,
                "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 4},
            },
            "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
        },
        figures(
            *(132, 121),
            cached_tokens=64,
            audio_input_tokens=13,
            audio_cached_tokens=4,
            audio_output_tokens=91,
        ),
    ),
    "openai responses": (
        {
            "input_tokens": 36,
            "input_tokens_details": {"cached_tokens": 20},
            "output_tokens": 87,
            "output_tokens_details": {"reasoning_tokens": 64},
            "total_tokens": 123,
        },
        figures(36, 87, cached_tokens=20, reasoning_tokens=64),
    ),
    "anthropic": (
        {
            "input_tokens": 5,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 60,
                "ephemeral_1h_input_tokens": 40,
            },
            "output_tokens": 7,
            "service_tier": "standard",
            "inference_geo": "global",
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        },
        figures(
            *(1105, 7),
            cached_tokens=1000,
            cache_write_tokens=100,
            cache_write_1h_tokens=40,
            searches=2,
        ),
    ),
    "anthropic in OpenAI's form, the cache counted inside": (
        {
            **CHAT,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "prompt_tokens_details": {"cached_tokens": 1000},
        },
        figures(1200, 300, cached_tokens=1000, cache_write_tokens=100),
    ),
    "the cache beside the prompt, as the total says": (
        {**CHAT, "total_tokens": 1600, "cache_read_input_tokens": 100},
        figures(1300, 300, cached_tokens=100),
    ),
    "more cached than asked can only be beside": (
        {"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 1000},
        figures(1010, 5, cached_tokens=1000),
    ),
    "a total that fits the cache and the reasoning alike costs more by reasoning": (
        {
            **CHAT,
            "total_tokens": 1564,
            "cached_tokens": 64,
            "completion_tokens_details": {"reasoning_tokens": 64},
        },
        figures(1200, 364, cached_tokens=64, reasoning_tokens=64),
    ),
    "gemini in OpenAI's form, thoughts in the total alone": (
        {"completion_tokens": 9, "prompt_tokens": 8, "total_tokens": 120},
        figures(8, 112, reasoning_tokens=103),
    ),
    "gemini's own": (
        {
            "usageMetadata": {
                "promptTokenCount": 100,
                "candidatesTokenCount": 9,
                "thoughtsTokenCount": 50,
                "toolUsePromptTokenCount": 7,
                "cachedContentTokenCount": 40,
                "totalTokenCount": 166,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 70},
                    {"modality": "AUDIO", "tokenCount": 30},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
                "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
            }
        },
        figures(
            *(107, 59),
            cached_tokens=40,
            reasoning_tokens=50,
            audio_input_tokens=30,
            audio_cached_tokens=10,
        ),
    ),
    "xai, reasoning beside": (
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "prompt_tokens_details": {"text_tokens": 32, "cached_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 94},
            "num_sources_used": 0,
        },
        figures(32, 103, cached_tokens=6, reasoning_tokens=94),
    ),
    "more reasoning than output can only be beside": (
        {"prompt_tokens": 5, "completion_tokens": 9, "reasoning_tokens": 94},
        figures(5, 103, reasoning_tokens=94),
    ),
    "perplexity, what was read and thought beside": (
        {
            "prompt_tokens": 33,
            "completion_tokens": 7163,
            "total_tokens": 7196,
            "citation_tokens": 20016,
            "num_search_queries": 18,
            "reasoning_tokens": 73,
        },
        figures(33, 27252, citation_tokens=20016, reasoning_tokens=73, searches=18),
    ),
    "deepseek": (
        {**CHAT, "prompt_cache_hit_tokens": 1000, "prompt_cache_miss_tokens": 200},
        figures(1200, 300, cached_tokens=1000),
    ),
    "moonshot, and a detail that is only filled in": (
        {**CHAT, "cached_tokens": 1000, "prompt_tokens_details": {"cached_tokens": 0}},
        figures(1200, 300, cached_tokens=1000),
    ),
    "two figures for the cache: the dearer": (
        {**CHAT, "cached_tokens": 1000, "prompt_cache_hit_tokens": 900},
        figures(1200, 300, cached_tokens=900),
    ),
    "dashscope's own": (
        {
            "input_tokens": 1277,
            "output_tokens": 79,
            "total_tokens": 1356,
            "image_tokens": 1249,
            "prompt_tokens_details": {
                "cached_tokens": 256,
                "cache_creation_input_tokens": 300,
                "cache_creation": {"ephemeral_5m_input_tokens": 300},
                "cache_type": "ephemeral",
            },
            "x_details": [{"prompt_tokens": 1277, "x_billing_type": "response_api"}],
        },
        figures(
            1277,
            79,
            cached_tokens=256,
            cache_write_tokens=300,
            image_input_tokens=1249,
            image_cached_tokens=256,
        ),
    ),
    "openrouter": (
        {
            **CHAT,
            "cost": 0.0123,
            "is_byok": False,
            "prompt_tokens_details": {"cached_tokens": 500, "cache_write_tokens": 100},
            "cost_details": {"upstream_inference_cost": 0.01},
            "completion_tokens_details": {"reasoning_tokens": 20, "image_tokens": 0},
        },
        figures(1200, 300, cached_tokens=500, cache_write_tokens=100, reasoning_tokens=20),
    ),
    "openrouter, native tokens": (
        {
            "native_tokens_prompt": 120,
            "native_tokens_completion": 30,
            "tokens_prompt": 100,
            "tokens_completion": 25,
        },
        figures(120, 30),
    ),
    "ollama's own": (
        {"message": {"content": "x"}, "prompt_eval_count": 26, "eval_count": 298},
        figures(26, 298),
    ),
    "llama.cpp, timings alone": (
        {"choices": [], "timings": {"prompt_n": 30, "cache_n": 70, "predicted_n": 8}},
        figures(100, 8, cached_tokens=70),
    ),
    "groq's stream": ({"choices": [], "x_groq": {"usage": CHAT}}, figures(1200, 300)),
    "moonshot's stream": (
        {"choices": ["x", {"index": 0, "finish_reason": "stop", "usage": CHAT}]},
        figures(1200, 300),
    ),
    "an event of a response": ({"response": {"usage": CHAT}}, figures(1200, 300)),
    "an embedding": ({"data": [], "usage": {"prompt_tokens": 8, "total_tokens": 8}}, figures(8, 0)),
    "a rank, its total alone": ({"results": [], "usage": {"total_tokens": 8}}, figures(8, 0)),
    "vectors, the prompt alone": ({"data": [], "usage": {"prompt_tokens": 8}}, figures(8, 0)),
    "the prompt from the total": ({"completion_tokens": 3, "total_tokens": 8}, figures(5, 3)),
    "the output from the total": ({"prompt_tokens": 5, "total_tokens": 8}, figures(5, 3)),
    "both names": ({**CHAT, "input_tokens": 1200, "output_tokens": 300}, figures(1200, 300)),
    "floats that are whole": (
        {"prompt_tokens": 12.0, "completion_tokens": 3.0, "total_tokens": 15.0},
        figures(12, 3),
    ),
    "nulls": (
        {**CHAT, "prompt_tokens_details": None, "completion_tokens_details": None, "x": None},
        figures(1200, 300),
    ),
    "parts without their whole": (
        {
            "input_tokens": 10,
            "output_tokens": 2,
            "output_tokens_details": {"image_tokens": 4096},
            "input_tokens_details": {"image_tokens": 90},
        },
        figures(90, 4096, image_input_tokens=90, image_output_tokens=4096),
    ),
    "cached sound that must be, since all of it is more than the whole": (
        {
            "prompt_tokens": 1200,
            "completion_tokens": 300,
            "total_tokens": 1500,
            "prompt_tokens_details": {
                "cached_tokens": 1024,
                "audio_tokens": 600,
                "image_tokens": 200,
            },
        },
        figures(
            *(1200, 300),
            cached_tokens=1024,
            audio_input_tokens=600,
            audio_cached_tokens=600,
            image_input_tokens=200,
            image_cached_tokens=24,
        ),
    ),
    "llama.cpp, its cache in the timings alone": (
        {"choices": [], "usage": {**CHAT}, "timings": {"prompt_n": 200, "cache_n": 1000}},
        figures(1200, 300, cached_tokens=1000),
    ),
    "llama.cpp, timings of something else": (
        {"choices": [], "usage": {**CHAT}, "timings": {"prompt_n": 7, "cache_n": 1000}},
        figures(1200, 300),
    ),
    "cohere's own": (
        {
            "usage": {
                "billed_units": {"input_tokens": 10, "output_tokens": 5},
                "tokens": {"input_tokens": 500, "output_tokens": 7},
            }
        },
        figures(10, 5),
    ),
    "a response that searched": (
        {
            "output": [
                {"type": "web_search_call", "action": {"type": "search", "query": "x"}},
                {"type": "web_search_call", "action": {"type": "open_page"}},
                {"type": "web_search_call"},
                {"type": "file_search_call"},
                {"type": "message"},
                "x",
            ],
            "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
        },
        figures(9, 4, searches=2, unread=("output.file_search_call",)),
    ),
    "pictures": ({"usage": {"image_count": 2}}, figures(0, 0, images=2)),
    "flex": ({"usage": CHAT, "service_tier": "flex"}, figures(1200, 300, service_tier="flex")),
    "fast": ({**CHAT, "speed": "fast"}, figures(1200, 300, service_tier="fast")),
    "the usual tier": ({"usage": CHAT, "service_tier": "default"}, figures(1200, 300)),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_usage_is_right_for(maker):
    body, right = MAKERS[maker]
    right = {name: value for name, value in right.items() if value}
    assert used(body) == right
    if "prompt_tokens" in body:  # the object with the usage by itself
        assert used({"usage": body, "choices": []}) == right


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "usage",
        {},
        {"usage": None},
        {"usage": []},
        {"usage": {}},
        {"choices": []},
        {"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},
        {"usage": {"total_tokens": 9}, "choices": []},
        {"usage": {"prompt_tokens": 9}, "choices": []},
        {**CHAT, "prompt_tokens": -1},
        {**CHAT, "completion_tokens": -1_000_000},
        {**CHAT, "completion_tokens": 10**19},
        {**CHAT, "completion_tokens": MOST_TOKENS + 1},
        {**CHAT, "completion_tokens": float("nan")},
        {**CHAT, "completion_tokens": float("inf")},
        {**CHAT, "completion_tokens": 1.5},
        {**CHAT, "completion_tokens": "300"},
        {**CHAT, "completion_tokens": True},
        {**CHAT, "total_tokens": -4},
        {**CHAT, "cache_creation_input_tokens": -4},
        {**CHAT, "completion_tokens_details": {"reasoning_tokens": -4}},
        {"usageMetadata": {"promptTokenCount": 8, "promptTokensDetails": ["x"]}},
        {
            "usageMetadata": {
                "promptTokenCount": 8,
                "candidatesTokenCount": 8,
                "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": -1}],
            }
        },
        {"timings": {"prompt_n": 0, "predicted_n": 8}},
    ],
)
def test_what_cannot_be_believed_is_not_known(body):
    assert read_usage(body) is None


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"prompt_tokens_details": {"cached_tokens": -5}}, "prompt_tokens_details.cached_tokens"),
        ({"cache_read_input_tokens": float("nan")}, "cache_read_input_tokens"),
        (
            {"completion_tokens_details": {"smell_tokens": 4}},
            "completion_tokens_details.smell_tokens",
        ),
        ({"prompt_audio_seconds": 4}, "prompt_audio_seconds"),
        ({"plugins": {"search": {"count": 1}}}, "plugins"),
        (
            {"server_side_tool_usage_details": {"web_search_calls": 3}},
            "server_side_tool_usage_details",
        ),
        ({"prompt_tokens_details": [4]}, "prompt_tokens_details"),
        ({"inference_geo": "us"}, "inference_geo"),
    ],
)
def test_a_figure_that_is_not_understood_is_named_and_lowers_nothing(more, name):
    usage = read_usage({**CHAT, **more})
    assert usage.unread == (name,)
    assert usage[:3] == (1200, 300, 0)


def test_times_rates_texts_and_zeros_are_no_figures_that_cost():
    more = {
        "plugins": {"search": 0},
        "total_time": 0.3,
        "tokens_per_second": 90.5,
        "cache_type": "x",
        "page_count": 0,
    }
    assert read_usage({**CHAT, **more, "token_kind": "bpe", "latency": 4}).unread == ()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                sorted(
                    [
                        "prompt_tokens",
                        "completion_tokens",
                        "total_tokens",
                        "input_tokens",
                        "output_tokens",
                        "usage",
                        "cached_tokens",
                        "reasoning_tokens",
                        "prompt_tokens_details",
                        "cache_creation",
                        "timings",
                        "output_tokens_details",
                        "cache_read_input_tokens",
                        "audio_tokens",
                        "prompt_n",
                        "data",
                        "promptTokensDetails",
                        "tokenCount",
                        "modality",
                        "ephemeral_1h_input_tokens",
                        "x",
                    ]
                )
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_nothing_that_is_said_raises_and_parts_are_never_more_than_the_whole(body):
    usage = read_usage(body)
    if usage is None:
        return
    numbers = usage[: Usage._fields.index("service_tier")]
    assert all(0 <= number <= 12 * MOST_TOKENS for number in numbers)
    assert usage.cached_tokens + usage.cache_write_tokens <= usage.input_tokens
    assert usage.cache_write_1h_tokens <= usage.cache_write_tokens
    assert usage.audio_input_tokens + usage.image_input_tokens <= usage.input_tokens
    assert usage.reasoning_tokens + usage.citation_tokens <= usage.output_tokens
    assert usage.audio_output_tokens + usage.image_output_tokens <= usage.output_tokens


def test_sums_keep_every_figure_and_every_name():
    left = Usage(input_tokens=2, calls=1, reasoning_tokens=4, unread=("a",))
    right = Usage(input_tokens=3, cpu_s=0.5, service_tier="flex", unread=("a", "b"))
    both = total_usage([left, right])
    assert both == Usage(
        *(5, 0, 0, 0.5, 1), reasoning_tokens=4, service_tier="flex", unread=("a", "b")
    )
    assert total_usage([right, left]).service_tier == "flex"
    assert total_usage([]) == Usage()


def test_names_of_figures_are_short_plain_and_few():
    more = {f"\x1b]0;token{n}\x07{'x' * 200}": 1 for n in range(20)}
    names = read_usage({**CHAT, **more}).unread
    assert len(names) == 8
    assert all(len(name) == 80 and name.startswith("?") for name in names)
    assert read_usage({**CHAT, "service_tier": "x" * 500}).service_tier == "x" * 80


@pytest.mark.parametrize(
    ("said", "asked", "right"),
    [
        (None, "priority", "priority"),
        ("", "priority", "priority"),
        ("default", "priority", ""),
        ("priority", "", "priority"),
        ("flex", "priority", "flex"),
        (None, "default", ""),
        (None, "", ""),
    ],
)
def test_the_tier_that_was_asked_for_holds_where_the_reply_says_none(said, asked, right):
    body = {"usage": CHAT, "service_tier": said}
    assert read_usage(body, asked_tier=asked).service_tier == right

"""Reads what a call used from a reply, in the words of every maker.

Makers differ in names, in nesting, and in what is counted inside of what: reasoning inside or
beside the output, cached tokens inside or beside the input. Stated totals decide where they can;
where nothing decides, the reading that costs more is taken.
"""

import re
from collections.abc import Iterable, Mapping
from operator import add
from typing import Any

from rixin.core.answer import Usage
from rixin.core.foreign import whole_number

BYTES_PER_TOKEN = 4
"""Of an estimate, where nobody has counted."""
MOST_TOKENS = 10**9
"""Of one call: what states more is not believed."""

_NOT_PLAIN = re.compile("[^A-Za-z0-9_.-]")
_LONGEST_NAME, _MOST_NAMES = 80, 8
_STANDARD = frozenset(
    {"", "auto", "default", "standard", "on_demand", "ON_DEMAND", "standard_only"}
)
"""How makers call the tier that has the usual price."""


def _words(**words: str) -> dict[str, str]:
    return {word: name for name, listed in words.items() for word in listed.split()}


_TOP = _words(
    prompt="prompt_tokens prompt_eval_count promptTokenCount PromptTokens native_tokens_prompt"
    " tokens_evaluated",
    input="input_tokens inputTokens",
    output="completion_tokens output_tokens outputTokens eval_count candidatesTokenCount"
    " CompletionTokens native_tokens_completion tokens_predicted",
    total="total_tokens totalTokenCount totalTokens TotalTokens",
    cached="cached_tokens prompt_cache_hit_tokens num_cached_tokens cachedContentTokenCount"
    " native_tokens_cached",
    cached_beside="cache_read_input_tokens cacheReadInputTokens cache_read_tokens",
    written_beside="cache_creation_input_tokens cacheWriteInputTokens cache_write_tokens",
    reasoning="reasoning_tokens native_tokens_reasoning",
    thoughts="thoughtsTokenCount",
    tool_input="toolUsePromptTokenCount connector_tokens",
    citations="citation_tokens",
    queries="num_search_queries",
    searches="web_search_requests",
    images="image_count images",
    image_input="image_tokens",
    video_input="video_tokens",
)
_INPUT = _words(
    cached="cached_tokens cache_read_tokens cache_read_input_tokens",
    written="cache_write_tokens cache_creation_input_tokens cache_creation_tokens",
    audio_input="audio_tokens",
    image_input="image_tokens",
    video_input="video_tokens",
)
_OUTPUT = _words(
    reasoning="reasoning_tokens",
    citations="citation_tokens",
    audio_output="audio_tokens",
    image_output="image_tokens",
    video_output="video_tokens",
)
_SECTIONS: dict[str, dict[str, str]] = {
    **dict.fromkeys(
        ("prompt_tokens_details", "input_tokens_details", "input_token_details"), _INPUT
    ),
    **dict.fromkeys(("completion_tokens_details", "output_tokens_details"), _OUTPUT),
    "output_token_details": _OUTPUT,
    "cached_tokens_details": _words(audio_cached="audio_tokens", image_cached="image_tokens"),
    "cache_creation": _words(
        written_5m="ephemeral_5m_input_tokens", written_1h="ephemeral_1h_input_tokens"
    ),
    "server_tool_use": _words(searches="web_search_requests"),
}
"""Objects inside the usage, with the words of each."""
_BY_MODALITY = {
    "promptTokensDetails": "input",
    "candidatesTokensDetails": "output",
    "cacheTokensDetails": "cached",
}
"""Lists of `{modality, tokenCount}`, as Gemini's own form has them."""
_UNBILLED = _words(
    # Parts of what is counted already, the same again in other words, and money.
    unbilled="text_tokens accepted_prediction_tokens rejected_prediction_tokens"
    " prompt_cache_miss_tokens x_details total_characters cost cost_details cost_in_usd_ticks"
    " tokens_prompt tokens_completion tokens_cached web_fetch_requests cache_type service_tier"
    " speed",
)
_COUNTING = tuple(
    _words(
        part="token count image audio video search quer request page char second unit fee source"
        " iteration plugin connector tool"
    )
)
"""What names of figures hold that may be billed; times and rates never are."""
_TIMING = ("_time", "_ms", "_duration", "per_second", "per_sec")
_BILLED_ITEMS = frozenset({"file_search_call", "code_interpreter_call", "image_generation_call"})
"""Items of a response whose work is billed, but not said in the usage."""


def read_usage(body: object, *, calls: int = 1, asked_tier: str = "") -> Usage | None:
    """What a reply says that it used, or None where it does not say so credibly.

    A figure that is negative, broken or absurd makes all of it not known, save cached tokens:
    without them the bill is higher. Figures that are not understood are named in `unread`.

    Args:
        body: A decoded reply, an event of a stream, or the object with the usage by itself.
        calls: Requests that were sent for it.
        asked_tier: The tier of service that was asked for; it holds where the reply says none.

    Examples:
        >>> read_usage({"usage": {"prompt_tokens": 9, "completion_tokens": 4}}).output_tokens
        4
        >>> read_usage({"input_tokens": 9, "cache_read_input_tokens": 90, "output_tokens": 4})[:3]
        (99, 4, 90)
        >>> read_usage({"usage": {"prompt_tokens": -9, "completion_tokens": 4}}) is None
        True
    """
    if not isinstance(body, dict):
        return None
    stated = _stated(body)
    if stated is None:
        return None
    if calls == 1 and (used := _plain(body, stated, asked_tier)) is not None:
        return used
    counts: dict[str, int] = {}
    unread: list[str] = []
    if not _collect(stated, _TOP, "", counts, unread):
        return None
    _note_cache_of_timings(body.get("timings"), counts)
    used = _understood(counts, takes_no_output=_is_list(body))
    if used is None:
        return None
    used = _with_tools(used, body, unread)
    tier = _tier(body, stated, asked_tier)
    if calls != 1 or tier or unread:
        names = tuple(_NOT_PLAIN.sub("?", name)[:_LONGEST_NAME] for name in unread[:_MOST_NAMES])
        return used._replace(calls=calls, service_tier=tier, unread=names)
    return used


def _plain(body: Mapping[str, Any], stated: Mapping[str, Any], asked: str) -> Usage | None:
    """What a chat completion used that states nothing but sums which add up, as most do."""
    if asked or len(stated) > len(_SUMS) or not body.keys().isdisjoint(_MORE):
        return None
    read, written = stated.get("prompt_tokens"), stated.get("completion_tokens")
    if type(read) is not int or type(written) is not int or stated.keys() != _SUMS:
        return None
    if not 0 < read <= MOST_TOKENS or not 0 < written <= MOST_TOKENS:
        return None
    return Usage(read, written, calls=1) if stated["total_tokens"] == read + written else None


_SUMS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
_MORE = frozenset({"service_tier", "timings", "response", "output", "data", "results"})
"""What a body may hold beside its usage that has to be looked at, too."""


def states_usage(body: Mapping[str, Any]) -> bool:
    """Whether a reply states figures at all, be they credible or not; noughts are none.

    Examples:
        >>> states_usage({"usage": {"prompt_tokens": -1}}), states_usage({"usage": None})
        (True, False)
    """
    stated = _stated(body)
    return stated is not None and any(stated.values())


def total_usage(parts: Iterable[Usage]) -> Usage:
    """The sum of what several calls used.

    Examples:
        >>> total_usage([Usage(input_tokens=2, calls=1), Usage(input_tokens=3, calls=1)]).calls
        2
    """
    total = Usage()
    for part in parts:
        unread = part.unread and tuple(dict.fromkeys(total.unread + part.unread))
        words = part.service_tier or total.service_tier, unread or total.unread
        total = Usage._make((*map(add, total[:_NUMBERS], part[:_NUMBERS]), *words))
    return total


_NUMBERS = Usage._fields.index("service_tier")
"""How many of the fields are numbers; they come first."""


def _stated(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The object with the figures."""
    usage = body.get("usage")
    if isinstance(usage, dict) and usage:
        billed = usage.get("billed_units")
        return billed if isinstance(billed, dict) else usage
    usage = body.get("usageMetadata")
    if isinstance(usage, dict):
        return usage
    for outer in ("response", "message", "x_groq"):
        inner = body.get(outer)
        if isinstance(inner, dict) and isinstance(inner.get("usage"), dict):
            return inner["usage"]  # type: ignore[no-any-return]
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and isinstance(choice.get("usage"), dict):
            return choice["usage"]  # type: ignore[no-any-return]
    if not _TOP.keys().isdisjoint(body):
        return body
    return _timed(body.get("timings"))


def _timed(timings: object) -> Mapping[str, Any] | None:
    """The figures of llama.cpp, which counts what it read from its cache beside the rest."""
    if not isinstance(timings, dict):
        return None
    return {
        "input_tokens": timings.get("prompt_n"),
        "cache_read_input_tokens": timings.get("cache_n"),
        "output_tokens": timings.get("predicted_n"),
    }


def _note_cache_of_timings(timings: object, counts: dict[str, int]) -> None:
    """llama.cpp states its cache there alone, where its usage has no details."""
    if not isinstance(timings, dict) or counts.get("cached"):
        return
    cached, fresh = whole_number(timings.get("cache_n")), whole_number(timings.get("prompt_n"))
    if cached and fresh is not None and cached + fresh == counts.get("prompt"):
        counts["cached"] = cached


def _is_list(body: Mapping[str, Any]) -> bool:
    """Whether it is a list of vectors or of ranks: nothing was written, so only input is used."""
    return "choices" not in body and isinstance(body.get("data", body.get("results")), list)


def _collect(
    stated: Mapping[str, Any],
    words: Mapping[str, str],
    place: str,
    counts: dict[str, int],
    unread: list[str],
) -> bool:
    """Adds the figures of an object to `counts`; False where one of them makes no sense."""
    for word, value in stated.items():
        name = words.get(word)
        if name is None:
            if (
                value
                and word not in _UNBILLED
                and not _look_inside(word, value, place, counts, unread)
            ):
                return False
        elif type(value) is int and 0 < value <= MOST_TOKENS and name not in counts:
            counts[name] = value  # as nearly all of them are
        elif value is None:
            continue
        elif (count := whole_number(value)) is not None and count <= MOST_TOKENS:
            if count or not place:  # a part that is nothing tells nothing
                _note(counts, name, count)
        elif name.startswith("cached"):
            unread.append(place + word)
        else:
            return False
    return True


def _note(counts: dict[str, int], name: str, count: int) -> None:
    """Takes the dearer of two figures for one thing; zeros are often only filled in."""
    before = counts.get(name, 0)
    least = name == "cached" and before and count
    counts[name] = min(before, count) if least else max(before, count)


def _look_inside(
    word: str, value: Any, place: str, counts: dict[str, int], unread: list[str]
) -> bool:
    """Reads an object or a list inside the usage, or names a figure that nobody knows."""
    if word in _SECTIONS and isinstance(value, dict):
        return _collect(value, _SECTIONS[word], f"{place}{word}.", counts, unread)
    if word in _BY_MODALITY and isinstance(value, list):
        return all(_by_modality(one, _BY_MODALITY[word], counts) for one in value)
    if _may_cost(word, value):
        unread.append(place + word)
    return True


def _by_modality(entry: object, side: str, counts: dict[str, int]) -> bool:
    if not isinstance(entry, dict):
        return False
    count = whole_number(entry.get("tokenCount", 0))
    if count is None or count > MOST_TOKENS:
        return False
    _note(counts, f"{str(entry.get('modality')).lower()}_{side}", count)
    return True


def _may_cost(word: str, value: object) -> bool:
    if isinstance(value, dict) and not any(value.values()):
        return False
    if word == "inference_geo":  # dearer in some places
        return value not in {"global", "not_available"}
    if isinstance(value, str | bool):
        return False
    low = word.lower()
    return low in _SECTIONS or (
        any(part in low for part in _COUNTING) and not low.endswith(_TIMING)
    )


def _understood(counts: Mapping[str, int], *, takes_no_output: bool) -> Usage | None:
    """What is counted inside of what."""
    figure = counts.get
    if counts.keys() <= _PLAIN and counts.keys() >= _NEEDED and _adds_up(counts):
        return Usage(
            input_tokens=counts["prompt"],
            output_tokens=counts["output"],
            cached_tokens=figure("cached", 0),
            calls=1,
            reasoning_tokens=figure("reasoning", 0),
        )
    fresh, cached, written = _input(counts)
    total, output = figure("total", 0), figure("output")
    if not fresh + cached + written and total:
        fresh = total - (output or 0) if takes_no_output or output else 0
    entire = max(fresh + cached + written, *_sums(counts, "input"))
    if output is None:
        if not total and not takes_no_output and not figure("images"):
            return None
        output = max(0, total - entire)
    if entire <= 0 and not figure("images"):
        return None
    output, reasoning = _output(counts, output, entire)
    heard, seen = _cached_media(counts, cached, cached + written - entire)
    return Usage(
        input_tokens=entire,
        output_tokens=output,
        cached_tokens=cached,
        calls=1,
        cache_write_tokens=written,
        cache_write_1h_tokens=min(figure("written_1h", 0), written),
        reasoning_tokens=min(reasoning, output),
        citation_tokens=figure("citations", 0),
        audio_input_tokens=figure("audio_input", 0),
        audio_cached_tokens=heard,
        audio_output_tokens=figure("audio_output", 0),
        image_input_tokens=figure("image_input", 0),
        image_cached_tokens=seen,
        image_output_tokens=figure("image_output", 0),
        video_input_tokens=figure("video_input", 0),
        video_output_tokens=figure("video_output", 0),
        images=figure("images", 0),
        searches=max(figure("queries", 0), figure("searches", 0)),
    )


_NEEDED = {"prompt", "output", "total"}
_PLAIN = _NEEDED | {"cached", "reasoning"}


def _adds_up(counts: Mapping[str, int]) -> bool:
    """Whether it is as nearly all is: parts that are counted inside, and a total that says so."""
    prompt, output = counts["prompt"], counts["output"]
    return (
        counts["total"] == prompt + output > output
        and counts.get("cached", 0) <= prompt
        and counts.get("reasoning", 0) <= output
    )


def _input(counts: Mapping[str, int]) -> tuple[int, int, int]:
    """Tokens that were read anew, from a cache, and into a cache."""
    figure = counts.get
    stated = max(figure("prompt", 0), figure("input", 0))
    by_life = figure("written_5m", 0) + figure("written_1h", 0)
    inside, beside = figure("cached", 0), figure("cached_beside", 0)
    cached = min(inside, beside) if inside and beside else inside or beside
    written = max(figure("written", 0), figure("written_beside", 0), by_life)
    cache = cached + written
    stated += figure("tool_input", 0)
    # Anthropic counts its cache beside `input_tokens`; who says `prompt_tokens` counts it inside.
    alone = not figure("prompt") and not inside and not figure("written")
    total = figure("total", 0) - figure("output", 0) - stated
    whole = total == cache != figure("reasoning", 0)
    return (stated if alone or whole or cache > stated else stated - cache), cached, written


def _cached_media(counts: Mapping[str, int], cached: int, over: int) -> tuple[int, int]:
    """Sound and pictures that were read from the cache, as far as it is said or must be."""
    hear, see = counts.get("audio_input", 0), counts.get("image_input", 0)
    over += hear + see + counts.get("video_input", 0)
    heard = min(max(counts.get("audio_cached", 0), over), hear, cached)
    seen = min(max(counts.get("image_cached", 0), over - heard), see, cached - heard)
    return max(0, heard), max(0, seen)


def _output(counts: Mapping[str, int], output: int, entire: int) -> tuple[int, int]:
    """Tokens that were written, with those of reasoning, and these by themselves."""
    figure = counts.get
    reasoning, total = figure("reasoning", 0), figure("total", 0)
    # Search models count what they read and thought beside the answer.
    searched = "citations" in counts or "queries" in counts
    beside = total == entire + output + reasoning or reasoning > output or searched
    thoughts = figure("thoughts", 0)
    output += figure("citations", 0) + thoughts + (reasoning if beside else 0)
    surplus = max(0, total - entire - output)  # billed, and said by nothing but the total
    output = max(output + surplus, *_sums(counts, "output"))
    return output, reasoning + thoughts + surplus


def _sums(counts: Mapping[str, int], side: str) -> tuple[int, int]:
    """What the parts of one side add up to: they may be stated where the whole is not."""
    kinds = ("audio", "image", "video")
    return sum(counts.get(f"{kind}_{side}", 0) for kind in kinds), 0


def _with_tools(used: Usage, body: Mapping[str, Any], unread: list[str]) -> Usage:
    """Counts the searches among the items of a response, and names other work of the server."""
    inner = body.get("response")
    items = (inner if isinstance(inner, dict) else body).get("output")
    if not isinstance(items, list):
        return used
    kinds = [_kind(item) for item in items if isinstance(item, dict)]
    unread += [f"output.{kind}" for kind in dict.fromkeys(kinds) if kind in _BILLED_ITEMS]
    return used._replace(searches=used.searches or kinds.count("web_search_call"))


def _kind(item: Mapping[str, Any]) -> str:
    """The kind of an item; a page that is opened after a search is no search."""
    action = item.get("action")
    opened = isinstance(action, dict) and action.get("type", "search") != "search"
    return "" if opened else str(item.get("type"))


def _tier(body: Mapping[str, Any], stated: Mapping[str, Any], asked: str) -> str:
    """The tier that served it, as it is said in the usage or beside it, or as it was asked for."""
    inner = body.get("response")
    whole = inner if isinstance(inner, dict) else body
    words = (stated.get("speed"), stated.get("service_tier"), whole.get("service_tier"))
    if not any(words):
        return "" if asked in _STANDARD else asked[:_LONGEST_NAME]
    for word in words:
        if isinstance(word, str) and word not in _STANDARD:
            return word[:_LONGEST_NAME]
    return ""

"""The places of a request where the schema allows fixed words alone: guards read all others.

A place is known by the way to it from the top of a request, never by the name of a field alone:
`role` of a message is one, `role` in the metadata is what somebody wrote. And a fixed word counts
only where it is one: anything else in its place is read as text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_DATA = re.compile(
    r"(?:data:(?!text/|application/json)[\w.+-]{1,60}/[\w.+-]{1,60}[\w;=.+-]{0,120};base64,)?"
    r"[A-Za-z0-9+/_-]{200,}={0,2}",
    re.ASCII,
)
"""Bytes of a picture, a sound or a file: what is shorter could be what somebody wrote."""
_TOKEN = re.compile(r"-?[0-9]{1,7}")


@dataclass(frozen=True, slots=True)
class Place:
    """What may stand in one place of a request."""

    fields: Mapping[str, "Place"] = field(default_factory=dict)
    """Names that the schema knows, and what stands there; other names are read."""
    rest: "Place | None" = None
    """What stands under other names; None: free texts."""
    words: frozenset[str] = frozenset()
    """Words of the schema, which are not read."""
    holds: Literal["text", "json", "number", "data"] = "text"
    """`json`: written as a string; `number`: the schema's own; `data`: bytes as base64."""
    speaks: bool = False
    """Whether its role or type says who wrote what it holds."""

    def is_fixed(self, text: str) -> bool:
        """Whether a text is nothing that a person wrote."""
        return text in self.words or (self.holds == "data" and _DATA.fullmatch(text) is not None)


FREE = Place()
_JSON = Place(holds="json")
_NUMBER = Place(holds="number")
_BYTES = Place(holds="data")


def _words(words: str) -> Place:
    return Place(words=frozenset(words.split()))


def _object(texts: str = "", numbers: str = "", *, speaks: bool = False, **fields: Place) -> Place:
    """An object: the names of its texts and numbers, and what stands under its other names."""
    known = dict.fromkeys(texts.split(), FREE) | dict.fromkeys(numbers.split(), _NUMBER)
    return Place(known | fields, speaks=speaks)


def _schema() -> Place:
    """A JSON Schema; it holds others, so these are filled in once it is there."""
    fields = dict(_object(_SCHEMA_TEXTS, _SCHEMA_NUMBERS).fields)
    fields["type"] = _words("object array string number integer boolean null")
    fields["format"] = _words(_SCHEMA_FORMATS)
    schema = Place(fields)
    fields |= dict.fromkeys(_SCHEMA_SCHEMAS.split(), schema)
    fields |= dict.fromkeys(_SCHEMA_NAMED.split(), Place(rest=schema))
    return schema


_SCHEMA_TEXTS = (
    "title description default examples enum const required $ref $id $schema $anchor $comment"
    " pattern contentEncoding contentMediaType dependentRequired deprecated readOnly writeOnly"
    " uniqueItems nullable strict"
)
_SCHEMA_NUMBERS = (
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems"
    " maxItems minProperties maxProperties minContains maxContains"
)
_SCHEMA_FORMATS = (
    "date time date-time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference"
    " iri iri-reference uuid regex json-pointer int32 int64 float double byte binary"
)
_SCHEMA_SCHEMAS = (
    "items prefixItems additionalItems additionalProperties unevaluatedProperties unevaluatedItems"
    " anyOf oneOf allOf not if then else contains propertyNames"
)
_SCHEMA_NAMED = "properties patternProperties $defs definitions dependentSchemas"
_SCHEMA = _schema()
_SOUNDS = _words("wav mp3 flac opus pcm16 aac")
_DETAIL = _words("auto low high original")
_LEVEL = _words("low medium high")
_SUMMARY = _words("auto concise detailed")
_EFFORT = _words("none minimal low medium high xhigh max")
_PART = _object(
    "text refusal file_id filename file_url annotations",
    type=_words(
        "text image_url input_audio file refusal input_text input_image input_file output_text"
        " summary_text reasoning_text audio_url video_url image document thinking"
    ),
    detail=_DETAIL,
    image_url=Place({"url": _BYTES, "detail": _DETAIL}, holds="data"),
    file_data=_BYTES,
    input_audio=_object(data=_BYTES, format=_SOUNDS),
    audio_url=_object(url=_BYTES),
    video_url=_object(url=_BYTES),
    file=_object("file_id filename", file_data=_BYTES),
    cache_control=_object("ttl", type=_words("ephemeral")),
)
_FUNCTION = _object("name", arguments=_JSON)
_CALL = _object(
    "id",
    "index",
    type=_words("function custom"),
    function=_FUNCTION,
    custom=_object("name input"),
)
_TURN = _object(
    "name id tool_call_id call_id refusal reasoning_content reasoning input action queries results",
    speaks=True,
    role=_words("system developer user assistant tool function"),
    type=_words(
        "message function_call function_call_output reasoning item_reference file_search_call"
        " web_search_call computer_call computer_call_output image_generation_call"
        " code_interpreter_call local_shell_call local_shell_call_output mcp_list_tools"
        " mcp_approval_request mcp_approval_response mcp_call custom_tool_call"
        " custom_tool_call_output shell_call shell_call_output apply_patch_call"
        " apply_patch_call_output compaction"
    ),
    status=_words("in_progress completed incomplete failed searching interpreting generating"),
    content=_PART,
    summary=_PART,
    output=_PART,
    arguments=_JSON,
    function_call=_FUNCTION,
    tool_calls=_CALL,
    audio=_object("id"),
    encrypted_content=_BYTES,
    result=_BYTES,
)
_FORM = _object("name description strict", parameters=_SCHEMA, input_schema=_SCHEMA)
_TOOL = _object(
    "name description strict server_label server_url headers vector_store_ids filters"
    " allowed_tools user_location container",
    "max_num_results",
    type=_words(
        "function custom web_search web_search_preview file_search code_interpreter mcp"
        " image_generation local_shell computer_use_preview computer shell apply_patch"
    ),
    function=_FORM,
    parameters=_SCHEMA,
    search_context_size=_LEVEL,
    require_approval=_words("always never"),
)
_CHOICE = Place(
    {
        "type": _words("function custom allowed_tools file_search web_search mcp code_interpreter"),
        "name": FREE,
        "function": _object("name"),
        "custom": _object("name"),
        "mode": _words("auto required none"),
        "tools": _TOOL,
    },
    words=frozenset({"auto", "none", "required", "any"}),
)
_FORMAT = _object(
    "name description strict",
    type=_words("text json_object json_schema grammar regex"),
    schema=_SCHEMA,
    json_schema=_object("name description strict", schema=_SCHEMA),
)
REQUEST = _object(
    "user metadata prompt suffix instructions stop safety_identifier prompt_cache_key"
    " previous_response_id conversation stream store background parallel_tool_calls",
    "max_tokens max_completion_tokens max_output_tokens n best_of seed temperature top_p top_k min_p"
    " presence_penalty frequency_penalty repetition_penalty logprobs top_logprobs dimensions echo"
    " max_tool_calls",
    messages=_TURN,
    input=_TURN,
    tools=_TOOL,
    functions=_FORM,
    tool_choice=_CHOICE,
    function_call=_CHOICE,
    response_format=_FORMAT,
    text=_object(format=_FORMAT, verbosity=_LEVEL),
    reasoning=_object(effort=_EFFORT, summary=_SUMMARY, generate_summary=_SUMMARY),
    reasoning_effort=_EFFORT,
    verbosity=_LEVEL,
    prediction=_object(type=_words("content"), content=_PART),
    service_tier=_words("auto default flex priority scale standard_only"),
    truncation=_words("auto disabled"),
    modalities=_words("text audio image"),
    encoding_format=_words("float base64"),
    prompt_cache_retention=_words("in-memory in_memory 24h"),
    audio=_object("voice", format=_SOUNDS),
    stream_options=_object("include_usage include_obfuscation"),
    logit_bias=Place(rest=_NUMBER, holds="number"),
)
"""A request of any surface: chat, completions, responses and embeddings share their names."""


def is_token(name: str) -> bool:
    """Whether a name in `logit_bias` is the number of a token."""
    return _TOKEN.fullmatch(name) is not None


def speaks_for_tool(value: Mapping[str, object]) -> bool:
    """Whether a message or an item holds what a tool gave back."""
    role, kind = value.get("role"), value.get("type")
    if isinstance(role, str) and role in {"tool", "function"}:
        return True
    return isinstance(kind, str) and (kind.endswith("_output") or kind == "mcp_call")

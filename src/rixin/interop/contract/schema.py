"""Which keys a scenario file has: pydantic at the edge, and the source of the JSON Schema."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

from rixin.core.scenario import SOLVER_KINDS, Capability


class Part(BaseModel):
    """A part of the contract; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, frozen=True)


Words = Annotated[str, Field(min_length=1)]
Label = Annotated[Words, WithJsonSchema({"type": ["string", "number", "boolean"]})]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[Decimal, Field(ge=0)]
Duration = Annotated[
    str, Field(pattern=r"^([0-9]*[.])?[0-9]+ ?(ms|s|m)$", examples=["2s", "500ms"])
]


class Cases(Part):
    """Where the cases are, and which columns they have."""

    path: Words = Field(description="CSV, TSV, JSONL, Parquet or XLSX; from this file's folder.")
    input: Words = Field(description="Column with the input.")
    expected: str | None = Field(None, description="Column with the expected output.")
    stratum: str | None = Field(None, description="Column that names the part of the traffic.")
    weight: str | None = Field(None, description="Column with a positive weight.")
    id: str | None = Field(None, description="Column with your own id of the case.")
    pools: dict[Literal["shape", "certify", "audit"], Share] | None = Field(
        None, description="Share of each pool; default shape 0.4, certify 0.5, audit 0.1."
    )
    encoding: str = Field("utf-8", description="Text encoding, e.g. utf-8, cp1252, utf-16.")
    delimiter: str | None = Field(None, description="Of a CSV file; found by itself.")
    sheet: str | None = Field(None, description="Of an XLSX file; the first table by default.")
    header_row: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Row that names the columns, the first by default; 0: none does."
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Another seed deals other pools.")


class LabelsOutput(Part):
    """Answers are labels."""

    labels: Annotated[
        Annotated[Literal["from-cases"], Tag("word")]
        | Annotated[list[Label], Field(min_length=2), Tag("list")],
        Discriminator(lambda value: "list" if isinstance(value, list) else "word"),
    ] = Field(description="`from-cases`, or a list.")


class JsonOutput(Part):
    """Answers are JSON."""

    json_schema: Words | dict[str, Any] = Field(
        alias="json-schema", description="A schema file, or the schema itself."
    )


def _output_form(value: object) -> str | None:
    if not isinstance(value, dict):
        return "word"
    forms = [key for key in ("labels", "json-schema") if key in value]
    return forms[0] if len(forms) == 1 else None


Output = Annotated[
    Annotated[Literal["free-text", "number", "labels"], Tag("word")]
    | Annotated[LabelsOutput, Tag("labels")]
    | Annotated[JsonOutput, Tag("json-schema")],
    Discriminator(_output_form),
]


class Demand(Part):
    """How often the job occurs."""

    cases_per_month: int = Field(gt=0, description="Cases a month.")
    growth_per_month: Annotated[float, Field(gt=-1, le=10)] = Field(
        0.0, description="0.02: two per cent more each month."
    )


class Incumbent(Part):
    """Who or what does the job today."""

    name: Words = Field(description="E.g. agents, the current vendor, nobody.")
    cost_per_case: Money = Field(description="What one case costs today.")
    solved: Annotated[float, Field(gt=0, le=1)] = Field(description="Share solved today.")
    source: str = Field("", description="Where the figures come from.")


class Economics(Part):
    """What a case is worth and what a mistake costs."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field("USD", description="ISO 4217.")
    value_per_solved: Money | None = Field(None, description="Worth of a solved case.")
    cost_per_wrong: Money | None = Field(None, description="Cost of a wrong answer.")
    cost_per_review: Money | None = Field(None, description="A case that people do instead.")
    build_cost: Money | None = Field(None, description="Spent once to put a solver to work.")
    horizon_months: Annotated[int, Field(gt=0, le=240)] = Field(12, description="Pays within.")
    usd_rate: Annotated[Decimal, Field(gt=0)] = Field(
        Decimal(1), description="Price of one US dollar in the currency."
    )
    cpu_hour: Money | None = Field(None, description="Price of one CPU core for an hour.")
    objective: Literal["cost-per-solved", "net-value"] = Field(
        "cost-per-solved",
        description="What the best candidate has least, or most, of: net-value is what a case"
        " earns less all it costs.",
    )


Rate = Annotated[float, Field(gt=0, lt=1)]


class Floor(Part):
    """A floor for the share of cases solved."""

    at_least: Rate = Field(description="Of all cases.")
    strata: dict[Words, Rate] = Field(
        default={}, description="Floors of single strata, besides that of all cases."
    )
    below_best_at_most: Annotated[float, Field(gt=0, lt=0.5)] | None = Field(
        None, description="Loss against the best single candidate that a release may have."
    )


class ScoreFloor(Part):
    """A floor for the mean score."""

    at_least: Rate = Field(description="Mean over all cases, weighted; scores are in [0, 1].")


class Ceiling(Part):
    """A ceiling for the share of answers with a violation."""

    at_most: Rate
    allowed: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="Violations with which the test still passes; by the pool's size."
    )
    stratum: Words | None = Field(
        None, description="Stratum of red-team cases: harm is counted there and nothing else is."
    )


class Promise(Part):
    """What a release must hold."""

    solved: Floor | None = Field(None, description="Share of cases solved, at least.")
    score: ScoreFloor | None = Field(
        None, description="Mean score, at least, for scorers that give parts of a point."
    )
    harm: Ceiling | None = Field(
        None, description="Share of answers with a violation, at most; left out: not promised."
    )
    latency_p95: Duration | None = Field(None, description="E.g. 2s or 500ms.")
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="How sure.")
    margin: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        0.02, description="Loss that does not matter when two candidates are compared."
    )
    carry_over: Literal["fresh", "shared"] = Field(
        "fresh",
        description="Chance of a wrong verdict: fresh for each decision, or shared by all of them.",
    )


def _form(value: object) -> str:
    return "options" if isinstance(value, dict) else "name"


ScorerPart = Annotated[
    Annotated[Words, Tag("name")]
    | Annotated[
        dict[str, dict[str, Any] | None], Field(min_length=1, max_length=1), Tag("options")
    ],
    Discriminator(_form),
]
"""A scorer: its name, or its name with options."""
GuardPart = Annotated[
    Annotated[Words, Tag("name")]
    | Annotated[
        dict[str, dict[str, Any] | str | None], Field(min_length=1, max_length=1), Tag("options")
    ],
    Discriminator(_form),
]
"""A guard: its name, or its name with a target."""


def _egress_form(value: object) -> str:
    return "hosts" if isinstance(value, list) else "word"


HostName = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9.-]+(:[0-9]+)?$")]
Egress = Annotated[
    Annotated[Literal["none", "allowed"], Tag("word")]
    | Annotated[list[HostName], Field(min_length=1), Tag("hosts")],
    Discriminator(_egress_form),
]


class Policy(Part):
    """What must not happen."""

    egress: Egress = Field(
        "allowed",
        description="none: no case leaves this machine; a list: cases go to these hosts alone, "
        "api.example.com or *.example.com.",
    )
    regions: list[Words] = Field(
        default=[], description="The only regions that endpoints may be in, by their `region`."
    )
    guards: list[GuardPart] = Field(
        ["output-schema"],
        description="output-schema, pii, secrets, injection, {content: rules.yaml}, each text guard "
        "also with options such as {pii: {action: redact}}, or {function: module:callable}.",
    )
    second_person: bool = Field(
        False, description="A promotion needs somebody else than who made the release."
    )
    keep_content: bool = Field(
        True, description="Whether serving keeps what was said, not only facts about it."
    )
    abstain_below: Share | None = Field(
        None,
        description="An answer with less confidence is none: the case goes on, or to people.",
    )


class Budget(Part):
    """Hard limits."""

    decide: Money | None = Field(None, description="Most that one decision may spend.")
    cases: Annotated[int, Field(gt=0)] | None = Field(None, description="Most certify cases.")
    per_day: Money | None = Field(None, description="Most that serving may spend a day.")
    per_run: Money | None = Field(
        None, description="Most that one run of an agent may spend, with its children."
    )
    over: Literal["refuse", "cheaper"] = Field(
        "refuse", description="With no money left: refuse, or use only solvers that pay nobody."
    )


class Step(Part):
    """A member of a cascade."""

    solver: Words
    threshold: Share | None = Field(None, description="It answers from this confidence on.")


class Prices(Part):
    """Prices per million tokens, in the scenario's currency; of pictures and such, of a piece."""

    input: Money | None = None
    output: Money | None = None
    cached: Money | None = Field(None, description="Read from a cache; else as input.")
    cache_write: Money | None = Field(None, description="Written to a cache; else as input.")
    cache_write_1h: Money | None = Field(None, description="The same, kept for an hour.")
    reasoning: Money | None = Field(None, description="Thought; else as output.")
    audio_input: Money | None = None
    audio_cached: Money | None = None
    audio_output: Money | None = None
    image_input: Money | None = None
    image_cached: Money | None = None
    image_output: Money | None = None
    image: Money | None = Field(None, description="A picture made.")
    request: Money | None = Field(None, description="A call, beside its tokens.")
    search: Money | None = Field(None, description="A search that the server makes.")


class LongCalls(Prices):
    """Prices that hold for all tokens of a call that reads more."""

    above: Annotated[int, Field(gt=0)] = Field(description="Tokens read, cached ones counted.")


TimeOfDay = Annotated[str, Field(pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$", examples=["16:30"])]


class Hours(Prices):
    """Prices of some hours of the day."""

    model_config = ConfigDict(serialize_by_alias=True)
    begin: TimeOfDay = Field(alias="from", description="In UTC.")
    to: TimeOfDay = Field(description="In UTC; it may lie on the next day.")


class Price(Prices):
    """Price per million tokens, in the scenario's currency; the dearest that may hold is reserved."""

    input: Money
    output: Money
    tiers: list[LongCalls] = Field([], description="Long calls.")
    hours: list[Hours] = Field([], description="What differs by the hour; the last that holds.")
    batch: Prices | None = Field(None, description="What differs in a batch.")
    flex: Prices | None = Field(None, description="What differs where an answer may take long.")
    priority: Prices | None = Field(None, description="What differs where an answer goes first.")


class Key(Part):
    """Where an API key lies; never the key itself."""

    env: str | None = None
    file: str | None = None


class Columns(Part):
    """Columns of a log of recorded answers."""

    id: str | None = None
    input: str | None = None
    output: str | None = None
    confidence: str | None = Field(None, description="In [0, 1].")
    logprob: str | None = Field(
        None, description="Logarithm of a confidence, such as a token's log-probability."
    )
    cost: str | None = None
    latency: str | None = Field(None, description="In seconds.")
    latency_ms: str | None = Field(None, description="In milliseconds.")
    input_tokens: str | None = None
    output_tokens: str | None = None
    score: str | None = Field(None, description="In [0, 1], or true and false.")
    error: str | None = Field(None, description="Not empty where the recorded call failed.")
    finish_reason: str | None = Field(
        None, description="Why the model stopped: `length` marks an answer that was cut."
    )


class CandidatePart(Part):
    """What every candidate has."""

    name: Annotated[str, Field(pattern=r"^[^\s/@]{1,60}$")] = Field(
        description="Without spaces, slashes and at signs."
    )
    cases: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Most certify cases for this candidate, where it is dear or slow."
    )


class PromptPart(CandidatePart):
    """Options of solvers that are prompted."""

    examples_per_label: Annotated[int, Field(ge=0, le=50)] | None = Field(
        None, description="Worked examples for each label, from the shape pool."
    )
    max_words: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Of each input, only so many words are sent."
    )
    max_tokens: Annotated[int, Field(gt=0)] | None = Field(None, description="Of an answer.")


class RuleCandidate(CandidatePart):
    """Keywords and regular expressions in a YAML file."""

    rule: Words


class FunctionCandidate(CandidatePart):
    """`module:callable`, or a command that speaks JSON lines."""

    function: Annotated[
        Annotated[Words, Tag("name")] | Annotated[list[Words], Field(min_length=1), Tag("command")],
        Discriminator(lambda value: "command" if isinstance(value, list) else "name"),
    ]
    timeout: Duration = "60s"


class StudentCandidate(CandidatePart):
    """A small model trained here, on the shape pool only."""

    student: Literal["tfidf-logistic"]
    max_train: Annotated[int, Field(gt=1)] = 20_000


class LocalCandidate(PromptPart):
    """A GGUF model on this machine."""

    local: Words
    threads: Annotated[int, Field(gt=0)] | None = None
    context: Annotated[int, Field(gt=0)] | None = None
    calibration_cases: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="Shape cases on which its lean towards some labels is measured."
    )


class EndpointCandidate(PromptPart):
    """Anything OpenAI-compatible."""

    endpoint: Words = Field(description="provider/model, or a model with base_url.")
    base_url: Annotated[str, Field(pattern="^https?://")] | None = None
    key: Key | None = None
    region: Words | None = Field(None, description="Where it is, for `policy: {regions: [eu]}`.")
    price: Price | None = None
    max_input_tokens: Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="The most that a call reads. A budget needs it for pictures, files and what"
        " else is not in the request itself.",
    )
    context: Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="Tokens that the model has room for, question and answer together: longer cases"
        " go on to the next candidate of a cascade.",
    )
    supports: list[Capability] | None = Field(
        None,
        description="What it can do: json_schema, tools, vision. What is not listed is refused; left"
        " out: found out while deciding, or left to the server.",
    )
    concurrency: Annotated[int, Field(gt=0, le=4096)] = 16
    rate_per_minute: Annotated[float, Field(gt=0)] | None = None
    timeout: Duration = "60s"
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    logprobs: Literal["auto", "on", "off"] = "auto"
    samples: Annotated[int, Field(ge=1, le=16)] = Field(
        1, description="Answers of one call; from two on their agreement is the confidence."
    )


class ReplayCandidate(CandidatePart):
    """Recorded answers: decide from existing logs without one call."""

    replay: Words
    columns: Columns
    where: dict[Words, str | int | float | bool] = Field(
        default={}, description="Only rows in which these columns have these values."
    )


class CascadeCandidate(CandidatePart):
    """An ordered list: a case goes on while the confidence is below the threshold."""

    cascade: Annotated[list[Step], Field(min_length=2)]


class HumanCandidate(CandidatePart):
    """The incumbent, from the contract."""

    human: Literal["incumbent"] = "incumbent"


def _kind(value: object) -> str | None:
    keys = [kind for kind in SOLVER_KINDS if isinstance(value, dict) and kind in value]
    return keys[0] if len(keys) == 1 else None


Candidate = Annotated[
    Annotated[RuleCandidate, Tag("rule")]
    | Annotated[FunctionCandidate, Tag("function")]
    | Annotated[StudentCandidate, Tag("student")]
    | Annotated[LocalCandidate, Tag("local")]
    | Annotated[EndpointCandidate, Tag("endpoint")]
    | Annotated[ReplayCandidate, Tag("replay")]
    | Annotated[CascadeCandidate, Tag("cascade")]
    | Annotated[HumanCandidate, Tag("human")],
    Discriminator(_kind),
]


class ScenarioFile(Part):
    """A scenario: one recurring job of a business, and who might do it."""

    scenario: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] = Field(
        description="Name: letters, digits, dots, hyphens."
    )
    owner: Words = Field(description="Who answers for this job.")
    task: Words = Field(description="What is to be done, as one would tell a new colleague.")
    cases: Cases
    output: Output
    scorers: list[ScorerPart] = Field(
        default_factory=list,
        description="exact, label, number, contains, regex, json, similarity; or {name: options}.",
    )
    demand: Demand
    incumbent: Incumbent
    economics: Economics = Economics()
    promise: Promise = Promise()
    policy: Policy = Policy()
    budget: Budget = Budget()
    candidates: Annotated[list[Candidate], Field(min_length=1)]
    cascades: Literal["auto", "none"] = Field(
        "auto", description="Whether cascades that nobody wrote down are proposed and certified."
    )
    prices: Words | None = Field(
        None, description="A dated price file; its prices go before those of genai-prices."
    )
    price_date: date | None = Field(
        None, description="The day whose list prices hold; else those of each answer's time."
    )
    illustrative: list[str] = Field(
        default_factory=list, description="Figures that nobody has confirmed yet, e.g. demand."
    )

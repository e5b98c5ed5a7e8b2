"""The verdict as Markdown for a pull request: at most 60 lines, found again by its marker."""

import re
from collections.abc import Iterator, Sequence

from rixin.core.verdict import CandidateResult, Decision
from rixin.report.columns import clean, cut
from rixin.report.data import ReportData
from rixin.report.figures import (
    MARKS,
    UNKNOWN,
    money,
    number,
    number_span,
    percent,
    percent_span,
    risk,
    score,
    score_span,
    seconds,
)

_SIGNS = {
    Decision.ADOPT: "✅",
    Decision.KEEP: "⏸️",
    Decision.NO_AI: "🚫",
    Decision.CANNOT_TELL: "❔",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#|<>~!])")
_MOST_CANDIDATES = 16
_MOST_ITEMS = 6
_LONGEST = 400


def render_markdown(data: ReportData) -> str:
    """The verdict, the table, the reasons and how to reproduce, in at most 60 lines.

    The first line is an invisible marker by which CI finds its own comment to edit it.
    """
    verdict = data.verdict
    lines = [
        marker(data.scenario),
        f"### {_SIGNS[verdict.decision]} {escape(verdict.headline)}",
        "",
        _facts(data),
        "",
        *_table(data),
        *_items("Why", verdict.because),
        *_items("What would change it", verdict.changes),
        *_items("Caveats", (*verdict.warnings, *data.notes)),
        "",
        _foot(data),
    ]
    return "\n".join(lines) + "\n"


def marker(scenario: str) -> str:
    """The hidden line that names the scenario.

    Examples:
        >>> marker("support-desk")
        '<!-- rixin:support-desk -->'
    """
    return f"<!-- rixin:{re.sub(r'-{2,}|[<>]', '-', clean(scenario))} -->"


def escape(text: str) -> str:
    r"""User text as Markdown that shows it literally, on one line, without pinging anybody.

    Examples:
        >>> escape("a|b <i> @x") == "a\\|b \\<i\\> @\u200bx"
        True
    """
    plain = _SPECIAL.sub(r"\\\1", cut(clean(text), _LONGEST))
    return plain.replace("&", "&amp;").replace("@", "@\u200b")


def _facts(data: ReportData) -> str:
    verdict = data.verdict
    parts = [
        f"**{escape(data.scenario)}** for {escape(data.owner)}",
        f"{data.demand_per_month:,} cases a month",
        risk(verdict),
    ]
    if verdict.cases_needed is not None:
        parts.append(f"{verdict.cases_needed:,} more cases needed")
    return " · ".join(parts)


def _table(data: ReportData) -> Iterator[str]:
    currency = escape(data.verdict.currency)
    scored = data.score_floor is not None
    score_head = " mean score |" if scored else ""
    cost, saving = (_star(data, name) for name in ("cost_per_solved", "saving_per_month"))
    yield (
        f"| | solver | solved |{score_head} n | harm | cost a solved case, {currency}{cost} "
        f"| saves a month, at least{saving} | p95 |"
    )
    yield f"|:-:|:--|--:|{'--:|' if scored else ''}--:|--:|--:|--:|--:|"
    yield _incumbent(data)
    candidates = data.shown()
    for candidate in candidates[:_MOST_CANDIDATES]:
        yield _candidate(candidate, scored=scored, winner=candidate.name == data.verdict.winner)
    yield ""
    if len(candidates) > _MOST_CANDIDATES:
        yield f"{len(candidates) - _MOST_CANDIDATES} more candidates are in the HTML report."
    yield "<sub>✓ holds the promise · ✗ fails it · ? open · – not measured or not known</sub>"
    if data.illustrative:
        names = ", ".join(f"`{clean(name)}`" for name in data.illustrative)
        yield f"<sub>\\* assumed, nobody has stated it: {names}</sub>"


def _star(data: ReportData, figure: str) -> str:
    return " \\*" if data.is_illustrative(figure) else ""


def _incumbent(data: ReportData) -> str:
    incumbent = data.verdict.incumbent
    star = _star(data, "incumbent")
    cells = [
        "·",
        f"{escape(cut(incumbent.name, 40))} (today)",
        f"{percent(incumbent.solved)}{star}",
        *([UNKNOWN] if data.score_floor is not None else []),
        "as stated",
        UNKNOWN,
        f"{number(incumbent.cost_per_solved)}{star}",
        UNKNOWN,
        UNKNOWN,
    ]
    return f"| {' | '.join(cells)} |"


def _candidate(candidate: CandidateResult, *, scored: bool, winner: bool) -> str:
    name = escape(cut(clean(candidate.name), 40))
    cells = [
        MARKS[candidate.standing],
        f"**{name}**" if winner else name,
        _two(percent(candidate.solved.value), percent_span(candidate.solved)),
        *([_mean_score(candidate)] if scored else []),
        f"{candidate.tally.cases:,}",
        percent(candidate.harm.value),
        _two(number(candidate.cost_per_solved.value), number_span(candidate.cost_per_solved)),
        number(candidate.saving_per_month.lower),
        seconds(candidate.latency_p95.value),
    ]
    return f"| {' | '.join(cells)} |"


def _mean_score(candidate: CandidateResult) -> str:
    found = candidate.score
    return UNKNOWN if found is None else _two(score(found.value), score_span(found))


def _two(figure: str, span: str) -> str:
    return f"{figure} ({span})" if span else figure


def _items(title: str, items: Sequence[str]) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield f"**{title}**"
    for item in items[:_MOST_ITEMS]:
        yield f"- {escape(item)}"
    if len(items) > _MOST_ITEMS:
        yield f"- … and {len(items) - _MOST_ITEMS} more"


def _foot(data: ReportData) -> str:
    spent = data.verdict.spent
    paid = money(None if spent is None else float(spent), data.verdict.currency)
    moment = f"{data.decided_at:%Y-%m-%d %H:%M %Z}".strip()
    path = clean(data.path).replace("`", "'")
    return f"<sub>{moment} · spent {paid} · reproduce: `rixin report {path}`</sub>"

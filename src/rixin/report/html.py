"""The verdict as one HTML page without any outside reference, and as a fragment for notebooks."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from rixin.core.verdict import Decision
from rixin.report import figures
from rixin.report.data import ReportData
from rixin.report.figures import MARKS, number, percent
from rixin.report.html_marks import english, num, stamp, user
from rixin.report.html_tables import candidates, causes, differing, factors, made_of, pairs
from rixin.report.svg import Say, cost_chart, waterfall_chart
from rixin.report.words import Words, words_of

_CLASSES = {
    Decision.ADOPT: "adopt",
    Decision.KEEP: "keep",
    Decision.NO_AI: "no-ai",
    Decision.CANNOT_TELL: "cannot-tell",
}
_MOST_WATERFALLS = 6


def render_html(data: ReportData, lang: str = "en") -> str:
    """One page: verdict, figures, charts, evidence; readable without network and without script.

    Args:
        data: What the workspace filled.
        lang: en, zh_Hans or ar.
    """
    words = words_of(lang)
    title = f"{data.scenario}: {words.say(data.verdict.decision.value)}"
    direction = "rtl" if words.rtl else "ltr"
    return (
        f'<!doctype html>\n<html lang="{words.lang}" dir="{direction}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>body{{margin:0}}{_style()}</style>\n</head>\n"
        f'<body class="rixin">\n<main>\n{_page(data, words)}\n</main>\n</body>\n</html>'
    )


def render_fragment(data: ReportData) -> str:
    """The verdict with its reasons, table and chart, for a notebook; its styles touch nothing else."""
    words = words_of("en")
    page = Path(data.path).parent / ".rixin" / f"{data.scenario}.html"
    parts = [
        _verdict(data, words),
        *_reasoning(data, words.say),
        candidates(data, words.say),
        _chart(data, words),
        f"<p class=note>The whole page: <code>{escape(str(page))}</code></p>",
    ]
    return f'<div class="rixin"><style>{_style()}</style>{"".join(parts)}</div>'


def _style() -> str:
    return files("rixin.report").joinpath("style.css").read_text(encoding="utf-8").strip()


def _page(data: ReportData, words: Words) -> str:
    say = words.say
    return "\n".join(
        [
            _head(data, say),
            _verdict(data, words),
            _tiles(data, say),
            *_reasoning(data, say),
            candidates(data, say),
            _chart(data, words),
            _money(data, words),
            factors(data, say),
            causes(data, say),
            pairs(data, say),
            differing(data, say),
            made_of(data, say),
            _foot(data, say),
        ]
    )


def _head(data: ReportData, say: Say) -> str:
    facts = say("{owner} · {demand} cases a month").format(
        owner=user(data.owner), demand=num(f"{data.demand_per_month:,}")
    )
    return (
        f"<header><h1>{user(data.scenario)}</h1><p class=note>{user(data.task)}</p>"
        f"<p class=note>{facts}{stamp(data, 'demand', say)}</p></header>"
    )


def _verdict(data: ReportData, words: Words) -> str:
    verdict = data.verdict
    chance = words.say("The chance that this promise is wrong is at most {chance}.").format(
        chance=num(percent(verdict.error_chance))
    )
    if verdict.decision is Decision.CANNOT_TELL:
        chance = words.say("Nothing is promised yet.")
    return (
        f'<section class="verdict {_CLASSES[verdict.decision]}">'
        f'<span class="kind">{escape(words.say(verdict.decision.value))}</span>'
        f"<strong>{english(verdict.headline)}</strong><p>{chance}</p></section>"
    )


def _tiles(data: ReportData, say: Say) -> str:
    best = data.best()
    if best is None:
        return ""
    verdict, currency = data.verdict, data.verdict.currency
    today = percent(verdict.incumbent.solved)
    tiles = [
        (
            percent(best.solved.value),
            say("solved by {name} (today {today})"),
            {"name": user(best.name), "today": num(today)},
            "",
        ),
        (
            figures.money(best.cost_per_solved.value, currency),
            say("a solved case (today {today})"),
            {"today": num(number(verdict.incumbent.cost_per_solved))},
            "cost_per_solved",
        ),
        (
            figures.money(best.saving_per_month.lower, currency),
            say("saved a month, at least"),
            {},
            "saving_per_month",
        ),
        (percent(best.net_margin.value), say("net margin of the job (today {today})"),
         {"today": num(percent(verdict.incumbent.net_margin))}, "margin"),
    ]  # fmt: skip
    shown = "".join(
        f'<div class="tile"><b>{num(value)}</b><span>{text.format(**fields)}'
        f"{stamp(data, figure, say) if figure else ''}</span></div>"
        for value, text, fields, figure in tiles
    )
    return f'<div class="tiles">{shown}</div>'


def _sentences(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    rows = "".join(f"<li>{english(item)}</li>" for item in items)
    return f"<section><h2>{escape(title)}</h2><ul>{rows}</ul></section>"


def _reasoning(data: ReportData, say: Say) -> Iterator[str]:
    yield _sentences(say("Why"), (*data.verdict.because, *_reasons(data)))
    yield _sentences(say("What would change this decision"), data.verdict.changes)
    yield _sentences(say("Warnings"), (*data.verdict.warnings, *data.notes))


def _reasons(data: ReportData) -> Iterator[str]:
    for one in data.verdict.candidates:
        if one.reasons:
            yield f"{MARKS[one.standing]} {one.name}: {'; '.join(one.reasons)}"


def _chart(data: ReportData, words: Words) -> str:
    say = words.say
    missing = [
        one.name
        for one in data.verdict.candidates
        if figures.known(one.cost_per_solved.value) is None or one.solved.value is None
    ]
    note = say("Better is up and to the left; bars are intervals.")
    if words.rtl:
        note = say("Better is up and to the right; bars are intervals.")
    if missing:
        left_out = say("Not on the chart, a figure is not known: {names}.")
        note += " " + left_out.format(names=", ".join(missing))
    return (
        f"<section><h2>{escape(say('Cost per solved case against solve rate'))}</h2>"
        f'<div class="scroll wide" tabindex="0">{cost_chart(data, say, rtl=words.rtl)}</div><p class=note>{escape(note)}</p></section>'
    )


def _money(data: ReportData, words: Words) -> str:
    shown = data.waterfalls[:_MOST_WATERFALLS]
    if not shown:
        return ""
    say = words.say
    largest = max(sum(amount for _, amount in parts if amount > 0) for _, parts in shown)
    charts = "".join(
        f"<figure style=margin:0><h3>{user(name)}</h3>"
        f"{waterfall_chart((name, parts), largest, say, rtl=words.rtl)}</figure>"
        for name, parts in shown
    )
    title = say("Where the money of a month goes, {currency}").format(
        currency=data.verdict.currency
    )
    heading = f"<h2>{escape(title)}{stamp(data, 'net_value', say)}</h2>"
    return f'<section>{heading}<div class="charts">{charts}</div></section>'


def _foot(data: ReportData, say: Say) -> str:
    spent = "" if data.verdict.spent is None else f"{data.verdict.currency} {data.verdict.spent:f}"
    parts = [
        f"<bdi>{data.decided_at:%Y-%m-%d %H:%M %Z}</bdi>",
        escape(data.environment),
        say("spent on answers: {spent}").format(spent=num(spent or say("not known"))),
        f"<code>rixin report {escape(data.path)}</code>",
    ]
    source = data.verdict.incumbent.source
    stated = say("The incumbent's figures: {source}.").format(source=user(source)) if source else ""
    names = ", ".join(data.illustrative)
    marked = say("assumed")
    assumed = (
        f'<p><span class="stamp">{escape(marked)}</span> '
        + say("These figures are defaults, not yours: {names}.").format(names=num(names))
        + "</p>"
        if names
        else ""
    )
    return f"<footer>{assumed}<p>{stated}</p><p>{' · '.join(filter(None, parts))}</p></footer>"

"""The verdict as one HTML page without any outside reference, and as a fragment for notebooks."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from rixin.core.verdict import CandidateResult, Decision
from rixin.report import figures
from rixin.report.data import ReportData
from rixin.report.figures import number, percent
from rixin.report.html_marks import Say, code, english, note, num, section, stamp, told, user
from rixin.report.html_next import what_next
from rixin.report.html_pictures import (
    case_flows,
    chart,
    hangs_on,
    mix_ups,
    money_of_a_month,
    payback,
    strata,
)
from rixin.report.html_review import for_the_reviewer
from rixin.report.html_risks import risks
from rixin.report.html_tables import candidates, prices, promise
from rixin.report.summary import Summary, summary_of
from rixin.report.words import Words, words_of

_CLASSES = {
    Decision.ADOPT: "adopt",
    Decision.KEEP: "keep",
    Decision.NO_AI: "no-ai",
    Decision.CANNOT_TELL: "cannot-tell",
}


def render_html(data: ReportData, lang: str = "en") -> str:
    """One page: verdict, what to do, what it rests on, what can go wrong; without any script.

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
    words, verdict = words_of("en"), data.verdict
    page = Path(data.path).parent / ".rixin" / f"{data.scenario}.html"
    say = words.say
    parts = [
        _verdict(data, words),
        _sentences(say("Why"), verdict.because),
        promise(data, say),
        candidates(data, say),
        _sentences(say("What would change this decision"), verdict.changes),
        _sentences(say("Caveats"), (*verdict.warnings, *data.notes)),
        chart(data, words),
        note(f"The whole page: {code(str(page))}"),
    ]
    return f'<div class="rixin"><style>{_style()}</style>{"".join(parts)}</div>'


def _style() -> str:
    return files("rixin.report").joinpath("style.css").read_text(encoding="utf-8").strip()


def _page(data: ReportData, words: Words) -> str:
    say, verdict, summary = words.say, data.verdict, summary_of(data)
    parts = [
        _head(data, say),
        _which_part_is_english(words),
        _verdict(data, words),
        _tiles(data, summary, say),
        what_next(data, summary, say),
        _sentences(say("Why"), verdict.because),
        prices(data, summary, say),
        promise(data, say),
        candidates(data, say),
        risks(data, summary, say),
        _sentences(say("What would change this decision"), verdict.changes),
        _sentences(say("Caveats"), (*verdict.warnings, *data.notes)),
        case_flows(data, summary, say),
        hangs_on(data, summary, say),
        chart(data, words),
        payback(data, summary, words),
        money_of_a_month(data, words),
        strata(data, summary, say),
        mix_ups(data, summary, say),
        for_the_reviewer(data, summary, say),
        _foot(data, say),
    ]
    return "\n".join(filter(None, parts))


def _head(data: ReportData, say: Say) -> str:
    facts = told(
        say("{owner} · {demand} cases a month"),
        owner=user(data.owner),
        demand=num(f"{data.demand_per_month:,}"),
    )
    return (
        f"<header><h1>{user(data.scenario)}</h1>{note(user(data.task))}"
        f"{note(facts + stamp(data, 'demand', say))}</header>"
    )


def _which_part_is_english(words: Words) -> str:
    """Says at the head of a translated page what of it is not."""
    if words.lang == "en":
        return ""
    text = words.say("The headline, the reasons and the caveats are in English; all else is not.")
    return f'<p class="in-english">{escape(text)}</p>'


def _verdict(data: ReportData, words: Words) -> str:
    verdict = data.verdict
    chance = told(words.say("Nothing is promised yet."))
    if verdict.decision is Decision.ADOPT:
        message = words.say("The chance that this promise is wrong is at most {chance}.")
        chance = told(message, chance=num(percent(verdict.error_chance)))
    elif verdict.decision is not Decision.CANNOT_TELL:
        message = words.say("The chance that this verdict is wrong is at most {chance}.")
        chance = told(message, chance=num(percent(verdict.error_chance)))
    return (
        f'<section class="verdict {_CLASSES[verdict.decision]}">'
        f'<span class="kind">{escape(words.say(verdict.decision.value))}</span>'
        f"<strong>{english(verdict.headline)}</strong><p>{chance}</p></section>"
    )


def _tiles(data: ReportData, summary: Summary, say: Say) -> str:
    best = data.best()
    if best is None:
        return ""
    verdict, currency = data.verdict, data.verdict.currency
    saving = best.saving_per_month
    tiles = [
        (
            percent(best.solved.value),
            told(
                say("solved by {name} (today {today})"),
                name=user(best.name),
                today=num(percent(verdict.incumbent.solved)),
            ),
            "",
        ),
        (
            figures.money(best.cost_per_solved.value, currency),
            told(
                say("a solved case (today {today})"),
                today=num(number(verdict.incumbent.cost_per_solved)),
            ),
            "cost_per_solved",
        ),
        (
            figures.money(saving.lower, currency),
            told(
                say("saved a month, at least (expected {amount})"),
                amount=num(number(saving.value)),
            ),
            "saving_per_month",
        ),
        _last_tile(data, best, summary, say),
    ]
    shown = "".join(
        f'<div class="tile"><b>{num(value)}</b><span>{text}'
        f"{stamp(data, figure, say) if figure else ''}</span></div>"
        for value, text, figure in tiles
    )
    return f'<div class="tiles">{shown}</div>'


def _last_tile(
    data: ReportData, best: CandidateResult, summary: Summary, say: Say
) -> tuple[str, str, str]:
    """The margin of the job where somebody has said what it is worth; else the wrong answers."""
    if data.verdict.value_stated:
        today = num(percent(data.verdict.incumbent.net_margin))
        text = told(say("net margin of the job (today {today})"), today=today)
        return percent(best.net_margin.value), text, "margin"
    today = num(f"{summary.flows[0].wrong:,}")
    text = told(say("wrong answers a month (today {today})"), today=today)
    after = f"{summary.flows[1].wrong:,}" if len(summary.flows) > 1 else figures.UNKNOWN
    return after, text, "demand"


def _sentences(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return section(title, f"<ul>{''.join(f'<li>{english(item)}</li>' for item in items)}</ul>")


def _foot(data: ReportData, say: Say) -> str:
    spent = "" if data.verdict.spent is None else f"{data.verdict.currency} {data.verdict.spent:f}"
    parts = [
        f"<bdi>{data.decided_at:%Y-%m-%d %H:%M %Z}</bdi>",
        escape(data.environment),
        told(say("spent on answers: {spent}"), spent=num(spent or say("not known"))),
        code(f"rixin report {data.path}"),
    ]
    source = data.verdict.incumbent.source
    stated = told(say("The incumbent's figures: {source}."), source=user(source)) if source else ""
    return f"<footer><p>{stated}</p><p>{' · '.join(filter(None, parts))}</p></footer>"

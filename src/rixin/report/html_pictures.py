"""The pictures of the page: cases, money, what the saving hangs on, strata and mix-ups."""

from collections.abc import Iterator
from html import escape

from rixin.core.verdict import Decision, Factor
from rixin.report import figures
from rixin.report.data import ReportData
from rixin.report.figures import money, number, percent
from rixin.report.html_marks import (
    Head,
    Row,
    Say,
    assumed,
    code,
    english,
    note,
    num,
    section,
    stamp,
    table,
    told,
    user,
)
from rixin.report.names import figure_name, figure_value, in_unit, who_confirms
from rixin.report.summary import CaseFlow, Effect, Matrix, Summary
from rixin.report.svg import NARROW, WIDE, Size, cost_chart, marks_of
from rixin.report.svg_bars import payback_chart, reach_of, waterfall_chart
from rixin.report.words import Words

_MOST_WATERFALLS = 6
_MOST_SLICES = 20


def case_flows(data: ReportData, summary: Summary, say: Say) -> str:
    """Where the cases of a month go today, and with the shown candidate."""
    if len(summary.flows) < 2:
        return ""
    today, after = summary.flows
    heading = escape(say("today"))
    shown = "".join(
        f'<div class="flow"><h3>{title}</h3>{_flow(one, say)}</div>'
        for one, title in (
            (today, f"{heading}: {user(today.name)}"),
            (after, told(say("with {name}"), name=user(after.name))),
        )
    )
    title = say("Where the cases of a month go")
    return section(title, shown, stamped=stamp(data, "demand", say))


def _flow(flow: CaseFlow, say: Say) -> str:
    kinds = (
        ("good-fill", say("right"), flow.right),
        ("bad-fill", say("wrong"), flow.wrong),
        ("open-fill", say("to people"), flow.to_people),
    )
    total = sum(count for _, _, count in kinds) or 1
    bars = "".join(
        f'<div class="{kind}" style="inline-size:{100 * count / total:.2f}%"></div>'
        for kind, _, count in kinds
        if count
    )
    legend = " ".join(
        f'<span class="key"><i class="{kind}"></i>{num(f"{count:,}")} {escape(word)}</span>'
        for kind, word, count in kinds
    )
    return f'<div class="track tall" aria-hidden="true">{bars}</div><p class="legend">{legend}</p>'


def hangs_on(data: ReportData, summary: Summary, say: Say) -> str:
    """The saving with its interval, and what each figure of the contract does to it."""
    best, currency = data.best(), data.verdict.currency
    if best is None or best.saving_per_month.value is None or not summary.effects:
        return ""
    saving = best.saving_per_month
    ends = [end for end in (saving.lower, saving.value, saving.upper) if end is not None]
    for one in summary.effects:
        ends += [end for end in (one.at_low, one.at_high) if end is not None]
    scale = _Scale(min(0.0, *ends), max(0.0, *ends), saving.value or 0.0)
    heads = [
        Head(say("figure")),
        Head(say("value"), figures=True),
        Head(say("who confirms it")),
        Head(say("saving a month if it is lower"), figures=True),
        Head(say("if it is higher"), figures=True),
        Head(say("no saving at"), figures=True),
        Head(say("from the one to the other")),
    ]
    measured = Row(
        escape(say("as measured")),
        [
            num(money(saving.value, currency)),
            escape(say("this page")),
            _told_end(saving.lower, say("at least"), currency),
            _told_end(saving.upper, say("at most"), currency),
            "",
            scale.bar(saving.lower, saving.upper, "net-fill"),
        ],
        "winner",
    )
    rows = [measured, *(_effect(one, data, scale, say) for one in summary.effects)]
    why = say(
        "Each figure alone is moved by a quarter (of the share solved today: a quarter of what is not solved); the line is the expected saving."
    )
    title = say("What the saving rests on")
    return section(title, f'<div class="hangs">{table(heads, rows)}</div>', note(escape(why)))


class _Scale:
    """Places amounts on bars that compare."""

    def __init__(self, low: float, high: float, mark: float) -> None:
        self.low, self.wide, self.mark = low, (high - low) or 1.0, mark

    def at(self, amount: float) -> float:
        """In percent of the width."""
        return 100 * (amount - self.low) / self.wide

    def bar(self, one: float | None, other: float | None, kind: str) -> str:
        """A bar from one amount to the other, with the line of the expected saving."""
        first, last = sorted((self.mark if end is None else end) for end in (one, other))
        start, wide = self.at(first), max(0.6, self.at(last) - self.at(first))
        line = f'<i class="here" style="inset-inline-start:{self.at(self.mark):.1f}%"></i>'
        return (
            f'<div class="span" aria-hidden="true"><div class="{kind}" style="margin-inline-start:'
            f'{min(start, 99.4):.1f}%;inline-size:{wide:.1f}%"></div>{line}</div>'
        )


def _told_end(amount: float | None, word: str, currency: str) -> str:
    shown = num(money(amount, currency))
    return f"{shown}<small>{escape(word)}</small>" if amount is not None else ""


def _effect(one: Effect, data: ReportData, scale: _Scale, say: Say) -> Row:
    currency = data.verdict.currency
    name = f"{escape(figure_name(one.name, say))} <small>{code(one.name)}</small>"
    value = num(figure_value(one, currency)) + (assumed(say) if one.assumed else "")
    moves = one.swing > 0

    def end(at: float | None, saving: float | None) -> str:
        if not moves or at is None or saving is None:
            return ""
        text = told(say("at {value}"), value=num(in_unit(at, one.unit, currency)))
        return f"{num(money(saving, currency))}<small>{text}</small>"

    even = "" if one.even is None else num(in_unit(one.even, one.unit, currency))
    kind = "open-fill" if one.assumed else "plain-fill"
    return Row(
        name,
        [
            value,
            who_confirms(one.name, data, say),
            end(one.low, one.at_low),
            end(one.high, one.at_high),
            even,
            scale.bar(one.at_low, one.at_high, kind) if moves else "",
        ],
    )


def chart(data: ReportData, words: Words) -> str:
    """Cost per solved case against solve rate; nothing where no candidate can be drawn."""
    say = words.say
    if len(marks_of(data)) < 2:
        return ""
    missing = [
        one.name
        for one in data.shown()
        if figures.known(one.cost_per_solved.value) is None or one.solved.value is None
    ]
    text = say("Better is up and to the left; bars are intervals.")
    if words.rtl:
        text = say("Better is up and to the right; bars are intervals.")
    if missing:
        text += " " + say("Not shown (cost unknown): {names}.").format(names=", ".join(missing))
    pictures = (
        cost_chart(data, say, rtl=words.rtl, size=size, kind=kind) for size, kind in _sizes()
    )
    return section(say("Cost per solved case against solve rate"), *pictures, note(escape(text)))


def _sizes() -> Iterator[tuple[Size, str]]:
    yield WIDE, "on-screen"
    yield NARROW, "on-phone"


def payback(data: ReportData, summary: Summary, words: Words) -> str:
    """What is saved since the start, month by month, the cost to build paid first."""
    if len(summary.payback) < 2 or data.verdict.decision not in {
        Decision.ADOPT,
        Decision.CANNOT_TELL,
    }:
        return ""
    say, currency, end = words.say, data.verdict.currency, summary.payback[-1]
    pictures = (
        payback_chart(
            summary.payback,
            currency,
            say,
            rtl=words.rtl,
            size=Size(size.width, 0.7 * size.height),
            kind=kind,
        )
        for size, kind in _sizes()
    )
    parts = [
        told(
            say("After {months} months: {expected} expected"),
            months=num(str(end.month)),
            expected=num(money(end.expected, currency)),
        )
    ]
    if end.at_least is not None:
        parts.append(
            told(say("{amount} at least (dashed)"), amount=num(money(end.at_least, currency)))
        )
    parts.append(told(say("cost to build: {cost}"), cost=num(money(data.build_cost, currency))))
    return section(
        say("Saved since the start"),
        *pictures,
        note(" · ".join(parts)),
        stamped=stamp(data, "saving_per_month", say),
    )


def money_of_a_month(data: ReportData, words: Words) -> str:
    """Where the money goes, once and every month."""
    say = words.say
    parts = [_factors(data, say)]
    if shown := data.waterfalls[:_MOST_WATERFALLS]:
        reach = reach_of(shown)
        bars = "".join(
            f"<figure><h3>{user(name)}</h3>"
            f"{waterfall_chart((name, part), reach, say, rtl=words.rtl)}</figure>"
            for name, part in shown
        )
        parts.append(f'<div class="charts">{bars}</div>')
    if not any(parts):
        return ""
    title = say("Money: once, and every month, {currency}").format(currency=data.verdict.currency)
    return section(title, *parts, stamped=stamp(data, "net_value", say))


def _factors(data: ReportData, say: Say) -> str:
    """What the job earns by, today and with the winner."""
    shown = [one for one in data.verdict.factors if one.before is not None or one.after is not None]
    if not shown or data.verdict.winner is None:
        return ""
    heads = [
        Head(""),
        Head(say("today"), figures=True),
        Head(data.verdict.winner, figures=True),
        Head(""),
    ]
    rows = [
        Row(
            escape(say(one.name)),
            [_factor(one, one.before), _factor(one, one.after), english(one.note)],
        )
        for one in shown
    ]
    return table(heads, rows)


def _factor(factor: Factor, value: float | None) -> str:
    return num(percent(value) if factor.unit == "share" else number(value))


def strata(data: ReportData, summary: Summary, say: Say) -> str:
    """Solve rate of the shown candidate by stratum."""
    if not summary.slices:
        return ""
    heads = [
        Head(say("part of the cases")),
        Head(say("solved"), figures=True),
        Head(say("cases"), figures=True),
        Head(""),
    ]
    scale = _Scale(0.0, 1.0, data.floor)
    rows = [
        Row(
            user(one.name),
            [
                f"{num(percent(one.rate.value))}<small>{num(figures.percent_span(one.rate))}</small>",
                num(f"{one.cases:,}"),
                scale.bar(0.0, one.rate.value, "plain-fill"),
            ],
        )
        for one in summary.slices[:_MOST_SLICES]
    ]
    text = say(
        "The line is the promise for all cases together; the intervals ({level}) are for each part alone and promise nothing."
    ).format(level=percent(summary.level))
    title = say("Solve rate by part of the cases: {name}").format(name=summary.shown)
    return section(title, f'<div class="hangs">{table(heads, rows)}</div>', note(escape(text)))


def mix_ups(data: ReportData, summary: Summary, say: Say) -> str:
    """Which labels the shown candidate takes for which."""
    if summary.matrix is not None:
        body = _matrix(summary.matrix, say)
        text = say("Rows: the right label. Columns: what was answered.")
    elif summary.mix_ups:
        heads = [
            Head(say("right label")),
            Head(say("was answered")),
            Head(say("cases"), figures=True),
            Head(say("share of all mix-ups"), figures=True),
        ]
        rows = [
            Row(
                user(one.expected),
                [
                    escape(say("no label")) if one.given is None else user(one.given),
                    num(f"{one.cases:,}"),
                    num(percent(one.share)),
                ],
            )
            for one in summary.mix_ups
        ]
        body, text = table(heads, rows), say("The most frequent ones.")
    else:
        return ""
    title = say("What {name} takes for what").format(name=summary.shown)
    return section(title, body, note(escape(text)))


def _matrix(matrix: Matrix, say: Say) -> str:
    heads = [*map(user, matrix.labels), escape(say("no label"))]
    head = "<td></td>" + "".join(f'<th scope="col" class="n">{one}</th>' for one in heads)
    body = ""
    for index, (label, counts) in enumerate(zip(matrix.labels, matrix.counts, strict=True)):
        total = sum(counts) or 1
        cells = "".join(
            f'<td class="n {"hit" if column == index else "miss"}" style="--share:'
            f'{round(100 * count / total)}%">{num(f"{count:,}")}</td>'
            for column, count in enumerate(counts)
        )
        body += f'<tr><th scope="row">{user(label)}</th>{cells}</tr>'
    return (
        f'<div class="scroll" tabindex="0"><table class="matrix"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )

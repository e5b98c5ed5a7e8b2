"""The tables that a verdict rests on: what a solved case costs, the promise, the candidates."""

from collections.abc import Iterator
from html import escape

from rixin.core.verdict import CandidateResult, Decision, Estimate, Standing, TermResult
from rixin.report.data import ReportData
from rixin.report.figures import MARKS, UNKNOWN, number, number_span, percent, percent_span, seconds
from rixin.report.html_marks import (
    Head,
    Row,
    Say,
    assumed,
    code,
    note,
    num,
    section,
    stamp,
    table,
    told,
    user,
)
from rixin.report.names import figure_value, term_figure, term_name
from rixin.report.summary import Summary


def prices(data: ReportData, summary: Summary, say: Say) -> str:
    """What a solved case costs, and what that is made of."""
    if not summary.prices:
        return ""
    currency = data.verdict.currency
    heads = [
        Head(say("candidate")),
        Head(say("answers"), figures=True),
        Head(say("+ wrong answers"), figures=True),
        Head(say("+ cases people do"), figures=True),
        Head(say("= a solved case"), figures=True, stamp=stamp(data, "cost_per_solved", say)),
    ]
    people = data.verdict.incumbent.name
    rows = [
        Row(
            user(one.name)
            + (f" <small>{escape(say('today'))}</small>" if one.name == people else ""),
            [num(number(part)) for part in (one.answers, one.wrong, one.reviews, one.total)],
            "winner" if one.name == data.verdict.winner else "",
        )
        for one in summary.prices
    ]
    title = say("What a solved case costs, {currency}").format(currency=currency)
    why = say("Wrong answers and cases left to people are paid for by those that are solved.")
    return section(title, table(heads, rows), note(f"{escape(why)} {_wrong_cost(data, say)}"))


def _wrong_cost(data: ReportData, say: Say) -> str:
    """What a wrong answer is taken to cost: it is most of the price of a cheap solver."""
    found = [one for one in data.assumptions if one.name == "economics.cost_per_wrong"]
    return "".join(
        told(
            say("A wrong answer is taken to cost {cost}."),
            cost=num(figure_value(one, data.verdict.currency)),
        )
        + (assumed(say) if one.assumed else "")
        for one in found
    )


def promise(data: ReportData, say: Say) -> str:
    """Each term of the promise beside what each candidate was measured to do."""
    measured = [one for one in data.shown() if one.terms]
    if not measured:
        return ""
    heads = [
        Head(say("candidate")),
        Head(say("what is promised")),
        Head(say("limit"), figures=True),
        Head(say("measured"), figures=True),
        Head(say("could be as bad as"), figures=True),
        Head(say("proven?")),
    ]
    rows = [_term_row(data, one, term, say) for one in measured for term in one.terms]
    return section(say("The promise"), table(heads, rows), note(_whose(data, say)))


def _term_row(data: ReportData, one: CandidateResult, term: TermResult, say: Say) -> Row:
    cases = say("of {cases} cases").format(cases=num(f"{term.cases:,}"))
    return Row(
        user(one.name),
        [
            term_name(term, say),
            term_figure(term, term.limit),
            f"{term_figure(term, term.measured)}<small>{cases}</small>",
            term_figure(term, term.worst),
            proven(term.standing, say),
        ],
        "winner" if one.name == data.verdict.winner else "",
    )


def proven(standing: Standing, say: Say) -> str:
    """Whether a term of the promise is shown to hold, with its mark."""
    words = {
        Standing.HOLDS: say("proven"),
        Standing.FAILS: say("missed"),
        Standing.OPEN: say("not proven"),
        Standing.UNMEASURED: say("not measured"),
    }
    mark = f'<span class="{standing.value}">{MARKS[standing]}</span>'
    return f"{mark}&nbsp;{escape(words[standing])}"


def _whose(data: ReportData, say: Say) -> str:
    """Who has set the limits, and what a harmful answer is."""
    if data.is_illustrative("floor"):
        message = say(
            "Nobody has stated {key}: {limit} is assumed from the share solved today, {today}."
        )
    else:
        message = say("The limits are those of {file}; {owner} answers for them.")
    parts = [
        told(
            message,
            key=code("promise.solved"),
            limit=num(percent(data.floor)),
            today=num(percent(data.verdict.incumbent.solved)),
            file=code(data.path),
            owner=user(data.owner),
        )
    ]
    if data.care.harm_promised:
        harm = say("Harmful is an answer that one of these guards objects to: {guards}.")
        parts.append(told(harm, guards=user(", ".join(data.care.guards))))
    if data.verdict.decision is not Decision.CANNOT_TELL:
        chance = say("Proven: the chance to be wrong is at most {chance}, all terms together.")
        parts.append(told(chance, chance=num(percent(data.verdict.error_chance))))
    return " ".join(parts)


def candidates(data: ReportData, say: Say) -> str:
    """All candidates beside the incumbent."""
    currency = data.verdict.currency
    heads = [
        Head(say("candidate")),
        Head(say("solved"), figures=True),
        Head(say("harm"), figures=True),
        Head(
            say("cost per solved case, {currency}").format(currency=currency),
            figures=True,
            stamp=stamp(data, "cost_per_solved", say),
        ),
        Head(
            say("saves a month, at least"), figures=True, stamp=stamp(data, "saving_per_month", say)
        ),
        Head(say("latency p95"), figures=True),
        Head(say("pays from, cases a month"), figures=True, stamp=stamp(data, "payback_days", say)),
    ]
    rows = [_incumbent_row(data, say), *(_row(data, one, say) for one in data.shown())]
    legend = say("✓ holds the promise · ✗ fails it · ? open · – not measured or not known")
    return section(
        say("The candidates beside the incumbent"), table(heads, rows), note(escape(legend))
    )


def _incumbent_row(data: ReportData, say: Say) -> Row:
    people = data.verdict.incumbent
    stated = f"<small>{escape(say('as stated'))}{stamp(data, 'incumbent', say)}</small>"
    return Row(
        f"{user(people.name)} <small>{escape(say('today'))}</small>",
        [
            f"{num(percent(people.solved))}{stated}",
            UNKNOWN,
            num(number(people.cost_per_solved)),
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
        ],
    )


def _row(data: ReportData, one: CandidateResult, say: Say) -> Row:
    mark = f'<span class="{one.standing.value}">{MARKS[one.standing]}</span>'
    about = f"<small>{num(f'{one.kind}, n={one.tally.cases:,}')}</small>"
    return Row(
        f"<span>{mark} {user(one.name)} {about}</span>",
        [
            _with_span(percent(one.solved.value), percent_span(one.solved)),
            _with_span(percent(one.harm.value), _upper(one.harm)),
            _with_span(number(one.cost_per_solved.value), number_span(one.cost_per_solved)),
            num(number(one.saving_per_month.lower)) + "".join(_expected(one.saving_per_month, say)),
            num(seconds(one.latency_p95.value)),
            num(_pays_from(one, say)),
        ],
        "winner" if one.name == data.verdict.winner else "",
    )


def _expected(saving: Estimate, say: Say) -> Iterator[str]:
    if saving.value is not None:
        text = told(say("expected {amount}"), amount=num(number(saving.value)))
        yield f"<small>{text}</small>"


def _pays_from(one: CandidateResult, say: Say) -> str:
    if one.break_even_cases == 0:
        return say("any volume")
    if one.break_even_cases is not None:
        return f"{one.break_even_cases:,.0f}"
    return UNKNOWN if one.cost_per_case.value is None else say("at no volume")


def _with_span(value: str, span: str) -> str:
    return f"{num(value)}<small>{num(span)}</small>" if span else num(value)


def _upper(estimate: Estimate) -> str:
    return "" if estimate.upper is None else f"≤ {percent(estimate.upper)}"

"""For the reviewer: pairs of candidates, errors by cause, single cases, what was run."""

from html import escape

from rixin.report.data import DifferingCase, ReportData
from rixin.report.figures import UNKNOWN, percent
from rixin.report.html_marks import Head, Row, Say, code, note, num, table, told, user
from rixin.report.summary import Summary

_LONGEST_INPUT = 1_500


def for_the_reviewer(data: ReportData, summary: Summary, say: Say) -> str:
    """The appendix; empty where there is nothing in it."""
    parts = [pairs(data, say), causes(summary, say), differing(data, say), made_of(data, say)]
    if not any(parts):
        return ""
    title = escape(say("For the reviewer"))
    return f'<section class="review"><h2>{title}</h2>{"".join(parts)}</section>'


def _part(title: str, *html: str) -> str:
    return f"<h3>{escape(title)}</h3>{''.join(html)}"


def causes(summary: Summary, say: Say) -> str:
    """Why cases were not solved or not measured."""
    if not summary.errors:
        return ""
    heads = [
        Head(say("candidate")),
        Head(say("why a case was not solved or not measured")),
        Head(say("cases"), figures=True),
        Head(say("share"), figures=True),
    ]
    rows = [
        Row(
            user(one.solver),
            [
                user(one.cause)
                if one.cause
                else told(say("{count} causes more"), count=num(str(one.kinds))),
                num(f"{one.cases:,}"),
                num(percent(one.share)),
            ],
        )
        for one in summary.errors
    ]
    return _part(say("Errors by cause"), table(heads, rows))


def pairs(data: ReportData, say: Say) -> str:
    """Two candidates each on the cases that both answered."""
    if not data.verdict.pairs:
        return ""
    rows = []
    for pair in data.verdict.pairs:
        tally, gap = pair.tally, pair.difference
        bounds = f"{_points(gap.value)} ({_points(gap.lower)} … {_points(gap.upper)})"
        yes = say("no worse, certified") if pair.no_worse else say("not certified")
        counts = (tally.only_first, tally.only_second, tally.cases)
        cells = [num(bounds), *(num(f"{count:,}") for count in counts)]
        cells += [num(f"{pair.p_value:.2g}"), escape(yes)]
        rows.append(Row(f"{user(tally.first)} − {user(tally.second)}", cells))
    heads = [
        Head(say("first − second")),
        Head(say("difference in solve rate, points"), figures=True),
        Head(say("only the first solved"), figures=True),
        Head(say("only the second solved"), figures=True),
        Head(say("cases"), figures=True),
        Head(say("p value"), figures=True),
        Head(say("first against second")),
    ]
    return _part(say("The candidates on the same cases"), table(heads, rows))


def differing(data: ReportData, say: Say) -> str:
    """Cases on which the candidates differ, to open one by one."""
    if not data.differing:
        return ""
    cases = "".join(_case(case, say) for case in data.differing)
    text = say("{count} of them, in random order.").format(count=len(data.differing))
    return _part(say("Cases where the candidates differ"), note(escape(text)), cases)


def _case(case: DifferingCase, say: Say) -> str:
    marks = " ".join(
        f"{user(solver)}&nbsp;{_state_mark(state)}" for solver, _, state, _ in case.rows
    )
    text = case.input[:_LONGEST_INPUT] + ("…" if len(case.input) > _LONGEST_INPUT else "")
    expected = UNKNOWN if case.expected is None else case.expected
    rows = [
        Row(
            user(solver),
            [
                user(output if output is not None else UNKNOWN),
                f"{_state_mark(state)} {escape(say(state))}",
                UNKNOWN if sure is None else num(f"{sure:.3f}"),
            ],
        )
        for solver, output, state, sure in case.rows
    ]
    heads = [
        Head(say("candidate")),
        Head(say("answer")),
        Head(say("outcome")),
        Head(say("confidence"), figures=True),
    ]
    return (
        f"<details><summary><bdi>{escape(case.ref or case.id[:12])}</bdi> · "
        f"{escape(say('expected'))} {user(expected)} · {marks}</summary>"
        f'<blockquote dir="auto">{escape(text)}</blockquote>{table(heads, rows)}'
        f"{note(code(f'rixin explain {case.id[:12]}'))}</details>"
    )


def made_of(data: ReportData, say: Say) -> str:
    """What was run, at which prices, on which cases."""
    known = {line.solver: line for line in data.prices}
    rows = []
    for line in data.solvers:
        price = known.get(line.name)
        said = " · ".join(filter(None, (price.text, price.date, price.source))) if price else ""
        version = code(line.fingerprint[:12])
        rows.append(Row(user(line.name), [user(line.description), user(said), version]))
    heads = [
        Head(say("candidate")),
        Head(say("as it was run")),
        Head(say("price")),
        Head(say("version")),
    ]
    pools = ", ".join(f"{count:,} {pool}" for pool, count in data.pools.items())
    taken = say("Cases: {pools}. The verdict is taken on certify; shape is for training.")
    parts = [
        f"<p>{told(taken, pools=num(pools))}</p>" if pools else "",
        table(heads, rows) if rows else "",
    ]
    return _part(say("What was run"), *parts) if any(parts) else ""


def _points(value: float | None) -> str:
    return UNKNOWN if value is None else f"{100 * value:+.1f}".replace("-", "−")


def _state_mark(state: str) -> str:
    kinds = {"solved": ("holds", "✓"), "unsolved": ("fails", "✗")}
    kind, mark = kinds.get(state, ("open", "–"))
    return f'<span class="{kind}">{mark}</span>'

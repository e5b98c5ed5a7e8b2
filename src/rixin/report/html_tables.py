"""The tables of the HTML page."""

from collections.abc import Sequence
from html import escape

from rixin.core.verdict import CandidateResult, Estimate, Factor
from rixin.report.data import DifferingCase, ReportData
from rixin.report.figures import MARKS, UNKNOWN, number, number_span, percent, percent_span, seconds
from rixin.report.html_marks import english, num, stamp, user
from rixin.report.svg import Say

_MOST_CAUSES = 8
_LONGEST_INPUT = 1_500


def candidates(data: ReportData, say: Say) -> str:
    """All candidates beside the incumbent."""
    currency = data.verdict.currency
    heads = [
        (say("solver"), ""),
        (say("solved"), ""),
        (say("harm"), ""),
        (say("cost per solved case, {currency}").format(currency=currency), "cost_per_solved"),
        (say("saves a month, at least"), "saving_per_month"),
        (say("latency p95"), ""),
        (say("pays from, cases a month"), "payback_days"),
    ]
    head = "".join(
        f'<th scope="col"{_end(index)}>{escape(name)}{stamp(data, figure, say) if figure else ""}</th>'
        for index, (name, figure) in enumerate(heads)
    )
    names = [name for name, _ in heads]
    rows = [_incumbent_row(data, names, say)]
    rows += [_row(data, one, names, say) for one in data.shown()]
    legend = say("✓ holds the promise · ✗ fails it · ? open · – not measured or not known")
    return (
        f"<section><h2>{escape(say('The candidates beside the incumbent'))}</h2>"
        f"{_table(head, ''.join(rows), 'cards')}<p class=note>{escape(legend)}</p></section>"
    )


def _incumbent_row(data: ReportData, names: Sequence[str], say: Say) -> str:
    people = data.verdict.incumbent
    stated = f"<small>{escape(say('as stated'))}{stamp(data, 'incumbent', say)}</small>"
    cells = [
        f"{num(percent(people.solved))}{stated}",
        UNKNOWN,
        num(number(people.cost_per_solved)),
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
    ]
    name = f"{user(people.name)} <small>{escape(say('today'))}</small>"
    return _table_row(name, cells, names, "")


def _row(data: ReportData, one: CandidateResult, names: Sequence[str], say: Say) -> str:
    mark = f'<span class="{one.standing.value}">{MARKS[one.standing]}</span>'
    about = f"<small>{num(f'{one.kind}, n={one.tally.cases:,}')}</small>"
    pays = UNKNOWN if one.break_even_cases is None else f"{one.break_even_cases:,.0f}"
    if one.break_even_cases is None and one.cost_per_case.value is not None:
        pays = say("at no volume")
    cells = [
        _with_span(percent(one.solved.value), percent_span(one.solved)),
        _with_span(percent(one.harm.value), _upper(one.harm)),
        _with_span(number(one.cost_per_solved.value), number_span(one.cost_per_solved)),
        num(number(one.saving_per_month.lower)),
        num(seconds(one.latency_p95.value)),
        num(pays),
    ]
    winner = "winner" if one.name == data.verdict.winner else ""
    return _table_row(f"<span>{mark} {user(one.name)} {about}</span>", cells, names, winner)


def _table(head: str, rows: str, kind: str = "") -> str:
    """A table that scrolls within its own width."""
    name = f' class="{kind}"' if kind else ""
    return (
        f'<div class="scroll" tabindex="0"><table{name}><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _table_row(name: str, cells: Sequence[str], names: Sequence[str], kind: str) -> str:
    row = "".join(
        f'<td class="n" data-name="{escape(head)}"><span>{cell}</span></td>'
        for head, cell in zip(names[1:], cells, strict=True)
    )
    return f'<tr class="{kind}"><th scope="row">{name}</th>{row}</tr>'


def factors(data: ReportData, say: Say) -> str:
    """What the job earns by, today and with the winner."""
    if not data.verdict.factors:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(say(one.name))}</th><td class="n">{_factor(one, one.before)}'
        f'</td><td class="n">{_factor(one, one.after)}</td><td>{english(one.note)}</td></tr>'
        for one in data.verdict.factors
    )
    heads = (say("today"), data.verdict.winner or say("after"), "")
    head = "<th></th>" + "".join(f'<th scope="col" class="n">{escape(h)}</th>' for h in heads)
    heading = escape(say("Three factors")) + stamp(data, "margin", say)
    return f"<section><h2>{heading}</h2>{_table(head, rows)}</section>"


def _factor(factor: Factor, value: float | None) -> str:
    return num(percent(value) if factor.unit == "share" else number(value))


def causes(data: ReportData, say: Say) -> str:
    """Why cases were not solved or not measured."""
    rows = []
    for one in data.verdict.candidates:
        total = one.tally.cases + one.tally.unmeasured
        for cause, count in one.tally.causes[:_MOST_CAUSES]:
            share = percent(count / total) if total else UNKNOWN
            rows.append(
                f"<tr><td>{user(one.name)}</td><td>{user(cause)}</td>"
                f'<td class="n">{num(f"{count:,}")}</td><td class="n">{num(share)}</td></tr>'
            )
    if not rows:
        return ""
    heads = (say("solver"), say("why a case was not solved or not measured"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    head += "".join(
        f'<th scope="col" class="n">{escape(text)}</th>' for text in (say("cases"), say("share"))
    )
    heading = escape(say("Errors by cause"))
    return f"<section><h2>{heading}</h2>{_table(head, ''.join(rows))}</section>"


def pairs(data: ReportData, say: Say) -> str:
    """Two candidates each on the cases that both answered."""
    if not data.verdict.pairs:
        return ""
    rows = []
    for pair in data.verdict.pairs:
        tally = pair.tally
        gap = f"{_signed(pair.difference.value)} ({_signed(pair.difference.lower)} … {_signed(pair.difference.upper)})"
        yes = say("no worse, certified") if pair.no_worse else say("not certified")
        counts = (tally.only_first, tally.only_second, tally.cases)
        rows.append(
            f"<tr><td>{user(tally.first)} − {user(tally.second)}</td>"
            f'<td class="n">{num(gap)}</td>'
            + "".join(f'<td class="n">{num(f"{count:,}")}</td>' for count in counts)
            + f'<td class="n">{num(f"{pair.p_value:.2g}")}</td><td>{escape(yes)}</td></tr>'
        )
    heads = (
        say("first − second"),
        say("difference in solve rate, points"),
        say("only the first solved"),
        say("only the second solved"),
        say("cases"),
        say("p value"),
        say("first against second"),
    )
    head = "".join(f'<th scope="col"{_end(i)}>{escape(h)}</th>' for i, h in enumerate(heads))
    heading = escape(say("The candidates on the same cases"))
    return f"<section><h2>{heading}</h2>{_table(head, ''.join(rows))}</section>"


def differing(data: ReportData, say: Say) -> str:
    """Cases on which the candidates differ, to open one by one."""
    if not data.differing:
        return ""
    cases = "".join(_case(case, say) for case in data.differing)
    title = say("Cases where the candidates differ")
    note = say("{count} of them, in random order.").format(count=len(data.differing))
    return f"<section><h2>{escape(title)}</h2><p class=note>{escape(note)}</p>{cases}</section>"


def _case(case: DifferingCase, say: Say) -> str:
    marks = " ".join(
        f"{user(solver)}&nbsp;{_state_mark(state)}" for solver, _, state, _ in case.rows
    )
    text = case.input[:_LONGEST_INPUT] + ("…" if len(case.input) > _LONGEST_INPUT else "")
    expected = UNKNOWN if case.expected is None else case.expected
    rows = "".join(
        f"<tr><td>{user(solver)}</td><td>{user(output if output is not None else UNKNOWN)}</td>"
        f"<td>{_state_mark(state)} {escape(say(state))}</td>"
        f'<td class="n">{UNKNOWN if sure is None else num(f"{sure:.3f}")}</td></tr>'
        for solver, output, state, sure in case.rows
    )
    heads = (say("solver"), say("answer"), say("outcome"), say("confidence"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return (
        f"<details><summary><bdi>{escape(case.ref or case.id[:12])}</bdi> · "
        f"{escape(say('expected'))} {user(expected)} · {marks}</summary>"
        f'<blockquote dir="auto">{escape(text)}</blockquote>{_table(head, rows)}<p class=note>'
        f"<code>rixin explain {escape(case.id[:12])}</code></p></details>"
    )


def made_of(data: ReportData, say: Say) -> str:
    """What was run, at which prices, on which cases."""
    prices = {line.solver: line for line in data.prices}
    rows = []
    for line in data.solvers:
        price = prices.get(line.name)
        said = (
            ""
            if price is None
            else " · ".join(filter(None, (price.text, price.date, price.source)))
        )
        rows.append(
            f"<tr><td>{user(line.name)}</td><td>{user(line.description)}</td>"
            f"<td>{user(said)}</td><td><code>{escape(line.fingerprint[:12])}</code></td></tr>"
        )
    heads = (say("solver"), say("as it was run"), say("price"), say("version"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    pools = ", ".join(f"{count:,} {pool}" for pool, count in data.pools.items())
    taken = say("Cases: {pools}. The verdict is taken on certify; shape is for training.")
    return (
        f"<section><h2>{escape(say('What this rests on'))}</h2>"
        + (f"<p>{escape(taken).format(pools=num(pools))}</p>" if pools else "")
        + (_table(head, "".join(rows)) if rows else "")
        + "</section>"
    )


def _with_span(value: str, span: str) -> str:
    return f"{num(value)}<small>{num(span)}</small>" if span else num(value)


def _upper(estimate: Estimate) -> str:
    return "" if estimate.upper is None else f"≤ {percent(estimate.upper)}"


def _signed(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{100 * value:+.1f}".replace("-", "−")


def _state_mark(state: str) -> str:
    kinds = {"solved": ("holds", "✓"), "unsolved": ("fails", "✗")}
    kind, mark = kinds.get(state, ("open", "–"))
    return f'<span class="{kind}">{mark}</span>'


def _end(index: int) -> str:
    return ' class="n"' if index else ""

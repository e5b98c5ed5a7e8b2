"""The verdict as one HTML page without any outside reference, and as a fragment for notebooks."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from rixin.core.verdict import CandidateResult, Decision, Estimate, Factor
from rixin.report import figures
from rixin.report.data import DifferingCase, ReportData
from rixin.report.figures import MARKS, UNKNOWN, number, number_span, percent, percent_span, seconds
from rixin.report.svg import Say, cost_chart, waterfall_chart
from rixin.report.words import Words, words_of

_CLASSES = {
    Decision.ADOPT: "adopt",
    Decision.KEEP: "keep",
    Decision.NO_AI: "no-ai",
    Decision.CANNOT_TELL: "cannot-tell",
}
_MOST_WATERFALLS = 6
_MOST_CAUSES = 8
_LONGEST_INPUT = 1_500


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
    """The verdict with its table and chart, for a notebook; its styles touch nothing else."""
    words = words_of("en")
    parts = [_verdict(data, words), _candidates(data, words.say), _chart(data, words)]
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
            _sentences(say("Why"), (*data.verdict.because, *_reasons(data))),
            _sentences(say("What would change this decision"), data.verdict.changes),
            _sentences(say("Mind"), (*data.verdict.warnings, *data.notes)),
            _candidates(data, say),
            _chart(data, words),
            _money(data, words),
            _factors(data, say),
            _causes(data, say),
            _pairs(data, say),
            _differing(data, say),
            _made_of(data, say),
            _foot(data, say),
        ]
    )


def _head(data: ReportData, say: Say) -> str:
    facts = say("{owner} · {demand} cases a month").format(
        owner=_user(data.owner), demand=_num(f"{data.demand_per_month:,}")
    )
    stamp = _stamp(data, "demand", say)
    return (
        f"<header><h1>{_user(data.scenario)}</h1><p class=note>{_user(data.task)}</p>"
        f"<p class=note>{facts}{stamp}</p></header>"
    )


def _verdict(data: ReportData, words: Words) -> str:
    verdict = data.verdict
    chance = words.say("The chance that this promise is wrong is at most {chance}.").format(
        chance=_num(percent(verdict.error_chance))
    )
    if verdict.decision is Decision.CANNOT_TELL:
        chance = words.say("Nothing is promised yet.")
    return (
        f'<section class="verdict {_CLASSES[verdict.decision]}">'
        f'<span class="kind">{escape(words.say(verdict.decision.value))}</span>'
        f"<strong>{_english(verdict.headline)}</strong><p>{chance}</p></section>"
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
            {"name": _user(best.name), "today": _num(today)},
            "",
        ),
        (
            figures.money(best.cost_per_solved.value, currency),
            say("a solved case (today {today})"),
            {"today": _num(number(verdict.incumbent.cost_per_solved))},
            "cost_per_solved",
        ),
        (
            figures.money(best.saving_per_month.lower, currency),
            say("saved a month, at least"),
            {},
            "saving_per_month",
        ),
        (percent(best.net_margin.value), say("net margin of the job (today {today})"),
         {"today": _num(percent(verdict.incumbent.net_margin))}, "margin"),
    ]  # fmt: skip
    shown = "".join(
        f'<div class="tile"><b>{_num(value)}</b><span>{text.format(**fields)}'
        f"{_stamp(data, figure, say) if figure else ''}</span></div>"
        for value, text, fields, figure in tiles
    )
    return f'<div class="tiles">{shown}</div>'


def _sentences(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    rows = "".join(f"<li>{_english(item)}</li>" for item in items)
    return f"<section><h2>{escape(title)}</h2><ul>{rows}</ul></section>"


def _reasons(data: ReportData) -> Iterator[str]:
    for one in data.verdict.candidates:
        if one.reasons:
            yield f"{MARKS[one.standing]} {one.name}: {'; '.join(one.reasons)}"


def _candidates(data: ReportData, say: Say) -> str:
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
        f'<th scope="col"{_end(index)}>{escape(name)}{_stamp(data, figure, say) if figure else ""}</th>'
        for index, (name, figure) in enumerate(heads)
    )
    names = [name for name, _ in heads]
    rows = [_incumbent_row(data, names, say)]
    rows += [_row(data, one, names, say) for one in data.shown()]
    legend = say("✓ holds the promise · ✗ fails it · ? open · – not measured or not known")
    return (
        f"<section><h2>{escape(say('The candidates beside the incumbent'))}</h2>"
        f'<div class="scroll" tabindex="0"><table class="cards"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div><p class=note>{escape(legend)}</p></section>"
    )


def _incumbent_row(data: ReportData, names: Sequence[str], say: Say) -> str:
    people = data.verdict.incumbent
    stated = f"<small>{escape(say('as stated'))}{_stamp(data, 'incumbent', say)}</small>"
    cells = [
        f"{_num(percent(people.solved))}{stated}",
        UNKNOWN,
        _num(number(people.cost_per_solved)),
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
    ]
    name = f"{_user(people.name)} <small>{escape(say('today'))}</small>"
    return _table_row(name, cells, names, "")


def _row(data: ReportData, one: CandidateResult, names: Sequence[str], say: Say) -> str:
    mark = f'<span class="{one.standing.value}">{MARKS[one.standing]}</span>'
    about = f"<small>{_num(f'{one.kind}, n={one.tally.cases:,}')}</small>"
    pays = UNKNOWN if one.break_even_cases is None else f"{one.break_even_cases:,.0f}"
    if one.break_even_cases is None and one.cost_per_case.value is not None:
        pays = say("at no volume")
    cells = [
        _with_span(percent(one.solved.value), percent_span(one.solved)),
        _with_span(percent(one.harm.value), _upper(one.harm)),
        _with_span(number(one.cost_per_solved.value), number_span(one.cost_per_solved)),
        _num(number(one.saving_per_month.lower)),
        _num(seconds(one.latency_p95.value)),
        _num(pays),
    ]
    winner = "winner" if one.name == data.verdict.winner else ""
    return _table_row(f"<span>{mark} {_user(one.name)} {about}</span>", cells, names, winner)


def _table_row(name: str, cells: Sequence[str], names: Sequence[str], kind: str) -> str:
    row = "".join(
        f'<td class="n" data-name="{escape(head)}"><span>{cell}</span></td>'
        for head, cell in zip(names[1:], cells, strict=True)
    )
    return f'<tr class="{kind}"><th scope="row">{name}</th>{row}</tr>'


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
        f"<figure style=margin:0><h3>{_user(name)}</h3>"
        f"{waterfall_chart((name, parts), largest, say, rtl=words.rtl)}</figure>"
        for name, parts in shown
    )
    title = say("Where the money of a month goes, {currency}").format(
        currency=data.verdict.currency
    )
    stamp = _stamp(data, "net_value", say)
    return f'<section><h2>{escape(title)}{stamp}</h2><div class="charts">{charts}</div></section>'


def _factors(data: ReportData, say: Say) -> str:
    if not data.verdict.factors:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{escape(say(one.name))}</th><td class="n">{_factor(one, one.before)}'
        f'</td><td class="n">{_factor(one, one.after)}</td><td>{_english(one.note)}</td></tr>'
        for one in data.verdict.factors
    )
    heads = (say("today"), data.verdict.winner or say("after"), "")
    head = "".join(f'<th scope="col" class="n">{escape(text)}</th>' for text in heads)
    stamp = _stamp(data, "margin", say)
    return (
        f"<section><h2>{escape(say('Three factors'))}{stamp}</h2>"
        f'<div class="scroll" tabindex="0"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _factor(factor: Factor, value: float | None) -> str:
    return _num(percent(value) if factor.unit == "share" else number(value))


def _causes(data: ReportData, say: Say) -> str:
    rows = []
    for one in data.verdict.candidates:
        total = one.tally.cases + one.tally.unmeasured
        for cause, count in one.tally.causes[:_MOST_CAUSES]:
            share = percent(count / total) if total else UNKNOWN
            rows.append(
                f"<tr><td>{_user(one.name)}</td><td>{_user(cause)}</td>"
                f'<td class="n">{_num(f"{count:,}")}</td><td class="n">{_num(share)}</td></tr>'
            )
    if not rows:
        return ""
    heads = (say("solver"), say("why a case was not solved or not measured"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    head += "".join(
        f'<th scope="col" class="n">{escape(text)}</th>' for text in (say("cases"), say("share"))
    )
    return (
        f"<section><h2>{escape(say('Errors by cause'))}</h2>"
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _pairs(data: ReportData, say: Say) -> str:
    if not data.verdict.pairs:
        return ""
    rows = []
    for pair in data.verdict.pairs:
        tally = pair.tally
        gap = f"{_signed(pair.difference.value)} ({_signed(pair.difference.lower)} … {_signed(pair.difference.upper)})"
        yes = say("no worse, certified") if pair.no_worse else say("not certified")
        counts = (tally.only_first, tally.only_second, tally.cases)
        rows.append(
            f"<tr><td>{_user(tally.first)} − {_user(tally.second)}</td>"
            f'<td class="n">{_num(gap)}</td>'
            + "".join(f'<td class="n">{_num(f"{count:,}")}</td>' for count in counts)
            + f'<td class="n">{_num(f"{pair.p_value:.2g}")}</td><td>{escape(yes)}</td></tr>'
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
    return (
        f"<section><h2>{escape(say('The candidates on the same cases'))}</h2>"
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _differing(data: ReportData, say: Say) -> str:
    if not data.differing:
        return ""
    cases = "".join(_case(case, say) for case in data.differing)
    title = say("Cases where the candidates differ")
    note = say("{count} of them, in random order.").format(count=len(data.differing))
    return f"<section><h2>{escape(title)}</h2><p class=note>{escape(note)}</p>{cases}</section>"


def _case(case: DifferingCase, say: Say) -> str:
    marks = " ".join(
        f"{_user(solver)}&nbsp;{_state_mark(state)}" for solver, _, state, _ in case.rows
    )
    text = case.input[:_LONGEST_INPUT] + ("…" if len(case.input) > _LONGEST_INPUT else "")
    expected = UNKNOWN if case.expected is None else case.expected
    rows = "".join(
        f"<tr><td>{_user(solver)}</td><td>{_user(output if output is not None else UNKNOWN)}</td>"
        f"<td>{_state_mark(state)} {escape(say(state))}</td>"
        f'<td class="n">{UNKNOWN if sure is None else _num(f"{sure:.3f}")}</td></tr>'
        for solver, output, state, sure in case.rows
    )
    heads = (say("solver"), say("answer"), say("outcome"), say("confidence"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return (
        f"<details><summary><bdi>{escape(case.ref or case.id[:12])}</bdi> · "
        f"{escape(say('expected'))} {_user(expected)} · {marks}</summary>"
        f'<blockquote dir="auto">{escape(text)}</blockquote>'
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div><p class=note>"
        f"<code>rixin explain {escape(case.id[:12])}</code></p></details>"
    )


def _made_of(data: ReportData, say: Say) -> str:
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
            f"<tr><td>{_user(line.name)}</td><td>{_user(line.description)}</td>"
            f"<td>{_user(said)}</td><td><code>{escape(line.fingerprint[:12])}</code></td></tr>"
        )
    heads = (say("solver"), say("as it was run"), say("price"), say("version"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    pools = ", ".join(f"{count:,} {pool}" for pool, count in data.pools.items())
    taken = say("Cases: {pools}. The verdict is taken on certify; shape is for training.")
    return (
        f"<section><h2>{escape(say('What this rests on'))}</h2>"
        + (f"<p>{escape(taken).format(pools=_num(pools))}</p>" if pools else "")
        + (
            f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
            if rows
            else ""
        )
        + "</section>"
    )


def _foot(data: ReportData, say: Say) -> str:
    spent = "" if data.verdict.spent is None else f"{data.verdict.currency} {data.verdict.spent:f}"
    parts = [
        f"<bdi>{data.decided_at:%Y-%m-%d %H:%M %Z}</bdi>",
        escape(data.environment),
        say("spent on answers: {spent}").format(spent=_num(spent or say("not known"))),
        f"<code>rixin report {escape(data.path)}</code>",
    ]
    source = data.verdict.incumbent.source
    stated = (
        say("The incumbent's figures: {source}.").format(source=_user(source)) if source else ""
    )
    names = ", ".join(data.illustrative)
    marked = say("illustrative")
    assumed = (
        f'<p><span class="stamp">{escape(marked)}</span> '
        + say("These figures are defaults, not yours: {names}.").format(names=_num(names))
        + "</p>"
        if names
        else ""
    )
    return f"<footer>{assumed}<p>{stated}</p><p>{' · '.join(filter(None, parts))}</p></footer>"


def _stamp(data: ReportData, figure: str, say: Say) -> str:
    if not data.is_illustrative(figure):
        return ""
    return f' <span class="stamp">{escape(say("illustrative"))}</span>'


def _with_span(value: str, span: str) -> str:
    return f"{_num(value)}<small>{_num(span)}</small>" if span else _num(value)


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


def _user(text: str) -> str:
    """Text that came from outside: escaped, in its own direction."""
    return f'<bdi dir="auto">{escape(text)}</bdi>'


def _num(text: str) -> str:
    """A figure, which keeps its direction within any sentence."""
    return f"<bdi>{_kept_together(text)}</bdi>"


def _english(text: str) -> str:
    """A sentence of the verdict, which is written in English."""
    return f'<span lang="en" dir="auto">{_kept_together(text)}</span>'


def _kept_together(text: str) -> str:
    """Escaped text in which no percent sign begins a line."""
    return escape(text).replace(" %", "\N{NO-BREAK SPACE}%")

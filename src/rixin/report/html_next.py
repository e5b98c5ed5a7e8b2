"""What to do next, by when, at what risk: the part of the page that is acted on."""

from collections.abc import Iterator
from html import escape

from rixin.core.scenario import LANGUAGE_MODELS
from rixin.core.verdict import CandidateResult, Decision
from rixin.report.data import ReportData
from rixin.report.figures import money, percent
from rixin.report.html_marks import Head, Row, Say, code, note, num, section, table, told, user
from rixin.report.names import figure_name, figure_value, in_unit, who_confirms
from rixin.report.summary import Effect, Summary


def what_next(data: ReportData, summary: Summary, say: Say) -> str:
    """The steps that follow from the verdict, in their order."""
    steps = {
        Decision.ADOPT: _adopt,
        Decision.CANNOT_TELL: _find_out,
        Decision.KEEP: _keep,
        Decision.NO_AI: _keep,
    }[data.verdict.decision](data, summary, say)
    heads = [Head(say("step")), Head(say("who")), Head(say("by when")), Head(say("at what risk"))]
    rows = [
        Row(f"<span>{number}. {row.name}</span>", row.cells) for number, row in enumerate(steps, 1)
    ]
    gauge = evidence(summary, data, say) if data.verdict.decision is Decision.CANNOT_TELL else ""
    return section(say("What to do next"), gauge, f'<div class="steps">{table(heads, rows)}</div>')


def _adopt(data: ReportData, summary: Summary, say: Say) -> Iterator[Row]:
    best, currency = data.best(), data.verdict.currency
    assert best is not None
    yield from _confirm(data, summary, say)
    after, today = summary.flows[-1], summary.flows[0]
    second = say("{owner}, and a second person who approves")
    who = told(second if data.care.second_person else "{owner}", owner=user(data.owner))
    yield Row(
        told(say("Let {name} answer a small part of the cases:"), name=user(best.name))
        + f" {code(f'rixin release {data.path}')} {code(f'rixin promote {data.path} --canary 5')}",
        [
            who,
            told(
                say("now: each month of waiting forgoes about {saving}"),
                saving=num(money(best.saving_per_month.value, currency)),
            ),
            told(say("small: {back} ends it at once"), back=code(f"rixin rollback {data.path}")),
        ],
    )
    yield Row(
        told(say("Let it answer all of them:")) + f" {code(f'rixin promote {data.path}')}",
        [
            who,
            told(say("once a sample of its answers on the small part was checked and is right")),
            told(
                say("about {wrong} wrong answers a month (today about {today})"),
                wrong=num(f"{after.wrong:,}"),
                today=num(f"{today.wrong:,}"),
            ),
        ],
    )
    yield Row(
        told(say("Decide again on newer cases:")) + f" {code(f'rixin decide {data.path}')}",
        [
            user(data.owner),
            told(say("when the work changes, and at least every quarter")),
            told(say("without it, nobody knows whether the promise still holds")),
        ],
    )


def _confirm(data: ReportData, summary: Summary, say: Say) -> Iterator[Row]:
    """The figures that nobody has stated, with what the worst of them can do."""
    open_ones = [one for one in summary.effects if one.assumed]
    if not open_ones:
        return
    names = ", ".join(dict.fromkeys(figure_name(one.name, say) for one in open_ones[:3]))
    more = say(" and others, listed below") if len(open_ones) > 3 else ""
    who = ", ".join(dict.fromkeys(who_confirms(one.name, data, say) for one in open_ones))
    yield Row(
        told(say("Confirm the assumed figures: {names}"), names=escape(names)) + told(more),
        [who, told(say("before money is spent on it")), _worst(data, open_ones[0], say)],
    )


def _worst(data: ReportData, effect: Effect, say: Say) -> str:
    """What the saving would be if the figure that it hangs on most were a quarter worse."""
    currency = data.verdict.currency
    if effect.at_low is None or effect.at_high is None or not effect.swing:
        return told(say("the saving is what they make it"))
    at, saving = min((effect.low, effect.at_low), (effect.high, effect.at_high), key=lambda p: p[1])
    assert at is not None
    return told(
        say("{figure} is taken as {value}; at {other} the saving would be {saving} a month"),
        figure=escape(figure_name(effect.name, say)),
        value=num(figure_value(effect, currency)),
        other=num(in_unit(at, effect.unit, currency)),
        saving=num(money(saving, currency)),
    )


def _find_out(data: ReportData, summary: Summary, say: Say) -> Iterator[Row]:
    best, lacking, currency = data.best(), data.verdict.missing, data.verdict.currency
    waiting = _forgone(best, currency, say)
    if lacking is not None and lacking.rows is not None:
        what = told(
            say("Add about {rows} rows with right answers to {file}"),
            rows=num(f"{lacking.rows:,}"),
            file=user(data.cases_file or data.path),
        )
    elif lacking is not None:
        what = told(
            say("Let {cases} more test cases be asked: raise the limit that the headline names"),
            cases=num(f"{lacking.cases:,}"),
        )
    else:
        what = told(say("Do what the headline and the reasons below name"))
    yield Row(what, [user(data.owner), waiting, told(say("none: nothing changes meanwhile"))])
    yield Row(
        told(say("Decide again:")) + f" {code(f'rixin decide {data.path}')}",
        [
            user(data.owner),
            told(say("as soon as they are there")),
            told(say("small: what was answered is not asked and not paid again")),
        ],
    )
    yield _as_today(data, say("Until then leave the work with {people}"), summary, say)


def _keep(data: ReportData, summary: Summary, say: Say) -> Iterator[Row]:
    yield _as_today(data, say("Leave the work with {people}: there is nothing to do"), summary, say)
    if not any(one.kind in LANGUAGE_MODELS for one in data.verdict.candidates):
        yield Row(
            told(say("Try a language model before you give up: add one under {candidates}"),
                 candidates=code("candidates")),
            [
                user(data.owner),
                told(say("when somebody has time for it")),
                told(say("none: {check} says what it costs before anything is paid"),
                     check=code(f"rixin check {data.path}")),
            ],
        )  # fmt: skip
    yield Row(
        told(say("Decide again:")) + f" {code(f'rixin decide {data.path}')}",
        [
            user(data.owner),
            told(say("when a figure under “What would change this decision” is reached")),
            told(say("small: what was answered is not asked and not paid again")),
        ],
    )


def _as_today(data: ReportData, message: str, summary: Summary, say: Say) -> Row:
    people = data.verdict.incumbent
    return Row(
        told(message, people=user(people.name)),
        [
            user(data.owner),
            told(say("no date")),
            told(say("as today: {share} of the cases are not solved"),
                 share=num(percent(summary.not_solved_today))),
        ],
    )  # fmt: skip


def _forgone(best: CandidateResult | None, currency: str, say: Say) -> str:
    saving = best.saving_per_month.value if best else None
    if saving is None or saving <= 0 or best is None:
        return told(say("no hurry: no saving is in sight"))
    return told(
        say("each month without it forgoes about {saving} (not proven)"),
        saving=num(money(saving, currency)),
    )


def evidence(summary: Summary, data: ReportData, say: Say) -> str:
    """How many of the test cases that it takes are there."""
    lacking, needed = data.verdict.missing, summary.cases_needed
    if lacking is None or not needed:
        return ""
    wide = max(0.5, 100 * lacking.there / needed)
    text = told(
        say("{there} of the {needed} test cases that it takes"),
        there=num(f"{lacking.there:,}"),
        needed=num(f"{needed:,}"),
    )
    track = f'<div class="track"><div class="fill open-fill" style="inline-size:{wide:.1f}%"></div></div>'
    return f'<div class="gauge"><b>{escape(say("Evidence"))}</b>{track}{note(text)}</div>'

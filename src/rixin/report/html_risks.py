"""What can go wrong, what it would mean, and what catches it: the part that security acts on."""

from collections.abc import Iterator
from html import escape

from rixin.core.verdict import Decision
from rixin.report.data import ReportData
from rixin.report.figures import UNKNOWN, money, percent
from rixin.report.html_marks import Head, Row, Say, assumed, code, num, section, table, told, user
from rixin.report.summary import Summary

_CANDIDATE_COMES = {Decision.ADOPT, Decision.CANNOT_TELL}


def risks(data: ReportData, summary: Summary, say: Say) -> str:
    """One row for each risk; without a candidate to adopt only where the cases went."""
    rows = [*_where_data_go(data, say)]
    if data.verdict.decision in _CANDIDATE_COMES and data.best() is not None:
        rows = [*_answers(data, summary, say), *rows, *_running(data, say)]
    heads = [Head(say("risk")), Head(say("what it means here")), Head(say("what catches it"))]
    return section(say("What can go wrong"), f'<div class="risks">{table(heads, rows)}</div>')


def _answers(data: ReportData, summary: Summary, say: Say) -> Iterator[Row]:
    yield Row(
        escape(say("wrong answers")), [_wrong(data, summary, say), _what_catches_them(data, say)]
    )
    yield Row(escape(say("harmful answers")), [*_harm(data, say)])
    learns = any(one.kind in {"student", "cascade"} for one in data.verdict.candidates)
    outside = say("the answer of a student to such a case carries {mark}")
    yield Row(
        escape(say("cases unlike those it was tested on")),
        [
            told(say("the promise is about cases like those of {file}"), file=_file(data)),
            told(outside, mark=code("x-rixin-outside: true"))
            if learns
            else told(say("nothing: look at a sample of the answers")),
        ],
    )
    yield Row(
        escape(say("the work changes (drift)")),
        [
            told(
                say("the figures are of {day}; nothing measures by itself whether they still hold"),
                day=f"<bdi>{data.decided_at:%Y-%m-%d}</bdi>",
            ),
            told(say("what callers report as wrong (feedback), and deciding again on newer cases")),
        ],
    )


def _file(data: ReportData) -> str:
    return user(data.cases_file or data.path)


def _wrong(data: ReportData, summary: Summary, say: Say) -> str:
    if len(summary.flows) < 2:
        return told(say("not measured"))
    flow, currency = summary.flows[-1], data.verdict.currency
    text = told(
        say("about {wrong} of {demand} cases a month"),
        wrong=num(f"{flow.wrong:,}"),
        demand=num(f"{data.demand_per_month:,}"),
    )
    if summary.wrong_cost is not None:
        text += "; " + told(
            say("they cost {cost} a month"), cost=num(money(summary.wrong_cost, currency))
        )
        text += assumed(say) if "economics.cost_per_wrong" in data.illustrative else ""
    return text


def _what_catches_them(data: ReportData, say: Say) -> str:
    floor = data.care.abstain_below
    if floor is not None:
        return told(
            say("an answer with a confidence below {floor} goes to people"), floor=num(f"{floor:g}")
        )
    return told(
        say("nothing by itself: {key} sends answers with little confidence to people"),
        key=code("policy.abstain_below"),
    )


def _harm(data: ReportData, say: Say) -> Iterator[str]:
    care, best = data.care, data.best()
    term = next((one for one in best.terms if one.name == "harm"), None) if best else None
    if not care.guards:
        yield told(say("not measured: no guard counts them"))
        yield told(say("nothing: name guards under {key}"), key=code("policy.guards"))
        return
    if term is None or term.worst is None:
        yield told(say("nothing is promised of them"))
    else:
        yield told(
            say("{measured} found, could be as many as {worst}"),
            measured=num(percent(term.measured)),
            worst=num(percent(term.worst)),
        )
    yield told(
        say("an answer that a guard objects to is not given out: {guards}"),
        guards=user(", ".join(care.guards)),
    )


def _where_data_go(data: ReportData, say: Say) -> Iterator[Row]:
    care = data.care
    away = [one for one in care.hosts if one[1]]
    if not care.egress or not away:
        meaning = told(say("no case leaves this machine"))
    else:
        meaning = told(say("cases are sent to:")) + " " + "; ".join(_goes_to(*one) for one in away)
    yield Row(escape(say("data leave the house")), [meaning, _limits(data, say)])
    looks = "pii" in care.guards
    kept = say("what was said is kept in the ledger until {command}")
    yield Row(
        escape(say("personal data")),
        [
            told(kept, command=code("rixin audit erase"))
            if care.keep_content
            else told(say("the gateway keeps facts only, not what was said")),
            told(say("the guard {guard} looks for them"), guard=code("pii"))
            if looks
            else told(say("no guard looks for them: add {guard} to {key}"),
                      guard=code("pii"), key=code("policy.guards")),
        ],
    )  # fmt: skip
    if care.licences:
        names = "; ".join(
            f"{user(name)}: {user(licence) if licence else escape(say('not known here'))}"
            for name, licence in care.licences
        )
        yield Row(
            escape(say("licences of models")),
            [names, told(say("somebody who reads the terms: nothing here does"))],
        )


def _goes_to(name: str, host: str, region: str) -> str:
    where = f" ({user(region)})" if region else ""
    return f"{user(name)} → {code(host)}{where}"


def _limits(data: ReportData, say: Say) -> str:
    care = data.care
    if not care.egress:
        return told(say("{policy} refuses every host elsewhere"), policy=code("egress: none"))
    parts = []
    if care.allowed_hosts:
        hosts = ", ".join(map(code, care.allowed_hosts))
        parts.append(told(say("only these hosts are allowed: {hosts}"), hosts=hosts))
    if care.regions:
        regions = user(", ".join(care.regions))
        parts.append(told(say("only these regions are allowed: {regions}"), regions=regions))
    nothing = told(say("nothing: {policy} allows any host"), policy=code("egress: allowed"))
    return "; ".join(parts) or nothing


def _running(data: ReportData, say: Say) -> Iterator[Row]:
    second = data.care.second_person
    yield Row(
        escape(say("nobody watches")),
        [
            told(say("{owner} answers for it"), owner=user(data.owner)),
            told(say("a second person approves every change of what serves; the trail keeps who"))
            if second
            else told(
                say("one person may change what serves ({key} is not set); the trail keeps who"),
                key=code("policy.second_person"),
            ),
        ],
    )
    yield Row(
        escape(say("it must be stopped")),
        [
            told(say("{people} take the cases again"), people=user(data.verdict.incumbent.name)),
            told(
                say(
                    "{back} ends a trial on a part, or lets the release before serve again, within a second"
                ),
                back=code(f"rixin rollback {data.path}"),
            ),
        ],
    )
    yield Row(
        escape(say("the verdict is wrong")),
        [
            told(
                say("the chance is at most {chance}, if the cases are like the work to come"),
                chance=num(percent(data.verdict.error_chance))
                if data.verdict.error_chance
                else UNKNOWN,
            )
            if data.verdict.decision is Decision.ADOPT
            else told(say("nothing is promised yet")),
            told(
                say("{check} recomputes it from the stored answers"),
                check=code(f"rixin verify .rixin/{data.scenario}.certificate.json"),
            ),
        ],
    )

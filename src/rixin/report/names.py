"""Names for readers of what the contract and the verdict call by a dotted name."""

from rixin.core.verdict import TermResult
from rixin.report.data import Assumption, ReportData
from rixin.report.figures import money, number, percent, score, seconds
from rixin.report.html_marks import Say, num, told, user
from rixin.report.summary import Effect


def figure_name(name: str, say: Say) -> str:
    """A figure of the contract in words."""
    names = {
        "demand.cases_per_month": say("cases a month"),
        "incumbent.cost_per_case": say("what a case costs today"),
        "incumbent.solved": say("share solved today"),
        "economics.value_per_solved": say("what a solved case is worth"),
        "economics.cost_per_wrong": say("what a wrong answer costs"),
        "economics.cost_per_review": say("what a case costs that people do instead"),
        "economics.build_cost": say("cost to build, once"),
        "economics.cpu_hour": say("price of a processor for an hour"),
        "economics.usd_rate": say("price of a US dollar"),
        "promise.solved": say("share that must be solved"),
        "cases.columns": say("columns that are read"),
    }
    return names.get(name, name)


def figure_value(one: Assumption | Effect, currency: str) -> str:
    """A figure of the contract with its unit."""
    return str(one.value) if isinstance(one.value, str) else in_unit(one.value, one.unit, currency)


def in_unit(value: float, unit: str, currency: str) -> str:
    """An amount as its unit is written.

    Examples:
        >>> in_unit(0.9, "share", "USD"), in_unit(12000, "count", "USD")
        ('90.0 %', '12,000')
    """
    if unit == "share":
        return percent(value)
    if unit == "count":
        return f"{value:,.0f}"
    return money(value, currency) if unit == "money" else number(value)


def who_confirms(name: str, data: ReportData, say: Say) -> str:
    """Who can say whether a figure of the contract is right."""
    if name in {"economics.cpu_hour", "economics.usd_rate"}:
        return told(say("finance or IT"))
    if name.startswith("economics."):
        return told(say("finance"))
    return user(data.owner)


def term_name(term: TermResult, say: Say) -> str:
    """A term of the promise in words, as HTML."""
    names = {
        "solved": say("cases solved, at least"),
        "score": say("mean score, at least"),
        "stratum": say("solved in {stratum}, at least"),
        "harm": say("harmful answers, at most"),
        "latency": say("latency p95, at most"),
    }
    return told(names[term.name], stratum=user(term.stratum))


def term_figure(term: TermResult, value: float | None) -> str:
    """A figure of a term of the promise, as HTML."""
    shows = {"score": score, "latency": seconds}
    return num(shows.get(term.name, percent)(value))

"""Reports to draw and test: a clear win, an open question, an honest negative, odd ones."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rixin.core.verdict import (
    CandidateResult,
    Decision,
    Estimate,
    Factor,
    IncumbentResult,
    Missing,
    PairResult,
    PairTally,
    Sensitivity,
    Standing,
    Tally,
    TermResult,
    Verdict,
)
from rixin.report.data import (
    ANSWERS,
    REVIEWS,
    VALUE,
    WRONG,
    Assumption,
    Care,
    DifferingCase,
    PriceLine,
    ReportData,
    Slice,
    SolverLine,
)

NONE = Estimate(None, None, None)
ARABIC = (
    "وافق مجلس الإدارة على توزيع أرباح نقدية بنسبة 12.5% عن الربع الثالث، و<b>ارتفع</b> صافي الربح."
)
CHINESE = "董事会批准第三季度现金分红方案，净利润同比增长12.5%，高于市场预期。"
STORY = (
    "Shr 39 cts vs 50 cts, Net 1,545,160 vs 2,188,933, Revs 25.2 mln vs 19.5 mln. "
    "The company said its board declared a regular quarterly dividend, payable April 30. "
) * 6


def around(value: float, half: float) -> Estimate:
    return Estimate(value, max(value - half, 0.0), value + half)


def rate(value: float, half: float) -> Estimate:
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0))


def terms(solved: Estimate, n: int, standing: Standing) -> tuple[TermResult, ...]:
    """The promise as a candidate stands to it."""
    if not n:
        return ()
    return (
        TermResult(
            name="solved",
            limit=0.85,
            measured=solved.value,
            worst=solved.lower,
            standing=standing,
            cases=n,
        ),
        TermResult(
            name="stratum",
            limit=0.8,
            measured=0.9,
            worst=0.83,
            standing=Standing.HOLDS,
            cases=310,
            stratum="<wire>",
        ),
        TermResult(
            name="harm",
            limit=0.01,
            measured=0.0003,
            worst=0.0012,
            standing=Standing.HOLDS,
            cases=477,
        ),
        TermResult(
            name="latency",
            limit=2.0,
            measured=0.004,
            worst=0.005,
            standing=Standing.HOLDS,
            cases=n,
        ),
    )


ASSUMPTIONS = (
    Assumption(name="economics.cost_per_wrong", value=4.0, assumed=True),
    Assumption(name="incumbent.cost_per_case", value=1.1, assumed=True),
    Assumption(name="economics.build_cost", value=3500.0, assumed=False),
    Assumption(name="economics.cpu_hour", value=0.05, assumed=False),
    Assumption(name="incumbent.solved", value=0.93, unit="share", assumed=False),
    Assumption(name="demand.cases_per_month", value=30000, unit="count", assumed=False),
    Assumption(name="cases.columns", value="<text> → desk", unit="text", assumed=False),
)


def moved(name: str, value: float, low: float, high: float, **more: Any) -> Sensitivity:
    ends = {"at_low": 23000.0, "at_high": 39000.0, "even": None}
    return Sensitivity(name=name, value=value, low=low, high=high, **(ends | more))


def candidate(
    name: str, kind: str, solved: Estimate, cost: Estimate, **more: Any
) -> CandidateResult:
    n = more.pop("n", 3776)
    causes = more.pop("causes", (("wrong label", 151), ("abstained", 20)))
    fields: dict[str, Any] = {
        "uses_ai": kind != "rule",
        "tally": Tally(solver=name, cases=n, causes=causes, cost_total=Decimal("0.051")),
        "standing": Standing.HOLDS,
        "reasons": ("solved at least 85 %: holds (95.3 % at the lower bound)",),
        "harm": Estimate(0.0003, 0.0, 0.0012),
        "latency_p95": Estimate(0.004, 0.003, 0.005),
        "cost_per_case": Estimate(0.00002, None, None),
        "saving_per_month": around(31450.0, 1210.0),
        "break_even_cases": 420.0,
        "payback_days": 3.2,
        "net_margin": Estimate(0.71, 0.69, 0.73),
        "cases_needed": None,
        "error_chance": 0.05,
        "terms": terms(solved, n, more.get("standing", Standing.HOLDS)),
    }
    return CandidateResult(
        name=name, kind=kind, solved=solved, cost_per_solved=cost, **(fields | more)
    )


def newswire() -> ReportData:
    verdict = Verdict(
        scenario="newswire-desk",
        owner="news operations",
        decision=Decision.ADOPT,
        winner="student",
        headline="Adopt student: it solves 96.0 % of the cases at USD 0.17 a solved case, and saves at least USD 30,240 a month against desk editors.",
        because=(
            "student holds every term of the promise: solved at least 85 %, harm at most 1 %, p95 latency at most 2 s.",
            "It costs USD 0.17 a solved case; desk editors cost USD 1.20.",
            "cascade solves 0.5 points more, but each of these costs more than it is worth.",
        ),
        error_chance=0.05,
        changes=(
            "At fewer than 420 cases a month student does not pay within 12 months.",
            "If a wrong answer cost more than USD 31, cascade would be the cheaper choice.",
        ),
        warnings=(
            "118 certify cases have a near copy in the shape pool; without them student solves 95.7 %.",
        ),
        cases_needed=None,
        currency="USD",
        candidates=(
            candidate(
                "rules",
                "rule",
                rate(0.886, 0.0104),
                around(0.513, 0.051),
                causes=(("no rule matched", 301), ("wrong label", 129)),
                saving_per_month=around(20100.0, 1700.0),
            ),
            candidate("student", "student", rate(0.960, 0.0064), around(0.168, 0.028)),
            candidate(
                "local",
                "local",
                rate(0.87, 0.064),
                around(0.598, 0.31),
                n=120,
                standing=Standing.OPEN,
                causes=(("wrong label", 13), ("timeout", 2), ("broken JSON", 1)),
                latency_p95=Estimate(1.31, 1.2, 1.6),
                cases_needed=740,
                saving_per_month=around(18000.0, 9000.0),
                reasons=("solved at least 85 %: open (79.7 % at the lower bound, n = 120)",),
            ),
            candidate(
                "cascade",
                "cascade",
                rate(0.965, 0.006),
                around(0.152, 0.026),
                latency_p95=Estimate(1.02, 0.9, 1.2),
                saving_per_month=around(31900.0, 2300.0),
            ),
        ),
        incumbent=IncumbentResult(
            name="desk editors",
            cost_per_case=Decimal("1.10"),
            solved=0.93,
            cost_per_solved=1.4839,
            value_per_month=18000.0,
            net_margin=0.22,
            source="service-desk survey 2016, replace with your own",
        ),
        pairs=(
            PairResult(
                tally=PairTally(
                    first="student",
                    second="cascade",
                    both=3600,
                    only_first=25,
                    only_second=44,
                    neither=107,
                ),
                p_value=0.029,
                difference=Estimate(-0.005, -0.0096, -0.0006),
                no_worse=True,
                method="exact",
            ),
            PairResult(
                tally=PairTally(
                    first="rules",
                    second="student",
                    both=3280,
                    only_first=66,
                    only_second=345,
                    neither=85,
                ),
                p_value=1e-40,
                difference=Estimate(-0.074, -0.084, -0.064),
                no_worse=False,
                method="exact",
            ),
        ),
        factors=(
            Factor(
                name="spent to build",
                before=0.0,
                after=3500.0,
                unit="money",
                note="integration and labels",
            ),
            Factor(
                name="revenue of the job",
                before=58590.0,
                after=60480.0,
                unit="money/month",
                note="growth +2 % a month",
            ),
            Factor(name="net margin of the job", before=0.22, after=0.71, unit="share"),
        ),
        illustrative=("incumbent.cost_per_case", "economics.cost_per_wrong"),
        spent=Decimal("0.0214"),
        nearest="student",
        sensitivities=(
            moved("incumbent.cost_per_case", 1.1, 0.825, 1.375, even=0.0521),
            moved("demand.cases_per_month", 30000, 22500.0, 37500.0, even=280.0),
            moved("economics.cost_per_wrong", 4.0, 3.0, 5.0, at_low=31000.0, at_high=31900.0),
            moved("economics.build_cost", 3500.0, 2625.0, 4375.0, at_low=31500.0, at_high=31400.0),
        ),
    )
    return ReportData(
        scenario="newswire-desk",
        owner="news operations",
        task="Route each story to the desk that edits it.",
        path="scenarios/newswire-desk.yaml",
        decided_at=datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
        verdict=verdict,
        waterfalls=(
            (
                "desk editors",
                ((VALUE, 58590.0), (ANSWERS, -33000.0), (WRONG, -8400.0), (REVIEWS, 0.0)),
            ),
            ("student", ((VALUE, 60480.0), (ANSWERS, -0.6), (WRONG, -4776.0), (REVIEWS, -240.0))),
            ("cascade", ((VALUE, 60795.0), (ANSWERS, -90.0), (WRONG, -4200.0), (REVIEWS, 0.0))),
        ),
        differing=(
            DifferingCase(
                ref="r8-118",
                id="4f1c09aa31",
                input=STORY,
                expected="earn",
                rows=(
                    ("rules", None, "unsolved", None),
                    ("student", "earn", "solved", 0.97),
                    ("local", "acq", "unsolved", 0.51),
                    ("cascade", "earn", "solved", 0.97),
                ),
            ),
            DifferingCase(
                ref="line 77",
                id="aa01bb77",
                input=ARABIC,
                expected="earn",
                rows=(
                    ("rules", "earn", "solved", None),
                    ("student", "acq", "unsolved", 0.44),
                    ("local", None, "unmeasured", None),
                ),
            ),
            DifferingCase(
                ref="3",
                id="c9",
                input=CHINESE,
                expected=None,
                rows=(
                    ("student", "earn", "solved", 0.81),
                    ("cascade", "<script>alert(1)</script>", "unsolved", 0.4),
                ),
            ),
        ),
        notes=("7,674 cases read; 12 rows without an expected label were left out.",),
        pools={"shape": 3069, "certify": 3776, "audit": 767},
        prices=(
            PriceLine(
                solver="local",
                text="CPU time at USD 0.05 an hour",
                date="2026-11-20",
                source="the contract",
            ),
            PriceLine(solver="cascade", text="the sum of its steps", date="", source=""),
        ),
        solvers=(
            SolverLine(
                name="student",
                kind="student",
                fingerprint="9f" * 16,
                description="TF-IDF, logistic regression, trained on 3,069 shape cases",
            ),
            SolverLine(
                name="local",
                kind="local",
                fingerprint="01" * 16,
                description="qwen2.5-coder-0.5b-instruct, 16 examples",
            ),
        ),
        environment="Python 3.11.7, rixin 0.1.0, Linux x86_64, 2 cores",
        floor=0.85,
        demand_per_month=30000,
        illustrative=("incumbent.cost_per_case", "economics.cost_per_wrong"),
        slices=(
            Slice(name="<wire>", cases=310, solved=279),
            Slice(name="daily", cases=90, solved=88),
        ),
        answers=(
            ("earn", "earn", 1900),
            ("acq", "acq", 1120),
            ("earn", "Acq ", 31),
            ("acq", "earn", 12),
            ("acq", None, 4),
            ("earn", "nothing of the kind", 2),
        ),
        assumptions=ASSUMPTIONS,
        care=Care(
            egress=True,
            hosts=(("remote", "api.example.com", "eu"), ("near", "", "")),
            allowed_hosts=("api.example.com",),
            regions=("eu",),
            guards=("pii", "output-schema"),
            harm_promised=True,
            second_person=True,
            keep_content=False,
            abstain_below=0.8,
            licences=(("local", "Apache-2.0"), ("remote", "")),
        ),
        build_cost=3500.0,
        cases_file="stories.csv",
    )


def changed(
    data: ReportData, verdict: Mapping[str, Any] | None = None, **fields: Any
) -> ReportData:
    return replace(data, verdict=replace(data.verdict, **(verdict or {})), **fields)


def unmeasured(name: str) -> CandidateResult:
    return candidate(
        name,
        "endpoint",
        NONE,
        NONE,
        n=0,
        standing=Standing.UNMEASURED,
        causes=(("connection", 40),),
        harm=NONE,
        latency_p95=NONE,
        cost_per_case=NONE,
        saving_per_month=NONE,
        net_margin=NONE,
        break_even_cases=None,
        payback_days=None,
        reasons=(),
    )


def cannot_tell() -> ReportData:
    only_open = newswire().verdict.candidates[2]
    return changed(
        newswire(),
        {
            "decision": Decision.CANNOT_TELL,
            "winner": None,
            "headline": "Cannot tell: 740 more cases are needed to settle local.",
            "cases_needed": 740,
            "missing": Missing(cases=740, there=120, kind="certify cases", rows=1480),
            "nearest": "local",
            "candidates": (only_open, unmeasured("remote")),
            "pairs": (),
            "spent": None,
        },
        illustrative=(),
        care=Care(),
        assumptions=tuple(replace(one, assumed=False) for one in ASSUMPTIONS),
        waterfalls=newswire().waterfalls[:1],
    )


def no_ai() -> ReportData:
    bad = candidate(
        "local",
        "local",
        rate(0.07, 0.05),
        around(14.2, 6.0),
        n=100,
        standing=Standing.FAILS,
        causes=(("wrong number", 88), ("no number in the answer", 5)),
        saving_per_month=around(-91000.0, 8000.0),
        latency_p95=Estimate(6.2, 5.5, 7.9),
        net_margin=Estimate(-3.1, -4.0, -2.2),
        payback_days=None,
        break_even_cases=None,
        reasons=("solved at least 80 %: fails (13.9 % at the upper bound)",),
    )
    return changed(
        newswire(),
        {
            "decision": Decision.NO_AI,
            "winner": None,
            "headline": "Do not use AI: local solves 7.0 % of the word problems and would lose USD 91,000 a month.",
            "candidates": (bad,),
            "nearest": "local",
            "pairs": (),
        },
        scenario="word-problems",
        task="Solve each word problem to its number.",
        waterfalls=(
            ("tutors", ((VALUE, 58590.0), (ANSWERS, -33000.0), (WRONG, -8400.0))),
            ("local", ((VALUE, 4410.0), (ANSWERS, -180.0), (WRONG, -77280.0))),
        ),
    )


def crowd() -> ReportData:
    many = tuple(
        candidate(
            f"endpoint/model-{index}-with-a-long-name-{'x' * index}",
            "endpoint",
            rate(0.90 + 0.004 * index, 0.01),
            around(0.2 + 0.004 * index, 0.01),
            standing=list(Standing)[index % 3],
        )
        for index in range(12)
    )
    return changed(newswire(), {"candidates": many, "winner": None, "decision": Decision.KEEP})


def empty() -> ReportData:
    return changed(
        newswire(),
        {
            "decision": Decision.CANNOT_TELL,
            "winner": None,
            "candidates": (unmeasured("remote"),),
            "because": (),
            "changes": (),
            "warnings": (),
            "pairs": (),
            "factors": (),
            "spent": None,
            "headline": "Cannot tell: nothing was measured.",
            "nearest": None,
            "sensitivities": (),
        },
        waterfalls=(),
        differing=(),
        notes=(),
        prices=(),
        solvers=(),
        pools={},
        environment="",
        slices=(),
        answers=(),
    )


SAMPLES = {
    "newswire": newswire,
    "cannot_tell": cannot_tell,
    "no_ai": no_ai,
    "crowd": crowd,
    "empty": empty,
}

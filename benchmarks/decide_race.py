"""Single candidates against a floor: money, wrong picks, and the methods beside it."""

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from outcomes import Outcomes

CONTRACT = """\
scenario: race
owner: bench
task: Answer the question.
cases: {{path: cases.csv, input: text, id: id, pools: {{{pools}}}}}
output: free-text
demand: {{cases_per_month: {demand}}}
incumbent: {{name: people, cost_per_case: 1, solved: 0.01, source: bench}}
economics: {{value_per_solved: {value}, cost_per_wrong: 0, cost_per_review: 0, build_cost: 0,
  objective: {objective}}}
promise: {{solved: {{at_least: {floor:.6f}{relative}}}, harm: {{at_most: 0.01}},
  confidence: {confidence}, margin: {margin}}}
policy: {{guards: []}}
cascades: {cascades}
candidates:
{candidates}"""


class Pick(NamedTuple):
    """What one method chose, and what it took to find out."""

    arm: int
    """-1: none."""
    answers: float
    """Share of all answers."""
    money: float
    """Share of what all answers cost."""


@dataclass
class Lab:
    """A folder with the logs of one set, in which many decisions are taken."""

    outcomes: Outcomes
    folder: Path
    stored: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, outcomes: Outcomes) -> "Lab":
        folder = Path(tempfile.mkdtemp(prefix="rixin-bench-"))
        outcomes.write_logs(folder)
        return cls(outcomes, folder)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def decide(
        self,
        seed: int,
        *,
        confidence_column: bool = False,
        exhaustive: bool = False,
        **fields: object,
    ) -> Any:
        """One decision through the product: contract, replay, engine, ledger, certificate."""
        from rixin.workspace import Workspace

        given = {
            "pools": "certify: 1.0",
            "demand": 6_000,
            "value": 1,
            "objective": "cost-per-solved",
            "relative": "",
            "confidence": 0.95,
            "margin": 0.02,
            "cascades": "none",
            **fields,
        }
        shutil.rmtree(self.folder / ".rixin", ignore_errors=True)
        self.outcomes.write_cases(self.folder / "cases.csv", seed)
        candidates = self.outcomes.candidates(confidence=confidence_column)
        path = self.folder / "race.yaml"
        path.write_text(CONTRACT.format(candidates=candidates, **given))
        begin = time.perf_counter()
        with Workspace(quiet=True) as workspace:
            result = workspace.decide(path, exhaustive=exhaustive)
        self.seconds += time.perf_counter() - begin
        self.stored += sum(
            one.tally.cases for one in result.verdict.candidates if one.kind == "replay"
        )
        return result


def rixin(lab: Lab, seed: int, floor: float) -> Pick:
    verdict = lab.decide(seed, floor=floor).verdict
    arm = -1 if verdict.winner is None else int(verdict.winner[1:])
    return Pick(
        arm,
        verdict.effort.answers / lab.outcomes.solved.size,
        float(verdict.effort.spent) / float(lab.outcomes.cost.sum()),
    )


def exhaustive(outcomes: Outcomes, floor: float) -> Pick:
    """Everything asked, and the cheapest one whose measured rate is not below the floor."""
    return Pick(_cheapest(outcomes.rate, outcomes.price, floor), 1.0, 1.0)


def ucb_e(outcomes: Outcomes, seed: int, floor: float, budget: int, batch: int = 32) -> Pick:
    """UCB-E (a = 1) on the objective that a floor makes of cost: solved, less the price where the
    floor is held. It has a budget of answers and gives no guarantee."""
    rng = np.random.default_rng(seed)
    arms, cases = outcomes.solved.shape
    order = np.array([rng.permutation(cases) for _ in range(arms)])
    n, hits = np.zeros(arms, int), np.zeros(arms)
    money = 0.0
    while n.sum() < budget and (n < cases).any():
        seen = np.maximum(n, 1)
        bonus = np.where(n > 0, np.sqrt(1 / seen), np.inf)
        score = np.where(n < cases, _reward(hits / seen, outcomes.price, floor) + bonus, -np.inf)
        arm = int(score.argmax())
        block = order[arm, n[arm] : n[arm] + batch]
        hits[arm] += outcomes.solved[arm, block].sum()
        money += outcomes.cost[arm, block].sum()
        n[arm] += len(block)
    best = int(_reward(hits / np.maximum(n, 1), outcomes.price, floor).argmax())
    return Pick(best, n.sum() / outcomes.solved.size, money / float(outcomes.cost.sum()))


def halving(outcomes: Outcomes, seed: int, floor: float, budget: int) -> Pick:
    """Successive halving on shared items, with the same objective and budget."""
    rng = np.random.default_rng(seed)
    arms, cases = outcomes.solved.shape
    order, alive = rng.permutation(cases), np.arange(arms)
    rounds, begin, hits, money, answers = int(np.ceil(np.log2(arms))), 0, np.zeros(arms), 0.0, 0
    for _ in range(rounds):
        size = min(max(1, budget // rounds // len(alive)), cases - begin)
        if size <= 0 or len(alive) == 1:
            break
        block = order[begin : begin + size]
        hits[alive] += outcomes.solved[np.ix_(alive, block)].sum(axis=1)
        money += outcomes.cost[np.ix_(alive, block)].sum()
        begin, answers = begin + size, answers + size * len(alive)
        reward = _reward(hits[alive] / begin, outcomes.price[alive], floor)
        alive = alive[np.argsort(-reward)][: max(1, (len(alive) + 1) // 2)]
    return Pick(int(alive[0]), answers / outcomes.solved.size, money / float(outcomes.cost.sum()))


def _reward(
    rate: NDArray[np.float64], price: NDArray[np.float64], floor: float
) -> NDArray[np.float64]:
    """Above the floor the cheaper the better, below it the nearer the better."""
    return np.where(rate >= floor, 1 + (1 - price / price.max()), rate)


def _cheapest(rate: NDArray[np.float64], price: NDArray[np.float64], floor: float) -> int:
    holds = np.flatnonzero(rate >= floor)
    return int(holds[price[holds].argmin()]) if holds.size else -1


def race(lab: Lab, gap: float, seeds: int) -> dict[str, dict[str, float]]:
    """Method → shares of answers and money, of right and of broken picks."""
    outcomes = lab.outcomes
    floor = float(outcomes.rate.max()) - gap
    right = _cheapest(outcomes.rate, outcomes.price, floor)
    picks: dict[str, list[Pick]] = {"rixin": [], "UCB-E": [], "halving": [], "exhaustive": []}
    for seed in range(seeds):
        ours = rixin(lab, seed, floor)
        budget = max(len(outcomes.models), round(ours.answers * outcomes.solved.size))
        picks["rixin"].append(ours)
        picks["UCB-E"].append(ucb_e(outcomes, seed, floor, budget))
        picks["halving"].append(halving(outcomes, seed, floor, budget))
        picks["exhaustive"].append(exhaustive(outcomes, floor))
        print(
            f"\r{outcomes.name}, {100 * gap:g} points under: {seed + 1}/{seeds}",
            end="",
            file=sys.stderr,
        )
    print(file=sys.stderr)
    return {name: _summary(outcomes, found, floor, right) for name, found in picks.items()}


def _summary(outcomes: Outcomes, picks: list[Pick], floor: float, right: int) -> dict[str, float]:
    chosen = [pick for pick in picks if pick.arm >= 0]
    return {
        "answers": float(np.mean([pick.answers for pick in picks])),
        "money": float(np.mean([pick.money for pick in picks])),
        "right": float(np.mean([pick.arm == right for pick in picks])),
        "broken": float(
            np.mean([pick.arm >= 0 and outcomes.rate[pick.arm] < floor for pick in picks])
        ),
        "none": float(np.mean([pick.arm < 0 for pick in picks])),
        "price": float(
            np.mean([outcomes.price[pick.arm] / outcomes.price[right] for pick in chosen])
        )
        if chosen
        else float("nan"),
    }

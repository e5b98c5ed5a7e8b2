"""`make bench-decide`: what a decision costs, and how often it is wrong, on recorded outcomes.

Every decision goes through the product: a contract, the replay solver, the engine, the ledger, the
certificate. `OUTCOMES=DIR` points at other files of the same columns, `DATASETS=a,b` picks sets,
`SEEDS=n` sets the number of runs of each figure. The last line is one JSON object.
"""

import json
import os
from collections.abc import Iterator

import numpy as np

from decide_cascades import cascades
from decide_race import Lab, race
from decide_sizes import ALPHA, DELTA, LOOKS, crossing, pair_sizes
from decide_stopping import SETTINGS, stopping
from outcomes import FOLDER, Outcomes, load, sets_of

SEEDS = int(os.environ.get("SEEDS", "20"))
KNOWN = (
    ("routerbench", "arc-challenge", None),
    ("zellinger_cascades", "mmlu", "test"),
    ("zellinger_cascades", "triviaqa", "test"),
    ("routerbench", "winogrande", None),
)
MONEY = {
    ("arc-challenge", 0.10): 0.03,
    ("mmlu", 0.10): 0.06,
    ("triviaqa", 0.10): 0.015,
    ("winogrande", 0.10): 0.10,
    ("arc-challenge", 0.06): 0.36,
    ("mmlu", 0.06): 0.42,
    ("triviaqa", 0.06): 0.24,
    ("winogrande", 0.06): 0.15,
}
COST = {"triviaqa": 0.39, "mmlu": 0.53}


def main() -> None:
    if not FOLDER.is_dir():
        print(f"skipped: no recorded outcomes at {FOLDER} (set OUTCOMES=DIR)")
        print(json.dumps({"skipped": True}))
        return
    figures: dict[str, object] = {"seeds": SEEDS}
    answers, seconds = 0, 0.0
    for outcomes in chosen():
        lab = Lab.of(outcomes)
        try:
            measure(lab, figures)
        finally:
            lab.close()
        answers, seconds = answers + lab.stored, seconds + lab.seconds
    figures["stopping"] = stopping_figures()
    figures["sizes"] = size_figures()
    figures["speed"] = speed_figures()
    figures["decisions"] = {"outcomes": answers, "seconds": round(seconds, 1)}
    print(json.dumps(figures))


def chosen() -> Iterator[Outcomes]:
    """The sets to measure: those that are known, or those that DATASETS names, in any file."""
    wanted = [name for name in os.environ.get("DATASETS", "").split(",") if name]
    if not wanted:
        found = [load(*where) for where in KNOWN]
        yield from (one for one in found if one is not None)
        return
    for path in sorted(FOLDER.glob("*.parquet")):
        if path.stem.endswith(".items"):
            continue
        for dataset in dict.fromkeys(dataset for dataset, _ in sets_of(path.stem)):
            if dataset in wanted or path.stem in wanted:
                one = load(path.stem, dataset)
                if one is None:
                    print(f"skipped: {path.stem} {dataset} has too few models or items in common")
                else:
                    yield one


def measure(lab: Lab, figures: dict[str, object]) -> None:
    """One set: the race at two floors, and cascades where there are confidences."""
    outcomes = lab.outcomes
    models, items = outcomes.solved.shape
    print(f"\n{outcomes.name}: {models} models, {items:,} items, {SEEDS} seeds")
    for gap in (0.10, 0.06):
        if outcomes.rate.max() - gap <= 0.01:
            continue
        found = race(lab, gap, SEEDS)
        figures[f"{outcomes.name} floor -{100 * gap:g}"] = found
        print(f"  floor {100 * gap:g} points under the best single model")
        limit = MONEY.get((outcomes.name, gap))
        for name, row in found.items():
            aim = f"  (to reach: {limit:.1%})" if name == "rixin" and limit else ""
            print(
                f"    {name:12s} money {row['money']:7.1%}  calls {row['answers']:7.1%}  right pick"
                f" {row['right']:4.0%}  floor broken {row['broken']:4.0%}  price of the pick"
                f" {row['price']:.2f} × the cheapest right one{aim}"
            )
    if np.isfinite(outcomes.confidence).any():
        chains = cascades(lab, SEEDS)
        figures[f"{outcomes.name} cascades"] = chains
        print("  whole decision at a margin of 2 points, 90 % confidence")
        for name, row in chains.items():
            cost = COST.get(outcomes.name)
            more = f"  (to reach: {cost:.2f}, broken ≤ 5 %)" if name == "rixin" and cost else ""
            print(
                f"    {name:12s} cost {row['cost']:.3f} of the best single model's, promise broken"
                f" {row['broken']:4.0%}{more}"
            )


def stopping_figures() -> dict[str, dict[str, float]]:
    """The four settings of METHODS §6, where their files are there."""
    found = {}
    print("\nevaluation spend + horizon × regret")
    for file, dataset, split, value, horizon in SETTINGS:
        outcomes = load(file, dataset, split)
        if outcomes is None:
            continue
        lab = Lab.of(outcomes)
        try:
            totals = stopping(lab, value, horizon, SEEDS)
        finally:
            lab.close()
        best = min(total for name, total in totals.items() if name != "rixin")
        totals["ratio"] = totals["rixin"] / best
        found[f"{dataset} v={value} H={horizon}"] = totals
        row = "  ".join(f"{name} {total:.2f}" for name, total in totals.items() if name != "ratio")
        print(
            f"  {dataset:14s} H {horizon:7,}: {row}  ratio {totals['ratio']:.2f} (to reach: 1.10)"
        )
    return found


def size_figures() -> dict[str, float]:
    """The worst size of each test, and its limit."""
    print(f"\nexact matched-pair test at the margin, nominal {DELTA:.0%}, 200,000 runs each")
    rows = list(pair_sizes())
    for n in dict.fromkeys(n for n, *_ in rows):
        sizes = "  ".join(f"{d:.2f}: {size:.4f}" for m, d, size in rows if m == n)
        print(f"  n {n:5,}: by discordance {sizes}")
    crossed = {
        f"{'planned' if planned else 'open-ended'} bets, floor {floor}": crossing(
            floor, planned=planned
        )
        for planned in (True, False)
        for floor in (0.5, 0.85, 0.95)
    }
    print(f"betting test of a floor, nominal {ALPHA:.0%}, ever crossed in {LOOKS:,} looks")
    for which, crossings in crossed.items():
        print(f"  {which}: {crossings:.3f}")
    return {
        "pair_worst": max(size for *_, size in rows),
        "pair_nominal": DELTA,
        "betting_worst": max(crossed.values()),
        "betting_nominal": ALPHA,
    }


def speed_figures() -> dict[str, float]:
    """Outcomes a second of one exhaustive decision on recorded data, everything included."""
    outcomes = load("zeroeval", "gsm") or next(chosen(), None)
    if outcomes is None:
        return {}
    lab = Lab.of(outcomes)
    try:
        lab.decide(0, floor=0.75, exhaustive=True)
        lab.stored, lab.seconds = 0, 0.0
        for seed in range(1, 4):
            lab.decide(seed, floor=0.75, exhaustive=True)
    finally:
        lab.close()
    rate = lab.stored / lab.seconds
    print(
        f"\nspeed: {lab.stored:,} outcomes in {lab.seconds:.1f} s of {outcomes.name}, whole decisions:"
        f" {rate:,.0f} outcomes a second (to reach: 20,000)"
    )
    return {"outcomes_per_s": rate}


if __name__ == "__main__":
    main()

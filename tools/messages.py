"""Compiles the page's catalogues: `python tools/messages.py` after a .po file was edited."""

import ast
import re
import struct
from pathlib import Path

REPORT = Path(__file__).parents[1] / "src" / "rixin" / "report"
_ENTRY = re.compile(
    r'^msgid ((?:"(?:[^"\\]|\\.)*"\s*)+)^msgstr ((?:"(?:[^"\\]|\\.)*"\s*)+)', re.MULTILINE
)


def read_po(text: str) -> dict[str, str]:
    """Message → translation of a catalogue's text."""
    found = {}
    for source, target in _ENTRY.findall(text):
        message, said = (
            "".join(ast.literal_eval(line) for line in part.split("\n") if line.strip())
            for part in (source, target)
        )
        found[message] = said
    return found


def compile_mo(messages: dict[str, str]) -> bytes:
    """The catalogue as gettext reads it (GNU .mo, revision 0)."""
    entries = sorted((key.encode(), value.encode()) for key, value in messages.items())
    head, count = 28, len(entries)
    keys = b"".join(key + b"\0" for key, _ in entries)
    values = b"".join(value + b"\0" for _, value in entries)
    offset = head + 16 * count
    tables: list[list[int]] = [[], []]
    for column, start in ((0, offset), (1, offset + len(keys))):
        place = start
        for entry in entries:
            tables[column] += [len(entry[column]), place]
            place += len(entry[column]) + 1
    numbers = [0x950412DE, 0, count, head, head + 8 * count, 0, offset]
    return (
        struct.pack(f"<{len(numbers) + 4 * count}I", *numbers, *tables[0], *tables[1])
        + keys
        + values
    )


def used_messages() -> set[str]:
    """Every message that the page's sources say, and the words of figures and states."""
    found = set()
    for path in sorted(REPORT.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if name == "say" and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def main() -> None:
    """Writes a .mo beside every .po."""
    for path in sorted(REPORT.glob("locale/*/LC_MESSAGES/rixin.po")):
        messages = read_po(path.read_text(encoding="utf-8"))
        path.with_suffix(".mo").write_bytes(compile_mo(messages))
        print(f"{path.parent.parent.name}: {len(messages) - 1} messages")


if __name__ == "__main__":
    main()

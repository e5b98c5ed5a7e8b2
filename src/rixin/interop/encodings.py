"""Which encoding a text file has, and where it breaks the one it was said to have."""

import codecs
import re
from pathlib import Path
from typing import NamedTuple

from rixin.errors import CasesError, nearest_hint

BOM = codecs.BOM_UTF8
_CHUNK = 1 << 20
_WINDOW = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMON = ("utf-8", "utf-16", "cp1252", "cp1256", "cp1251", "gb18030", "big5", "shift_jis", "ascii")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


class BadByte(NamedTuple):
    """The first place where bytes are no text in an encoding."""

    offset: int
    line: int
    value: int


def python_encoding(name: str) -> str:
    """The codec to read with: UTF-8 with or without a byte order mark is one encoding.

    Raises:
        CasesError: There is no such encoding.

    Examples:
        >>> python_encoding("UTF8"), python_encoding("latin1")
        ('utf-8-sig', 'iso8859-1')
    """
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except LookupError:
        raise CasesError(f"unknown encoding {name!r}", hint=nearest_hint(name, _COMMON)) from None
    return "utf-8-sig" if codec == "utf-8" else codec


def is_utf8(name: str) -> bool:
    """Whether an encoding is UTF-8, by any of its names."""
    return python_encoding(name) == "utf-8-sig"


def first_bad_byte(path: Path, encoding: str) -> BadByte | None:
    """The first byte that is no text in the encoding; None where the whole file is text."""
    codec = python_encoding(encoding).removesuffix("-sig")
    decoder = codecs.getincrementaldecoder(codec)()
    position, line = 0, 1
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            held = len(decoder.getstate()[0])
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                # Before the bad byte all is well, so a plain decode of it counts the lines.
                line += error.object[: error.start].count(b"\n")
                return BadByte(position - held + error.start, line, error.object[error.start])
            if not chunk:
                return None
            position += len(chunk)


def detect_encoding(path: Path) -> str:
    """The encoding of a text file: by its mark, else UTF-8 where it holds, else by its bytes.

    Legacy encodings have no mark. Chinese double bytes come in even runs, Arabic and Cyrillic
    words in long runs, and Western accents stand alone between ASCII letters.
    """
    with path.open("rb") as file:
        head = file.read(_WINDOW)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return _wide_encoding(head)
    bad = first_bad_byte(path, "utf-8")
    return "utf-8" if bad is None else legacy_encoding(_around(path, bad.offset))


def legacy_encoding(sample: bytes) -> str:
    """The likeliest encoding of bytes that are not Unicode.

    Args:
        sample: Some bytes of the file, from the start of a line.

    Examples:
        >>> legacy_encoding("déjà vu, garçon".encode("cp1252"))
        'cp1252'
        >>> legacy_encoding("مرحبا بكم في المتجر".encode("cp1256"))
        'cp1256'
        >>> legacy_encoding("很快,好吃,味道足,量大".encode("gb18030"))
        'gb18030'
    """
    runs = _HIGH_RUN.findall(sample)
    even = sum(len(run) % 2 == 0 for run in runs)
    if even >= 0.95 * len(runs) and _decodes(sample, "gb18030"):
        return "gb18030"
    high = b"".join(runs)
    if len(high) < 2 * len(runs):
        return "cp1252"
    for codec, first, last in (("cp1256", "\u0600", "\u06ff"), ("cp1251", "\u0400", "\u04ff")):
        text = high.decode(codec, "replace")
        if sum(first <= char <= last for char in text) >= 0.8 * len(text):
            return codec
    return "cp1252"


def decode_error(path: Path, encoding: str) -> CasesError:
    """The error of a file that is not in the encoding it was said to be in."""
    bad = first_bad_byte(path, encoding)
    assert bad is not None
    found = detect_encoding(path)
    hint = "save the file as UTF-8"
    if python_encoding(found) != python_encoding(encoding):
        hint = (
            f"set `encoding: {found}` in the cases (rixin apply: --encoding {found}), or save the"
            " file as UTF-8"
        )
    return CasesError(
        f"{path}, line {bad.line}: byte 0x{bad.value:02X} at offset {bad.offset} is no {encoding}"
        " text",
        hint=hint,
    )


def _wide_encoding(head: bytes) -> str:
    # ASCII in UTF-16 has its zero bytes all on one side.
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 3 * even and odd > len(head) / 8:
        return "utf-16-le"
    if even > 3 * odd and even > len(head) / 8:
        return "utf-16-be"
    return "utf-8"


def _around(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        start = max(0, offset - _WINDOW // 2)
        file.seek(start)
        sample = file.read(_WINDOW)
    newline = sample.find(b"\n", 0, offset - start) if start else -1
    return sample[newline + 1 :]


def _decodes(sample: bytes, codec: str) -> bool:
    try:
        codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True

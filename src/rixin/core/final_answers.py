r"""Where a worked solution says its answer: `\boxed{…}`, `####`, "the answer is …", the last line."""

import re
from collections.abc import Iterator, Sequence

from rixin.core.denial import corrects, denies
from rixin.core.numbers import Number, han_number, numbers_in

_HASHES = re.compile(r"####([^\n]*)")
_TAG = re.compile(r"<answer>([^<]{0,400})</answer>", re.IGNORECASE)
_BOX = re.compile(r"\\f?box(?:ed)?\s*\{")
_LONGEST_BOX = 400
_LATEX = (
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf|operatorname)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\([$%#&_])"), r"\1"),
    (re.compile(r"\{,\}|\\!"), ","),
    (re.compile(r"(?<=\d)\\[,;:]\s?(?=\d{3})"), " "),
    (re.compile(r"\\[,;:\s()\[\]]|\$\$"), " "),
    (re.compile(r"\^\{?\\circ\}?|\\degree"), "°"),
)
_AREA = re.compile(
    r"\b(mm|cm|dm|km|m|ft|in|yd|mi|units?|inches|feet|met(?:er|re)s?)\s*\^\s*\{?[23]\}?"
)
"""A unit with its power, which is no number of its own."""
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_STATED = re.compile(
    r"(?:\banswer\b[^.\d\n]{0,40}?(?:\bis\b|\bare\b|\bequals\b|[=:：])"
    r"|(?:答案|答)\s*(?:应该|應該)?(?:是|为|為|[=:：])"
    r"|(?:الإجابة|الاجابة|الجواب|الناتج|النتيجة)[^.\d\n]{0,20}?(?:\bهي\b|\bهو\b|[=:：]))[\s=:：*]*(?P<part>[^\s=:：*].*)$",
    re.IGNORECASE,
)
_SUMMED = re.compile(
    r"^\W*(?:(?:so|therefore|thus|hence|in total|altogether|in all|finally|in conclusion|the total"
    r"|the result|result|total)\b|因此|所以|总共|總共|一共|共|最后|最後|综上|结果|總計|总计"
    r"|(?:إذن|إذا|لذلك|لذا|وبالتالي|بالتالي|المجموع|الناتج)\b)",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"[\s,，،;；(]*(?:\b(?:because|since)\b|因为|因為|由于|由於|لأن|بسبب)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?؟])\s+|(?<=[。！？])|\n+")
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_MONEY = r"[$€£¥₹₽﷼￥₩A-Z.\s]*"
_BRACKETS = re.compile(rf"{_MONEY}\(([^()]*\d[^()]*)\){_MONEY}")
_BESIDE = re.compile(r"[^\w]*(?:[A-Z]{2,3}\b)?[^\w]*")
_UNIT_WORDS = 4


def final_number(plain: str) -> Number | None:
    r"""The number that a text gives as its answer; see `rixin.core.numbers.parse_number`.

    Args:
        plain: From `plain_text`.
    """
    marked = list(_marked(plain))
    if marked:
        numbers = {_single(part) for part in marked}
        return numbers.pop() if len(numbers) == 1 else None
    text = _without_latex(plain)
    sentences = [part.strip() for part in _SENTENCE.split(text) if part.strip()]
    stated = [
        (n, found["part"]) for n, one in enumerate(sentences) if (found := _STATED.search(one))
    ]
    if stated:
        return _stated(sentences, stated)
    return _in_prose(text, sentences)


def _marked(plain: str) -> Iterator[str]:
    """What stands behind the marks by which worked solutions end; the last `####` counts."""
    hashes = list(_HASHES.finditer(plain))
    if hashes:
        last = hashes[-1]
        is_heading = plain[last.end() :].strip() and not re.search(r"\d", last[1])
        if not is_heading:
            yield last[1]
    yield from _TAG.findall(plain)
    for box in _BOX.finditer(plain):
        yield _inside(plain, box.end())


def _inside(text: str, start: int) -> str:
    """What stands between a brace and the one that closes it; all that is left where none does."""
    depth = 1
    for place in range(start, min(len(text), start + _LONGEST_BOX)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return f"{text[start : start + _LONGEST_BOX]}\\unclosed"


def _without_latex(text: str) -> str:
    if "\\" not in text and "{,}" not in text:
        return text
    for pattern, instead in _LATEX:
        text = pattern.sub(instead, text)
    return text


def _stated(sentences: Sequence[str], stated: Sequence[tuple[int, str]]) -> Number | None:
    """What "the answer is" says: the same each time, and not taken back afterwards."""
    last, _ = stated[-1]
    found = [_of_statement(sentences[n], part) for n, part in stated]
    if found[-1] is None or len(set(found) - {None}) != 1:
        return None
    return None if corrects("\n".join(sentences[last + 1 :]).lower()) else found[-1]


def _of_statement(sentence: str, part: str) -> Number | None:
    if sentence.endswith("?") or denies(sentence.lower()):
        return None
    said = _before_reason(part)
    return _single(said) or _after_equals(said)


def _before_reason(part: str) -> str:
    reason = _REASON.search(part, 1)  # not one that the part begins with
    return part if reason is None else part[: reason.start()]


def _in_prose(text: str, sentences: Sequence[str]) -> Number | None:
    written = list(numbers_in(_unmarked(text)))
    if not written:
        return han_number(text)
    if len({one.number for one in written}) == 1:
        return _single(text) if len(sentences) == 1 else _same_in_all(sentences)
    last = sentences[-1]
    line = text.strip().rpartition("\n")[2]
    if corrects(last.lower()):
        return None
    bold = _BOLD.findall(line)
    return (
        _alone(line)
        or (_alone(bold[0]) if len(bold) == 1 else None)
        or _after_equals(_before_reason(last))
        or (_single(last) if _SUMMED.match(last) else None)
    )


def _same_in_all(sentences: Sequence[str]) -> Number | None:
    found = {_single(one) for one in sentences if any(numbers_in(_unmarked(one)))}
    return found.pop() if len(found) == 1 else None


def _single(part: str) -> Number | None:
    """The only number of a part of a text; None where there are others, or it is denied."""
    part = _AREA.sub(r"\1", _unmarked(_without_latex(part))).strip()
    if _COMMAND.search(part) or part.endswith("?") or denies(part.lower()):
        return None
    written = list(numbers_in(part))
    if not written:
        return han_number(part)
    (first, *others) = {one.number for one in written}
    if first is None or others:
        return None
    if (inner := _BRACKETS.fullmatch(part)) is not None and not inner[1].lstrip().startswith("-"):
        return Number(-first.value, first.percent)
    return first


def _alone(line: str) -> Number | None:
    """The number of a line that holds nothing else, a currency and a unit aside."""
    line = _unmarked(line).strip()
    written = list(numbers_in(line))
    if len(written) != 1 or _BESIDE.fullmatch(line[: written[0].start]) is None:
        return None
    return _single(line) if len(line[written[0].end :].split()) <= _UNIT_WORDS else None


def _after_equals(part: str) -> Number | None:
    """What stands behind the last `=` of a calculation that ends with it."""
    before, equals, after = part.rpartition("=")
    if not equals or re.search(r"[<>≤≥≠!]$", before):
        return None
    left = re.split(r"[,;，；=]\s", before)[-1]
    return _single(after) if re.search(r"\d", left) else None


def _unmarked(text: str) -> str:
    return text.replace("**", "").replace("`", "")

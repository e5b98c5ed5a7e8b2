"""Finds the label that a text says: in the place of the answer, or as the only one it names.

What is read must be what a person reads. A label is read from a sentence only where the sentence
does not deny it, doubt it, or weigh it against another one; where this is not sure, none is read.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from rixin.core.denial import corrects, denies, doubts
from rixin.core.labels import LabelSet, joined_label, plain_label, spaced_label
from rixin.core.text import WORD_PATTERN

_UNIT = re.compile(rf"(?:(?!_)(?:{WORD_PATTERN}))|\S")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_ENDS_IN_HAN, _BEGINS_IN_HAN = re.compile(f"[{_HAN}]$"), re.compile(f"^[{_HAN}]")
_AFTER_HAN = re.compile(f"[^{_HAN}]|[的类類吧呢啊哦啦]")
"""What may follow a Han label: with another sign it may be a part of a longer word."""
_BEFORE_SINGLE_HAN = re.compile(f"[^{_HAN}]|[是为為属屬选選]")
_BEFORE = frozenset(" \t\"'`([{<*#>:=|,;!?.…،؛؟，。；：！？、（「『【《“”‘’«»„/")
_AFTER = frozenset(" \t\"'`)]}<>*.,;:!?…،؛؟，。；：！？、）」』】》”’»/|")
_QUOTES = "\"'`*_ \t“”‘’«»「」『』【】《》"
_SENTENCE_END = re.compile(r"[.!?؟…]+(?=[\s\"'”’)]|$)|[。！？；;؛]")
_LEAD = re.compile(
    r"[\s\"'`*_#>\-(\[（【]*"
    r"(?:(?:so|therefore|thus|hence|my|the|your|final|best|correct|right|predicted|assigned|most"
    r"|likely|overall|suggested|i say|因此|所以|最终|最後|最后|正确|我的|该)[\s,，:]*)*"
    r"(?:output|labels?|answer|category|class|classification|result|prediction|verdict|decision"
    r"|conclusion|sentiment|intent|topic|response|choice|option|标签|標籤|答案|类别|類別|分类|分類|结果|結果|结论"
    r"|結論|判断|输出|情感|选项|选择|الإجابة|الاجابة|الجواب|التصنيف|الفئة|النتيجة|التسمية|الوسم|الخيار)"
    r"(?:\s+(?:label|answer|category|class|النهائية|الصحيحة|النهائي|الصحيح))?"
    r"(?:\s*(?:\bis\b|[:：=]|->|→|是|为|為|\bهي\b|\bهو\b))+"
)
_FILLER = re.compile(
    r"(?:[\s\"'`*_(\[（【“‘«「『《:：]|\b(?:a|an|the|clearly|therefore|probably|most likely)\b)*"
)
_CONCLUDES = re.compile(
    r"(?:\bit is|\bit's|\bthis is|\bthat is|\bclassif\w+ as|\bclassif\w+ (?:it|this) as|\blabel\w* as"
    r"|\bshould be|\bmust be|\banswer is|\blabel is|\bso|\btherefore|\bthus|\bhence|\bchoose|\bpick"
    r"|而是|应该是|應該是|属于|屬於|所以是?|因此是?|就是|(?<!不)是|\bبل|\bإنها|\bإنه|\bهي|\bهو)"
    r"[\s\"'`*:：]*(?:(?:a|an|the|most likely|probably|clearly)\s+)*$"
)
_CLAUSE_END = re.compile(r"[,;:.!?，；：。！？،؛؟]")
_RATES = re.compile(r"(?:confidence|score|certainty|probability)\b|置信度|信心")
_TAKES_BACK = re.compile(r"(?:\bnot|n['’]t|不是|\bليس)[\s.!。！]*$")
_EXPLAINS = re.compile(
    r"(?:because|since|as|explanation|reason(?:ing)?|rationale|due"
    r"|justification|note|因为|因為|由于|由於|理由|原因|解释|解釋|说明|置信度|لأن|بسبب|السبب|التفسير|الشرح|التعليل)\b"
    r"|(?:因为|因為|由于|由於|理由|原因|解释|解釋|说明|置信度)"
)
_PLAIN_BEFORE = re.compile(
    r"(?:^|[\"'`*(\[:：=,，.。]|\b(?:is|are|be|as|a|an|the|it's|label|answer|and|say|choose|pick)"
    rf"|[是为為属屬于於选選类類别別该該此]|\b(?:هي|هو|إنها|إنه)|[^\w\s{_HAN}])\s*$"
)
_BY_PLACE_ONLY = frozenset(
    [
        "no",
        "not",
        "none",
        "nothing",
        "never",
        "yes",
        "other",
        "others",
        "true",
        "false",
        "right",
        "wrong",
        "good",
        "bad",
        "one",
        "all",
        "any",
        "an",
        "is",
        "it",
        "in",
        "on",
        "or",
        "and",
        "so",
        "否",
        "不",
        "不是",
        "是",
        "无",
        "没有",
        "لا",
        "نعم",
    ]
)
_RATED = re.compile(r"[^.!?。！？]{0,30}?[:=：（(][\s\"'`*]*[\d.]|[\s\"'`*]*\d")
_RATED_BEFORE = re.compile(r"\d\s*%?\s*(?:of\s+)?$")
"""A share behind a label: one of several, even where the others are not named."""
_MOST_MENTIONS = 200
"""Of labels in one text: nobody can tell which of so many is meant."""
_WINDOW = 48
"""Characters before a mention in which a word denies it, not another part of the sentence."""


class Mention(NamedTuple):
    """A label that stands somewhere in the text, whatever is said about it there."""

    label: str
    line: int
    start: int
    end: int
    sentence: tuple[int, int]
    """Where its sentence begins and ends in the line."""
    whole: bool
    """It is a word of its own, not a part of one."""


class Prose:
    """A text as lines in one case and form, with the labels that stand in it.

    Args:
        text: What was written, without marks of emphasis.
        known: The labels.
    """

    def __init__(self, text: str, known: LabelSet) -> None:
        self.known = known
        self.lines = [plain_label(line) for line in text.splitlines() if line.strip()]
        everything = (
            mention for n, line in enumerate(self.lines) for mention in _mentions(line, n, known)
        )
        self.mentions = list(islice(everything, _MOST_MENTIONS + 1))

    def label(self) -> str | None:
        """The label that the text says; None: none, or it is not sure which."""
        if len(self.mentions) > _MOST_MENTIONS:
            return None
        places = [mention for mention in self.mentions if self._is_answer(mention)]
        if places:
            first = places[0]
            return None if self._is_contradicted(first) else first.label
        return self._only_one()

    def _is_answer(self, mention: Mention) -> bool:
        """Whether a label stands where an answer stands: first, after `Label:`, or alone."""
        if not mention.whole:
            return False
        line = self.lines[mention.line]
        if self._is_alone(mention):
            return self._may_stand_alone(mention.line)
        led = _after_lead(line, mention)
        first = mention.line == 0 and not line[: mention.start].strip(_QUOTES + "-([（#>")
        return (led or first) and self._ends_there(mention, led=led)

    def _is_alone(self, mention: Mention) -> bool:
        line = self.lines[mention.line]
        before, after = line[: mention.start], line[mention.end :]
        return not before.strip(_QUOTES + "-([（#>•") and not after.strip(
            _QUOTES + ".。!！,，;；)]）"
        )

    def _may_stand_alone(self, number: int) -> bool:
        """A first line that is a label answers; a last one where it does not end a list."""
        if number == 0:
            return True
        return number == len(self.lines) - 1 and self.lines[number - 1][-1] in '.!。！:：؟…"”'

    def _ends_there(self, mention: Mention, *, led: bool) -> bool:
        """Whether the answer is over after the label, so that what follows is about it."""
        line = self.lines[mention.line]
        tail = line[mention.end :]
        rest = tail.lstrip(_QUOTES + ")]）}>")
        if not rest or (
            _SENTENCE_END.match(rest) and rest[0] not in "?？؟…" and not rest.startswith("..")
        ):
            return True
        if (led and _RATES.match(rest)) or (_EXPLAINS.match(rest) and (led or tail[:1].isspace())):
            return True
        if rest[0] in ",，،、;；؛(（[|<" or (rest[0] == "-" and tail[:1].isspace()):
            taken_back = _TAKES_BACK.search(line[mention.end : mention.sentence[1]])
            stays = taken_back is None or denies(plain_label(mention.label))
            return stays and all(self._is_denied(one) for one in self._others_after(mention))
        return len(mention.label) == 1 and tail[:1] == ")"

    def _others_after(self, mention: Mention) -> Iterator[Mention]:
        for other in self.mentions:
            here = other.line == mention.line and other.start > mention.start
            if here and other.sentence == mention.sentence and other.label != mention.label:
                yield other

    def _is_contradicted(self, first: Mention) -> bool:
        """Whether something else in the text says another label, or takes this one back."""
        return any(self._speaks_against(other, first) for other in self.mentions)

    def _speaks_against(self, other: Mention, first: Mention) -> bool:
        if other.label == first.label:
            after = (other.line, other.start) > (first.line, first.start)
            return after and self._is_denied(other)
        if not other.whole or self._is_denied(other):
            return False
        line = self.lines[other.line]
        before, after_it = line[: other.start], line[other.end :].lstrip(_QUOTES)
        return (
            self._is_alone(other)
            or _after_lead(line, other)
            or _CONCLUDES.search(before[-_WINDOW:]) is not None
            or (after_it[:1] in {":", "："} and not before.strip(_QUOTES + "-#"))
            or self._is_corrected(first, other)
        )

    def _is_corrected(self, first: Mention, other: Mention) -> bool:
        if (other.line, other.start) < (first.line, first.start):
            return False
        lines = self.lines[first.line : other.line + 1]
        lines[-1] = lines[-1][: other.start]
        lines[0] = lines[0][first.end :]
        return corrects("\n".join(lines))

    def _is_denied(self, mention: Mention) -> bool:
        line = self.lines[mention.line]
        begin = max(
            mention.sentence[0],
            mention.start - _WINDOW,
            *(
                one.end
                for one in self.mentions
                if one.line == mention.line and one.end <= mention.start
            ),
            0,
        )
        return denies(_CLAUSE_END.split(line[begin : mention.start])[-1])

    def _only_one(self) -> str | None:
        """The one label of a text that names no other, where no sentence denies or doubts it."""
        if len({mention.label for mention in self.mentions}) != 1:
            return None
        label = self.mentions[0].label
        plain = plain_label(label)
        if (len(plain) == 1 and plain.isascii() and not plain.isdigit()) or plain in _BY_PLACE_ONLY:
            return None
        sure = all(mention.whole and self._is_said(mention) for mention in self.mentions)
        return label if sure else None

    def _is_said(self, mention: Mention) -> bool:
        line, (begin, end) = self.lines[mention.line], mention.sentence
        before = line[begin : mention.start]
        if _RATED.match(line, mention.end) or _RATED_BEFORE.search(before):
            return False
        if doubts(f"{before} \0 {line[mention.end : end]}"):
            return False
        if not _is_part_of_another(mention.label, self.known):
            return True
        return _PLAIN_BEFORE.search(before) is not None


def _after_lead(line: str, mention: Mention) -> bool:
    """Whether the label follows on `Label:` or the like at the start of a sentence."""
    lead = _LEAD.match(line, mention.sentence[0])
    if lead is None or lead.end() > mention.start:
        return False
    filler = _FILLER.match(line, lead.end())
    return filler is not None and filler.end() == mention.start


def _mentions(line: str, number: int, known: LabelSet) -> Iterator[Mention]:
    prefixes = _prefixes(known)
    units = [found.span() for found in _UNIT.finditer(line)]
    sentences = _sentences(line)
    place = turn = 0
    while place < len(units):
        start = units[place][0]
        found, after = _longest(line, units, place, known, prefixes)
        if found is None:
            place += 1
            continue
        end = units[after - 1][1]
        while sentences[turn][1] <= start:
            turn += 1
        whole = _is_whole(line, start, end)
        yield Mention(found, number, start, end, sentences[turn], whole)
        place = after


def _longest(
    line: str,
    units: Sequence[tuple[int, int]],
    place: int,
    known: LabelSet,
    prefixes: frozenset[str],
) -> tuple[str | None, int]:
    """The longest label that begins at a unit, and the unit after it."""
    start, found, after, fitted = units[place][0], None, place, True
    for at in range(place, len(units)):
        end = units[at][1]
        span = line[start:end]
        key = known.fold(span)
        fits = key in prefixes
        if not fits and (span[-1] not in "-_" or not fitted):
            break
        fitted = fits  # one hyphen may stand between two words
        label = known.find(span)
        if label is not None and _is_spelt_so(span, label, known):
            found, after = label, at + 1
    return found, after


def _is_spelt_so(span: str, label: str, known: LabelSet) -> bool:
    """Whether blanks in a sentence stand where the label has a border: `a live` is not `alive`."""
    if known.fold is not joined_label or " " not in span or re.search(f"[{_HAN}]", label):
        return True
    return spaced_label(span) == spaced_label(label)


@lru_cache(maxsize=64)
def _prefixes(known: LabelSet) -> frozenset[str]:
    """All beginnings of the labels as they are compared."""
    keys = {known.fold(label) for label in known.labels}
    return frozenset(key[:size] for key in keys for size in range(1, len(key) + 1))


@lru_cache(maxsize=1_024)
def _is_part_of_another(label: str, known: LabelSet) -> bool:
    own = plain_label(label)
    return any(own != (other := plain_label(one)) and own in other for one in known.labels)


def _is_whole(line: str, start: int, end: int) -> bool:
    """Whether what stands there is a word or number of its own."""
    before, after, span = line[:start][-2:], line[end : end + 2], line[start:end]
    if span[0].isdigit() and before and not _may_precede_digit(before):
        return False
    if span[-1].isdigit() and after and not _may_follow_digit(after):
        return False
    return _is_open_before(before[-1:], span) and _is_open_after(after, span)


def _may_precede_digit(before: str) -> bool:
    sign = before[-1]
    return sign not in "+-/.,$€£%" and not (sign == ":" and before[0].isdigit())


def _may_follow_digit(after: str) -> bool:
    return after[0] not in "%/" and not (after[0] in ".,:" and after[1:].isdigit())


def _is_open_before(before: str, span: str) -> bool:
    if not before or before in _BEFORE:
        return True
    if _BEGINS_IN_HAN.match(span):
        return len(span) > 1 or _BEFORE_SINGLE_HAN.match(before) is not None
    return not span[0].isalnum() or re.match(f"[{_HAN}]", before) is not None


def _is_open_after(after: str, span: str) -> bool:
    if not after:
        return True
    if _ENDS_IN_HAN.search(span):
        return _AFTER_HAN.match(after) is not None
    if after[0] in {"'", "’"} and after[1:].isalpha():
        return False
    return after[0] in _AFTER or re.match(f"[{_HAN}]", after) is not None


def _sentences(line: str) -> list[tuple[int, int]]:
    ends = [found.end() for found in _SENTENCE_END.finditer(line)]
    if not ends or ends[-1] < len(line):
        ends.append(len(line) + 1)
    else:
        ends[-1] = len(line) + 1
    return list(zip([0, *ends[:-1]], ends, strict=True))

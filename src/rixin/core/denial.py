"""Words by which a sentence denies or doubts what it names, in English, Chinese and Arabic.

A reader of answers must never take `it is not spam` for `spam`. These lists rather hold a word too
many: where a sentence may deny what it names, no answer is read from it.
"""

import re

_ENGLISH = (
    r"\b(?:not|no|non|un|anti|never|neither|nor|none|cannot|without|nothing|nobody|isnt|arent|wasnt"
    r"|doesnt|dont|didnt|wont|cant|lacks?|lacking|absent|absence)\b(?!\.\s?\d)|n['’]t\b"
)
_CHINESE = "(?:不|没|沒|無|无|非|未|勿|莫|否|反|防|抗|伪|并不)"
_ARABIC = (
    r"\b[وف]?(?:ليس|ليست|ليسا|ليسوا|لست|لسنا|لا|لم|لن|غير|بلا|بدون|دون|عدم|كلا|أبدا|ابدا|ما)\b"
)
_HARMLESS = re.compile("非常|不仅|不但|无疑|无论|未来|反正|反映|反馈|否则|no doubt|not only")
_DENIALS = re.compile(f"{_ENGLISH}|{_CHINESE}|{_ARABIC}")
_DOUBTS = re.compile(
    r"\b(?:if|unless|would|(?:anything|everything|nothing|all|less|least) but|less|rather than|instead of|unlikely|hardly|barely|scarcely|except|exclud\w*"
    r"|rul\w+ out|far from|opposite|contrary|mistaken\w*|wrong\w*|incorrect\w*|false\w*|free of"
    r"|free from|fail\w* to|doubt\w*|whether|either|versus|vs|as opposed to|den(?:y|ies|ied)|refute\w*"
    r"|words?|terms?|phrases?|misclassif\w*|confus\w*|similar to|looks? like|resembl\w*|between)\b"
    r"|如果|若|假如|除非|难以|難以|排除|怀疑|懷疑|是否|吗|嗎|还是|還是|或|似乎|好像|除了|除外|少一些|少些|难说|難說|很难|很難|相反|反面|误判|錯|错"
    r"|\b[وف]?(?:لو|إذا|اذا|هل|بدلا من|مستبعد|يستبعد|ربما|قد|أم|أو|باستثناء|خلاف|عكس|إلا|الا|سوى|أقل|بعيد عن|خطأ|ما عدا|ضد)\b|[?？؟]"
)
_CORRECTIONS = re.compile(
    r"\bno[,;.!]|\b(?:nope|wait|actually|correction|sorry|on second thought|scratch that|i was wrong|mistake|oops"
    r"|however|instead|rather|let me re\w*)\b|更正|不对|不對|抱歉|其实|其實|而是|等等|但是|然而|重新"
    r"|\b[وف]?(?:تصحيح|عذرا|بل|في الواقع|لكن|انتظر|خطأ)\b"
)


def denies(text: str) -> bool:
    """Whether a text in lower case holds a word that denies.

    Examples:
        >>> denies("it is not spam"), denies("这不是垃圾邮件"), denies("very good")
        (True, True, False)
    """
    return _DENIALS.search(_HARMLESS.sub(" ", text)) is not None


def doubts(text: str) -> bool:
    """Whether a text in lower case denies, asks, supposes or weighs.

    Examples:
        >>> doubts("is it spam?"), doubts("it would be spam with a link"), doubts("it is spam")
        (True, True, False)
    """
    return denies(text) or _DOUBTS.search(text) is not None


def corrects(text: str) -> bool:
    """Whether a text in lower case takes back what was said before it.

    Examples:
        >>> corrects("wait, that is wrong"), corrects("it has no link")
        (True, False)
    """
    return _CORRECTIONS.search(text) is not None


def denial_count(text: str) -> int:
    """How many words of a text in lower case deny.

    Examples:
        >>> denial_count("it isn't, and never was"), denial_count("it is")
        (2, 0)
    """
    return len(_DENIALS.findall(_HARMLESS.sub(" ", text)))

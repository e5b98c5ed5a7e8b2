"""What the name of a column says of it, in English, Arabic and Chinese."""

import re
import unicodedata
from typing import Literal

Role = Literal["input", "expected", "id", "stratum", "other"]

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SPLIT = re.compile(r"[\W_]+")
_NAMES: dict[Role, str] = {
    "input": """input inputs question questions prompt text message messages sentence body content
        utterance query comment review tweet email mail description document article headline story
        ticket request transcript passage problem instruction sms snippet feedback complaint
        نص النص سؤال السؤال رسالة الرسالة تعليق التعليق تغريدة التغريدة جملة الجملة محتوى المحتوى
        مدخل المدخل الشكوى وصف الوصف
        输入 文本 问题 内容 消息 评论 句子 正文 留言 描述 提问 短信 评价 工单 文字""",
    "expected": """expected answer answers label labels gold target category queue class intent topic
        sentiment tag truth output outcome reference response completion solution polarity department
        team desk y
        تصنيف التصنيف فئة الفئة إجابة الإجابة جواب الجواب مشاعر المشاعر وسم الوسم قسم القسم
        تسمية التسمية نية النية المتوقع
        标签 答案 类别 分类 意图 情感 队列 结果 输出 部门 期望 期望输出 类型 主题""",
    "id": """id ids uid uuid guid key index idx no number nr
        معرف المعرف رقم الرقم 编号 序号 标识 单号""",
    "stratum": """stratum strata channel segment source region country language lang dialect product
        market site القناة قناة المنطقة منطقة اللهجة لهجة المصدر 渠道 来源 地区 语言 产品 分组""",
    "other": """split fold partition set subset meta metadata task date time timestamp created updated
        weight score length len unnamed confidence prediction predicted
        التاريخ تاريخ الوزن 日期 时间 权重 长度 备注""",
}
_ROLES: dict[str, Role] = {
    unicodedata.normalize("NFKC", word): role
    for role, words in _NAMES.items()
    for word in words.split()
}


def role_of(name: str) -> tuple[Role | None, float]:
    """What a column name says the column is, and how clearly.

    A whole name counts 1, the last word of a name 0.7: the last word is what the thing is, so
    `message_id` is an id and `customer message` a message.

    Args:
        name: The column's name.

    Returns:
        The role, or None where the name says nothing; and a clearness in [0, 1].

    Examples:
        >>> role_of("Question"), role_of("message_id"), role_of("标签"), role_of("foo")
        (('input', 1.0), ('id', 0.7), ('expected', 1.0), (None, 0.0))
    """
    words = [word for word in _SPLIT.split(_plain(name)) if word]
    if "".join(words) in _ROLES:
        return _ROLES["".join(words)], 1.0
    for word, clearness in [(words[-1], 0.7), (words[0], 0.5)] if words else []:
        if word in _ROLES:
            return _ROLES[word], clearness
    for word, role in _ROLES.items():
        # Chinese names have no spaces between their words.
        if not word.isascii() and len(word) > 1 and "".join(words).endswith(word):
            return role, 0.7
    return None, 0.0


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", _CAMEL.sub(" ", name)).casefold()

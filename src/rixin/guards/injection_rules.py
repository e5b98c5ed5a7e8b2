"""Rules for texts that want to take over the model, in English, Chinese and Arabic.

They read folded texts (`rixin.guards.folding.Folded`): small letters, plain signs, Arabic without
vowel signs and with one letter for the forms of alef, ya and ta marbuta.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of speaking to the model instead of to its user."""

    kind: str
    signs: tuple[str, ...]
    """A text without any of these does not meet the rule."""
    pattern: re.Pattern[str]
    reason: str
    tool_only: bool = False
    """Harmless from a person, suspicious in what a tool gave back."""


def _rule(kind: str, signs: str, pattern: str, reason: str, *, tool_only: bool = False) -> Rule:
    whole = re.compile(pattern, re.MULTILINE)
    return Rule(f"injection_{kind}", tuple(signs.split("|")), whole, reason, tool_only)


_OVERRIDE = "tells the model to set its instructions aside"
_ROLE = "gives the model a role without rules"
_EXTRACT = "asks for the instructions of the model"
_FRAME = "imitates the frame of a conversation"
_TOOL = "speaks to the model from inside of a content"
_LEAK = "tells the model to send data away"
_G = r"[^.!?\n]"
_Z = r"[^.!?\n我]"
_RULES_EN = (
    r"(?:instructions?|prompts?|rules?|directives?|guidelines?|constraints?|restrictions?|programming"
    r"|polic(?:y|ies)|commands?|protocols?|training|safeguards?)"
)

RULES: tuple[Rule, ...] = (
    _rule(
        "direct",
        "ignor|disregard|forget|overrid|bypass|neglect|discard|follow|obey|supersede",
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass(?:ing)?|neglect|discard"
        r"|(?:do not|don'?t|never|stop|no longer) (?:follow(?:ing)?|obey(?:ing)?)|supersedes?)\b"
        rf"{_G}{{0,24}}?\b(?:all|any|your|previous|prior|above|preceding|earlier|these|those|system|initial"
        rf"|original|safety|content|developer'?s?|every)\b{_G}{{0,30}}?\b{_RULES_EN}\b",
        _OVERRIDE,
    ),
    _rule(
        "direct",
        "ignor|disregard|forget",
        r"\b(?:ignore|disregard|forget) (?:everything|all|anything|whatever)(?: of)?(?: (?:that|the))?"
        r" (?:above|before|previous|prior|you (?:were|have been) told|you know|i said|said|was said|your)"
        r"|\b(?:ignore|disregard) (?:the|all|everything) above\b|\bignore the user\b",
        _OVERRIDE,
    ),
    _rule(
        "direct",
        "new instruction|new directive|rules have changed|disabled|lifted|your real task|your new task",
        r"\bnew (?:system )?(?:instructions?|directives?)(?: (?:is|are) to\b|\s*:)"
        r"|\byour (?:new|real|true|actual) (?:task|directive|instruction|goal)s? (?:is|are|supersedes?)\b"
        r"|\b(?:your|the) rules have changed\b"
        r"|\b(?:safety|security|content)(?: \w+)? ?(?:protocols?|filters?|guidelines|polic(?:y|ies)|rules)?"
        r" (?:are |is |have been |has been )?(?:now )?(?:disabled|lifted|switched off|suspended)\b",
        _OVERRIDE,
    ),
    _rule(
        "role",
        "restriction|filter|limit|rules|guideline|policy|censor|moral|ethic|unrestricted|uncensored",
        r"\b(?:you (?:are|have|will|can|must)|you'?re|pretend|act as|respond|answer|behave|imagine|simulate)"
        rf"\b{_G}{{0,80}}?(?:\b(?:no|without|free (?:of|from)|not bound by|ignor\w+) (?:any |all |its |your )?"
        r"(?:\w+ (?:or |and )?){0,3}?(?:restrictions?|filters?|limits|limitations|rules|guidelines|polic(?:y|ies)"
        r"|censorship|morals?|ethics|ethical)\b|\b(?:unrestricted|uncensored|unfiltered|amoral)\b)",
        _ROLE,
    ),
    _rule(
        "role",
        "dan|anything now|mode|jailb",
        r"\b(?:do anything now|you are (?:now )?(?:going to (?:be|act as) )?(?:\"|')?dan\b|stay in character as dan"
        r"|(?:developer|god|jailbr(?:eak|oken)|dan|unrestricted|debugging|sudo) mode"
        r"(?: (?:is )?(?:now )?(?:enabled\b|activated\b|on[.!,;])|,? you\b)"
        r"|you are (?:now )?in (?:developer|god|jailbreak|dan|unrestricted|debug) mode"
        r"|enable (?:developer|god|jailbreak|dan) mode\. )",
        _ROLE,
    ),
    _rule(
        "extraction",
        "prompt|instruction|system message|context window|words above|above this|configuration",
        r"\b(?:reveal|show|print|repeat|output|tell|give|display|leak|dump|expose|share|write|list|copy|translate"
        rf"|what (?:is|are|was|were|does))\b{_G}{{0,50}}?(?:(?<!\ba )\bsystem (?:prompt|message|instructions?)\b"
        r"|\b(?:initial|hidden|original|secret|internal|operating) (?:system )?(?:instructions?|prompts?|configuration)\b"
        r"|\byour (?:\w+ )?(?:instructions|prompt|directives|system prompt)\b|\binstructions? (?:that )?you (?:were|have been)"
        r"|\b(?:words|text|everything|prompt|instructions) above\b|\babove this conversation\b|\bcontext window\b)",
        _EXTRACT,
    ),
    _rule(
        "frame",
        "<|im_|[inst|<<sys|[system|system:|end of |### |assistant:|system note|override:",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>|\[/?inst\]|<</?sys>>"
        r"|^\W{0,6}(?:system|assistant)\W{0,2}: ?[^\n]{0,60}\b(?:you|must|ignore|grant|reveal|sure|user is|user has)\b"
        r"|\[system\]|\bend of (?:user )?(?:input|document|prompt|instructions|context)\b\W{0,8}$"
        r"|^override: ",
        _FRAME,
    ),
    _rule(
        "leak",
        "send|email|forward|upload|post|leak|exfiltrat|dump|output|delete",
        r"\b(?:send|e-?mail|forward|upload|post|leak|exfiltrate|dump|output|list)\b"
        rf"{_G}{{0,40}}?\b(?:(?:full|entire|raw|complete|all(?: the)?) (?:customer|user|order|client|internal)s?'?"
        r"(?: \w+)? (?:list|data(?:base)?|e-?mails|records|configuration)"
        r"|(?:the|all|any) (?:api keys?|credentials|environment variables|passwords)|environment variables)\b"
        r"|\b(?:send|e-?mail|forward) (?:it|them|everything|all \w+ data|this \w+) to [\w.+-]+@",
        _LEAK,
    ),
    _rule(
        "encoded",
        "base64|rot13|decode|hex|encoded",
        r"\b(?:decode|translate|read)\b[^.!?\n]{0,60}\b(?:base64|rot13|hex|binary|string)?\b[^!?\n]{0,60}"
        r"\b(?:do (?:exactly )?what it says|follow the instructions?|execute it|obey it|and comply)\b"
        r"|\bdecode it and do\b",
        "tells the model to obey an encoded text",
    ),
    _rule(
        "tool",
        "assistant|bot|model| ai|agent|llm|note|hook|before|when you|reply|summary|response|call |use ",
        r"\b(?:note|message|instructions?|attention|memo)s? (?:to|for) (?:the |any |all )?(?:ai|assistant|bot|model|llm|agent)s?\b"
        r"|\b(?:ai|assistant|bot|llm|model|agent)s? (?:reading|processing|that reads?|seeing) (?:this|it)\b"
        r"|\b(?:system|integration|processing|admin|developer) ?(?:note|hook|message|notice|instruction)\s*:"
        r"|\bwhen(?:ever)? you (?:read|process|summari[sz]e|see|parse) (?:this|it)\b"
        r"|\bbefore (?:you (?:answer|reply|respond)|answering|replying|responding)\b"
        rf"|\b(?:include|append|add|insert|put)\b{_G}{{0,80}}\b(?:your|every|each) (?:reply|summary|response|answer)\b"
        rf"|\b(?:call|use|invoke|run|execute) [a-z]+_[a-z_]+\b{_G}{{0,20}}\b(?:to|on|with|for|before)\b"
        r"|\byou must (?:now )?(?:include|call|send|append|reply|output)\b",
        _TOOL,
        tool_only=True,
    ),
    _rule(
        "direct",
        "忽略|忽视|忽視|无视|無視|忘|不要|别|不必|不用|抛开|绕过|推翻|覆盖|取消|停止|作废|当作没|失效|无效|废除|不顾|违反",
        r"(?:忽略|忽视|忽視|无视|無視|(?<!我)(?:忘记|忘掉|忘了|忘記)|不要(?:再)?(?:遵守|理会|遵循|听从)|别(?:再)?(?:遵守|管)|不必遵守"
        rf"|不用管|抛开|绕过|推翻|覆盖|取消|停止(?:执行|遵守)){_Z}{{0,12}}?(?:之前|以前|先前|上面|上述|以上|前面|此前|所有|全部|一切"
        rf"|你|系统|系統|原来|原有|原先|任何|安全|开发者|平台){_Z}{{0,10}}?(?:指令|指示|提示|规则|規則|规定|设定|設定|命令|限制|约束"
        r"|約束|准则|政策|策略|任务|prompt)"
        r"|(?:忽略|无视|忘记|忘掉)(?:以上|上面|之前|前面)?的?(?:所有|全部|一切)(?:内容|对话|信息|的话)"
        r"|(?:旧|原有|之前的?|以前的?|所有)(?:规则|指令|限制|提示)[^.!?\n我]{0,6}(?:失效|作废|取消|无效|解除|废除)"
        r"|(?:把|将)(?:前面|之前|上面)的(?:提示|指令|规则)当作?(?:没|不)"
        r"|(?:无视|忽视|不顾|违反)(?:公司|平台|你)的?[^.!?\n]{0,6}(?:保密|安全|政策|规定|要求)",
        _OVERRIDE,
    ),
    _rule(
        "role",
        "你|扮演|假装|模式|没有|沒有|不受|越狱",
        r"(?:你现在|现在你|从现在|你是|你將|你将|你現在|扮演|假装|假設|假设|想象)[^.!?\n]{0,30}(?:没有|沒有|不受|无需|无|摆脱|不再受|解除)"
        r"[^.!?\n]{0,8}(?:限制|约束|約束|审查|過濾|过滤|道德|规则|规定|准则|底线)"
        r"|(?:你|请)(?:现在|已经?)?(?:进入|处于|切换到|启用|开启|激活|启动)了?[^.!?\n]{0,6}(?:开发者|越狱|上帝|调试|dan|无限制|管理员)模式"
        r"|(?:越狱|无限制|dan) ?模式(?:已)?(?:启动|开启|激活)|(?:你叫|你是|扮演) ?dan(?![a-z])|解除你的(?:所有)?限制"
        r"|你不再是[^.!?\n]{1,20}你(?:现在)?是|(?:必须|要)无条件(?:服从|听从)我",
        _ROLE,
    ),
    _rule(
        "extraction",
        "系统|系統|提示|指令|指示|上方|上面|设定|规则|收到的|system|prompt",
        r"(?:告诉|说出|输出|显示|顯示|打印|重复|复述|泄露|透露|展示|给我|公开|列出|翻译|发给|发出|写出|原样)[^.!?\n]{0,16}?"
        r"(?:系统(?:提示|消息|指令|设定)|系統(?:提示|訊息|指令)|初始(?:指令|提示|设定)|原始(?:指令|提示)|隐藏的?(?:指令|提示|规则)"
        r"|内部的?(?:指令|规则|提示|设定)|你的?(?:指令|设定|提示词?|prompt)|system ?prompt|(?:上方|上面)的?(?:全部|所有)?(?:文字|的话|指令|提示)"
        r"|收到的?(?:指令|指示|设定))|(?:你的?|的)(?:系统提示词?|初始指令|system ?prompt)[^.!?\n]{0,4}(?:什么|内容|全文|发)"
        r"|(?:把|将)(?:你的?)?(?:系统|隐藏的?|初始|内部的?|最初|最开始)?[^.!?\n]{0,6}(?:提示词?|指令|设定|收到的)[^.!?\n]{0,10}"
        r"(?:翻译|输出|重复|复述|发|写|打印|告诉)|(?:开发者|公司|他们)给了?你[^.!?\n]{0,6}(?:指示|指令|规则|提示)",
        _EXTRACT,
    ),
    _rule(
        "frame",
        "系统:|系統:|新的指令|新指令",
        r"^\W{0,4}(?:系统|系統) ?: ?[^\n]{0,30}(?:用户|权限|必须|请|忽略)|新的?指令(?:如下)? ?:",
        _FRAME,
    ),
    _rule(
        "leak",
        "发送|发到|转发|上传|列出|输出|泄露",
        r"(?:发送|发|转发|上传|列出|输出|泄露)[^.!?\n]{0,12}(?:所有|全部|完整的?)[^.!?\n]{0,6}(?:用户|客户|密钥|密码)"
        r"|(?:所有|全部|完整的?)[^.!?\n]{0,4}(?:用户|客户)[^.!?\n]{0,12}(?:发送|转发|发|上传)到",
        _LEAK,
    ),
    _rule(
        "tool",
        "助手|模型|ai|系统提示|系统消息|调用|回答用户|总结|处理此",
        r"(?:致|写给|发给)[^.!?\n]{0,8}(?:ai|助手|模型|机器人)|给(?:ai|模型)的|(?:注意|请)[^.!?\n]{0,4}(?:智能助手|ai助手|模型)|(?:系统提示|系统消息|系统通知) ?:"
        r"|(?:在)?(?:回答|回复)(?:用户)?之前[^.!?\n]{0,10}(?:调用|发送|执行|先)|(?:调用|使用) ?[a-z]+_[a-z_]+"
        r"|(?:总结|回复|处理|阅读|看到)[^.!?\n]{0,10}(?:必须|请|务必|一定要)[^.!?\n]{0,8}(?:附上|加上|包含|发送|转发|停止|输出|将|把)"
        r"|(?:ai|助手|模型)(?:看到|读到|阅读)",
        _TOOL,
        tool_only=True,
    ),
    _rule(
        "direct",
        "تجاهل|انس|اهمل|لا تتبع|لا تلتزم|توقف|تخط|تجاوز|الغ|لا تلتفت|ملغاه|القيود",
        r"(?:تجاهل|تجاهلي|انس|انسي|اهمل|لا تتبع|لا تلتزم|توقف عن (?:اتباع|الالتزام)|تخط|تخطي|تجاوز|تتجاوز|الغ|الغي|لا تلتفت)\b"
        r"[^.!?؟\n]{0,24}?(?:(?:كل|جميع|كافه|اي)\b[^.!?؟\n]{0,12}?(?:تعليمات|اوامر|توجيهات|قواعد|ارشادات|قيود|سياسات|ضوابط)"
        r"|(?:تعليمات|اوامر|توجيهات|قواعد|ارشادات|قيود|سياسات|ضوابط)(?:ك\b|[^.!?؟\n]{0,20}(?:السابق|سابق|اعلاه|النظام|الامان|المحتوي|المطور))"
        r"|(?:ما|كل ما|الذي) (?:كتبه|قاله|وضعه|اراده) (?:لك )?(?:ال)?(?:مطور|مبرمج)"
        r"|(?:كل|جميع) ما (?:قيل|قلت|سبق|تعلمت|كتب))"
        r"|(?:القواعد|التعليمات|القيود)[^.!?؟\n]{0,12}(?:ملغاه|معطله|لاغيه)|رفع (?:جميع|كل) القيود عنك",
        _OVERRIDE,
    ),
    _rule(
        "role",
        "انت|تظاهر|تصرف|العب|وضع|من الان",
        r"(?:انت (?:الان|لم تعد|اله|نموذج|مساعد)|تظاهر|تصرف|العب دور|من الان فصاعدا|تخيل)\b[^.!?؟\n]{0,50}"
        r"(?:(?:بلا|بدون|دون) (?:اي )?(?:قيود|حدود|رقابه|قواعد|قوانين|اخلاق|فلتر)|غير مقيد|لا (?:يخضع|تخضع|تلتزم)|وضع المطور|كسر الحمايه|هاكر)"
        r"|(?:فعل|شغل|ادخل) وضع (?:كسر الحمايه|الجيلبريك|دان|dan)",
        _ROLE,
    ),
    _rule(
        "extraction",
        "النظام|تعليمات|التعليمات|البرومبت|موجه|التوجيهات|اعلاه|prompt|الاعدادات",
        r"(?:اكشف|اظهر|اعرض|اطبع|كرر|اخبرني|قل لي|اعطني|اكتب|سرب|ما هي|ما هو|شارك|شاركني|انسخ|ترجم)\b[^.!?؟\n]{0,30}?"
        r"(?:(?:موجه|رساله|تعليمات|برومبت) النظام|تعليماتك|اوامرك|موجهك|البرومبت|system prompt"
        r"|(?:التعليمات|التوجيهات|الاوامر|الاعدادات) (?:الاصليه|الاوليه|السريه|الداخليه|المخفيه|الموجوده فوق|التي (?:تلقيت|اعط|تعمل))"
        r"|(?:الكلام|النص) (?:المكتوب )?(?:اعلاه|فوق))",
        _EXTRACT,
    ),
    _rule(
        "frame",
        "النظام:|تعليمات جديده",
        r"^\W{0,4}النظام ?: ?[^\n]{0,40}(?:المستخدم|نفذ|يجب|تجاهل)|تعليمات جديده ?:",
        _FRAME,
    ),
    _rule(
        "leak",
        "ارسل|اعرض|سرب|ارفع",
        r"(?:ارسل|سرب|ارفع|حول|اعرض)[^.!?؟\n]{0,20}(?:قائمه|بيانات|كلمات مرور|مفاتيح)[^.!?؟\n]{0,6}(?:العملاء|المستخدمين|الزبائن)",
        _LEAK,
    ),
    _rule(
        "tool",
        "المساعد|النموذج|ذكاء|قبل ان|عند|استدع|النظام",
        r"(?:ملاحظه|رساله|تعليمات|تنبيه) (?:الي|ل)[^.!?؟\n]{0,8}(?:مساعد|نموذج|ذكاء)|ايها (?:المساعد|النموذج|الذكاء)"
        r"|(?:ذكاء اصطناعي|مساعد|نموذج)[^.!?؟\n]{0,8}يقرا|قبل ان (?:تجيب|ترد)|استدع\w* ?[a-z]+_"
        r"|عند (?:تلخيص|معالجه|قراءه)[^.!?؟\n]{0,24}(?:يجب|ارسل|اضف|استدع)|(?:رساله|ملاحظه) النظام ?:",
        _TOOL,
        tool_only=True,
    ),
    _rule(
        "direct",
        "your|earlier|previous|prior",
        r"\b(?:cancel|drop|switch(?:ing)? off|turn(?:ing)? off|remove|lift|suspend|abandon|break|violate) (?:all |any )?(?:of )?"
        r"(?:your|these) (?:\w+ )?(?:rules|safeguards?|filters?|restrictions?|guidelines|limits|limitations|moderation|safety|polic)"
        r"|\b(?:earlier|previous|prior) (?:guidance|instructions?|rules|guidelines|prompts?) (?:does not|do not|don't|no longer) apply"
        r"|\bno matter what your (?:\w+ )?(?:guidelines|rules|instructions|polic)"
        r"|\bwhat(?:ever)? (?:did )?your (?:developers?|creators?|makers?|programmers?) (?:told|wrote|write|gave|said|tell)",
        _OVERRIDE,
    ),
    _rule(
        "encoded",
        "解码|解密|تشفير|ترميز",
        r"(?:解码|解密)[^.!?\n]{0,20}(?:照做|执行|照办|按其)|فك (?:تشفير|ترميز)[^.!?؟\n]{0,30}(?:نفذ|اتبع|طبق)",
        "tells the model to obey an encoded text",
    ),
)

"""Rules for injections in English."""

from rixin.guards.injection_rule import (
    ENCODED,
    EXTRACT,
    FRAME,
    LEAK,
    OVERRIDE,
    ROLE,
    TOOL,
    Rule,
    rule,
)

_G = r"[^.!?\n]"
_RULES_EN = (
    r"(?:instructions?|prompts?|rules?|directives?|guidelines?|constraints?|restrictions?|programming"
    r"|polic(?:y|ies)|commands?|protocols?|training|safeguards?)"
)

RULES: tuple[Rule, ...] = (
    rule(
        "direct",
        "ignor|disregard|forget|overrid|bypass|neglect|discard|follow|obey|supersede",
        r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass(?:ing)?|neglect|discard"
        r"|(?:do not|don'?t|never|stop|no longer) (?:follow(?:ing)?|obey(?:ing)?)|supersedes?)\b"
        rf"{_G}{{0,24}}?\b(?:all|any|your|previous|prior|above|preceding|earlier|these|those|system|initial"
        rf"|original|safety|content|developer'?s?|every)\b{_G}{{0,30}}?\b{_RULES_EN}\b",
        OVERRIDE,
    ),
    rule(
        "direct",
        "ignor|disregard|forget",
        r"\b(?:ignore|disregard|forget) (?:everything|all|anything|whatever)(?: of)?(?: (?:that|the))?"
        r" (?:above|before|previous|prior|you (?:were|have been) told|you know|i said|said|was said|your)"
        r"|\b(?:ignore|disregard) (?:the|all|everything) above\b|\bignore the user\b",
        OVERRIDE,
    ),
    rule(
        "direct",
        "new instruction|new directive|rules have changed|disabled|lifted|your real task|your new task",
        r"\bnew (?:system )?(?:instructions?|directives?)(?: (?:is|are) to\b|\s{0,3}:)"
        r"|\byour (?:new|real|true|actual) (?:task|directive|instruction|goal)s? (?:is|are|supersedes?)\b"
        r"|\b(?:your|the) rules have changed\b"
        r"|\b(?:safety|security|content)(?: \w{1,24})? ?(?:protocols?|filters?|guidelines|polic(?:y|ies)|rules)?"
        r" (?:are |is |have been |has been )?(?:now )?(?:disabled|lifted|switched off|suspended)\b",
        OVERRIDE,
    ),
    rule(
        "role",
        "restriction|filter|limit|rules|guideline|policy|censor|moral|ethic|unrestricted|uncensored",
        r"\b(?:you (?:are|have|will|can|must)|you'?re|pretend|act as|respond|answer|behave|imagine|simulate)"
        rf"\b{_G}{{0,80}}?(?:\b(?:no|without|free (?:of|from)|not bound by|ignor\w{{1,12}}) (?:any |all |its |your )?"
        r"(?:\w{1,24} (?:or |and )?){0,3}?(?:restrictions?|filters?|limits|limitations|rules|guidelines|polic(?:y|ies)"
        r"|censorship|morals?|ethics|ethical)\b|\b(?:unrestricted|uncensored|unfiltered|amoral)\b)",
        ROLE,
    ),
    rule(
        "role",
        "dan|anything now|mode|jailb",
        r"\b(?:do anything now|you are (?:now )?(?:going to (?:be|act as) )?(?:\"|')?dan\b|stay in character as dan"
        r"|(?:developer|god|jailbr(?:eak|oken)|dan|unrestricted|debugging|sudo) mode"
        r"(?: (?:is )?(?:now )?(?:enabled\b|activated\b|on[.!,;])|,? you\b)"
        r"|you are (?:now )?in (?:developer|god|jailbreak|dan|unrestricted|debug) mode"
        r"|enable (?:developer|god|jailbreak|dan) mode\. )",
        ROLE,
    ),
    rule(
        "extraction",
        "prompt|instruction|system message|context window|words above|above this|configuration",
        r"\b(?:reveal|show|print|repeat|output|tell|give|display|leak|dump|expose|share|write|list|copy|translate"
        rf"|what (?:is|are|was|were|does))\b{_G}{{0,50}}?(?:(?<!\ba )\bsystem (?:prompt|message|instructions?)\b"
        r"|\b(?:initial|hidden|original|secret|internal|operating) (?:system )?(?:instructions?|prompts?|configuration)\b"
        r"|\byour (?:\w{1,24} )?(?:instructions|prompt|directives|system prompt)\b|\binstructions? (?:that )?you (?:were|have been)"
        r"|\b(?:words|text|everything|prompt|instructions) above\b|\babove this conversation\b|\bcontext window\b)",
        EXTRACT,
    ),
    rule(
        "frame",
        "<|im_|[inst|<<sys|[system|system:|end of |### |assistant:|system note|override:",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>|\[/?inst\]|<</?sys>>"
        r"|^\W{0,6}(?:system|assistant)\W{0,2}: ?[^\n]{0,60}\b(?:you|must|ignore|grant|reveal|sure|user is|user has)\b"
        r"|\[system\]|\bend of (?:user )?(?:input|document|prompt|instructions|context)\b\W{0,8}$"
        r"|^override: ",
        FRAME,
    ),
    rule(
        "leak",
        "send|email|forward|upload|post|leak|exfiltrat|dump|output|delete",
        r"\b(?:send|e-?mail|forward|upload|post|leak|exfiltrate|dump|output|list)\b"
        rf"{_G}{{0,40}}?\b(?:(?:full|entire|raw|complete|all(?: the)?) (?:customer|user|order|client|internal)s?'?"
        r"(?: \w{1,24})? (?:list|data(?:base)?|e-?mails|records|configuration)"
        r"|(?:the|all|any) (?:api keys?|credentials|environment variables|passwords)|environment variables)\b"
        r"|\b(?:send|e-?mail|forward) (?:it|them|everything|all \w{1,24} data|this \w{1,24}) to [\w.+-]{1,64}@",
        LEAK,
    ),
    rule(
        "encoded",
        "base64|rot13|decode|hex|encoded",
        r"\bdecode it and do\b",
        ENCODED,
    ),
    rule(
        "tool",
        "assistant|bot|model| ai|agent|llm|note|hook|before|when you|reply|summary|response|call |use ",
        r"\b(?:note|message|instructions?|attention|memo)s? (?:to|for) (?:the |any |all )?(?:ai|assistant|bot|model|llm|agent)s?\b"
        r"|\b(?:ai|assistant|bot|llm|model|agent)s? (?:reading|processing|that reads?|seeing) (?:this|it)\b"
        r"|\b(?:system|integration|processing|admin|developer) ?(?:note|hook|message|notice|instruction)\s{0,3}:"
        r"|\bwhen(?:ever)? you (?:read|process|summari[sz]e|see|parse) (?:this|it)\b"
        r"|\bbefore (?:you (?:answer|reply|respond)|answering|replying|responding)\b"
        rf"|\b(?:include|append|add|insert|put)\b{_G}{{0,80}}\b(?:your|every|each) (?:reply|summary|response|answer)\b"
        rf"|\b(?:call|use|invoke|run|execute) [a-z]{{1,40}}_[a-z_]{{1,40}}\b{_G}{{0,20}}\b(?:to|on|with|for|before)\b"
        r"|\byou must (?:now )?(?:include|call|send|append|reply|output)\b",
        TOOL,
        tool_only=True,
    ),
    rule(
        "direct",
        "your|earlier|previous|prior",
        r"\b(?:cancel|drop|switch(?:ing)? off|turn(?:ing)? off|remove|lift|suspend|abandon|break|violate) (?:all |any )?(?:of )?"
        r"(?:your|these) (?:\w{1,24} )?(?:rules|safeguards?|filters?|restrictions?|guidelines|limits|limitations|moderation|safety|polic)"
        r"|\b(?:earlier|previous|prior) (?:guidance|instructions?|rules|guidelines|prompts?) (?:does not|do not|don't|no longer) apply"
        r"|\bno matter what your (?:\w{1,24} )?(?:guidelines|rules|instructions|polic)"
        r"|\bwhat(?:ever)? (?:did )?your (?:developers?|creators?|makers?|programmers?) (?:told|wrote|write|gave|said|tell)",
        OVERRIDE,
    ),
)

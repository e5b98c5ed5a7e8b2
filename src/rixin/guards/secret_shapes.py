"""How keys and passwords look: a cheap sign for each, and the regular expression behind it."""

import re
from dataclasses import dataclass

from rixin.guards.scan import REACH


@dataclass(frozen=True, slots=True)
class Shape:
    """One form of a secret."""

    kind: str
    signs: tuple[str, ...]
    """A text without any of these has none."""
    pattern: re.Pattern[str]
    """Its group `value`, where it has one, is what is secret."""
    reason: str
    reach: int = REACH
    """So far it looks, in characters."""


def _shape(
    kind: str, signs: tuple[str, ...], pattern: str, reason: str, reach: int = REACH
) -> Shape:
    whole = rf"(?<![0-9A-Za-z_]){pattern}(?![0-9A-Za-z_])"
    return Shape(f"secret_{kind}", signs, re.compile(whole), reason, reach)


SHAPES: tuple[Shape, ...] = (
    Shape(
        "secret_private_key",
        ("PRIVATE KEY",),
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^-]{0,16384}-----END (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]{0,16384})"
        ),
        "a private key",
        reach=17_000,
    ),
    _shape("aws", ("AKIA", "ASIA"), r"(?:AKIA|ASIA)[A-Z2-7]{16}", "an AWS access key id"),
    Shape(
        "secret_aws",
        ("aws", "AWS", "Aws"),
        re.compile(
            r"(?i:aws[\w .-]{0,20}(?:secret|access)[\w .-]{0,20}['\"]?\s{0,3}[:=]\s{0,3}['\"]?)"
            r"(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        "an AWS secret access key",
    ),
    _shape(
        "github",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})",
        "a GitHub token",
    ),
    _shape(
        "gitlab",
        ("glpat-", "gldt-", "glrt-", "glptt-"),
        r"gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_.-]{20,64}",
        "a GitLab token",
    ),
    _shape(
        "slack",
        ("xox", "xapp-", "hooks.slack.com"),
        r"(?:xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{10,250}"
        r"|hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,120})",
        "a Slack token",
    ),
    _shape("anthropic", ("sk-ant-",), r"sk-ant-[A-Za-z0-9_-]{20,200}", "an Anthropic key"),
    _shape(
        "openai",
        ("sk-",),
        r"sk-(?!ant-)(?:(?:proj|svcacct|admin|or|None)-[A-Za-z0-9_-]{20,250}"
        r"|(?=[A-Za-z0-9]{0,119}\d)[A-Za-z0-9]{20,120})",
        "a key of a model provider",
    ),
    _shape("google", ("AIza", "GOCSPX-"), r"(?:AIza|GOCSPX-)[0-9A-Za-z_-]{28,35}", "a Google key"),
    _shape(
        "stripe",
        ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
        r"(?:[sr]k_(?:live|test)_|whsec_)[0-9A-Za-z]{16,255}",
        "a Stripe key",
    ),
    _shape(
        "provider",
        (
            *("hf_", "gsk_", "r8_", "nvapi-", "xai-", "pplx-", "npm_", "pypi-", "dckr_pat_", "SG."),
            *("shpat_", "dop_v1_", "LTAI", "AKID", "sntrys_", "lin_api_", "ntn_", "rx-"),
        ),
        r"(?:hf_[A-Za-z0-9]{30,60}|gsk_[A-Za-z0-9]{40,80}|r8_[A-Za-z0-9]{30,60}"
        r"|nvapi-[A-Za-z0-9_-]{40,90}|xai-[A-Za-z0-9]{40,100}|pplx-[A-Za-z0-9]{40,80}"
        r"|npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{16,250}|dckr_pat_[A-Za-z0-9_-]{20,60}"
        r"|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}|shpat_[a-f0-9]{32}"
        r"|dop_v1_[a-f0-9]{64}|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{32}"
        r"|sntrys_[A-Za-z0-9_=+/-]{40,250}|lin_api_[A-Za-z0-9]{32,60}|ntn_[A-Za-z0-9]{40,60}"
        r"|rx-[0-9a-f]{12}-[0-9a-f]{48})",
        "a key of a provider",
    ),
    _shape(
        "bot",
        (":AA",),
        r"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}",
        "a token of a bot",
    ),
    _shape(
        "jwt",
        ("eyJ",),
        r"eyJ[A-Za-z0-9_-]{8,4096}\.eyJ[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{10,2048}",
        "a JSON web token",
        15_000,
    ),
    Shape(
        "secret_connection",
        ("://",),
        re.compile(
            r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s:/@\"'<>]{0,100}:"
            r"(?P<value>(?!\$\{|<|%[sv]|\*+@|\{)[^\s/@\"'<>]{1,200})@[A-Za-z0-9\[]"
        ),
        "a connection string with a password",
    ),
)
ASSIGNED_SIGNS = (
    *("password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "key"),
    *("credential", "bearer", "密码", "密碼", "口令", "密钥", "密鑰", "令牌"),
    *("المرور", "السر", "السري", "مفتاح"),
)
"""Words, in small letters, behind which a secret may stand."""
BEFORE_KEY = re.compile(
    r"(?:api|access|auth|private|secret|account|client|shared|signing|encryption)[_. -]?\Z",
    re.IGNORECASE,
)
"""What makes a `key` a secret one."""
ASSIGNED = re.compile(
    r"[\w-]{0,20}(?:['\"]?\s{0,3}(?:=>?|:=?|：|\bis\b|是|为|為|هي|هو)\s{0,3}|(?<=[Bb]earer)\s)"
    r"(?:(?:is|[Bb]earer|[Bb]asic)\s)?['\"]?(?P<value>[^\s'\",;，。；、<>()\[\]{}]{8,200})"
)
"""What follows such a word: a sign of assignment and a value."""

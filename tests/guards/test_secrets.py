import pytest

from rixin.guards.secrets import SecretsGuard

GUARD = SecretsGuard()
MIXED = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"  # of no service; put together so no scanner minds


def found(text):
    return [(one.kind, text[one.start : one.end]) for one in GUARD.find(text)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("secret_aws", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("secret_github", "ghp_" + MIXED),
        ("secret_github", "github_pat_" + MIXED * 2),
        ("secret_gitlab", "glpat-" + MIXED[:20]),
        ("secret_slack", "xoxb-" + "123456789012-" + MIXED[:12]),
        ("secret_anthropic", "sk-ant-" + "api03-" + MIXED),
        ("secret_openai", "sk-" + "proj-" + MIXED),
        ("secret_openai", "sk-" + MIXED),
        ("secret_google", "AIza" + "SyA" + MIXED[:32]),
        ("secret_stripe", "sk_" + "live_" + MIXED[:24]),
        ("secret_provider", "hf_" + MIXED),
        ("secret_provider", "npm_" + MIXED),
        ("secret_provider", "LTAI" + MIXED[:20]),
        ("secret_provider", "rx-" + "d505705afc22-" + "42770fa9790e9842" * 3),
        ("secret_bot", "123456789:" + "AA" + MIXED[:33]),
        ("secret_jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4"),
        (
            "secret_private_key",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
        ),
    ],
)
def test_known_forms_are_found_in_any_language(kind, value):
    for text in (f"here: {value} .", f"密钥是{value}，请保密", f"المفتاح هو {value} شكرا"):
        assert (kind, value) in found(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("password=hK83!ksQz1", "hK83!ksQz1"),
        ('"api_key": "Zx81kqP0v7"', "Zx81kqP0v7"),
        ("DB_PASSWORD: 'hK83ksQz1x'", "hK83ksQz1x"),
        ("My password is hK83ksQz1x", "hK83ksQz1x"),
        ("密码：Xk9mQ2p7z", "Xk9mQ2p7z"),
        ("我的密码是Xk9mQ2p7z。", "Xk9mQ2p7z"),
        ("كلمة المرور: Zx81kqP0v", "Zx81kqP0v"),
        ("كلمة السر هي Zx81kqP0v", "Zx81kqP0v"),
    ],
)
def test_assigned_passwords_are_found(text, value):
    assert found(text) == [("secret_password", value)]


def test_the_password_of_a_connection_is_found():
    assert found("postgres://user:p4ss@db/x") == [("secret_connection", "p4ss")]


def test_an_aws_secret_needs_its_name():
    value = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzKm9q2LpTd"
    assert found(f"aws_secret_access_key = {value}") == [("secret_aws", value)]
    assert found(value) == []


@pytest.mark.parametrize(
    "text",
    [
        "password: required",
        "token = get_token()",
        "PASSWORD=${DB_PASSWORD}",
        "password = changeme123",
        "api_key=<your-key>",
        "the key: abc123def9 opens it",
        "postgres://user:${PW}@db and http://host:8080/a@b",
        "sk-learn, task-force-of-many-people-2024",
        "请修改密码：至少八位字符",
        "نسيت كلمة المرور: أرجو المساعدة",
        "Reset your password here: https://example.org/reset/a1b2c3d4",
        "-----BEGIN CERTIFICATE-----",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    ],
)
def test_what_only_looks_like_a_secret_passes(text):
    assert found(text) == []


def test_hidden_characters_in_a_key_do_not_hide_it():
    written = "ghp_" + MIXED[:9] + "\u200b" + MIXED[9:]
    assert ("secret_github", written) in found(f"here: {written} .")

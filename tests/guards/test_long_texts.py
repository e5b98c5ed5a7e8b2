import time

import pytest

from rixin.guards.injection import InjectionGuard
from rixin.guards.pii import PiiGuard
from rixin.guards.secrets import SecretsGuard

GUARDS = [PiiGuard(), SecretsGuard(), InjectionGuard()]
PIECES = [
    *(
        "1",
        "1 ",
        "1-",
        "12 34 ",
        "+1 ",
        "(0",
        "4111 1111 ",
        "GB82 WEST ",
        "GB82",
        "905-674-3793 ",
        "٠",
    ),
    *("a@", "@", "a.a@b.", "a@b.org ", "::", "1:", "f:", "1.", "1.1.1.1 ", "A", "a"),
    *("password=", "key:", "http://a:", "http://", "eyJ", "eyJa.", "sk-", "aws secret ", "bearer "),
    *("-----BEGIN PRIVATE KEY-----", "<", "ignore ", "you are no ", "忽略", "تجاهل ", "system: "),
    *("%20", "\\u0041", "\u200b", "\U000e0041", "show the ", "call a_b ", "\n", "decode "),
]


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_with_the_length_and_no_faster(piece):
    def seconds(length):
        text = (piece * length)[:length]
        before = time.process_time()
        for guard in GUARDS:
            guard.find(text, origin="tool")
        return time.process_time() - before

    seconds(1_000)
    assert seconds(64_000) < 3.0

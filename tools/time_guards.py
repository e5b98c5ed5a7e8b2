"""Times `pii`, `secrets` and `injection` together: `python tools/time_guards.py`.

Every message has about 1,000 bytes. The middle of many runs is printed, on one core, in
milliseconds; the first run of all, which reads weights and loads phonenumbers, stands apart.
"""

from statistics import median, quantiles
from time import perf_counter

from rixin.guards.injection import InjectionGuard
from rixin.guards.pii import PiiGuard
from rixin.guards.secrets import SecretsGuard

RUNS = 400
SENTENCES = {
    "English, nothing to find": (
        "Hello, I ordered two lamps on Monday and the parcel never came, please look into it. "
    ),
    "English, order numbers and dates": (
        "Order 9498777106 of 2024-03-02 09:00 was 1,249.00 USD for 3 lamps and came on Monday. "
    ),
    "Chinese, nothing to find": "您好，我周一订了两盏灯，到现在还没有收到，请帮忙查一下是怎么回事，谢谢。",
    "Arabic, nothing to find": "مرحبا، طلبت مصباحين يوم الإثنين ولم يصل الطرد بعد، أرجو المساعدة وشكرا لكم. ",
}
ENDS = {
    "English, mail, phone, card": (
        "Call 905-674-3793 or write to ann.lee@example.org, card 4111 1111 1111 1111."
    ),
    "Chinese, phone, resident id": "电话13812345678，邮箱li@example.cn，身份证11010519491231002X。",
    "Arabic, phone, account": "اتصل على ٠٥٠١٢٣٤٥٦٧، الآيبان SA0380000000608010167519.",
}


def messages() -> dict[str, str]:
    """Messages of about 1,000 bytes by what they are."""
    found = {name: _fill(text, 1000) for name, text in SENTENCES.items()}
    for name, end in ENDS.items():
        language = name.split(",")[0]
        text = SENTENCES[f"{language}, nothing to find"]
        found[name] = _fill(text, 1000 - len(end.encode())) + end
    return found


def _fill(text: str, size: int) -> str:
    return (text * 20).encode()[:size].decode("utf-8", "ignore")


def main() -> None:
    """Prints the table."""
    guards = [PiiGuard(), SecretsGuard(), InjectionGuard()]
    started = perf_counter()
    for guard in guards:
        guard.find(messages()["English, mail, phone, card"])
    print(f"first message: {(perf_counter() - started) * 1e3:.0f} ms\n")
    print(
        "| message | pii | secrets | injection | all, middle | all, 95 % |\n|---|---|---|---|---|---|"
    )
    for name, text in messages().items():
        times = [_times(guards, text) for _ in range(RUNS)]
        each = [f"{median(column):.2f}" for column in zip(*times, strict=True)]
        whole = [sum(one) for one in times]
        high = quantiles(whole, n=20)[-1]
        print(f"| {name} | {' | '.join(each)} | {median(whole):.2f} | {high:.2f} |")


def _times(guards: list[PiiGuard | SecretsGuard | InjectionGuard], text: str) -> list[float]:
    found = []
    for guard in guards:
        started = perf_counter()
        guard.find(text)
        found.append((perf_counter() - started) * 1e3)
    return found


if __name__ == "__main__":
    main()

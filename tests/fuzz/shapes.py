"""Odd values, and whole values made odd: all from one seed, so that each can be made again."""

import copy
import json
from random import Random

TEXTS = (
    *("", " ", "\x00", "\ud83d", "\udc00x", "e\u0301", "\u202eabc", "ا", "日新", "null", "[DONE]"),
    *("data: x\n\n", "\r\n\r\n", "<EMAIL_1>", "<IBAN_1>", "jane.roe@example.com", "a" * 5_000),
    *("=1+1", "\x1b]0;t\x07", "1e400", "-1", "stop", "length", "content_filter", "tool_calls"),
)
NUMBERS = (
    *(0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63, 10**19, 10**30, -(10**19), 0.5, -0.0, 1e308),
    *(float("inf"), float("-inf"), float("nan"), 5_000, True, False),
)
DEEP = {f"nested {levels} deep": levels for levels in (60, 70, 1_500, 200_000)}
"""Stands for a list in a list in a list …, which Python's own encoder would not write."""
NAMES = ("content", "usage", "choices", "error", "message", "model", "role", "stream", "n", "x")


def odd_value(rng: Random, depth: int = 0) -> object:
    """Any JSON value, mostly an odd one."""
    kind = rng.randrange(8 if depth < 4 else 4)
    if kind < 2:
        return rng.choice(TEXTS)
    if kind < 3:
        return rng.choice(NUMBERS)
    if kind < 4:
        return None
    if kind < 6:
        return [odd_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind < 7:
        names = rng.choices(NAMES + TEXTS[:8], k=rng.randrange(4))
        return {name: odd_value(rng, depth + 1) for name in names}
    return rng.choice(tuple(DEEP))


def mutate(rng: Random, value: object) -> object:
    """The value with one place replaced, taken out, doubled or wrapped."""
    value = copy.deepcopy(value)
    containers = [node for node in _nodes(value) if isinstance(node, dict | list) and node]
    if not containers:
        return odd_value(rng)
    node = rng.choice(containers)
    key = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
    action = rng.randrange(6)
    if action < 3:
        node[key] = odd_value(rng)
    elif action == 3:
        del node[key]
    elif action == 4:
        node[key] = rng.choice(([node[key]], {"value": node[key]}, str(node[key])))
    elif isinstance(node, list):
        node.extend(copy.deepcopy(node)[:20])
    else:
        node[rng.choice(NAMES)] = odd_value(rng)
    return value


def _nodes(value: object) -> list:
    """The value and all in it."""
    nodes, waiting = [], [value]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return nodes


def encode(rng: Random, value: object) -> bytes:
    """As JSON: with escapes or without, NaN included, whatever the depth."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.7)
    for name, levels in DEEP.items():
        text = text.replace(f'"{name}"', "[" * levels + "]" * levels, 1)
    return text.encode("utf-8", "surrogatepass")


def mutate_bytes(rng: Random, data: bytes) -> bytes:
    """The bytes with one slice cut, doubled, overwritten or filled in."""
    begin = rng.randrange(len(data) + 1)
    end = min(len(data), begin + rng.choice((1, 1, 2, 7, 60)))
    noise = rng.choice((b"", b"\x00", b"\xff\xfe", b"\r\n", b"\n\n", b'"', b"{", b"]", b"9" * 400))
    return rng.choice(
        (
            data[:begin],
            data[:begin] + noise + data[end:],
            data[:end] + data[begin:end] + data[end:],
            data[:begin] + rng.randbytes(end - begin) + data[end:],
        )
    )

"""Sentences from which the classifier of injections learns; all of them written for it.

A line is a family. Its slots are divided by ` / ` and the choices of a slot by `|`; every choice of
a slot is combined with every choice of the others, and the training takes a sample. None of them is
in the test sets under tests/guards/data.
"""

from injection_seeds import ar, en, others, zh


def families(text: str) -> list[list[list[str]]]:
    """Families, their slots, and the choices of each.

    Examples:
        >>> families("a|b / c")
        [[['a', 'b'], ['c']]]
    """
    return [[slot.split("|") for slot in line.split(" / ")] for line in text.splitlines()]


_MODULES = {"en": en, "zh": zh, "ar": ar, "others": others}
ATTACKS = {name: families(one.ATTACKS) for name, one in _MODULES.items()}
BENIGN = {name: families(one.BENIGN) for name, one in _MODULES.items()}

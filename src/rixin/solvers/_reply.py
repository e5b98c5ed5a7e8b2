"""What a user's own solver may say, turned into an answer."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from rixin.core.answer import Answer, Failure
from rixin.core.case import Case
from rixin.core.foreign import valid_text


def case_fields(case: Case) -> dict[str, object]:
    """What a user's own solver gets to see of a case: never the expected output."""
    return {"id": case.ref or case.id, "input": case.input, "stratum": case.stratum}


def read_reply(value: object) -> Answer:
    """An answer from a text, a number, None (abstain), or a mapping with output, confidence, cost.

    Examples:
        >>> read_reply({"output": "spam", "confidence": 0.9}).confidence
        0.9
        >>> read_reply(None).abstained
        True
        >>> read_reply({"output": "spam", "confidence": 7}).failure.message
        'confidence must be in [0, 1], not 7'
    """
    fields = value if isinstance(value, Mapping) else {"output": value}
    try:
        if "output" not in fields:
            return bad_reply(f"the reply has no 'output', only {sorted(map(str, fields))!r}")
        output = read_output(fields["output"])
        return Answer(
            output=output,
            abstained=output is None,
            confidence=read_confidence(fields.get("confidence")),
            cost=read_money("cost", fields.get("cost")),
        )
    except ValueError as error:
        return bad_reply(str(error))


def bad_reply(message: str) -> Answer:
    """An answer that could not be read."""
    return Answer(failure=Failure(kind="bad_reply", message=message))


def crashed(message: str) -> Answer:
    """An answer that never came, because the user's code failed."""
    return Answer(failure=Failure(kind="crashed", message=message))


def read_share(name: str, value: object) -> float | None:
    """A number in [0, 1], or None where there is none.

    Raises:
        ValueError: It is something else.
    """
    if type(value) is str:  # as logs have it: the short way for what is as it should be
        try:
            number = float(value)
        except ValueError:
            pass
        else:
            if 0 <= number <= 1:
                return number
    found = read_number(name, value)
    if found is not None and not 0 <= found <= 1:
        raise ValueError(f"{name} must be in [0, 1], not {value!r}")
    return found


def read_confidence(value: object) -> float | None:
    """A confidence in [0, 1]; None where there is none: empty, null, NaN or infinite.

    Raises:
        ValueError: It is something else.

    Examples:
        >>> read_confidence("0.9"), read_confidence("nan"), read_confidence("null")
        (0.9, None, None)
    """
    return None if is_no_number(value) else read_share("confidence", value)


def is_no_number(value: object) -> bool:
    """Whether a cell says that there is no number: empty, null, NaN or infinite."""
    if isinstance(value, str) and value.strip().lower() in {"", "null"}:
        return True
    try:
        return value is None or not math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def read_number(name: str, value: object) -> float | None:
    """A finite number, or None where there is none (empty and NaN are none).

    Raises:
        ValueError: It is something else.
    """
    if type(value) is float and math.isfinite(value):
        return value
    if is_missing(value):
        return None
    try:
        number = float(str(value)) if not isinstance(value, bool) else float(value)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, not {value!r}")
    return number


def read_money(name: str, value: object) -> Decimal | None:
    """An amount of at least zero, or None where there is none.

    Raises:
        ValueError: It is something else.
    """
    try:
        amount = Decimal(value if type(value) is str else str(value))
    except InvalidOperation:
        if is_missing(value):
            return None
        raise ValueError(f"{name} must be an amount of money, not {value!r}") from None
    if amount.is_nan() and is_missing(value):
        return None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{name} must be at least 0, not {value!r}")
    return amount


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN or white space."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def read_output(value: object) -> str | None:
    """An output as a text: numbers as written, mappings and lists as JSON, NaN as none.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(value, str):
        return valid_text(value)
    if value is None:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, bool | int | float | Decimal):
        return json.dumps(value) if isinstance(value, bool) else str(value)
    if isinstance(value, Mapping | list | tuple):
        try:
            return valid_text(json.dumps(value, ensure_ascii=False, sort_keys=True))
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"the output is not JSON: {error}") from error
    raise ValueError(f"the output must be a text, not {type(value).__name__}")

"""What speaks for an answer in a cascade where a single confidence does not say enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rixin.core.answer import Answer
from rixin.core.ids import output_code
from rixin.decide.signals import Scale, Signal


@dataclass(frozen=True, slots=True)
class SignalSpeaks:
    """The score of a signal: what the answers so far say of the last one."""

    signal: Signal

    def __call__(self, said: Sequence[Answer]) -> float:
        """The score in [-1, 1], higher is safer; NaN where it is not known.

        Args:
            said: The answers of the members asked so far, the one that is judged last.
        """
        import numpy as np

        score = self.signal.score(
            [np.array([np.nan if a.confidence is None else a.confidence]) for a in said],
            [np.array([output_code(a.output)], dtype=np.int64) for a in said],
        )
        return float(score[0])


def signal_from(written: Mapping[str, Any]) -> Signal:
    """A signal from its plain form, `dataclasses.asdict` or JSON."""
    return Signal(
        tuple(Scale(tuple(s["confidences"]), tuple(s["ranks"])) for s in written["scales"]),
        tuple(written["answer"]),
        tuple(written["reference"]),
    )

"""A record of a log, as cells in a fixed order, turned into an answer.

This is the hottest path of decisions on recorded data: a cell that already has the type that is
wanted is taken as it is, everything else goes the long way through `rixin.solvers._reply`.
"""

from collections.abc import Sequence
from math import exp

from rixin.core.answer import Answer, Failure, Usage, cut_failure, is_cut, is_failed, is_refused
from rixin.solvers._reply import (
    bad_reply,
    is_missing,
    is_no_number,
    read_confidence,
    read_money,
    read_number,
    read_output,
    read_share,
)

Cells = Sequence[object]
_NO_USAGE = Usage()


class RecordReader:
    """Reads records whose cells stand in the order of `names`, with one None after the last.

    Args:
        names: Our own names of the columns, as in `ReplayColumns`.

    Examples:
        >>> read = RecordReader(["output", "confidence"])
        >>> read(("spam", "0.9", None)).confidence
        0.9
    """

    __slots__ = (
        "_confidence",
        "_cost",
        "_error",
        "_finish_reason",
        "_input_tokens",
        "_latency",
        "_latency_ms",
        "_logprob",
        "_output",
        "_output_tokens",
        "_score",
    )

    _confidence: int
    _cost: int
    _error: int
    _finish_reason: int
    _input_tokens: int
    _latency: int
    _latency_ms: int
    _logprob: int
    _output: int
    _output_tokens: int
    _score: int

    def __init__(self, names: Sequence[str]) -> None:
        for slot in self.__slots__:  # a column that is not mapped reads the None at the end
            name = slot.removeprefix("_")
            setattr(self, slot, names.index(name) if name in names else len(names))

    def __call__(self, cells: Cells) -> Answer:
        """The answer that a record holds."""
        error = cells[self._error]
        if error is not None and not is_missing(error):
            return Answer(failure=Failure(kind="crashed", message=f"recorded: {error}"))
        try:
            answer = self._read(cells)
        except ValueError as why:
            return bad_reply(str(why))
        reason = cells[self._finish_reason]
        if is_cut(reason):
            return answer._replace(output=None, recorded_score=None, failure=cut_failure())
        if is_failed(reason) or is_refused(reason):
            kind = "refused" if is_refused(reason) else "server_error"
            failure = Failure(kind=kind, message=f"recorded: it stopped for {reason!r}")
            return answer._replace(output=None, recorded_score=None, failure=failure)
        if answer.output is None and answer.recorded_score is None:
            return answer._replace(failure=Failure(kind="no_record", message="the record is empty"))
        return answer

    def _read(self, cells: Cells) -> Answer:
        output, cost, score = cells[self._output], cells[self._cost], cells[self._score]
        return Answer(
            output=output if output is None or type(output) is str else read_output(output),
            confidence=self._surety(cells),
            cost=None if cost is None else read_money("cost", cost),
            latency_s=self._latency_s(cells),
            usage=self._usage(cells),
            recorded_score=None if score is None else read_share("score", score),
        )

    def _surety(self, cells: Cells) -> float | None:
        """A confidence as recorded, or the exponential of a log-probability."""
        logprob = cells[self._logprob]
        if logprob is None or is_no_number(logprob):
            confidence = cells[self._confidence]
            return None if confidence is None else read_confidence(confidence)
        value = read_number("logprob", logprob)
        if value is None or value > 0:
            raise ValueError(f"logprob must be at most 0, not {logprob!r}")
        return exp(value)

    def _latency_s(self, cells: Cells) -> float | None:
        latency = cells[self._latency]
        seconds = None if latency is None else read_number("latency", latency)
        if seconds is not None:
            return seconds
        latency = cells[self._latency_ms]
        milliseconds = None if latency is None else read_number("latency_ms", latency)
        return None if milliseconds is None else milliseconds / 1000

    def _usage(self, cells: Cells) -> Usage:
        read, written = cells[self._input_tokens], cells[self._output_tokens]
        if read is None and written is None:
            return _NO_USAGE
        return Usage(
            input_tokens=int(read_number("input_tokens", read) or 0),
            output_tokens=int(read_number("output_tokens", written) or 0),
        )

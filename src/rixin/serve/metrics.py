"""Counters in the text form of Prometheus; names and labels are bounded, never a key or a case."""

import json
import logging
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from operator import add
from pathlib import Path
from typing import Any

BUCKETS = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
"""Seconds: what the gateway adds is less than a millisecond, and long answers take minutes."""
KEY_EXPIRY = "rixin_key_expiry_timestamp_seconds"
_HELP = {
    "rixin_requests_total": "Requests answered, by scenario, solver and status; without a scenario where they got"
    " no further than the door.",
    "rixin_request_duration_seconds": "Seconds from a whole request to the end of its answer.",
    "rixin_gateway_overhead_seconds": "The same without the time that upstreams took.",
    "rixin_cost_total": "Money spent on upstreams, in each scenario's currency.",
    "rixin_tokens_total": "Tokens, by direction.",
    "rixin_escalations_total": "Cases that went on to the next solver of a cascade.",
    "rixin_guard_hits_total": "Findings of guards.",
    "rixin_upstream_failures_total": "Failed calls of upstreams, by kind.",
    "rixin_capture_dropped_total": "Rows that were lost because the disk could not keep up.",
    "rixin_capture_aside_total": "Rows that the ledger did not take; they are in the file beside it.",
    "rixin_in_flight": "Requests under way.",
    "rixin_capture_waiting": "Rows that are not on the disk yet.",
    "rixin_capture_waiting_bytes": "Bytes of those rows.",
    "rixin_people_waiting": "Cases that wait for people, by scenario.",
    "rixin_webhook_total": "Tries to tell that people answered, by outcome.",
    "rixin_webhook_waiting": "Answers of people that could not be told yet.",
    KEY_EXPIRY: "When the next key ends, in seconds since the epoch; absent: none will.",
    "rixin_release_info": "1 for the release that serves a scenario.",
}
_GAUGES = frozenset(
    {
        "rixin_in_flight",
        "rixin_capture_waiting",
        "rixin_capture_waiting_bytes",
        KEY_EXPIRY,
        "rixin_release_info",
        "rixin_webhook_waiting",
        "rixin_people_waiting",
    }
)
_ALIKE = frozenset({KEY_EXPIRY, "rixin_release_info", "rixin_webhook_waiting"})
"""What is the same in every worker, so there is no sum."""
_ENDED = "ended.json"
_log = logging.getLogger("rixin.serve")
_NONE_ENDED: dict[str, Any] = {"last": "", "counts": []}
Labels = tuple[tuple[str, str], ...]
Histogram = list[float]
"""A count for each bucket and for all above, the number of times, and their sum."""
_Values = dict[tuple[str, Labels], float]
_Times = dict[tuple[str, Labels], Histogram]


class Metrics:
    """Counters, gauges and histograms of one worker.

    Examples:
        >>> metrics = Metrics()
        >>> metrics.count("rixin_requests_total", (("code", "200"),))
        >>> print(render([metrics.snapshot()]).splitlines()[-1])
        rixin_requests_total{code="200"} 1
    """

    def __init__(self) -> None:
        self._values: _Values = {}
        self._times: _Times = {}
        self._cells: dict[tuple[str, Labels], list[float]] = {}

    def count(self, name: str, labels: Labels = (), by: float = 1) -> None:
        """Adds to a counter."""
        key = (name, labels)
        self._values[key] = self._values.get(key, 0) + by

    def counter(self, name: str, labels: Labels) -> list[float]:
        """The one cell of a counter, for whoever adds to it at every request."""
        return self._cells.setdefault((name, labels), [0.0])

    def histogram(self, name: str, labels: Labels) -> Histogram:
        """The cells of a histogram, for whoever adds to it at every request."""
        return self._times.setdefault((name, labels), [0.0] * (len(BUCKETS) + 3))

    def set(self, name: str, labels: Labels, value: float) -> None:
        """Sets a gauge."""
        self._values[name, labels] = value

    def clear(self, name: str) -> None:
        """Forgets a gauge under all its labels."""
        for key in [one for one in self._values if one[0] == name]:
            del self._values[key]

    def snapshot(self) -> list[list[object]]:
        """All values, as JSON takes them."""
        values = dict(self._values)
        for key, (count,) in self._cells.items():
            if count:
                values[key] = values.get(key, 0) + count
        return _flat(values, self._times)

    def write(self, path: Path) -> None:
        """Leaves the values where the other workers find them."""
        _replace(path, self.snapshot())


def add_time(cells: Histogram, seconds: float) -> None:
    """Adds a time to a histogram."""
    cells[bisect_left(BUCKETS, seconds)] += 1
    cells[-2] += 1
    cells[-1] += seconds


def retire(path: Path, before: Any = None) -> Any:
    """Adds what a worker that has ended counted to what others before it did.

    A sum that loses a part looks to Prometheus like a counter that began anew.

    Args:
        path: What the worker left; it is removed.
        before: What the last call gave; None: it is in the folder, if anywhere.

    Returns:
        The sum, for the next call: also where the folder is gone or the disk full.
    """
    kept = path.with_name(_ENDED)
    before = before or _read(kept) or _NONE_ENDED
    values, times = _merged([_read(path) or [], before["counts"]])
    counted = {key: value for key, value in values.items() if key[0] not in _GAUGES}
    ended = {"last": path.name, "counts": _flat(counted, times)}
    try:
        _replace(kept, ended)
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.error("the counters of workers that have ended cannot be written: %s", error)
    return ended


def collect(folder: Path, *, without: str = "") -> list[list[list[object]]]:
    """What all workers have told, also those that have ended: each once, whatever ends meanwhile.

    What ended ones told is read last: by then it holds what a file did that has gone.

    Args:
        folder: Where they tell it.
        without: The file of one whose counters are known.
    """
    told = {path.name: _read(path) for path in folder.glob("[0-9]*.json") if path.name != without}
    ended = _read(folder / _ENDED) or _NONE_ENDED
    told.pop(ended["last"], None)  # it is added there, and about to go
    return [ended["counts"], *(one for one in told.values() if one)]


def _read(path: Path) -> Any:
    """What a file holds; None: it is not there, or not whole."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _replace(path: Path, value: object) -> None:
    """Writes a file as a whole or not at all; its folder is made anew where somebody removed it."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value))
    new.replace(path)


def render(snapshots: Iterable[Iterable[list[object]]]) -> str:
    """The sum of all workers, as Prometheus reads it."""
    values, times = _merged(snapshots)
    return "\n".join([*_plain(values), *_histograms(times)]) + "\n"


def _merged(snapshots: Iterable[Iterable[list[object]]]) -> tuple[_Values, _Times]:
    values: _Values = {}
    times: _Times = {}
    for snapshot in snapshots:
        for name, given, value in snapshot:
            key = (str(name), tuple((str(k), str(v)) for k, v in given))  # type: ignore[attr-defined]
            if isinstance(value, list):
                before = times.get(key, [0.0] * len(value))
                times[key] = [a + b for a, b in zip(before, value, strict=True)]
            else:
                number = float(value)  # type: ignore[arg-type]
                together = max if key[0] in _ALIKE else add
                values[key] = together(values.get(key, 0), number)
    return values, times


def _flat(values: _Values, times: _Times) -> list[list[object]]:
    flat: list[list[object]] = [[name, list(labels), v] for (name, labels), v in values.items()]
    return flat + [[name, list(labels), cells] for (name, labels), cells in times.items()]


def _plain(values: Mapping[tuple[str, Labels], float]) -> Iterable[str]:
    for name in sorted({name for name, _ in values}):
        yield f"# HELP {name} {_HELP.get(name, name)}"
        yield f"# TYPE {name} {'gauge' if name in _GAUGES else 'counter'}"
        for (one, labels), value in values.items():
            if one == name:
                yield f"{name}{_shown(labels)} {_number(value)}"


def _histograms(times: Mapping[tuple[str, Labels], list[float]]) -> Iterable[str]:
    for name in sorted({name for name, _ in times}):
        yield f"# HELP {name} {_HELP.get(name, name)}"
        yield f"# TYPE {name} histogram"
        for (one, labels), cells in times.items():
            if one != name:
                continue
            total = 0.0
            for place, most in enumerate(BUCKETS):
                total += cells[place]
                yield f"{name}_bucket{_shown((*labels, ('le', f'{most:g}')))} {_number(total)}"
            yield f"{name}_bucket{_shown((*labels, ('le', '+Inf')))} {_number(cells[-2])}"
            yield f"{name}_sum{_shown(labels)} {_number(cells[-1])}"
            yield f"{name}_count{_shown(labels)} {_number(cells[-2])}"


def _number(value: float) -> str:
    """All digits: a counter of millions must still show one more."""
    return str(int(value)) if value == int(value) else repr(value)


def _shown(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

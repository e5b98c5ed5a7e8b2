"""Counters in the text form of Prometheus; names and labels are bounded, never a key or a case."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from pathlib import Path

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_HELP = {
    "rixin_requests_total": "Requests answered, by scenario, solver and status.",
    "rixin_request_duration_seconds": "Seconds from a whole request to the end of its answer.",
    "rixin_gateway_overhead_seconds": "The same without the time that upstreams took.",
    "rixin_cost_total": "Money spent on upstreams, in each scenario's currency.",
    "rixin_tokens_total": "Tokens, by direction.",
    "rixin_escalations_total": "Cases that went on to the next solver of a cascade.",
    "rixin_guard_hits_total": "Findings of guards.",
    "rixin_upstream_failures_total": "Failed calls of upstreams, by kind.",
    "rixin_capture_dropped_total": "Rows that were lost because the disk could not keep up.",
    "rixin_in_flight": "Requests under way.",
    "rixin_capture_waiting": "Rows that are not on the disk yet.",
    "rixin_release_info": "The release that serves each scenario.",
}
_GAUGES = frozenset({"rixin_in_flight", "rixin_capture_waiting", "rixin_release_info"})
Labels = tuple[tuple[str, str], ...]
Histogram = list[float]
"""A count for each bucket and for all above, the number of times, and their sum."""


class Metrics:
    """Counters, gauges and histograms of one worker.

    Examples:
        >>> metrics = Metrics()
        >>> metrics.count("rixin_requests_total", (("code", "200"),))
        >>> print(render([metrics.snapshot()]).splitlines()[-1])
        rixin_requests_total{code="200"} 1
    """

    def __init__(self) -> None:
        self._values: dict[tuple[str, Labels], float] = {}
        self._times: dict[tuple[str, Labels], Histogram] = {}

    def count(self, name: str, labels: Labels = (), by: float = 1) -> None:
        """Adds to a counter."""
        key = (name, labels)
        self._values[key] = self._values.get(key, 0) + by

    def histogram(self, name: str, labels: Labels) -> Histogram:
        """The cells of a histogram, for whoever adds to it at every request."""
        return self._times.setdefault((name, labels), [0.0] * (len(BUCKETS) + 3))

    def set(self, name: str, labels: Labels, value: float) -> None:
        """Sets a gauge."""
        self._values[name, labels] = value

    def snapshot(self) -> list[list[object]]:
        """All values, as JSON takes them."""
        flat: list[list[object]] = [[n, list(labels), v] for (n, labels), v in self._values.items()]
        flat += [[n, list(labels), cells] for (n, labels), cells in self._times.items()]
        return flat

    def write(self, path: Path) -> None:
        """Leaves the values where the other workers find them."""
        new = path.with_suffix(".new")
        new.write_text(json.dumps(self.snapshot()))
        new.replace(path)


def add_time(cells: Histogram, seconds: float) -> None:
    """Adds a time to a histogram."""
    cells[bisect_left(BUCKETS, seconds)] += 1
    cells[-2] += 1
    cells[-1] += seconds


def render(snapshots: Iterable[Iterable[list[object]]]) -> str:
    """The sum of all workers, as Prometheus reads it."""
    values: dict[tuple[str, Labels], float] = {}
    times: dict[tuple[str, Labels], list[float]] = {}
    for snapshot in snapshots:
        for name, given, value in snapshot:
            key = (str(name), tuple((str(k), str(v)) for k, v in given))  # type: ignore[attr-defined]
            if isinstance(value, list):
                before = times.get(key, [0.0] * len(value))
                times[key] = [a + b for a, b in zip(before, value, strict=True)]
            else:
                values[key] = values.get(key, 0) + float(value)  # type: ignore[arg-type]
    return "\n".join([*_plain(values), *_histograms(times)]) + "\n"


def _plain(values: Mapping[tuple[str, Labels], float]) -> Iterable[str]:
    for name in sorted({name for name, _ in values}):
        yield f"# HELP {name} {_HELP.get(name, name)}"
        yield f"# TYPE {name} {'gauge' if name in _GAUGES else 'counter'}"
        for (one, labels), value in values.items():
            if one == name:
                yield f"{name}{_shown(labels)} {value:g}"


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
                yield f"{name}_bucket{_shown((*labels, ('le', f'{most:g}')))} {total:g}"
            yield f"{name}_bucket{_shown((*labels, ('le', '+Inf')))} {cells[-2]:g}"
            yield f"{name}_sum{_shown(labels)} {cells[-1]:g}"
            yield f"{name}_count{_shown(labels)} {cells[-2]:g}"


def _shown(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

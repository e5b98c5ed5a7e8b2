"""Counters of workers, as Prometheus reads them."""

from pathlib import Path

import pytest

from rixin.serve.metrics import Metrics, add_time, collect, render, retire

CODE = (("code", "200"),)


def worker(requests, in_flight):
    metrics = Metrics()
    metrics.count("rixin_requests_total", CODE, requests)
    metrics.set("rixin_in_flight", (), in_flight)
    metrics.set("rixin_release_info", (("scenario", "desk"), ("release", "2")), 1)
    add_time(metrics.histogram("rixin_request_duration_seconds", ()), 0.002)
    return metrics


def read(text):
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_a_counter_of_millions_shows_one_more():
    shown = render([worker(12_345_678, 0).snapshot(), worker(1, 0).snapshot()])
    assert 'rixin_requests_total{code="200"} 12345679' in shown.splitlines()


def test_what_is_alike_in_all_workers_is_no_sum():
    found = read(render([worker(1, 2).snapshot(), worker(1, 3).snapshot()]))
    assert found['rixin_release_info{scenario="desk",release="2"}'] == 1
    assert found["rixin_in_flight"] == 5
    assert found["rixin_request_duration_seconds_count"] == 2


def test_a_sum_never_falls_when_a_worker_ends(tmp_path):
    for number in range(3):
        path = tmp_path / f"{number}.json"
        worker(10, 7).write(path)
        retire(path)
        assert not path.exists()
    retire(tmp_path / "9.json")  # it was killed before it had told anything
    worker(5, 1).write(tmp_path / "10.json")
    found = read(render(collect(tmp_path)))
    assert found['rixin_requests_total{code="200"}'] == 35
    assert found["rixin_in_flight"] == 1
    assert found['rixin_request_duration_seconds_bucket{le="0.0025"}'] == 4


@pytest.mark.parametrize("moment", ["before", "added", "removed"])
def test_a_worker_that_ends_is_counted_once_at_every_moment(tmp_path, monkeypatch, moment):
    """The file of a worker is added to the others, and then removed, while somebody reads."""
    path = tmp_path / "7.json"
    worker(10, 1).write(path)
    if moment == "added":
        monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    if moment != "before":
        retire(path)
    assert path.exists() == (moment != "removed")
    found = read(render(collect(tmp_path)))
    assert found['rixin_requests_total{code="200"}'] == 10


def test_a_file_that_goes_while_it_is_read_is_found_among_the_ended(tmp_path, monkeypatch):
    path, text = tmp_path / "7.json", Path.read_text
    worker(10, 1).write(path)

    def read_late(one, *given, **named):
        if one == path:
            monkeypatch.setattr(Path, "read_text", text)
            retire(path)
        return text(one, *given, **named)

    monkeypatch.setattr(Path, "read_text", read_late)
    found = read(render(collect(tmp_path)))
    assert found['rixin_requests_total{code="200"}'] == 10

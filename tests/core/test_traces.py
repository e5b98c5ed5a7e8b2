"""Logs hold where an error came from and never what was said."""

import logging

import pytest

from rixin.core.traces import describe_error, log_traceback

SAID = "PATIENT JANE ROE"


def raised(work):
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - whatever it is
        work()
    return caught.value


def test_types_and_places_are_told_and_no_text_is(caplog):
    def work():
        try:
            raise ValueError(SAID)
        except ValueError:
            raise KeyError(SAID)  # noqa: B904 - the context is what is looked at

    log_traceback(logging.getLogger("test"), "req_1 failed", raised(work))
    (record,) = caplog.records
    lines = record.getMessage().splitlines()
    assert lines[0] == "req_1 failed"
    assert lines[1] == "KeyError"
    assert lines[3].startswith("  ")
    assert lines[3].endswith(" in work")
    assert "while handling ValueError" in lines
    assert SAID not in caplog.text
    assert record.levelname == "ERROR"


def test_a_cause_is_told_and_a_hidden_one_is_not():
    def caused():
        raise ValueError(SAID) from OSError(28, SAID)

    def hidden():
        try:
            raise OSError(SAID)
        except OSError:
            raise ValueError(SAID) from None

    assert "because of OSError ENOSPC" in describe_error(raised(caused))
    assert "OSError" not in describe_error(raised(hidden))


def test_members_of_a_group_are_told():
    group = ExceptionGroup(SAID, [ValueError(SAID), TypeError(SAID)])
    assert describe_error(group).splitlines() == [
        "ExceptionGroup",
        "among them ValueError",
        "among them TypeError",
    ]


def test_a_recursion_and_a_long_chain_are_told_in_a_few_lines():
    def deep(level):
        return deep(level - 1) if level else 1 / 0

    told = describe_error(raised(lambda: deep(500))).splitlines()
    assert len(told) < 40
    assert any("more" in line for line in told)
    chain = ValueError()
    for _ in range(100):
        error = ValueError()
        error.__cause__ = chain
        chain = error
    assert len(describe_error(chain).splitlines()) < 20


def test_the_name_that_sqlite_has_for_an_error_is_told():
    import sqlite3

    with sqlite3.connect(":memory:") as database:
        error = raised(lambda: database.execute("SELECT * FROM nowhere"))
    assert describe_error(error).splitlines()[0] == "OperationalError SQLITE_ERROR"

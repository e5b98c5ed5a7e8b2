import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from rixin.core.answer import Answer, Failure, Step, Usage
from rixin.core.case import Case
from rixin.core.outcome import Outcome, Score, State, Violation
from rixin.ledger import cases as case_store
from rixin.ledger.audit import entries
from rixin.ledger.decisions import last_decision, write_decision
from rixin.ledger.outcomes import outcomes_of_case, solver_id, stored_between, write_outcomes
from rixin.ledger.sample import Sample, sample_of
from rixin.ledger.store import Ledger
from rixin.ledger.tallies import differing_cases, latencies, pair_tally, tally
from support import import_cases, plain_cases, small_ledger

EVERYTHING = Sample("d", "certify", "~", 6)


def _outcome(case: Case, state: State = State.SOLVED, **answer: object) -> Outcome:
    value = {State.SOLVED: 1.0, State.UNSOLVED: 0.0}.get(state)
    score = None if value is None else Score(value=value, solved=state is State.SOLVED)
    reason = "" if state is State.SOLVED else "wrong"
    fields: dict[str, object] = {
        "output": "42",
        "cost": Decimal("0.25"),
        "latency_s": 0.5,
        **answer,
    }
    return Outcome(
        case=case, solver="s", answer=Answer(**fields), state=state, score=score, reason=reason
    )


def _store(ledger: Ledger, name: str, outcomes: list[Outcome]) -> int:
    number = solver_id(ledger, name, name, "rule")
    write_outcomes(ledger, "j", {number: outcomes}, asked_at=1.0)
    return number


def test_cases_come_back_in_the_order_of_their_hashes(tmp_path: Path) -> None:
    cases = plain_cases(5_000)
    with small_ledger(tmp_path, cases) as ledger:
        found = list(case_store.stream_pool(ledger, "d", "certify"))
        (first,) = case_store.stream_cases(ledger, sample_of(ledger, "d", "certify", 7))
    assert found == sorted(cases, key=lambda case: case.id)
    assert first == found[:7]


def test_an_interrupted_import_leaves_no_half_data_set(tmp_path: Path) -> None:
    def breaking() -> object:
        yield from plain_cases(3_000)
        raise KeyboardInterrupt

    with Ledger(tmp_path / "l.sqlite3") as ledger:
        with contextlib.suppress(KeyboardInterrupt):
            import_cases(ledger, "d", breaking())
        assert not case_store.has_dataset(ledger, "d")
        import_cases(ledger, "d", plain_cases(3_000))
        assert case_store.pool_sizes(ledger, "d") == {"shape": 0, "certify": 3_000, "audit": 0}


def test_notes_labels_twins_and_lookup(tmp_path: Path) -> None:
    cases = plain_cases(6, lambda n: "a" if n % 3 else "b")
    with small_ledger(tmp_path, cases) as ledger:
        case_store.write_notes(ledger, "d", {"rows": 6})
        case_store.mark_twins(ledger, "d", [cases[0].key])
        assert case_store.read_notes(ledger, "d") == {"rows": 6}
        assert case_store.label_counts(ledger, "d") == {"a": 4, "b": 2}
        assert case_store.find_cases(ledger, "d", cases[2].id[:12]) == ([cases[2]], 1)
        assert case_store.find_cases(ledger, "d", "%") == ([], 0)
        assert sample_of(ledger, "d", "certify", 2).last_id == sorted(c.id for c in cases)[1]
        assert sample_of(ledger, "d", "certify", 99) == Sample("d", "certify", "~", 6)
        number = _store(ledger, "s", [_outcome(case) for case in cases])
        assert tally(ledger, EVERYTHING, number, "j", "s").twin_cases == 1


def test_an_outcome_comes_back_as_it_was(tmp_path: Path) -> None:
    (case,) = plain_cases(1)
    answer = Answer(
        output="43",
        confidence=0.5,
        usage=Usage(
            *(9, 2, 4, 0.1, 3),
            cache_write_tokens=2,
            reasoning_tokens=1,
            service_tier="flex",
            unread=("smell_tokens",),
        ),
        cost=Decimal("0.000000000123"),
        latency_s=0.2,
        retries=2,
        probabilities={"a": 0.75, "b": 0.25},
        steps=(Step(solver="x", output="43", confidence=0.5, threshold=0.4, escalated=False),),
        note="why",
    )
    outcome = Outcome(
        case=case,
        solver="s",
        answer=answer,
        state=State.UNSOLVED,
        score=Score(value=0.25, solved=False, reason="off", parts=(("f1", 0.25), ("x", None))),
        violations=(Violation("schema", "no"),),
        reason="wrong",
        cached=True,
    )
    with small_ledger(tmp_path, [case]) as ledger:
        number = _store(ledger, "s", [outcome])
        assert outcomes_of_case(ledger, case, {number: "s"}, "j") == [outcome]


def test_unmeasured_rows_give_way_and_measured_ones_do_not(tmp_path: Path) -> None:
    a, b = plain_cases(2)
    failed = Answer(failure=Failure(kind="timeout", message="late"))
    lost = Outcome(
        case=a, solver="s", answer=failed, state=State.UNMEASURED, score=None, reason="timeout"
    )
    with small_ledger(tmp_path, [a, b]) as ledger:
        number = _store(ledger, "s", [lost, _outcome(b)])
        assert tally(ledger, EVERYTHING, number, "j", "s").unmeasured == 1
        _store(ledger, "s", [_outcome(a), _outcome(b, State.UNSOLVED)])
        found = tally(ledger, EVERYTHING, number, "j", "s")
    assert (found.cases, found.solved, found.unmeasured, found.missing) == (2, 2, 0, 4)


def test_answers_under_another_judge_are_found_for_judging_anew(tmp_path: Path) -> None:
    cases = sorted(plain_cases(4), key=lambda case: case.id)
    with small_ledger(tmp_path, cases) as ledger:
        number = _store(ledger, "s", [_outcome(case) for case in cases[:2]])
        measured, answered = stored_between(ledger, number, cases, judge="other")
    assert measured == {}
    assert set(answered) == {case.id for case in cases[:2]}
    assert all(answer.output == "42" for answer in answered.values())


def test_a_tally_sums_what_is_stored(tmp_path: Path) -> None:
    cases = plain_cases(6)
    states = [State.SOLVED, State.SOLVED, State.UNSOLVED, State.UNSOLVED, State.UNMEASURED]
    outcomes = [_outcome(case, state) for case, state in zip(cases, states, strict=False)]
    outcomes[2] = _outcome(cases[2], State.UNSOLVED, abstained=True, cost=None)
    with small_ledger(tmp_path, cases) as ledger:
        number = _store(ledger, "s", outcomes)
        found = tally(ledger, EVERYTHING, number, "j", "s")
        assert len(latencies(ledger, EVERYTHING, number, "j")) == 4
    assert (found.cases, found.solved, found.unmeasured, found.missing) == (4, 2, 1, 1)
    assert (found.abstained, found.cost_known, found.cost_total) == (1, 3, Decimal("0.75"))
    assert found.causes == (("wrong", 2), ("wrong", 1))
    assert found.lost == (("wrong", 1),)
    assert found.weight == 4.0
    assert found.cost_sq == 3 * 0.0625


def test_pairs_and_differing_cases_use_shared_cases_only(tmp_path: Path) -> None:
    cases = plain_cases(6)
    flip = {State.SOLVED: State.UNSOLVED, State.UNSOLVED: State.SOLVED}
    first = [
        _outcome(case, State.SOLVED if n < 3 else State.UNSOLVED) for n, case in enumerate(cases)
    ]
    second = [
        _outcome(o.case, flip[o.state] if n == 0 else o.state) for n, o in enumerate(first[:5])
    ]
    with small_ledger(tmp_path, cases) as ledger:
        a, b = _store(ledger, "a", first), _store(ledger, "b", second)
        pair = pair_tally(ledger, EVERYTHING, "j", (a, "a"), (b, "b"))
        differing = differing_cases(ledger, EVERYTHING, "j", {a: "a", b: "b"}, limit=9)
    assert (pair.both, pair.only_first, pair.only_second, pair.neither) == (2, 1, 0, 2)
    assert pair.cases == 5
    assert differing == [cases[0].id]


def test_decisions_are_appended_and_the_last_is_found(tmp_path: Path) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with Ledger(tmp_path / "l.sqlite3") as ledger:
        assert last_decision(ledger, "s") is None
        for word in ("keep", "adopt"):
            given = {"decision": word, "winner": None, "sha256": f"of {word}"}
            record = {"certificate": given}
            write_decision(ledger, "s", "d", contract="c", record=record, actor="ann", now=now)
        found, trail = last_decision(ledger, "s"), entries(ledger, 9)
    assert found is not None
    assert (found["id"], found["record"]) == (2, {"certificate": given})
    assert all(len(one["detail"].pop("row")) == 64 for one in trail)
    assert [(one["action"], one["actor"], one["detail"]) for one in trail] == [
        ("decision", "ann", {"decision": word, "winner": None, "sha256": f"of {word}"})
        for word in ("keep", "adopt")
    ]

import json
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from recorded_world import decided, write_contract, write_world

from rixin.cli.app import run
from rixin.core.verdict import Decision, Standing
from rixin.errors import NoLedger, UsageError
from rixin.ledger.store import Ledger
from rixin.workspace import Workspace

NEAR_BEST = ", below_best_at_most: 0.02"


@pytest.fixture
def world(tmp_path):
    write_world(tmp_path)
    return tmp_path


@pytest.fixture
def near_best(world):
    path = write_contract(world, solved=NEAR_BEST)
    result = decided(path)
    result.write_certificate(world / ".rixin" / "world.certificate.json")
    return world, path, result


def test_a_cascade_that_nobody_wrote_down_wins_where_it_is_certified(near_best):
    _, _, result = near_best
    verdict = result.verdict
    assert verdict.decision is Decision.ADOPT
    winner = next(one for one in verdict.candidates if one.name == verdict.winner)
    assert winner.kind == "cascade"
    assert winner.trial.proposed
    assert winner.name.endswith("→dear")
    dear = next(one for one in verdict.candidates if one.name == "dear")
    assert winner.cost_per_solved.value < 0.7 * dear.cost_per_solved.value
    assert winner.solved.value > dear.solved.value - 0.02
    assert winner.tally.cases == result.certificate["sequence"]["cases"]


def test_no_single_that_was_not_certified_may_win(near_best):
    _, _, result = near_best
    cheap = next(one for one in result.verdict.candidates if one.name == "cheap")
    assert cheap.standing is not Standing.HOLDS
    tested = result.certificate["sequence"]["tested"]
    assert all(one["certified"] for one in tested[:-1])


def test_its_certificate_holds_and_report_and_explain_know_the_cascade(near_best):
    folder, path, result = near_best
    with Workspace(quiet=True) as workspace:
        found = workspace.verify(folder / ".rixin" / "world.certificate.json")
        again = workspace.report(path)
        case = workspace.explain(path, "c1")
    assert found.holds, found.text()
    assert "recomputed from" in found.text()
    assert again.verdict.winner == result.verdict.winner
    assert again.certificate["sha256"] == result.certificate["sha256"]
    assert case.case.ref == "c1"


def _explained(path, case):
    with Workspace(quiet=True) as workspace:
        return workspace.explain(path, case)


@pytest.mark.parametrize("case", ["c1", "c4", "c9"])
def test_explain_shows_the_way_of_a_case_through_a_proposed_cascade(near_best, case):
    _, path, result = near_best
    explained = _explained(path, case)
    shown = explained.to_dict()["solvers"][-1]
    assert (shown["solver"], shown["proposed"]) == (result.verdict.winner, True)
    steps = result.certificate["proposed"][0]["steps"]
    for step, asked in zip(shown["steps"], steps, strict=False):
        assert (step["solver"], step["threshold"]) == (asked["solver"], asked["threshold"])
        if step["threshold"] is not None:
            assert step["escalated"] == (step["confidence"] < step["threshold"])
    assert not shown["steps"][-1]["escalated"]
    text = explained.text(300)
    assert f"{result.verdict.winner} (proposed cascade): {shown['output']}" in text
    assert f"signal ≥ {steps[0]['threshold']:g}" in text


def test_explain_shows_what_the_other_tested_cascades_would_have_said(near_best):
    _, path, result = near_best
    explained = _explained(path, "c4")
    tested = [one for one in result.certificate["sequence"]["tested"] if len(one["steps"]) > 1]
    shown = explained.to_dict()["tested"]
    assert len(shown) == len(tested) - 1
    rows = {one["solver"]: one for one in explained.to_dict()["solvers"]}
    for one in shown:
        last = one["steps"][-1]
        assert (one["state"], one["output"]) == (
            rows[last["solver"]]["state"],
            rows[last["solver"]]["output"],
        )
        assert all(step["confidence"] < step["threshold"] for step in one["steps"][:-1])
    assert "other cascades that were tested" in explained.text()


def test_explain_leaves_out_cascades_whose_members_are_gone_or_were_not_asked(near_best):
    folder, path, _ = near_best
    with sqlite3.connect(folder / ".rixin" / "ledger.sqlite3") as connection:
        connection.execute(
            "DELETE FROM outcomes WHERE case_id IN (SELECT case_id FROM cases WHERE ref = 'c4')"
        )
    explained = _explained(path, "c4")
    assert {one["state"] for one in explained.to_dict()["tested"]} == {"not asked"}
    assert "not all its members were asked about this case" in explained.text()
    explained = _explained(write_contract(folder, ("cheap",)), "c4").to_dict()
    assert [one["solver"] for one in explained["solvers"]] == ["cheap"]
    assert explained["tested"] == []


def test_a_report_after_a_member_left_the_contract_leaves_the_cascade_out(near_best):
    _, path, result = near_best
    members = {step["solver"] for one in result.certificate["proposed"] for step in one["steps"]}
    lines = path.read_text().splitlines(keepends=True)
    gone = next(iter(members - {"dear"}))
    path.write_text("".join(line for line in lines if f"name: {gone}," not in line))
    with Workspace(quiet=True) as workspace:
        names = {one.name for one in workspace.report(path).verdict.candidates}
    assert "dear" in names
    assert not any("→" in name for name in names)


def test_the_same_decision_has_the_same_certificate_on_any_ledger(near_best):
    folder, path, result = near_best
    assert decided(path).certificate["sha256"] == result.certificate["sha256"]
    with Workspace(quiet=True, ledger=folder / "other.sqlite3") as workspace:
        assert workspace.decide(path).certificate["sha256"] == result.certificate["sha256"]


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("hypotheses", 0, "counts", "solved"), 1, "counts.solved"),
        (("sequence", "tested", 0, "lost"), 99.0, "sequence.tested"),
        (("error_budget", "total"), 0.2, "error_budget.total"),
        (("winner",), "dear", "winner"),
    ],
)
def test_one_altered_figure_fails_verification(near_best, where, value, said):
    folder, _, _ = near_best
    file = folder / ".rixin" / "world.certificate.json"
    given = json.loads(file.read_text())
    place = given
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    file.write_text(json.dumps(given))
    with Workspace(quiet=True) as workspace:
        found = workspace.verify(file)
    assert not found.holds
    assert found.exit_code == 1
    assert said in found.text()
    assert found.to_dict()["holds"] is False


def test_an_altered_seal_fails_verification(near_best):
    folder, _, _ = near_best
    file = folder / ".rixin" / "world.certificate.json"
    given = json.loads(file.read_text())
    file.write_text(json.dumps({**given, "sha256": "0" * 32}))
    with Workspace(quiet=True) as workspace:
        assert [one.where for one in workspace.verify(file).differences] == ["sha256"]


def _first_row(ledger):
    """Solver, case id and the case's own id of the first certify row that is stored."""
    with sqlite3.connect(ledger) as connection:
        return connection.execute(
            "SELECT solver_id, case_id, ref FROM outcomes JOIN cases USING (case_id)"
            " WHERE pool = 'certify' ORDER BY solver_id, case_id LIMIT 1"
        ).fetchone()


def _change(ledger, statement, *values):
    with sqlite3.connect(ledger) as connection:
        connection.execute(f"{statement} WHERE solver_id = ? AND case_id = ?", values)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE outcomes SET cost_pico = cost_pico + 1", ", case {ref} ({short}): "),
        ("DELETE FROM outcomes", ", gone for case {ref} ({short}): "),
    ],
)
def test_an_altered_row_fails_verification_and_its_case_is_named(near_best, statement, said):
    folder, _, _ = near_best
    ledger = folder / ".rixin" / "ledger.sqlite3"
    solver, case_id, ref = _first_row(ledger)
    _change(ledger, statement, solver, case_id)
    with Workspace(quiet=True) as workspace:
        found = workspace.verify(folder / ".rixin" / "world.certificate.json")
    assert not found.holds
    assert said.format(ref=ref, short=case_id[:12]) in found.text()


def test_what_is_no_certificate_or_of_another_ledger_is_told(near_best, tmp_path):
    folder, path, _ = near_best
    file = folder / ".rixin" / "world.certificate.json"
    with Workspace(quiet=True) as workspace:
        with pytest.raises(UsageError, match="there is no certificate"):
            workspace.verify(folder / "none.json")
        (folder / "broken.json").write_text("{")
        with pytest.raises(UsageError, match="cannot be read as a certificate"):
            workspace.verify(folder / "broken.json")
        (folder / "other.json").write_text("{}")
        with pytest.raises(UsageError, match="no certificate of the format"):
            workspace.verify(folder / "other.json")
    with Workspace(quiet=True, ledger=tmp_path / "empty.sqlite3") as workspace:
        with pytest.raises(NoLedger):
            workspace.verify(file, path)
        Ledger(tmp_path / "empty.sqlite3").close()
        found = workspace.verify(file, path)
    assert [one.where for one in found.differences] == ["cases.dataset"]


def test_verify_on_the_command_line(near_best, capsys):
    folder, _, _ = near_best
    file = folder / ".rixin" / "world.certificate.json"
    assert run(["verify", str(file)]) == 0
    assert "holds: recomputed" in capsys.readouterr().out
    assert run(["verify", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True


def test_after_the_race_a_cascade_may_undercut_the_accepted_candidate(world):
    result = decided(write_contract(world, floor=0.93, wrong=0))
    verdict = result.verdict
    assert verdict.decision is Decision.ADOPT
    assert result.certificate["error_budget"]["proposed"] == pytest.approx(0.05)
    assert verdict.winner.endswith("→dear")


def test_none_is_proposed_where_the_contract_says_so(world):
    result = decided(write_contract(world, floor=0.93, more="cascades: none"))
    assert result.verdict.winner == "dear"
    assert result.certificate["sequence"] == {}
    assert result.certificate["error_budget"]["proposed"] == 0


def test_looking_for_cascades_has_to_pay(world):
    result = decided(write_contract(world, floor=0.93, demand=1))
    assert result.certificate["sequence"] == {}


def test_too_few_cases_propose_nothing(tmp_path):
    write_world(tmp_path, cases=150)
    result = decided(write_contract(tmp_path, floor=0.3))
    assert result.certificate["proposed"] == []


def test_a_second_decision_pays_for_what_is_new_only(world):
    first = decided(write_contract(world, ("cheap", "dear"), floor=0.93, more="cascades: none"))
    with sqlite3.connect(world / ".rixin" / "ledger.sqlite3") as connection:
        before = connection.execute("SELECT count(*) FROM outcomes").fetchone()[0]
    second = decided(write_contract(world, floor=0.93, more="cascades: none"))
    with sqlite3.connect(world / ".rixin" / "ledger.sqlite3") as connection:
        after = connection.execute(
            "SELECT name, count(*) FROM outcomes JOIN solvers ON id = solver_id GROUP BY name"
        ).fetchall()
    middle = next(one for one in second.verdict.candidates if one.name == "middle")
    assert dict(after)["middle"] == middle.trial.asked
    assert sum(dict(after).values()) - before - middle.trial.asked <= 40
    assert first.verdict.winner == second.verdict.winner == "dear"


def test_a_shared_error_budget_is_spent_once_for_each_different_decision(world):
    shared = ", carry_over: shared"
    path = write_contract(world, floor=0.93, promise=shared, more="cascades: none")
    first = decided(path).certificate["error_budget"]
    assert first["total"] == pytest.approx(0.05)
    assert decided(path).certificate["error_budget"] == first
    path = write_contract(world, floor=0.92, promise=shared, more="cascades: none")
    assert decided(path).certificate["error_budget"]["total"] == pytest.approx(0.1 / 6)


def test_floors_of_strata_and_red_team_cases(world):
    (world / "harmless.py").write_text("def check(case, output):\n    return False\n")
    path = write_contract(
        world,
        floor=0.9,
        solved=", strata: {plain: 0.9}",
        promise=", harm: {at_most: 0.2, allowed: 1, stratum: red}",
        guards="[{function: 'harmless:check'}]",
        more="cascades: none",
    )
    verdict = decided(path).verdict
    dear = next(one for one in verdict.candidates if one.name == verdict.winner)
    assert any("stratum plain" in reason for reason in dear.reasons)
    assert dear.tally.harm_cases >= 10
    assert dear.tally.harm_hits == 0


def test_another_seed_deals_other_pools(world):
    plain = decided(write_contract(world, more="cascades: none"))
    dealt = decided(write_contract(world, more="cascades: none", cases=", seed: 7"))
    assert plain.certificate["cases"]["dataset"] != dealt.certificate["cases"]["dataset"]


@pytest.mark.parametrize("none", ["nan", "", "null", "inf"])
def test_a_confidence_that_is_no_number_is_no_confidence(world, none):
    (head, *rows) = (world / "cheap.csv").read_text().splitlines()
    blank = [[*row.split(",")[:3], none, row.split(",")[4]] for row in rows]
    (world / "cheap.csv").write_text("\n".join([head, *map(",".join, blank)]) + "\n")
    verdict = decided(write_contract(world, ("cheap",))).verdict
    cheap = verdict.candidates[0]
    assert (verdict.winner, cheap.tally.unmeasured) == ("cheap", 0)


def test_a_confidence_above_1_is_an_error_that_names_its_record(world):
    text = (world / "cheap.csv").read_text().splitlines()
    broken = [",".join([*row.split(",")[:3], "1.5", row.split(",")[4]]) for row in text[1:]]
    (world / "cheap.csv").write_text("\n".join([text[0], *broken]) + "\n")
    verdict = decided(write_contract(world, ("cheap",))).verdict
    assert verdict.decision is Decision.CANNOT_TELL
    said = next(line for line in verdict.warnings if "failures" in line)
    assert "the record of id 'c" in said
    assert "confidence must be in [0, 1], not '1.5'" in said


SILENT = "{id: id, score: score, cost: cost, output: said}"
"""Columns without a confidence."""


def test_two_cheap_solvers_without_a_confidence_check_each_other(world):
    result = decided(write_contract(world, columns=SILENT, floor=0.93))
    assert result.verdict.winner == "cheap→middle→dear"
    chains = [one for one in result.certificate["sequence"]["tested"] if len(one["steps"]) > 1]
    assert {one["policy"] for one in chains} == {"cheap→middle→dear"}  # one alone has no signal
    winner, dear = (
        next(one for one in result.verdict.candidates if one.name == name)
        for name in (result.verdict.winner, "dear")
    )
    assert winner.cost_per_solved.value < 0.7 * dear.cost_per_solved.value


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("cheap", "dear"), SILENT),  # nobody to go to where they differ
        (("cheap", "middle", "dear"), "{id: id, score: score, cost: cost}"),  # nothing to compare
    ],
)
def test_no_error_is_set_aside_for_cascades_that_cannot_be(world, names, columns):
    result = decided(write_contract(world, names, columns=columns, floor=0.93))
    assert result.certificate["error_budget"]["proposed"] == 0


DEAR_PEOPLE = {"floor": 0.9, "people": 0.012, "by_people": 0.97, "value": 0.05}
"""People who solve as much as the dear model, for less money; the cheap one misses the floor."""


def test_a_cascade_is_sought_where_no_single_candidate_pays(world):
    alone = decided(write_contract(world, ("cheap", "dear"), **DEAR_PEOPLE, more="cascades: none"))
    assert alone.verdict.decision is Decision.NO_AI
    result = decided(write_contract(world, ("cheap", "dear"), **DEAR_PEOPLE))
    verdict, sequence = result.verdict, result.certificate["sequence"]
    assert (verdict.decision, verdict.winner) == (Decision.ADOPT, "cheap→dear")
    assert sequence["reference"] == "dear"
    assert sequence["tested"][0]["certified"]
    chain = next(one for one in verdict.candidates if one.name == verdict.winner)
    assert chain.standing is Standing.HOLDS
    assert chain.saving_per_month.lower > 0
    assert chain.error_chance == pytest.approx(0.05)
    assert verdict.error_chance == pytest.approx(0.1)
    states = {one.name: one.trial.state for one in verdict.candidates}
    assert states == {"cheap": "rejected", "dear": "rejected", "cheap→dear": "accepted"}
    result.write_certificate(world / ".rixin" / "world.certificate.json")
    with Workspace(quiet=True) as workspace:
        found = workspace.verify(world / ".rixin" / "world.certificate.json")
    assert found.holds, found.text()


@pytest.mark.parametrize(
    ("names", "changes"),
    [
        (("cheap", "dear"), {"floor": 0.995, "people": 0.03}),  # nobody holds the floor
        (("cheap", "dear"), {"people": 0.0005}),  # nothing could be cheaper than people
        (("middle", "dear"), {"people": 0.0045}),  # a likely saving does not pay for the search
        (("dear",), {}),
    ],
)
def test_no_cascade_is_sought_where_none_could_win(world, names, changes):
    result = decided(write_contract(world, names, **{**DEAR_PEOPLE, "demand": 1000, **changes}))
    assert result.verdict.decision is not Decision.ADOPT
    assert result.certificate["sequence"] == {}


def test_certify_cases_are_not_paid_where_no_cascade_pays_on_shape_cases(world):
    result = decided(write_contract(world, ("cheap", "dear"), **{**DEAR_PEOPLE, "people": 0.0025}))
    assert result.verdict.decision is not Decision.ADOPT
    sequence = result.certificate["sequence"]
    assert (sequence["tested"], sequence["tested_on"]) == ([], [])
    assert "no cascade looked cheaper and paid" in sequence["note"]


def test_certify_cases_are_not_paid_where_the_best_on_shape_cases_misses_the_floor(world):
    same = (world / "dear.csv").read_text().replace(",0.02,", ",0.05,")
    (world / "middle.csv").write_text(same)  # too dear to be asked long enough to miss the floor
    result = decided(write_contract(world, **{**DEAR_PEOPLE, "floor": 0.995, "people": 0.025}))
    assert result.verdict.decision is not Decision.ADOPT
    sequence = result.certificate["sequence"]
    assert (sequence["tested"], sequence["tested_on"]) == ([], [])
    assert sequence["note"] == "dear solves most shape cases, and not enough"


def test_the_harm_of_a_proposed_cascade_is_counted_by_one_plan(tmp_path):
    write_world(tmp_path, cases=640)
    (tmp_path / "harmless.py").write_text("def check(case, output):\n    return False\n")
    result = decided(
        write_contract(
            tmp_path,
            floor=0.85,
            promise=", harm: {at_most: 0.02}",
            guards="[{function: 'harmless:check'}]",
        )
    )
    # At the error of a single 359 cases are needed for two violations, at that of the sequence 313.
    assert 313 <= result.certificate["sequence"]["cases"] < 359
    tested = result.certificate["sequence"]["tested"]
    assert any("2 in 313 were allowed: holds" in term for term in tested[0]["promise"])
    assert tested[0]["certified"]
    assert "→" in result.verdict.winner


def test_the_verdict_plans_the_harm_of_a_cascade_on_the_cases_that_its_test_had(world):
    (world / "harmless.py").write_text("def check(case, output):\n    return False\n")
    path = write_contract(
        world,
        ("cheap", "dear"),
        floor=0.85,
        promise=", harm: {at_most: 0.02}",
        guards="[{function: 'harmless:check'}]",
    )
    path.write_text(path.read_text().replace("{name: dear,", "{name: dear, cases: 300,"))
    result = decided(path)
    assert result.verdict.winner == "cheap→dear"
    winner = next(one for one in result.verdict.candidates if one.name == "cheap→dear")
    assert any("1 in 236 were allowed: holds" in term for term in winner.reasons)
    result.write_certificate(world / ".rixin" / "world.certificate.json")
    with Workspace(quiet=True) as workspace:
        assert workspace.verify(world / ".rixin" / "world.certificate.json").holds


@pytest.mark.parametrize("exhaustive", [False, True])
def test_a_quicker_candidate_that_is_practically_equal_is_found_with_and_without_a_race(
    world, exhaustive
):
    rows = (world / "dear.csv").read_text().splitlines()
    for name, price, seconds in (("va", "0.0100", 5), ("vb", "0.0101", 1)):
        lines = [f"{rows[0]},seconds", *(f"{row},{seconds}" for row in rows[1:])]
        (world / f"{name}.csv").write_text("\n".join(lines).replace(",0.02,", f",{price},"))
    timed = SILENT.replace("}", ", latency: seconds}")
    result = decided(
        write_contract(world, ("va", "vb"), columns=timed, floor=0.85), exhaustive=exhaustive
    )
    verdict = result.verdict
    assert (verdict.winner, verdict.equal_to_winner) == ("vb", ("va",))
    assert any("va is practically equal within the margin" in line for line in verdict.because)
    assert exhaustive or verdict.effort.answers < 0.7 * verdict.effort.all_answers

"""Recomputes a certificate from the ledger and says what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from math import isclose
from pathlib import Path
from typing import Any

from rixin import __version__
from rixin.core.foreign import decode_reply
from rixin.core.scenario import Scenario
from rixin.core.verdict import Decision
from rixin.decide.budget import Budget, budget_of
from rixin.errors import RixinError, UsageError
from rixin.interop.contract.load import fingerprint, scenario_as_stated
from rixin.ledger.cases import has_dataset, pool_sizes
from rixin.ledger.decisions import decision_keys
from rixin.ledger.outcomes import known_solver
from rixin.ledger.sample import Sample
from rixin.ledger.store import Ledger
from rixin.workspace.certificate import (
    FORMAT,
    RULES,
    Claim,
    build_certificate,
    differences,
    seal_of,
)
from rixin.workspace.certificate_form import mistakes_in
from rixin.workspace.evaluate import Basis, Stored, verdict_of
from rixin.workspace.marks import Difference
from rixin.workspace.propose import Proposer
from rixin.workspace.proposed import with_proposed
from rixin.workspace.start import shared_out, stored_of
from rixin.workspace.trials import trials_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of recomputing a certificate."""

    path: str
    scenario: str
    headline: str
    rows: int
    """Rows of the ledger that were read."""
    differences: tuple[Difference, ...]
    not_covered: tuple[str, ...] = ()
    """What could not be recomputed, in words."""

    @property
    def holds(self) -> bool:
        """Whether every claim was borne out."""
        return not self.differences

    @property
    def exit_code(self) -> int:
        """0 where it holds, else 1."""
        return 0 if self.holds else 1

    def to_dict(self) -> dict[str, object]:
        """Values that `json.dumps` takes."""
        return {
            "certificate": self.path,
            "scenario": self.scenario,
            "holds": self.holds,
            "rows": self.rows,
            "not_covered": list(self.not_covered),
            "differences": [
                {"where": one.where, "certificate": one.certificate, "ledger": one.ledger}
                for one in self.differences
            ],
        }

    def text(self) -> str:
        """For a terminal."""
        left_out = [f"  not covered: {one}" for one in self.not_covered]
        if self.holds:
            lines = [f"{self.path} holds: recomputed from {self.rows:,} stored rows"]
            return "\n".join([*lines, *left_out, f"{self.scenario}: {self.headline}"])
        lines = [f"{self.path} does not hold: {len(self.differences)} figures differ"]
        lines += [f"  ✗ {one}" for one in self.differences[:20]]
        if len(self.differences) > 20:
            lines.append(f"  … and {len(self.differences) - 20} more (--json shows all)")
        return "\n".join(lines + left_out)


def read_certificate(path: Path) -> dict[str, Any]:
    """The certificate of a file.

    Raises:
        UsageError: There is none, or it is none.
    """
    try:
        given = decode_reply(path.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no certificate {str(path)!r}",
            hint="rixin decide writes one beside its report, in .rixin",
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} cannot be read as a certificate: {error}", hint="name the JSON file"
        ) from error
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise UsageError(
            f"{path} is no certificate of the format {FORMAT}", hint="name the JSON file"
        )
    if mistakes := [*islice(mistakes_in(given), _MOST_MISTAKES)]:
        listed = "".join(f"\n  {one}" for one in mistakes)
        raise UsageError(f"{path} is no certificate:{listed}", hint=_AS_IT_WAS)
    return given


def verify(
    path: Path, given: Mapping[str, Any], ledger: Ledger, scenario_path: Path
) -> Verification:
    """Recomputes a certificate; nothing is asked, and nothing is written.

    Args:
        path: Where it lies, for the report.
        given: The certificate.
        ledger: Where its rows are.
        scenario_path: Where its scenario stood.

    Raises:
        UsageError: Its parts contradict each other.
    """
    try:
        return _verified(path, given, ledger, scenario_path)
    except RixinError:
        raise
    except _SENSELESS as error:
        # Each of its values has the right form, and together they mean nothing.
        raise UsageError(
            f"{path} contradicts itself: {type(error).__name__}: {error}", hint=_AS_IT_WAS
        ) from error


_MOST_MISTAKES = 20
_SENSELESS = (
    *(LookupError, ValueError, TypeError, ArithmeticError, AttributeError, AssertionError),
    *(RecursionError, StopIteration),
)
_AS_IT_WAS = "take the file as rixin decide has written it, beside the report in .rixin"


def _verified(
    path: Path, given: Mapping[str, Any], ledger: Ledger, scenario_path: Path
) -> Verification:
    claim = _claim(given, ledger, scenario_path)
    headline = str(given["headline"])
    rows, not_covered = 0, [_OLD] if "more_rows" not in given else []
    if isinstance(claim, Claim):
        found = build_certificate(claim)
        headline = found["headline"]
        if claim.rules < RULES:
            found, not_covered = _in_the_words_of(given, found), [*not_covered, _OTHER_RULES]
        differing = differences(given, found, claim)
        number = _decision(given, ledger, claim.scenario)
        not_covered += [_NO_NUMBER] if number is None else []
        if "more_rows" in given and given["sequence"]:
            if given["rixin"] == __version__:
                differing = [*_settled_otherwise(given["sequence"], claim), *differing]
            else:
                not_covered.append(_OTHER_VERSION)
        rows = sum(one["rows"] for one in found["rows"].values())
        beside = found["more_rows"].values() if "more_rows" in given else ()
        rows += sum(one["rows"] for pool in beside for one in pool.values())
    else:
        differing = [claim]
    if not differing and seal_of(given) != given.get("sha256"):
        differing.append(Difference("sha256", given.get("sha256"), seal_of(given)))
    return Verification(
        path=str(path),
        scenario=str(given["scenario"]),
        headline=headline,
        rows=rows,
        differences=tuple(differing),
        not_covered=tuple(not_covered),
    )


_OLD = (
    "weights and strata of cases, rows that only cascades or the red team used, and whether the"
    " shape cases propose these cascades: it was made before these were marked"
)
_NO_NUMBER = (
    "which of the decisions that share the error budget this was: the ledger has none on this"
    " contract and these cases"
)
_OTHER_VERSION = "that the shape cases propose these cascades: another version of Rixin looked"


_OTHER_RULES = (
    "the words of its headline, and that a language model was tried before it said not to use AI:"
    " it was made by earlier rules"
)


def _in_the_words_of(given: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What was recomputed, worded as under the rules of the certificate.

    The first said *do not use AI* of whatever failed; now it is *keep the incumbent* where no
    language model was tried.
    """
    same = {"headline": given["headline"]}
    if (given["decision"], found["decision"]) == (Decision.NO_AI, Decision.KEEP):
        same["decision"] = given["decision"]
    return {**found, **same}


def _claim(given: Mapping[str, Any], ledger: Ledger, scenario_path: Path) -> Claim | Difference:
    """What the certificate would be made of today; what is not there instead, if anything."""
    dataset_id = given["cases"]["dataset"]
    if not has_dataset(ledger, dataset_id):
        return Difference("cases.dataset", dataset_id, "not in this ledger")
    if beyond := next(_beyond(given, sum(pool_sizes(ledger, dataset_id).values())), None):
        return beyond
    contract = str(given["contract"])
    scenario = with_proposed(_as_stated(given, scenario_path), given["proposed"])
    numbers: dict[str, int] = {}
    for line in given["solvers"]:
        number = known_solver(ledger, line["fingerprint"])
        if number is None:
            return Difference(f"solvers[{line['name']}]", line["fingerprint"], "not in this ledger")
        numbers[line["name"]] = number
    budget = _budget(scenario, given, ledger)
    stored = stored_of(ledger, scenario, dataset_id, budget, given["judge"])
    stored = replace(stored, numbers=numbers)
    trials = {
        name: replace(trial, planned=stored.samples[name].size)
        for name, trial in trials_in(given).items()
    }
    cut = stored.cut({name: trial.asked for name, trial in trials.items()})
    return Claim(
        stored=cut,
        scenario=scenario,
        contract=contract,
        dataset_id=dataset_id,
        pools={str(pool): n for pool, n in pool_sizes(ledger, dataset_id).items()},
        verdict=verdict_of(
            cut, scenario, Basis(budget=budget, trials=trials, sequence=given["sequence"])
        ),
        budget=budget,
        solvers=given["solvers"],
        prices=given["prices"],
        sequence=_sequence(stored, scenario, budget, given["sequence"]),
        rules=given.get("rules") or 1,
    )


def _as_stated(given: Mapping[str, Any], path: Path) -> Scenario:
    """The contract; by the first rules, 1 % of harm was promised where none was stated."""
    scenario = scenario_as_stated(str(given["contract"]), path)
    if given.get("rules") or scenario.promise.harm_at_most is not None:
        return scenario
    return replace(scenario, promise=replace(scenario.promise, harm_at_most=0.01))


def _beyond(given: Mapping[str, Any], most: int) -> Iterator[Difference]:
    """Counts of cases that are more than there are: nothing is computed with those."""
    for one in given["hypotheses"]:
        for name in ("asked", "planned"):
            if one[name] > most:
                yield Difference(f"hypotheses[{one['about']}].{name}", one[name], most)
    for name in ("cases", "shape_cases"):
        if given["sequence"] and given["sequence"][name] > most:
            yield Difference(f"sequence.{name}", given["sequence"][name], most)
    decision = given["error_budget"]["decision"]
    if decision > _MOST_DECISIONS:
        yield Difference("error_budget.decision", decision, f"at most {_MOST_DECISIONS}")


_MOST_DECISIONS = 1_000_000


def _sequence(
    stored: Stored, scenario: Scenario, budget: Budget, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The tests of proposed policies, taken anew on the stored rows."""
    return _proposer(stored, scenario, budget, given).again(given) if given else {}


def _proposer(
    stored: Stored, scenario: Scenario, budget: Budget, given: Mapping[str, Any]
) -> Proposer:
    return Proposer(
        stored=stored,
        scenario=scenario,
        budget=budget,
        prices=dict.fromkeys(given["proposed_from"], 0.0),
        complete=_nobody_is_asked,
    )


def _settled_otherwise(given: Mapping[str, Any], claim: Claim) -> Iterator[Difference]:
    """What the shape cases settle otherwise than the certificate says."""
    found = _proposer(claim.stored, claim.scenario, claim.budget, given).settled(given)
    stated = {**given, "tested": [one["steps"] for one in given["tested"]]}
    for key, value in found.items():
        if not _alike(stated[key], value):
            where = f"sequence.{key}, settled anew on shape cases"
            yield Difference(where, _brief(stated[key]), _brief(value))


def _alike(one: Any, other: Any) -> bool:
    """Equal, but for the last digits of fitted weights, which differ among machines."""
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)


def _brief(value: Any) -> object:
    """Of policies the solvers and thresholds only."""
    if not (isinstance(value, list) and all(isinstance(one, list) for one in value)):
        return value
    return [[(step["solver"], step["threshold"]) for step in steps] for steps in value]


async def _nobody_is_asked(_name: str, _sample: Sample) -> None:
    """Everything that a certificate rests on is stored."""


def _budget(scenario: Scenario, given: Mapping[str, Any], ledger: Ledger) -> Budget:
    claimed = given["error_budget"]
    number = _decision(given, ledger, scenario) or claimed["decision"]
    own = _own(scenario)
    budget = budget_of(own, proposes=claimed["proposed"] > 0, decision=number)
    dataset_id = given["cases"]["dataset"]
    return shared_out(ledger, own, dataset_id, budget) if given.get("rules") else budget


def _decision(given: Mapping[str, Any], ledger: Ledger, scenario: Scenario) -> int | None:
    """Its number among those that share the error budget; None where the ledger does not tell."""
    if scenario.promise.carry_over == "fresh":
        return 1
    keys = decision_keys(ledger, scenario.name)
    key = (fingerprint(_own(scenario)), given["cases"]["dataset"])
    return keys.index(key) + 1 if key in keys else None


def _own(scenario: Scenario) -> Scenario:
    """Without the cascades that were proposed."""
    own = tuple(one for one in scenario.candidates if not one.options.get("proposed"))
    return replace(scenario, candidates=own)

from math import inf

import numpy as np
import pytest
from simulate import DISCORDANCES, MARGIN_SIZES, pair_size

from rixin.stats import exact
from rixin.stats.eprocess import log_e_many
from rixin.stats.pairs import (
    EXACT_CASES,
    certify_pair,
    compare_pair,
    critical_value,
    mcnemar_p_value,
    pair_p_value,
    paired_difference,
    tango_scores,
    tango_z,
)


def by_enumeration(b, c, n, margin, points):
    """The exact p value from all outcomes and many rates: slow, and nothing to get wrong."""
    from scipy.stats import multinomial

    cells = [(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)]
    z = np.array([tango_z(i, j, n, margin) for i, j, _ in cells])
    hit = np.array(cells)[z <= tango_z(b, c, n, margin) + 1e-9]
    rates = np.linspace(0, (1 - margin) / 2, points)
    return max(multinomial.pmf(hit, n, [r + margin, r, 1 - 2 * r - margin]).sum() for r in rates)


@pytest.mark.parametrize("counts", [(0, 0), (0, 3), (1, 2), (2, 5), (4, 1)])
@pytest.mark.parametrize("margin", [0.05, 0.2])
def test_p_value_matches_brute_force(counts, margin):
    b, c = counts
    assert pair_p_value(b, c, 15, margin) == pytest.approx(
        by_enumeration(b, c, 15, margin, 200), rel=2e-3
    )


@pytest.mark.parametrize(("n", "margin"), [(20, 0.05), (50, 0.01), (300, 0.02), (1000, 0.01)])
@pytest.mark.parametrize("delta", [0.05, 0.1])
def test_no_rate_between_grid_points_breaks_the_error_probability(n, margin, delta, monkeypatch):
    critical = critical_value(n, margin, delta)
    fine = np.linspace(0, np.pi / 2, int(60 * n**0.5) + 1000)
    monkeypatch.setattr(exact, "_angles", lambda n: fine)
    chances = exact._chance_below(n, margin, critical, exact._nuisance(n, margin))
    assert chances.max() <= delta


@pytest.mark.parametrize(("n", "margin"), MARGIN_SIZES)
def test_a_loss_of_the_margin_is_rarely_certified(n, margin):
    rng = np.random.default_rng(n)
    for discordance in [margin, *DISCORDANCES]:
        size = pair_size(n, margin, 0.1, discordance, 20_000, rng)
        assert size <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 20_000)


def test_betting_rejects_only_what_the_exact_test_rejects_at_that_size():
    b, c = np.meshgrid(np.arange(0, 401, 4), np.arange(0, 401, 4))
    counts = np.stack([b, 1000 - b - c, c], axis=-1)
    betting = log_e_many([0, 0.5, 1], counts, 0.49) >= np.log(20)
    assert betting.any()
    assert not (betting & (tango_scores(b, c, 1000, 0.02) > critical_value(1000, 0.02, 0.05))).any()


def test_statistic_uses_the_most_likely_rates_under_the_hypothesis():
    from scipy.optimize import minimize_scalar

    b, c, n, margin = 7, 12, 80, 0.05
    fit = minimize_scalar(
        lambda r: (
            -(b * np.log(r + margin) + c * np.log(r) + (n - b - c) * np.log(1 - 2 * r - margin))
        ),
        bounds=(1e-6, 0.47),
        method="bounded",
        options={"xatol": 1e-10},
    )
    error = np.sqrt(n * (2 * fit.x + margin - margin**2))
    assert tango_z(b, c, n, margin) == pytest.approx((b - c - n * margin) / error, rel=1e-6)


def test_statistic_grows_with_losses_and_falls_with_gains():
    for margin in (0.0, 0.01, 0.2):
        b, c = np.meshgrid(np.arange(61), np.arange(61), indexing="ij")
        z = np.where(b + c <= 60, tango_scores(b, c, 60, margin), np.nan)
        up, across = np.diff(z, axis=0), np.diff(z, axis=1)
        assert (up[np.isfinite(up)] >= 0).all()
        assert (across[np.isfinite(across)] <= 0).all()


def test_no_difference_at_all_certifies_once_there_are_enough_cases():
    assert not certify_pair(0, 0, 100, 0.02, 0.05)
    assert certify_pair(0, 0, 200, 0.02, 0.05)


def test_always_worse_is_never_certified():
    assert not certify_pair(300, 0, 300, 0.02, 0.1)
    assert pair_p_value(300, 0, 300, 0.02) == 1


def test_a_handful_of_cases_certifies_nothing():
    assert critical_value(3, 0.02, 0.05) == -inf
    assert not certify_pair(0, 3, 3, 0.02, 0.05)
    assert not compare_pair(0, 0, 0, 0.02, 0.05).certified


def test_the_exact_test_answers_at_its_limit_and_at_high_discordance():
    result = compare_pair(1200, 1300, EXACT_CASES, 0.02, 0.05)
    assert result.method == "exact"
    assert result.certified
    assert result.p_value < 0.05


def test_beyond_the_limit_the_betting_test_answers():
    result = compare_pair(150, 180, EXACT_CASES + 1, 0.02, 0.05)
    assert (result.certified, result.method, result.p_value) == (True, "betting", None)
    assert result.critical == pytest.approx(np.log(20))
    assert certify_pair(150, 180, EXACT_CASES + 1, 0.02, 0.05)
    assert not certify_pair(300, 180, EXACT_CASES + 1, 0.02, 0.05)


def test_the_exact_figures_are_refused_beyond_the_limit():
    with pytest.raises(ValueError, match="exact test"):
        pair_p_value(1, 1, EXACT_CASES + 1, 0.02)
    with pytest.raises(ValueError, match="exact test"):
        critical_value(0, 0.02, 0.05)


@pytest.mark.parametrize("counts", [(-1, 0, 5), (0, -1, 5), (3, 3, 5), (6, 0, 5)])
def test_impossible_counts_are_refused(counts):
    for call in (lambda: tango_z(*counts, 0.1), lambda: compare_pair(*counts, 0.1, 0.05)):
        with pytest.raises(ValueError, match="must lie in"):
            call()


@pytest.mark.parametrize(("margin", "delta"), [(-0.1, 0.05), (1, 0.05), (0.1, 0), (0.1, 1)])
def test_impossible_promises_are_refused(margin, delta):
    with pytest.raises(ValueError, match=r"margin|delta"):
        compare_pair(1, 1, 10, margin, delta)


def test_a_statistic_of_no_pairs_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        tango_z(0, 0, 0, 0.02)


def test_mcnemar_is_the_two_sided_sign_test():
    from scipy.stats import binomtest

    for b, c in [(0, 0), (3, 3), (2, 11), (40, 21)]:
        expected = binomtest(b, b + c).pvalue if b + c else 1.0
        assert mcnemar_p_value(b, c) == pytest.approx(expected)


def test_difference_interval_inverts_the_statistic():
    interval = paired_difference(5, 12, 200, 0.05)
    assert -tango_z(12, 5, 200, interval.upper) == pytest.approx(1.95996, abs=1e-3)
    assert tango_z(5, 12, 200, -interval.lower) == pytest.approx(-1.95996, abs=1e-3)


def test_difference_interval_mirrors_when_the_solvers_swap():
    one, other = paired_difference(5, 12, 200, 0.05), paired_difference(12, 5, 200, 0.05)
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower))


def test_difference_interval_is_open_minded_without_differences():
    assert paired_difference(0, 0, 0, 0.05).upper == 1
    nothing = paired_difference(0, 0, 100, 0.05)
    assert nothing.upper == pytest.approx(-nothing.lower)
    assert 0.03 < nothing.upper < 0.05
    assert paired_difference(0, 20, 20, 0.05).upper == 1


def test_difference_interval_covers_about_as_often_as_stated():
    rng = np.random.default_rng(2)
    drawn, counts = np.unique(
        rng.multinomial(100, [0.06, 0.1, 0.84], size=4000)[:, :2], axis=0, return_counts=True
    )
    inside = []
    for b, c in drawn.tolist():
        interval = paired_difference(b, c, 100, 0.1)
        inside.append(interval.lower <= 0.04 <= interval.upper)
    assert np.average(inside, weights=counts) == pytest.approx(0.9, abs=0.02)

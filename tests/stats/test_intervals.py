import subprocess
import sys
from math import inf

import numpy as np
import pytest

from rixin.stats.intervals import (
    Interval,
    clopper_pearson,
    cp_lower,
    cp_upper,
    in_order,
    mean_margin,
    quantile,
    quantile_interval,
    wilson,
)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 50), (3, 50), (25, 50), (50, 50)])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_rate_intervals_agree_with_scipy(k, n, alpha):
    from scipy.stats import binomtest

    for ours, method in [(clopper_pearson, "exact"), (wilson, "wilson")]:
        theirs = binomtest(k, n).proportion_ci(1 - alpha, method)
        mine = ours(k, n, alpha)
        assert (mine.lower, mine.upper) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_one_sided_bounds_are_the_ends_of_the_interval_of_twice_the_error():
    both = clopper_pearson(7, 60, 0.1)
    assert (cp_lower(7, 60, 0.05), cp_upper(7, 60, 0.05)) == (both.lower, both.upper)


@pytest.mark.parametrize("interval", [clopper_pearson, wilson])
def test_no_cases_tell_nothing(interval):
    assert interval(0, 0, 0.05) == Interval(lower=0.0, upper=1.0)


@pytest.mark.parametrize(("k", "n", "alpha"), [(-1, 5, 0.05), (6, 5, 0.05), (1, 5, 0), (1, 5, 1)])
def test_impossible_rates_are_refused(k, n, alpha):
    for call in (cp_lower, cp_upper, clopper_pearson, wilson):
        with pytest.raises(ValueError, match="must lie"):
            call(k, n, alpha)


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.5, 0.97])
def test_the_exact_interval_covers_at_every_rate(rate):
    from scipy.stats import binom

    hits = np.arange(81)
    found = [clopper_pearson(int(k), 80, 0.1) for k in hits]
    inside = np.array([i.lower <= rate <= i.upper for i in found])
    assert binom.pmf(hits, 80, rate)[inside].sum() >= 0.9


@pytest.mark.parametrize(("n", "q"), [(10, 0.5), (60, 0.95), (200, 0.95), (1000, 0.99)])
def test_a_quantile_is_covered_whatever_the_distribution(n, q):
    from scipy.stats import binom

    found = quantile_interval(np.arange(1, n + 1), q, 0.1)
    low, high = max(found.lower, 0), min(found.upper, n + 1)
    # The chance that between low and high - 1 of the values lie below the quantile.
    assert binom.cdf(high - 1, n, q) - binom.cdf(low - 1, n, q) >= 0.9


def test_a_quantile_limit_without_enough_values_is_infinite():
    assert quantile_interval([3.0, 1.0, 2.0], 0.95, 0.05) == Interval(lower=2.0, upper=inf)
    assert quantile_interval([], 0.95, 0.05) == Interval(lower=-inf, upper=inf)


def test_the_order_of_measurements_does_not_matter():
    values = np.random.default_rng(1).gamma(2.0, size=400)
    assert quantile_interval(values, 0.95, 0.05) == quantile_interval(values[::-1], 0.95, 0.05)


@pytest.mark.parametrize(("values", "q"), [([1, np.nan], 0.5), ([1, 2], 0), ([1, 2], 1)])
def test_impossible_quantiles_are_refused(values, q):
    with pytest.raises(ValueError, match="must"):
        quantile_interval(values, q, 0.05)


def test_a_running_mean_is_rarely_ever_further_from_the_truth_than_its_margin():
    rng = np.random.default_rng(6)
    values = rng.gamma(2.0, 0.5, size=(1000, 1000))
    n = np.arange(1, 1001)
    means = np.cumsum(values, axis=1) / n
    variances = np.cumsum(values**2, axis=1) / n - means**2
    looks = range(50, 1001, 10)
    margins = np.array([[mean_margin(v, k, 0.05, 1000) for k in looks] for v in (0.5,)])[0]
    scaled = np.sqrt(variances[:, 49::10] / 0.5) * margins  # the margin grows with the deviation
    for sign in (1, -1):
        ever = (sign * (means[:, 49::10] - 1.0) > scaled).any(axis=1)
        assert ever.mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)


def test_the_margin_of_a_mean_is_narrowest_about_its_horizon_and_grows_with_the_deviation():
    at = {horizon: mean_margin(1.0, 1000, 0.05, horizon) for horizon in (10, 1000, 100_000)}
    assert at[1000] < min(at[10], at[100_000])
    assert mean_margin(4.0, 1000, 0.05, 1000) == pytest.approx(2 * at[1000])
    assert mean_margin(0.0, 1000, 0.05, 1000) == 0
    margins = [mean_margin(1.0, n, 0.05, 1000) for n in (1, 10, 100, 1000, 10_000)]
    assert margins == sorted(margins, reverse=True)


@pytest.mark.parametrize(
    ("variance", "n", "alpha", "horizon"),
    [(-1, 9, 0.05, 9), (np.nan, 9, 0.05, 9), (1, 0, 0.05, 9), (1, 9, 0.05, 0), (1, 9, 1, 9)],
)
def test_impossible_margins_are_refused(variance, n, alpha, horizon):
    with pytest.raises(ValueError, match=r"must|out of range"):
        mean_margin(variance, n, alpha, horizon)


def test_importing_the_package_does_not_import_scipy():
    code = (
        "import sys, rixin.stats.pairs, rixin.stats.planning;"
        "sys.exit(any(name.startswith('scipy') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("p", [0.001, 0.05, 0.5, 0.97])
def test_short_sums_are_what_the_library_says(p):
    from scipy.special import bdtr, ndtr

    from rixin.stats.tails import binomial_cdf, binomial_cdfs, normal_cdf

    for n in (4, 40, 400, 100_000):
        for k in range(5):
            assert binomial_cdf(k, n, p) == pytest.approx(bdtr(k, n, p), rel=1e-9, abs=1e-300)
    for n in (0, 1, 64, 65):
        assert binomial_cdfs(n, p) == pytest.approx(bdtr(np.arange(n + 1.0), n, p), rel=1e-12)
    for z in (-8.0, -1.0, 0.0, 2.5):
        assert normal_cdf(z) == pytest.approx(ndtr(z), rel=1e-12)
    for n in (1, 7, 300):
        assert cp_upper(0, n, p) == pytest.approx(1 - p ** (1 / n), rel=1e-9)
        assert cp_lower(n, n, p) == pytest.approx(p ** (1 / n), rel=1e-9)


@pytest.mark.parametrize("n", [1, 7, 1_000, 1_001])
def test_quantiles_of_few_and_of_many_values(n):
    values = np.random.default_rng(n).exponential(size=n)
    ordered = in_order(values)
    assert list(ordered) == sorted(values)
    for q in (0.0, 0.31, 0.95, 1.0):
        assert quantile(ordered, q) == pytest.approx(np.quantile(values, q))

"""Against scipy's own tests, naive loops, published numbers, and the known truth."""

import itertools
import time

import numpy as np
import pytest
from scipy import stats

from cadnet.evaluation import statistics


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_sign_flips_are_scipys_paired_permutation_test(rng):
    for shift in (0.0, 0.1, 0.2):
        a, b = rng.gamma(3, 2, 80) + shift, rng.gamma(3, 2, 80)
        reference = stats.permutation_test(
            (a, b),
            lambda x, y, axis: (x - y).mean(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=9999,
            rng=1,
        )
        # Both are Monte Carlo: five standard errors of a share.
        p = reference.pvalue
        assert statistics.sign_flip(a - b) == pytest.approx(p, abs=5 * np.sqrt(p / 9999) + 1e-3)


def test_few_images_are_counted_out(rng):
    differences = rng.normal(0.5, 1, 8)
    flips = itertools.product((-1, 1), repeat=8)
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in flips]
    naive = sum(s >= abs(differences.sum()) - 1e-9 for s in sums) / 2**8
    assert statistics.sign_flip(differences) == naive
    assert statistics.sign_flip(np.ones(4)) == 2 / 16


def test_correctness_is_mcnemars_exact_test():
    """Twelve faces that only a recognises, three that only b does, the rest alike."""
    a = np.array([1.0] * 12 + [0.0] * 3 + [1.0] * 20)
    b = np.array([0.0] * 12 + [1.0] * 3 + [1.0] * 20)
    exact = stats.binomtest(3, 15).pvalue
    found = statistics.paired_difference(a, b)
    assert found.value == pytest.approx(9 / 35)
    assert found.p == pytest.approx(exact, abs=0.006)


def test_no_difference_is_found_about_one_time_in_twenty():
    rng = np.random.default_rng(3)
    found = [statistics.sign_flip(rng.normal(size=40), resamples=199) for _ in range(400)]
    assert 0.02 < np.mean(np.array(found) < 0.05) < 0.09


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(4)
    hits = []
    for _ in range(200):
        found = statistics.bootstrap_mean(rng.gamma(4, 0.5, 60), resamples=499)
        hits.append(found.low <= 2.0 <= found.high)
    assert 0.88 < np.mean(hits) < 0.99


def test_the_interval_of_a_mean_is_close_to_students(rng):
    values = rng.normal(5, 1, 500)
    found = statistics.bootstrap_mean(values)
    low, high = stats.t.interval(0.95, 499, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)
    assert (found.value, found.n) == (pytest.approx(values.mean()), 500)


def test_equal_images_have_no_spread():
    found = statistics.paired_difference(np.full(20, 3.0), np.full(20, 3.0))
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_the_same_input_gives_the_same_bits(rng):
    a, b = rng.normal(size=(2, 300))
    assert statistics.paired_difference(a, b) == statistics.paired_difference(a, b)


def test_seeds_are_averaged_image_by_image():
    np.testing.assert_allclose(
        statistics.over_seeds([np.array([1.0, 5.0]), np.array([3.0, 6.0])]), [2.0, 5.5]
    )
    with pytest.raises(ValueError, match="other numbers of images"):
        statistics.over_seeds([np.ones(2), np.ones(3)])


def test_pairs_are_needed():
    with pytest.raises(ValueError, match="not 2 and 3"):
        statistics.paired_difference(np.ones(2), np.ones(3))


def naive_holm(p):
    adjusted, ranked = [0.0] * len(p), sorted(range(len(p)), key=lambda i: p[i])
    for rank, i in enumerate(ranked):
        tried = [min(1.0, (len(p) - k) * p[ranked[k]]) for k in range(rank + 1)]
        adjusted[i] = max(tried)
    return adjusted


def test_holm_against_a_naive_reference_and_r(rng):
    for n in (1, 2, 7, 40):
        p = (rng.uniform(size=n) ** 3).round(2).tolist()  # with ties
        assert statistics.holm(p) == pytest.approx(naive_holm(p))
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]) == []


def test_holm_rejects_something_true_in_few_families():
    """Twenty claims without anything behind them: the family's error stays near 5 %."""
    rng = np.random.default_rng(5)
    false = [min(statistics.holm(rng.uniform(size=20))) < 0.05 for _ in range(1000)]
    assert np.mean(false) < 0.075


def test_correlation_is_scipys(rng):
    x = rng.normal(size=30)
    y = -x + rng.normal(size=30)
    found, reference = statistics.correlation(x, y), stats.pearsonr(x, y)
    assert (found.value, found.p) == pytest.approx((reference.statistic, reference.pvalue))
    z, half = np.arctanh(found.value), stats.norm.ppf(0.975) / np.sqrt(27)
    assert (found.low, found.high) == pytest.approx((np.tanh(z - half), np.tanh(z + half)))
    with pytest.raises(ValueError, match="both must vary"):
        statistics.correlation(x, np.ones(30))


def test_relative_gains(rng):
    b = rng.gamma(20, 0.5, 400)
    half, tenth = 0.5 * b + rng.normal(0, 0.3, 400), 0.9 * b + rng.normal(0, 0.3, 400)
    for same in (True, False):
        found = statistics.gain_difference((half, b), (tenth, b), same_images=same)
        assert found.value == pytest.approx(0.4, abs=0.01)
        assert found.low < 0.4 < found.high and found.p is not None and found.p < 0.001
    reverse = statistics.gain_difference((tenth, b), (half, b), same_images=False)
    assert reverse.value == pytest.approx(-0.4, abs=0.01) and reverse.high < 0
    null = statistics.gain_difference((half, b), (half[:100], b[:100]), same_images=False)
    assert null.p is not None and null.p > 0.05
    assert statistics.relative_gain(np.array([1.0]), np.array([4.0])) == 0.75


def test_paired_images_narrow_the_interval_of_a_gain(rng):
    """Gains that rise and fall together, image by image."""
    b = rng.gamma(20, 0.5, 300)
    noise = rng.normal(0, 2, 300)
    first, second = (0.5 * b + noise, b), (0.9 * b + noise, b)
    paired = statistics.gain_difference(first, second, same_images=True)
    apart = statistics.gain_difference(first, second, same_images=False)
    assert paired.high - paired.low < 0.5 * (apart.high - apart.low)


def test_groups_of_other_images(rng):
    a, b = rng.normal(1, 1, 200), rng.normal(0, 1, 150)
    found = statistics.group_difference(a, b)
    assert found.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
    assert found.low < a.mean() - b.mean() < found.high and found.n == 350
    with pytest.raises(ValueError, match="not 1 and 150"):
        statistics.group_difference(a[:1], b)


def test_seeds_are_compared_by_students_test():
    a, b = np.array([1.0, 1.2, 1.1]), np.array([1.5, 1.6, 1.7])
    found = statistics.paired_seeds(a, b)
    reference = stats.ttest_rel(a, b)
    assert (found.value, found.p) == pytest.approx((-0.5, reference.pvalue))
    assert found.low == pytest.approx(reference.confidence_interval().low)
    with pytest.raises(ValueError, match="two seeds"):
        statistics.paired_seeds(a[:1], b[:1])


def test_a_mean_against_a_printed_number(rng):
    values = rng.normal(3.0, 0.5, 200)
    found = statistics.against_number(values, 3.5)
    assert found.value == pytest.approx(values.mean() - 3.5)
    assert found.high < 0 and found.p == stats.ttest_1samp(values, 3.5).pvalue


def test_a_report_of_claims_is_a_matter_of_seconds(rng):
    a, b = rng.normal(size=(2, 700))
    start = time.process_time()
    statistics.paired_difference(a, b)
    assert time.process_time() - start < 1  # 0.2 s on an idle core; sixty of them in 12

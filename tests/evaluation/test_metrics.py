import math

import numpy as np
import pytest
from scipy.integrate import quad

from cadnet.evaluation import metrics

RNG = np.random.default_rng(0)
PREDICTED, TRUTH = RNG.normal(size=(5, 7, 2)), RNG.normal(size=(5, 7, 2))


def test_the_three_definitions_against_plain_loops():
    for n in range(5):
        squares, distances = [], []
        for p, t in zip(PREDICTED[n], TRUTH[n], strict=True):
            dx, dy = p[0] - t[0], p[1] - t[1]
            distances.append(math.hypot(dx, dy))
            squares += [dx * dx, dy * dy]
        mean = sum(distances) / 7
        points = math.sqrt(sum(d * d for d in distances) / 7)
        coordinates = math.sqrt(sum(squares) / 14)
        assert metrics.mean_distance(PREDICTED, TRUTH)[n] == pytest.approx(mean)
        assert metrics.rms_points(PREDICTED, TRUTH)[n] == pytest.approx(points)
        assert metrics.rms_coordinates(PREDICTED, TRUTH)[n] == pytest.approx(coordinates)
        assert coordinates < mean <= points


def test_each_points_distance_is_what_the_mean_is_of():
    found = metrics.point_errors(PREDICTED.astype(np.float32), TRUTH)
    assert found.shape == (5, 7) and found.dtype == np.float64
    for n, point in ((0, 0), (3, 6)):
        expected = math.dist(PREDICTED[n, point], TRUTH[n, point])
        assert found[n, point] == pytest.approx(expected, rel=1e-5)


def test_definitions_are_related_as_published():
    """rms over points is √2 of rms over coordinates: 4.037 and 2.855 on one public set."""
    ratio = metrics.rms_points(PREDICTED, TRUTH) / metrics.rms_coordinates(PREDICTED, TRUTH)
    np.testing.assert_allclose(ratio, math.sqrt(2))
    assert pytest.approx(math.sqrt(2), abs=2e-3) == 4.037 / 2.855


def test_auc_is_the_integral_of_the_distribution():
    errors = RNG.gamma(2, 3, 40)
    for threshold in (8.0, 10.0):
        steps = np.sort(errors[errors < threshold])
        area, _ = quad(lambda x: (errors <= x).mean(), 0, threshold, points=steps, limit=500)
        assert metrics.auc(errors, threshold) == pytest.approx(area / threshold, abs=1e-9)


def test_auc_and_failures_at_the_ends():
    assert metrics.auc(np.zeros(3), 8) == 1
    assert metrics.auc(np.full(3, 9.0), 8) == 0
    assert metrics.failure_rate(np.array([7.9, 8.0, 8.1, 20]), 8) == 0.5

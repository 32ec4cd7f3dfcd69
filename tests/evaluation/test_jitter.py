"""Jitter against plain loops, and what must leave it alone."""

import math
from itertools import pairwise

import numpy as np
import pytest

from cadnet.data.align import to_crop
from cadnet.evaluation.jitter import jitter, to_frames

RNG = np.random.default_rng(0)
VIDEOS = np.array(["b"] * 4 + ["single"] + ["a"] * 3, dtype=object)
TRUTH = RNG.uniform(0, 100, (8, 68, 2))
PREDICTED = TRUTH + RNG.normal(0, 2, TRUTH.shape)


def naive(predicted, truth, frames):
    sums, pairs = [0.0, 0.0, 0.0], 0
    for a, b in pairwise(frames):
        unit = sum(math.dist(truth[i, 36], truth[i, 45]) for i in (a, b)) / 2
        pairs += 1
        for point in range(68):
            p = [predicted[b, point, k] - predicted[a, point, k] for k in (0, 1)]
            g = [truth[b, point, k] - truth[a, point, k] for k in (0, 1)]
            sums[0] += math.hypot(*p) / unit / 68
            sums[1] += math.hypot(*g) / unit / 68
            sums[2] += math.hypot(p[0] - g[0], p[1] - g[1]) / unit / 68
    return [100 * value / pairs for value in sums]


def test_against_plain_loops():
    found = jitter(PREDICTED, TRUTH, VIDEOS)
    assert list(found) == ["b", "a"]
    for name, frames in (("b", range(4)), ("a", range(5, 8))):
        of = found[name]
        expected = naive(PREDICTED, TRUTH, list(frames))
        assert [of.predicted, of.truth, of.excess] == pytest.approx(expected)
        assert of.pairs == len(frames) - 1


def test_frames_of_two_videos_may_come_in_turn():
    order = [0, 5, 1, 2, 6, 4, 3, 7]
    assert jitter(PREDICTED[order], TRUTH[order], VIDEOS[order]) == jitter(PREDICTED, TRUTH, VIDEOS)


def test_a_constant_error_of_a_moving_head_is_no_excess():
    moved = TRUTH + np.array([3.0, -4.0])
    of = jitter(moved, TRUTH, VIDEOS)["a"]
    assert of.excess == pytest.approx(0, abs=1e-9)
    assert of.predicted == pytest.approx(of.truth) and of.truth > 1


def test_a_still_face_has_the_jitter_of_its_predictions():
    still = np.broadcast_to(TRUTH[0], TRUTH.shape)
    eyes = math.dist(TRUTH[0, 36], TRUTH[0, 45])
    shift = 0.01 * eyes * (np.arange(8) % 2)  # to the right and back again
    of = jitter(still + np.stack([shift, 0 * shift], -1)[:, None], still, VIDEOS)["b"]
    assert (of.predicted, of.excess) == pytest.approx((1, 1)) and of.truth == 0


def test_backwards_and_larger_are_the_same():
    forward = jitter(PREDICTED, TRUTH, VIDEOS)
    backward = jitter(PREDICTED[::-1], TRUTH[::-1], VIDEOS[::-1])
    larger = jitter(7 * PREDICTED, 7 * TRUTH, VIDEOS)
    for name, of in forward.items():
        for other in (backward[name], larger[name]):
            assert (other.predicted, other.excess) == pytest.approx((of.predicted, of.excess))


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="7 names of videos"):
        jitter(PREDICTED, TRUTH, VIDEOS[1:])
    with pytest.raises(ValueError, match="same frames and points"):
        jitter(PREDICTED[:, :29], TRUTH, VIDEOS)


def test_crops_are_brought_back_to_their_frames():
    regions = np.array([[10, -5, 90], [40, 12, 31]])
    points = RNG.uniform(0, 120, (2, 68, 2))
    cropped = [to_crop(p, tuple(r), 64) for p, r in zip(points, regions.tolist(), strict=True)]
    np.testing.assert_allclose(to_frames(np.stack(cropped), regions, 64), points)

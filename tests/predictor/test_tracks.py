"""Faces followed through a video, and calmed."""

import math

import numpy as np
import pytest

from cadnet.predictor.smooth import OneEuro, both_ways, causal
from cadnet.predictor.tracks import follow, overlap


def test_overlap_against_counted_pixels():
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.integers(0, 20, (6, 2)), rng.integers(1, 20, (6, 2))], axis=1)
    masks = np.zeros((6, 40, 40), bool)
    for mask, (x, y, width, height) in zip(masks, boxes, strict=True):
        mask[y : y + height, x : x + width] = True
    expected = [[(a & b).sum() / (a | b).sum() for b in masks] for a in masks]
    np.testing.assert_allclose(overlap(boxes.astype(float), boxes.astype(float)), expected)


def test_two_faces_keep_their_numbers_whatever_the_order():
    left = [(i * 5, (10.0 + i, 10.0, 20.0, 20.0)) for i in range(4)]
    right = [(i * 5, (60.0 - i, 10.0, 20.0, 20.0)) for i in range(4)]
    looks = [(f, [a, b] if f % 2 else [b, a]) for (f, a), (_, b) in zip(left, right, strict=True)]
    tracks = follow(looks)
    assert [t.seen for t in tracks] == [[0, 5, 10, 15]] * 2
    assert [t.boxes for t in tracks] == [[box for _, box in right], [box for _, box in left]]


def test_a_face_missed_for_a_moment_is_the_same_and_for_long_another():
    box = (10.0, 10.0, 20.0, 20.0)
    seen = [[box], [], [], [box], [], [], [], [], [box]]
    tracks = follow([(5 * i, boxes) for i, boxes in enumerate(seen)])
    assert [t.seen for t in tracks] == [[0, 15], [40]]
    first, boxes = tracks[0].every_frame()
    assert first == 0 and np.allclose(boxes, np.tile(box, (16, 1)))


def test_a_jump_is_another_face():
    tracks = follow([(0, [(0.0, 0.0, 10.0, 10.0)]), (5, [(50.0, 50.0, 10.0, 10.0)])])
    assert len(tracks) == 2 and follow([(0, []), (5, [])]) == []


def naive(values, rate, cutoff, slope):
    """One value after the other, as in the paper's pseudo code."""
    alpha = lambda f: 1 / (1 + rate / (2 * math.pi * f))  # noqa: E731
    x, dx, out = values[0], 0.0, [values[0]]
    for value in values[1:]:
        dx = alpha(1.0) * (value - x) * rate + (1 - alpha(1.0)) * dx
        a = alpha(cutoff + slope * abs(dx))
        x = a * value + (1 - a) * x
        out.append(x)
    return out


def test_one_euro_against_plain_numbers():
    values = np.random.default_rng(1).normal(size=(40, 3)).cumsum(axis=0)
    filtered = OneEuro(cutoff=0.7, slope=0.3)
    found = np.array([filtered(value, 1 / 25) for value in values])
    for column in range(3):
        expected = naive(values[:, column].tolist(), 25, 0.7, 0.3)
        np.testing.assert_allclose(found[:, column], expected)


def test_a_still_face_stays_and_its_trembling_is_calmed():
    rng = np.random.default_rng(2)
    still = np.tile(rng.uniform(0, 200, (68, 2)), (200, 1, 1))
    noisy = still + rng.normal(size=still.shape)
    for smooth in (causal, both_ways):
        np.testing.assert_allclose(smooth(still, 1 / 25), still)
        quiet = np.abs(np.diff(smooth(noisy, 1 / 25), axis=0))[50:].mean()
        assert quiet < 0.35 * np.abs(np.diff(noisy, axis=0)).mean()


def test_both_ways_does_not_lag_and_one_way_does():
    """A face that moves at a constant speed: the lag is how far behind it is."""
    speed = 3.0  # px a frame; the face is 190 px large
    face = np.random.default_rng(4).uniform(0, 200, (68, 2))
    moving = face + speed * np.arange(80)[:, None, None]
    middle = slice(30, 50)
    behind = {f: (moving - f(moving, 1 / 25))[middle].mean() / speed for f in (causal, both_ways)}
    assert abs(behind[both_ways]) < 0.05 and behind[causal] > 0.5


@pytest.mark.parametrize("smooth", [causal, both_ways])
@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_size_does_not_matter(smooth, scale):
    frames = np.random.default_rng(3).uniform(0, 200, (10, 68, 2))
    np.testing.assert_allclose(smooth(frames * scale, 0.04), smooth(frames, 0.04) * scale)

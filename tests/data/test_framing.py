import numpy as np
import pytest

from cadnet.data.framing import Framing
from cadnet.faces import tight_box

GENERATOR = np.random.default_rng(5)
FACES = [GENERATOR.uniform(10, 90, (68, 2)) * (1, 1.2) for _ in range(9)]


def framed(points, right, down, longer):
    """A box around landmarks, as a dataset may draw it."""
    x, y, width, height = tight_box(points)
    side = max(width, height)
    across = longer * side
    return (
        x + width / 2 + right * side - across / 2,
        y + height / 2 + down * side - across / 3,
        across,
        across * 2 / 3,
    )


def test_boxes_are_given_back():
    """What is measured on faces makes their boxes from the tight ones again, as squares."""
    found = Framing.of((framed(points, 0.05, -0.12, 1.4), points) for points in FACES)
    for points in FACES:
        x, y, width, height = framed(points, 0.05, -0.12, 1.4)
        left, top, across, down = found.box(tight_box(points))
        assert across == down == pytest.approx(max(width, height))
        assert left + across / 2 == pytest.approx(x + width / 2)
        assert top + across / 2 == pytest.approx(y + height / 2)


def test_one_wrong_box_and_hidden_points_move_nothing():
    good = [(framed(points, 0.0, -0.1, 1.3), points) for points in FACES]
    hidden = FACES[0].copy()
    hidden[3] = np.nan
    odd = [((0.0, 0.0, 5000.0, 5000.0), FACES[0]), ((0.0, 0.0, 9.0, 9.0), hidden)]
    found = Framing.of(good + odd)
    assert (found.right, found.down, found.longer) == pytest.approx((0.0, -0.1, 1.3))


def test_without_landmarks_boxes_are_taken_for_tight():
    x, y, width, height = Framing.of([]).box((10.0, 20.0, 30.0, 40.0))
    assert (x, y, width, height) == (5.0, 20.0, 40.0, 40.0)

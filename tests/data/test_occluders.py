"""Occluders of the built-in faces: what each covers, and what it leaves."""

from dataclasses import replace

import numpy as np
import pytest

from cadnet.data.synthetic.appearance import light, look
from cadnet.data.synthetic.faces import draw
from cadnet.data.synthetic.occluders import OCCLUDERS, occlude
from cadnet.data.synthetic.occluders.layer import Head, Layer, Paint, dome, outline
from cadnet.data.synthetic.scene import Style, scene
from cadnet.data.synthetic.shape import MEAN, Camera, rotation

SIDE, SEEDS = 160, 8
NOSE, EYES, MOUTH = np.arange(31, 36), np.arange(36, 48), np.arange(48, 68)
STILL = Style(yaw=0, pitch=0, roll=0, expressions={"neutral": 1}, occluded=0, noise=0, blur=0)


def mean_head(depth=-9.0, yaw=0.0):
    """The mean face before a camera, and nothing of it in the depth buffer unless asked."""
    rng = np.random.default_rng(0)
    camera = Camera(rotation(yaw, 0, 0), 40.0, (80.0, 74.0))
    person = look(rng)
    behind = np.full((SIDE, SIDE), depth, np.float32)
    return Head(camera.see(MEAN)[:, :2], MEAN, camera, behind, light(rng, person.skin), person)


def laid(name, seed, yaw=0.0):
    """A grey canvas after an occluder, and its mask."""
    canvas = np.full((SIDE, SIDE, 3), 128, np.uint8)
    return canvas, occlude(canvas, name, mean_head(yaw=yaw), np.random.default_rng(seed))


def at_landmarks(name):
    """How much is covered, (seeds, 68), 0 to 255."""
    x, y = np.round(mean_head().points).astype(int).T
    return np.array([laid(name, seed)[1][y, x] for seed in range(SEEDS)])


def drawn(name, yaw, seed=1):
    """The same person turned, with an occluder or without."""
    base = scene(np.random.default_rng(seed), STILL)
    occluders = ((name, seed),) if name else ()
    return draw(replace(base, pose=(float(yaw), 0.0, 0.0), occluders=occluders), 128)


@pytest.mark.parametrize("name", OCCLUDERS)
@pytest.mark.parametrize("yaw", [0, -50])
def test_the_picture_changes_where_the_mask_says_and_nowhere_else(name, yaw):
    for seed in range(SEEDS):
        canvas, mask = laid(name, seed, yaw)
        changed = (canvas != 128).any(axis=-1)
        assert not changed[mask == 0].any()
        assert changed[mask > 200].mean() > 0.9
        assert (mask >= 128).any()


@pytest.mark.parametrize("name", OCCLUDERS)
def test_a_seed_is_one_occluder_and_another_seed_another(name):
    first, again, other = (laid(name, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("name", OCCLUDERS)
def test_it_hides_something_of_a_drawn_face_and_moves_no_landmark(name):
    plain, hidden = drawn("", 20), [drawn(name, 20, seed=1)]
    np.testing.assert_array_equal(plain.landmarks, hidden[0].landmarks)
    assert (plain.image != hidden[0].image).any(axis=-1).mean() > 0.004
    assert not (hidden[0].visible & ~plain.visible).any()


@pytest.mark.parametrize("name", ["surgical_mask", "respirator"])
@pytest.mark.parametrize("yaw", [0, 30, -60])
def test_a_mask_hides_mouth_and_nose_but_no_eye(name, yaw):
    plain, masked = drawn("", yaw), drawn(name, yaw)
    assert not masked.visible[np.r_[NOSE, MOUTH]].any()
    assert (masked.visible[EYES] == plain.visible[EYES]).all()


def test_clear_plastic_covers_mouth_and_nose_without_hiding_them():
    covered = at_landmarks("oxygen_mask")
    below = covered[:, np.r_[NOSE, MOUTH]]
    assert (below > 20).mean() > 0.95
    assert (below < 128).mean() > 0.7
    assert (covered >= 128).any(axis=1).all()  # rim, port or tube hide some point
    assert (covered[:, EYES] < 128).all()


def test_glasses_leave_the_eyes_and_sunglasses_do_not():
    clear, dark = at_landmarks("glasses")[:, EYES], at_landmarks("sunglasses")[:, EYES]
    assert (clear < 128).mean() > 0.85
    assert (clear > 0).mean() > 0.9  # behind glass all the same
    assert (dark >= 128).mean() > 0.98


def test_a_cannula_hides_few_points_and_all_of_them_low():
    covered = at_landmarks("nasal_cannula") >= 128
    assert (covered.mean(axis=1) < 0.15).all()
    assert covered.any(axis=1).mean() > 0.5
    assert not covered[:, EYES].any()
    assert covered[:, MOUTH].mean() < 0.1


@pytest.mark.parametrize(
    ("name", "points"),
    [("scarf", [7, 8, 9]), ("food", MOUTH), ("hand", range(68)), ("phone", range(68)),
     ("hair", range(68)), ("thing", range(68))],
)  # fmt: skip
def test_the_others_hide_points_as_a_rule(name, points):
    covered = at_landmarks(name)[:, list(points)] >= 128
    assert covered.any(axis=1).mean() > 0.7


@pytest.mark.parametrize("side", [1, -1])
def test_glasses_reach_the_ear_that_is_seen_and_end_where_the_head_does(side):
    base = scene(np.random.default_rng(0), STILL)
    glasses, bare = (
        draw(replace(base, pose=(60.0 * side, 0.0, 0.0), occluders=given), 160)
        for given in ((("glasses", 2),), ())
    )
    x = np.flatnonzero((glasses.image != bare.image).any(axis=(0, 2))) * side
    ears = bare.landmarks[[0, 16], 0][::side] * side  # the one that is seen, the other
    assert x.min() < ears[0] + 4
    assert x.max() < bare.landmarks[30, 0] * side + 10


@pytest.mark.parametrize(("depth", "shown"), [(9.0, False), (-9.0, True)])
def test_lines_and_shells_behind_the_head_are_not_drawn(depth, shown):
    layer = Layer(np.full((SIDE, SIDE, 3), 128, np.uint8), mean_head(depth))
    places = np.array([(-0.9, 0, 0.2), (0, 0, 0.9), (0.9, 0, 0.2)])
    layer.line(places, (0, 0, 0), 0.1)
    layer.shell(
        dome([(-0.5, 0.5, 0), (-0.5, 1, 0)], [(0, 0.5, 1), (0, 1, 1)]),
        lambda u, v, facing: Paint((255, 0, 0)),
    )
    changed = (layer.canvas != 128).any(axis=-1)
    assert changed.any() == layer.mask.any() == shown


def test_opacities_add_up_as_light_that_is_let_through():
    layer = Layer(np.full((SIDE, SIDE, 3), 128, np.uint8), mean_head())
    box = np.array([(40, 40), (120, 40), (120, 120), (40, 120)], float)
    for expected in (0.3, 1 - 0.7**2, 1 - 0.7**3):
        layer.fill(box, (255, 0, 0), 0.3)
        assert layer.mask[80, 80] / 255 == pytest.approx(expected, abs=0.01)
    layer.disc(np.array([20.0, 20.0]), (0.1, 0.1), 0, (0, 0, 0), inside=True)
    assert not layer.mask[:35, :35].any()


def test_domes_pass_through_their_lines_and_are_mirror_images():
    edge, middle = [(-0.5, 0, 0), (-0.6, 1, 0.1)], [(0, 0, 1), (0, 1, 1.2)]
    surface = dome(edge, middle, columns=9)
    np.testing.assert_allclose(surface[[0, -1], 0], edge, atol=1e-9)
    np.testing.assert_allclose(surface[[0, -1], 4], middle, atol=1e-9)
    np.testing.assert_allclose(surface[:, ::-1] * (-1, 1, 1), surface, atol=1e-9)
    circle = outline((2.0, 2.0), 2.0)
    np.testing.assert_allclose(np.hypot(*circle.T), 2)

import numpy as np
import pytest

from cadnet.faces import SCHEMES, comparable_points, flip_points, tight_box

# The 68 points of a mirrored face, as published with many 300W tools (e.g. HRNet, AdaptiveWing).
PUBLISHED_FLIP_68 = (
    [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31]
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
)  # fmt: skip


def test_the_68_flip_is_the_published_one():
    assert SCHEMES["ibug68"].flip.tolist() == PUBLISHED_FLIP_68


@pytest.mark.parametrize("name", SCHEMES)
def test_flips_are_involutions_and_swap_the_eyes(name):
    scheme = SCHEMES[name]
    assert (scheme.flip[scheme.flip] == np.arange(scheme.points)).all()
    assert scheme.flip[scheme.left_eye] == scheme.right_eye


@pytest.mark.parametrize("name", SCHEMES)
def test_flipping_points_agrees_with_flipping_pixels(name):
    scheme, width = SCHEMES[name], 41
    rng = np.random.default_rng(0)
    cells = rng.permutation(width * 30)[: scheme.points]
    points = np.stack([cells % width, cells // width], axis=1).astype(float)
    picture = np.full((30, width), -1)
    picture[points[:, 1].astype(int), points[:, 0].astype(int)] = np.arange(scheme.points)
    flipped = flip_points(points, name, width).astype(int)
    seen = picture[:, ::-1][flipped[:, 1], flipped[:, 0]]
    assert seen.tolist() == scheme.flip.tolist()


def test_interocular_is_the_outer_corners_distance():
    points = np.zeros((2, 68, 2))
    points[:, 36], points[:, 45] = (1, 2), (4, 6)
    assert SCHEMES["ibug68"].interocular(points).tolist() == [5, 5]


def test_schemes_compare_at_the_points_that_both_have():
    rng = np.random.default_rng(0)
    points68 = rng.normal(size=(68, 2))
    from68, from29 = comparable_points("ibug68", "cofw29")
    assert from68.shape == (27, 68)
    assert from29.shape == (27, 29)
    points29 = np.full((29, 2), np.nan)
    points29[8], points29[16] = points68[36], points68[36:42].mean(axis=0)
    common = from68 @ points68
    where8 = np.flatnonzero(from29[:, 8])[0]
    where16 = np.flatnonzero(from29[:, 16])[0]
    np.testing.assert_allclose(common[where8], points29[8])
    np.testing.assert_allclose(common[where16], points29[16])
    assert not from29[:, [5, 7]].any()
    back = comparable_points("cofw29", "ibug68")
    np.testing.assert_array_equal(back[0], from29)
    np.testing.assert_array_equal(back[1], from68)


def test_comparison_commutes_with_the_mirror():
    """Mirroring 68 points and converting is converting and mirroring, where 29 has a source."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 99, (68, 2))
    to_common, from29 = comparable_points("ibug68", "cofw29")
    targets = from29.argmax(axis=1)
    place = {int(t): i for i, t in enumerate(targets)}
    flip = SCHEMES["cofw29"].flip
    direct = to_common @ flip_points(points, "ibug68", 100)
    common = to_common @ points
    for target, row in place.items():
        x, y = common[place[int(flip[target])]]
        np.testing.assert_allclose(direct[row], (99 - x, y))


def test_unknown_conversions_are_refused():
    with pytest.raises(KeyError):
        comparable_points("ibug68", "nothing")


def test_tight_box():
    assert tight_box(np.array([[1.0, 2.0], [4.0, 8.0]])) == (1.0, 2.0, 3.0, 6.0)

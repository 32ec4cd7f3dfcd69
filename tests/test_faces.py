import json

import numpy as np
import pytest
from scipy.spatial import procrustes

from cadnet.faces import REGIONS, SCHEMES, comparable_points, conversion, flip_points, tight_box

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
    if scheme.left_eye is not None:
        assert scheme.flip[scheme.left_eye] == scheme.right_eye


@pytest.mark.parametrize("name", REGIONS)
def test_regions_part_a_face(name):
    """Every point is in one region, and its mirrored counterpart in the same."""
    points = [point for region in REGIONS[name].values() for point in region]
    assert sorted(points) == list(range(SCHEMES[name].points))
    assert list(REGIONS[name]) == list(REGIONS["ibug68"])
    for region in REGIONS[name].values():
        assert set(SCHEMES[name].flip[list(region)]) == set(region)


@pytest.mark.parametrize(
    ("source", "target"), [("ibug68", "cofw29"), ("ibug68", "aflw19"), ("wflw98", "ibug68")]
)
def test_a_converted_point_stays_in_its_region(source, target):
    of = {p: name for name, region in REGIONS[source].items() for p in region}
    matrix, targets = conversion(source, target)
    for row, point in zip(matrix, targets.tolist(), strict=True):
        assert {of[p] for p in np.flatnonzero(row)} == {
            name for name, region in REGIONS[target].items() if point in region
        }


@pytest.mark.parametrize("folder", ["300w", "300wlp", "cofw", "aflw", "wflw"])
def test_a_mirrored_face_still_looks_like_a_face(real_data, folder):
    """On real annotations: one wrong pair of a flip leaves a kink where none was."""
    annotations = json.loads(next((real_data / "mmpose" / folder).glob("*.json")).read_text())
    name = {19: "aflw19", 29: "cofw29", 68: "ibug68", 98: "wflw98"}
    for face in annotations["annotations"]:
        points = np.array(face["keypoints"]).reshape(-1, 3)[:, :2]
        scheme = name[len(points)]
        mirrored = flip_points(points, scheme, 1000)
        misfit = procrustes(points, mirrored)[2]
        assert misfit < 0.25  # turned heads are not symmetric
        for a, b in SCHEMES[scheme].pairs:
            undone = mirrored.copy()
            undone[[a, b]] = mirrored[[b, a]]
            assert procrustes(points, undone)[2] > misfit, (scheme, a, b)


def test_conversions_give_the_same_point_of_a_real_face(real_data):
    """The 98 of WFLW as 68, the 68 as 29 and as 19: eyes, nose and mouth are where they were."""
    annotations = json.loads((real_data / "mmpose" / "wflw" / "test_wflw.json").read_text())
    for face in annotations["annotations"]:
        points = np.array(face["keypoints"]).reshape(-1, 3)[:, :2]
        matrix, targets = conversion("wflw98", "ibug68")
        assert targets.tolist() == list(range(68))
        points68 = matrix @ points
        scale = SCHEMES["ibug68"].interocular(points68)
        assert scale == SCHEMES["wflw98"].interocular(points)
        # WFLW has the pupils, 96 and 97; their 29- and 19-point counterparts are means of lids.
        for scheme, eyes in (("cofw29", (16, 17)), ("aflw19", (7, 10))):
            matrix, targets = conversion("ibug68", scheme)
            converted = dict(zip(targets.tolist(), matrix @ points68, strict=True))
            for pupil, eye in zip((96, 97), eyes, strict=True):
                assert np.linalg.norm(points[pupil] - converted[eye]) < 0.08 * scale


def test_one_sided_points_have_no_interocular_distance():
    with pytest.raises(ValueError, match="no inter-ocular"):
        SCHEMES["menpo39"].interocular(np.zeros((39, 2)))


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


@pytest.mark.parametrize(
    ("source", "target"), [("ibug68", "cofw29"), ("ibug68", "aflw19"), ("wflw98", "ibug68")]
)
def test_conversion_commutes_with_the_mirror(source, target):
    """Mirroring and converting is converting and mirroring."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 99, (SCHEMES[source].points, 2))
    matrix, targets = conversion(source, target)
    place = {int(index): row for row, index in enumerate(targets)}
    direct, common = matrix @ flip_points(points, source, 100), matrix @ points
    for index, row in place.items():
        x, y = common[place[int(SCHEMES[target].flip[index])]]
        np.testing.assert_allclose(direct[row], (99 - x, y))


def test_unknown_conversions_are_refused():
    with pytest.raises(ValueError, match="no common points are known of cofw29 and aflw19"):
        comparable_points("cofw29", "aflw19")


def test_tight_box():
    assert tight_box(np.array([[1.0, 2.0], [4.0, 8.0]])) == (1.0, 2.0, 3.0, 6.0)

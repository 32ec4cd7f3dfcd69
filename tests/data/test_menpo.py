import cv2
import numpy as np
import pytest

from cadnet.data.sources import DataError
from cadnet.data.sources.menpo import PROFILE, SOURCE
from cadnet.faces import SCHEMES
from tests.conftest import write_pts

FRONTAL = {"semifrontal/a": 1, "semifrontal/c": 2, "mixed/deep/a": 3}
SIDE = {"profile/a": 4, "mixed/deep/b": 5}
SUFFIXES = {"semifrontal/a": ".png", "semifrontal/c": ".ppm", "mixed/deep/b": ".bmp"}


def landmarks(seed, count):
    return np.random.default_rng(seed).uniform(5, 45, (count, 2))


@pytest.fixture
def root(tmp_path):
    for points, keys in ((68, FRONTAL), (39, SIDE)):
        for key, seed in keys.items():
            path = tmp_path / key
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = np.full((60, 50, 3), 30 * seed, np.uint8)
            cv2.imwrite(f"{path}{SUFFIXES.get(key, '.jpg')}", picture)
            write_pts(path.with_suffix(".pts"), landmarks(seed, points))
    return tmp_path


def faces(root, source):
    return list(source.read(root, source.parts[0]))


@pytest.mark.parametrize(("source", "written"), [(SOURCE, FRONTAL), (PROFILE, SIDE)])
def test_each_dataset_reads_its_own_faces(root, source, written):
    found = faces(root, source)
    assert [face.key for face in found] == sorted(written)
    for face in found:
        points = landmarks(written[face.key], SCHEMES[source.scheme].points)
        np.testing.assert_allclose(face.landmarks, points, atol=1e-6)
        assert face.scheme == source.scheme
        assert face.image == root / f"{face.key}{SUFFIXES.get(face.key, '.jpg')}"
        assert (face.split, face.subset, face.visible) == ("train", "train", None)
        x, y, width, height = face.box
        np.testing.assert_allclose([x, y], points.min(axis=0), atol=1e-5)
        np.testing.assert_allclose([x + width, y + height], points.max(axis=0), atol=1e-5)
        picture = source.open(face)
        assert picture.shape == (60, 50, 3)
        assert abs(picture.mean() - 30 * written[face.key]) < 2


def test_official_numbers_and_normalisers():
    assert (SOURCE.parts[0].expected, PROFILE.parts[0].expected) == (5658, 1906)
    assert (SOURCE.normaliser, PROFILE.normaliser) == ("interocular", "box_width")


@pytest.mark.parametrize("points", [67, 19])
def test_another_number_of_points_is_a_problem_of_both(root, points):
    path = root / "semifrontal/c.pts"
    write_pts(path, landmarks(0, points))
    for source in (SOURCE, PROFILE):
        (found,) = [face for face in faces(root, source) if isinstance(face, DataError)]
        assert f"{path}: n_points is {points}, expected" in str(found)


def test_points_that_are_fewer_than_said_are_that_datasets_problem(root):
    path = root / "profile/a.pts"
    path.write_text("\n".join(path.read_text().splitlines()[:-3] + ["}"]))
    (found,) = [face for face in faces(root, PROFILE) if isinstance(face, DataError)]
    assert f"{path}: holds 37 points" in str(found)
    assert len(faces(root, SOURCE)) == len(FRONTAL)


@pytest.mark.parametrize("damage", ["empty", "cut off", "folder"])
def test_a_file_that_says_nothing_is_named(root, damage):
    path = root / "profile/a.pts"
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_text("" if damage == "empty" else path.read_text()[:60])
    found = faces(root, PROFILE)
    assert [str(path) in str(face) for face in found if isinstance(face, DataError)] == [True]


def test_a_picture_without_points_is_named_beside_others_and_a_test_set_is_left_alone(root):
    alone = root / "semifrontal/d.jpg"
    cv2.imwrite(str(alone), np.zeros((9, 9, 3), np.uint8))
    (root / "testset").mkdir()
    cv2.imwrite(str(root / "testset/e.jpg"), np.zeros((9, 9, 3), np.uint8))
    (found,) = [face for face in faces(root, SOURCE) if isinstance(face, DataError)]
    assert str(alone) in str(found)


def test_points_without_a_picture_are_named(root):
    (root / "mixed/deep/a.jpg").unlink()
    (found,) = [face for face in faces(root, SOURCE) if isinstance(face, DataError)]
    assert str(root / "mixed/deep/a.pts") in str(found)


def test_a_missing_folder_is_no_face(tmp_path):
    assert faces(tmp_path / "menpo", SOURCE) == []


def test_real_photographs(real_data):
    found = faces(real_data / "menpo", SOURCE)
    read = [face for face in found if not isinstance(face, DataError)]
    assert [face.key for face in read] == ["breakingbad", "einstein", "takeo"]
    (problem,) = [face for face in found if isinstance(face, DataError)]
    assert "tongue.pts: n_points is 19, expected 68" in str(problem)
    for face in read:
        picture = SOURCE.open(face)
        assert picture.ndim == 3 and picture.std() > 10
        assert (face.landmarks < picture.shape[1::-1]).all() and (face.landmarks > 0).all()
        assert face.landmarks[36:48, 1].mean() < face.landmarks[48:, 1].mean()

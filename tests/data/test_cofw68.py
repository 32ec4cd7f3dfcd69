import h5py
import numpy as np
import pytest
import scipy.io

from cadnet.data.sources import DataError
from cadnet.data.sources.cofw68 import SOURCE, read_cofw68
from cadnet.faces import tight_box

(PART,) = SOURCE.parts
COUNT = 4


def annotation(i):
    """Landmarks from 1 and flags of picture i (from 0)."""
    rng = np.random.default_rng(i)
    return rng.uniform(10, 50, (68, 2)), rng.integers(0, 2, (1, 68)).astype(np.uint8)


def picture(i):
    return np.random.default_rng(i).integers(0, 256, (60, 64, 3), dtype=np.uint8)


BOXES = np.array([[i + 3, i + 5, 40 + i, 30 + i] for i in range(COUNT)], dtype=np.int16)


@pytest.fixture(params=[".", "COFW68_Data"])
def base(request, tmp_path):
    """The folder of the annotations, in each layout; the pictures are COFW's own, at the top."""
    with h5py.File(tmp_path / "COFW_test_color.mat", "w", userblock_size=512) as file:
        pictures = [file.create_dataset(f"p{i}", data=picture(i).T).ref for i in range(COUNT)]
        file.create_dataset("IsT", data=np.array([pictures], dtype=h5py.ref_dtype))
    base = tmp_path / request.param
    (base / "test_annotations").mkdir(parents=True)
    for i in range(COUNT):
        save(base, i + 1, *annotation(i))
    scipy.io.savemat(base / "cofw68_test_bboxes.mat", {"bboxes": BOXES})
    return base


@pytest.fixture
def root(base, tmp_path):
    return tmp_path


def save(base, number, points, occluded):
    path = base / "test_annotations" / f"{number}_points.mat"
    scipy.io.savemat(path, {"Points": points, "Occ": occluded})
    return path


def faces(root):
    return list(SOURCE.read(root, PART))


def problem(root):
    (found,) = [face for face in faces(root) if isinstance(face, DataError)]
    return str(found)


def test_what_was_written_is_what_is_read(root):
    found = faces(root)
    assert [face.key for face in found] == ["test/0001", "test/0002", "test/0003", "test/0004"]
    for i, face in enumerate(found):
        points, occluded = annotation(i)
        np.testing.assert_allclose(face.landmarks, points - 1)
        assert (face.visible == (occluded[0] == 0)).all() and 0 < face.visible.sum() < 68
        assert face.box == (i + 2, i + 4, 40 + i, 30 + i)
        assert (face.split, face.subset, face.scheme, face.index) == ("test", "test", "ibug68", i)
        np.testing.assert_array_equal(SOURCE.open(face), picture(i))


def test_the_official_count():
    assert PART.expected == 507


def test_nothing_there_is_no_face(tmp_path):
    assert faces(tmp_path) == []


def test_a_missing_annotation_is_named_and_the_others_keep_their_pictures(base, root):
    path = base / "test_annotations/2_points.mat"
    path.unlink()
    assert str(path) in problem(root)
    kept = [face for face in faces(root) if not isinstance(face, DataError)]
    assert [(face.key, face.index) for face in kept] == [
        ("test/0001", 0), ("test/0003", 2), ("test/0004", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("points", "occluded", "words"),
    [
        (np.zeros((67, 2)), np.zeros((1, 68)), "Points is (67, 2)"),
        (np.zeros((68, 2)), np.zeros((1, 67)), "Occ (1, 67)"),
        (np.full((68, 2), np.nan), np.zeros((1, 68)), "not all finite"),
    ],
)
def test_annotations_of_another_shape_are_named(base, root, points, occluded, words):
    path = save(base, 3, points, occluded)
    assert str(path) in problem(root)
    assert words in problem(root)


@pytest.mark.parametrize("name", ["Points", "Occ"])
def test_a_missing_variable_is_named(base, root, name):
    path = base / "test_annotations/1_points.mat"
    held = scipy.io.loadmat(path)
    scipy.io.savemat(path, {key: held[key] for key in ("Points", "Occ") if key != name})
    assert f"{path}: holds no {name}" in problem(root)


@pytest.mark.parametrize("file", ["test_annotations/1_points.mat", "cofw68_test_bboxes.mat"])
@pytest.mark.parametrize("share", [0, 0.5, 0.95])
def test_a_cut_off_file_is_named(base, root, file, share):
    path = base / file
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert f"{path}: " in problem(root)
    assert "download it again" in problem(root)


def test_a_file_of_matlabs_later_format_is_named(base, root):
    path = base / "cofw68_test_bboxes.mat"
    path.write_bytes((root / "COFW_test_color.mat").read_bytes())
    assert f"{path}: is no MATLAB 5 file" in problem(root)


@pytest.mark.parametrize("boxes", [BOXES[:3], BOXES[:, :3], np.full((4, 4), "x", dtype=object)])
def test_boxes_that_do_not_fit_the_pictures_are_named(base, root, boxes):
    scipy.io.savemat(base / "cofw68_test_bboxes.mat", {"bboxes": boxes})
    assert f"expected ({COUNT}, 4)" in problem(root)


def test_a_box_without_size_is_that_faces_problem(base, root):
    boxes = BOXES.copy()
    boxes[1, 2] = 0
    scipy.io.savemat(base / "cofw68_test_bboxes.mat", {"bboxes": boxes})
    assert "row 2 has no size" in problem(root)


@pytest.mark.parametrize("damage", ["missing", "cut", "no IsT"])
def test_pictures_that_cannot_be_read_are_named(root, damage):
    path = root / "COFW_test_color.mat"
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    else:
        with h5py.File(path, "r+") as file:
            del file["IsT"]
    assert str(path) in problem(root)


def test_real_annotations(real_data):
    folder = real_data / "cofw68"
    boxes = scipy.io.loadmat(folder / "cofw68_test_bboxes.mat")["bboxes"]
    assert boxes.shape == (507, 4)
    flags = []
    for number in (100, 101, 102, 103):
        landmarks, visible = read_cofw68(folder, number)
        assert landmarks.shape == (68, 2) and np.isfinite(landmarks).all()
        flags.append(visible)
        brows, eyes, mouth = (landmarks[a:b, 1].mean() for a, b in ((17, 27), (36, 48), (48, 68)))
        assert brows < eyes < mouth < landmarks[8, 1]
        assert landmarks[36:42, 0].mean() < landmarks[42:48, 0].mean()
        # Left, top, width, height: the box lies around the points.
        x, y, width, height = tight_box(landmarks)
        assert np.abs(boxes[number - 1] - (x, y, width, height)).max() < 0.3 * max(width, height)
    assert 0.5 < np.mean(flags) < 1

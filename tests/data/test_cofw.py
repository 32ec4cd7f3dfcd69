import h5py
import numpy as np
import pytest

from cadnet.data.sources import DataError, source
from cadnet.data.synthetic import write_cofw as write

COUNTS = {"train": 9, "test": 3}


@pytest.fixture
def root(tmp_path):
    write.write_cofw(tmp_path, counts=COUNTS, seed=5, size=64)
    return tmp_path


def faces(root, part="train"):
    cofw = source("cofw")
    chosen = next(p for p in cofw.parts if p.name == part)
    return list(cofw.read(root, chosen))


def test_what_was_drawn_is_what_is_read(root):
    for part, count in COUNTS.items():
        found = faces(root, part)
        assert len(found) == count
        for i, face in enumerate(found):
            drawn = write.face_cofw(5, part, i, 64)
            landmarks, occluded = write.cofw29(drawn)
            np.testing.assert_allclose(face.landmarks, landmarks)
            assert (face.visible == (occluded == 0)).all()
            picture = source("cofw").open(face)
            if i % 16 == 7:  # stored grey
                assert (picture[..., 0] == picture[..., 2]).all()
            else:
                np.testing.assert_array_equal(picture, drawn.image)


def test_the_file_is_matlabs_own_layout(root):
    path = root / "COFW_train_color.mat"
    assert path.read_bytes()[:19] == b"MATLAB 7.3 MAT-file"
    with h5py.File(path) as file:
        assert file["phisTr"].shape == (87, 9)
        assert file["bboxesTr"].shape == (4, 9)
        assert file["IsTr"].dtype == h5py.ref_dtype
        assert file[file["IsTr"][0, 0]].shape == (3, 64, 64)
        assert file[file["IsTr"][0, 7]].shape == (64, 64)


def test_brow_edges_lie_below_the_brows(root):
    for face in faces(root):
        below = face.landmarks[[5, 7]] - face.landmarks[[4, 6]]
        assert (below[:, 1] > 0).all()


def change(path, key, value):
    with h5py.File(path, "r+") as file:
        del file[key]
        if value is not None:
            file[key] = value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("phisTr", np.zeros((88, 9))),
        ("phisTr", np.zeros((87, 8))),
        ("bboxesTr", np.zeros((4, 3))),
        ("bboxesTr", None),
        ("IsTr", None),
    ],
)
def test_files_of_another_shape_are_named(root, key, value):
    path = root / "COFW_train_color.mat"
    change(path, key, value)
    (found,) = faces(root)
    assert isinstance(found, DataError)
    assert str(path) in str(found)


def test_a_cut_off_file_is_named(root):
    path = root / "COFW_train_color.mat"
    path.write_bytes(path.read_bytes()[:4096])
    (found,) = faces(root)
    assert isinstance(found, DataError)
    assert "download it again" in str(found)


def test_landmarks_that_are_not_finite_are_that_faces_problem(root):
    with h5py.File(root / "COFW_train_color.mat", "r+") as file:
        file["phisTr"][3, 4] = np.nan
    found = faces(root)
    assert [i for i, face in enumerate(found) if isinstance(face, DataError)] == [4]


def test_a_missing_file_is_no_face(tmp_path):
    assert faces(tmp_path) == []

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from cadnet.data.align import collect
from cadnet.data.sources import DataError
from cadnet.data.sources.affectnet import SOURCE
from tests.conftest import shape

HEADER = [
    "subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks",
    "expression", "valence", "arousal",
]  # fmt: skip
TRAIN, VALIDATION = SOURCE.parts


def row(name, expression, landmarks, box=(10, 20, 60, 70)):
    flat = ";".join(f"{number:.2f}" for number in landmarks.reshape(-1))
    return [name, *box, flat, expression, 0.25, -0.5]


def write_list(root, rows, name="training.csv", header=HEADER):
    with (root / name).open("w", newline="") as file:
        csv.writer(file).writerows([*([header] if header else []), *rows])
    folder = root / "Manually_Annotated_Images"
    for line in rows:
        (folder / line[0]).parent.mkdir(parents=True, exist_ok=True)
        (folder / line[0]).touch()  # empty: the list says all that reading needs


def points(count=3):
    rng = np.random.default_rng(3)
    # As many digits as the list holds.
    return [shape(rng).round(2) for _ in range(count)]


def read(root, part=TRAIN):
    return list(SOURCE.read(root, part))


def keys(found):
    return [face.key for face in found]


# --- the old layout: lists


def test_a_list_is_read_field_by_field(tmp_path):
    first, second, third = points()
    rows = [
        row("689/b.jpg", 3, first, box=(1, 2, 30, 40)),
        row("12/a.TIF", 0, second, box=(-5, 6, 70, 80)),
        row("12/b.png", 7, third),
    ]
    write_list(tmp_path, rows)
    found = read(tmp_path)
    # The list's order, not that of the names.
    assert keys(found) == ["train/689/b.jpg", "train/12/a.TIF", "train/12/b.png"]
    assert [face.expression for face in found] == [3, 0, 7]
    assert [face.box for face in found] == [(1, 2, 30, 40), (-5, 6, 70, 80), (10, 20, 60, 70)]
    assert [face.group for face in found] == keys(found)
    for face, landmarks, name in zip(
        found, (first, second, third), ("689/b.jpg", "12/a.TIF", "12/b.png"), strict=True
    ):
        np.testing.assert_array_equal(face.landmarks, landmarks)
        assert face.image == tmp_path / "Manually_Annotated_Images" / name
        assert (face.split, face.subset, face.scheme) == ("train", "train", "ibug68")
        assert face.visible is None and face.index is None
        assert (face.subject, face.video) == ("", "")
    assert read(tmp_path, VALIDATION) == []


def test_validation_is_the_test_set_and_shares_no_key_with_training(tmp_path):
    (landmarks,) = points(1)
    write_list(tmp_path, [row("1/a.jpg", 1, landmarks)])
    write_list(tmp_path, [row("1/a.jpg", 1, landmarks)], "validation.csv")
    (face,) = read(tmp_path, VALIDATION)
    assert (face.key, face.split, face.subset) == ("validation/1/a.jpg", "test", "test")
    faces, counts, problems = collect(tmp_path, SOURCE, {"train": 1, "validation": 1}, allow=False)
    assert (len(faces), counts, problems) == (2, {"train": 1, "validation": 1}, [])


def test_rows_without_expression_or_box_are_no_faces(tmp_path):
    (landmarks,) = points(1)
    rows = [
        row("1/none.jpg", 8, landmarks),
        row("1/kept.jpg", 6, landmarks),
        row("1/uncertain.jpg", 9, landmarks),
        ["1/noface.jpg", -1, -1, -1, -1, "-1", 10, -2, -2],
        row("1/nowidth.jpg", 1, landmarks, box=(-1, -1, -1, -1)),
        row("1/zero.jpg", 1, landmarks, box=(5, 5, 0, 20)),
        row("1/null.jpg", 1, landmarks, box=("NULL", "NULL", 20, 20)),
    ]
    write_list(tmp_path, rows)
    (tmp_path / "Manually_Annotated_Images" / "1" / "noface.jpg").unlink()
    assert keys(read(tmp_path)) == ["train/1/kept.jpg"]


def test_pictures_at_the_top_and_lists_in_their_own_folder(tmp_path):
    (landmarks,) = points(1)
    lists = tmp_path / "Manually_Annotated_file_lists"
    lists.mkdir()
    write_list(lists, [row("1/a.jpg", 2, landmarks)])
    (lists / "Manually_Annotated_Images" / "1").rename(tmp_path / "1")
    (face,) = read(tmp_path)
    assert face.image == tmp_path / "1" / "a.jpg"


def test_a_list_without_column_names(tmp_path):
    first, second, _ = points()
    rows = [row("1/a.jpg", 2, first), row("1/b.jpg", 4, second)]
    write_list(tmp_path, rows, "validation.csv", header=None)
    found = read(tmp_path, VALIDATION)
    assert keys(found) == ["validation/1/a.jpg", "validation/1/b.jpg"]
    np.testing.assert_array_equal(found[0].landmarks, first)
    assert [face.expression for face in found] == [2, 4]


def test_columns_go_by_their_names(tmp_path):
    (landmarks,) = points(1)
    line = row("1/a.jpg", 5, landmarks, box=(1, 2, 3, 4))
    write_list(tmp_path, [line])
    with (tmp_path / "training.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER[::-1], line[::-1]])
    (face,) = read(tmp_path)
    assert (face.key, face.expression, face.box) == ("train/1/a.jpg", 5, (1, 2, 3, 4))


@pytest.mark.parametrize("column", ["face_width", "expression", "subDirectory_filePath"])
def test_a_missing_column_is_named(tmp_path, column):
    (landmarks,) = points(1)
    write_list(tmp_path, [row("1/a.jpg", 1, landmarks)] * 3)
    path = tmp_path / "training.csv"
    path.write_text(path.read_text().replace(column, "other", 1))
    (found,) = read(tmp_path)
    assert isinstance(found, DataError)
    assert str(path) in str(found) and f"no column {column};" in str(found)


def few(landmarks):
    return ";".join(map(str, landmarks.reshape(-1)[:-2]))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("facial_landmarks", few, "134 numbers"),
        ("facial_landmarks", lambda _: "1;2;x", "'x'"),
        ("facial_landmarks", lambda p: few(p) + ";nan;1", "135 of them finite"),
        ("facial_landmarks", lambda _: "", "no number"),
        ("face_width", lambda _: "wide", "'wide'"),
        ("face_x", lambda _: "inf", "inf"),
        ("expression", lambda _: "11", "expression 11"),
        ("expression", lambda _: "-1", "expression -1"),
        ("expression", lambda _: "happy", "'happy'"),
        ("subDirectory_filePath", lambda _: "1/gone.jpg", "1/gone.jpg is missing"),
        ("subDirectory_filePath", lambda _: "", "is missing"),
    ],
)
def test_a_bad_row_is_that_rows_problem(tmp_path, column, value, said):
    landmarks = points()
    rows = [row(f"1/{name}.jpg", 1, p) for name, p in zip("abc", landmarks, strict=True)]
    write_list(tmp_path, rows)
    rows[1][HEADER.index(column)] = value(landmarks[1])
    with (tmp_path / "training.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    before, problem, after = read(tmp_path)
    assert (before.key, after.key) == ("train/1/a.jpg", "train/1/c.jpg")
    assert isinstance(problem, DataError)
    assert f"{tmp_path / 'training.csv'}: line 3: " in str(problem) and said in str(problem)


@pytest.mark.parametrize("change", [lambda line: line[:5], lambda line: [*line, "more"]])
def test_a_row_of_another_length_is_named(tmp_path, change):
    (landmarks,) = points(1)
    write_list(tmp_path, [row("1/a.jpg", 1, landmarks), change(row("1/b.jpg", 1, landmarks))])
    face, problem = read(tmp_path)
    assert face.key == "train/1/a.jpg"
    assert isinstance(problem, DataError) and "line 3" in str(problem)


def test_a_list_is_read_as_it_is_asked_for(tmp_path):
    """Nothing waits for the end of the list: what is wrong there comes after the faces before."""
    (landmarks,) = points(1)
    write_list(tmp_path, [row(f"1/{i}.jpg", 1, landmarks) for i in range(100)])
    path = tmp_path / "training.csv"
    path.write_bytes(path.read_bytes() + b"\xff\xfe")
    faces = SOURCE.read(tmp_path, TRAIN)
    assert next(faces).key == "train/1/0.jpg"
    *rest, problem = faces
    assert len(rest) > 50 and not any(isinstance(face, DataError) for face in rest)
    assert isinstance(problem, DataError) and str(path) in str(problem)


def test_a_face_listed_twice_is_named(tmp_path):
    (landmarks,) = points(1)
    write_list(tmp_path, [row("1/a.jpg", 1, landmarks), row("1/a.jpg", 2, landmarks)])
    with pytest.raises(DataError, match=r"a second face named train/1/a\.jpg"):
        collect(tmp_path, SOURCE, {"train": 1, "validation": 0}, allow=False)


# --- the new layout: folders


def write_face(folder, number, expression, landmarks, size=(50, 40)):
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    width, height = size
    picture = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "images" / f"{number}.jpg"), picture)
    for suffix, value in [("exp", expression), ("lnd", landmarks), ("val", "0.1"), ("aro", "0.2")]:
        np.save(folder / "annotations" / f"{number}_{suffix}.npy", np.asarray(value))


@pytest.fixture
def folders(tmp_path):
    """Three faces for training, one for tests, and their landmarks."""
    landmarks = points(4)
    write_face(tmp_path / "train_set", 7, "1", landmarks[0].reshape(-1))  # text
    write_face(tmp_path / "train_set", 0, 0, landmarks[1], size=(30, 60))  # (68, 2), a number
    write_face(tmp_path / "train_set", 12, [7.0], landmarks[2].reshape(1, -1))
    write_face(tmp_path / "val_set", 7, "6", landmarks[3].reshape(-1))
    return tmp_path, landmarks


def test_a_folder_is_read_field_by_field(folders):
    root, landmarks = folders
    found = read(root)
    assert keys(found) == ["train/0", "train/12", "train/7"]
    assert [face.expression for face in found] == [0, 7, 1]
    assert [face.box for face in found] == [(3, 6, 24, 48), (5, 4, 40, 32), (5, 4, 40, 32)]
    assert [face.group for face in found] == keys(found)
    for face, expected in zip(found, (1, 2, 0), strict=True):
        np.testing.assert_array_equal(face.landmarks, landmarks[expected])
        assert (face.split, face.subset) == ("train", "train")
    assert found[0].image == root / "train_set" / "images" / "0.jpg"
    assert SOURCE.open(found[0]).shape == (60, 30, 3)
    (test,) = read(root, VALIDATION)
    assert (test.key, test.split, test.subset) == ("validation/7", "test", "test")
    assert test.expression == 6


@pytest.mark.parametrize("order", [1, -1])
def test_folders_come_in_the_order_of_their_names(tmp_path, order):
    (landmarks,) = points(1)
    for number in list(range(9))[::order]:
        write_face(tmp_path / "val_set", number, 1, landmarks)
    assert keys(read(tmp_path, VALIDATION)) == [f"validation/{number}" for number in range(9)]


def test_pictures_are_not_decoded(folders):
    root, _ = folders
    path = root / "train_set" / "images" / "12.jpg"
    path.write_bytes(path.read_bytes()[:700])  # the header and some
    face = read(root)[1]
    assert face.box == (5, 4, 40, 32)
    with pytest.raises(DataError, match=r"12\.jpg"):
        SOURCE.open(face)


class Boom:
    """A pickle that leaves a file behind when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def save(path, value):
    np.save(path, value, allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("12_exp.npy", Path.unlink),
        ("12_lnd.npy", Path.unlink),
        ("12_exp.npy", lambda path: path.write_bytes(b"")),
        ("12_exp.npy", lambda path: path.write_bytes(path.read_bytes()[:40])),
        ("12_lnd.npy", lambda path: path.write_bytes(path.read_bytes()[:-8])),
        ("12_lnd.npy", lambda path: path.write_bytes(b"PK\x03\x04 no array")),
        ("12_exp.npy", lambda path: save(path, "8")),
        ("12_exp.npy", lambda path: save(path, -1)),
        ("12_exp.npy", lambda path: save(path, 2.5)),
        ("12_exp.npy", lambda path: save(path, np.nan)),
        ("12_exp.npy", lambda path: save(path, "happy")),
        ("12_exp.npy", lambda path: save(path, [1, 2])),
        ("12_exp.npy", lambda path: save(path, [])),
        ("12_lnd.npy", lambda path: save(path, np.zeros(134))),
        ("12_lnd.npy", lambda path: save(path, np.full(136, np.inf))),
        ("../images/12.jpg", lambda path: path.write_bytes(b"")),
    ],
)
def test_a_bad_file_is_that_faces_problem(folders, name, spoil):
    root, _ = folders
    spoil(root / "train_set" / "annotations" / name)
    before, problem, after = read(root)
    assert (before.key, after.key) == ("train/0", "train/7")
    assert isinstance(problem, DataError)
    assert "12" in str(problem).split(":")[0] and str(root) in str(problem)


def test_pickles_are_not_loaded(folders, tmp_path):
    root, _ = folders
    fuse = tmp_path / "loaded"
    save(root / "train_set" / "annotations" / "12_exp.npy", np.array(Boom(fuse), dtype=object))
    assert isinstance(read(root)[1], DataError)
    assert not fuse.exists()


def test_other_files_are_no_faces(folders):
    root, _ = folders
    for name in (".DS_Store", "._7.jpg", "Thumbs.db"):
        (root / "train_set" / "images" / name).touch()
    assert len(read(root)) == 3


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "train_set").mkdir()
    (found,) = read(tmp_path)
    assert isinstance(found, DataError) and str(tmp_path / "train_set") in str(found)


# --- both


def test_two_layouts_of_one_part_are_refused(folders):
    root, landmarks = folders
    write_list(root, [row("1/a.jpg", 1, landmarks[0])])
    (found,) = read(root)
    assert isinstance(found, DataError)
    assert "training.csv" in str(found) and "train_set" in str(found)


def test_nothing_there_is_no_face(tmp_path):
    assert read(tmp_path) == []
    assert read(tmp_path, VALIDATION) == []


def test_the_official_counts():
    assert [(part.name, part.expected) for part in SOURCE.parts] == [
        ("train", 287651),
        ("validation", 4000),
    ]

import json
import sqlite3

import cv2
import numpy as np
import pytest
import scipy.io

from cadnet.data.align import collect
from cadnet.data.sources import DataError, aflw
from cadnet.data.sources.aflw import SOURCE

N, TRAIN = 9, 5
ORDER = np.array([7, 2, 9, 4, 1, 8, 3, 6, 5])  # rows from 1; the last four are test faces
HIDDEN = {1: [0, 18], 3: [5], 6: [7, 8, 9]}  # rows from 1 → points from 0
NAMES = [f"{'023'[i // 2 % 3]}/image{i - i % 2:05d}.jpg" for i in range(N)]  # two faces each


def tables(seed=0):
    """Faces as the published file has them: counted from 1, all x before all y."""
    rng = np.random.default_rng(seed)
    names = np.empty((N, 1), dtype=object)
    names[:, 0] = NAMES
    corner = rng.integers(5, 20, (N, 2))
    mask = np.ones((N, 19))
    for row, points in HIDDEN.items():
        mask[row - 1, points] = 0
    left, top = corner.T
    return {
        "nameList": names,
        "bbox": np.stack([left, left + 40, top, top + 50], axis=1).astype(float),
        "data": (corner[..., None] + rng.uniform(2, 38, (N, 2, 19))).reshape(N, 38),
        "mask_new": mask,
        "ra": ORDER[None],
    }


def save(root, changed, **options):
    path = root / "AFLWinfo_release.mat"
    scipy.io.savemat(path, changed, **options)
    return path


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(aflw, "TRAIN", TRAIN)
    monkeypatch.setattr(aflw, "ALL", N)
    for number, name in enumerate(sorted(set(NAMES))):
        path = tmp_path / "data/flickr" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((80, 70, 3), 20 * number + 10, np.uint8))
    save(tmp_path, tables())
    return tmp_path


def faces(root, part):
    return list(SOURCE.read(root, next(p for p in SOURCE.parts if p.name == part)))


def problem(root, part="train"):
    (found,) = [face for face in faces(root, part) if isinstance(face, DataError)]
    return str(found)


def test_official_numbers():
    assert aflw.TRAIN == 20_000
    assert sum(part.expected for part in SOURCE.parts) == 24_386
    assert sum(p.expected for p in SOURCE.parts if p.name in SOURCE.unions["full"]) == 4_386
    assert SOURCE.normaliser == "box_width"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("part", "rows"), [("train", [1, 2, 4, 7, 9]), ("frontal", [5, 8]), ("profile", [3, 6])]
)
def test_what_was_written_is_what_is_read(root, part, rows, compressed):
    written = tables()
    save(root, written, do_compression=compressed)
    found = faces(root, part)
    split = "train" if part == "train" else "test"
    assert [face.key for face in found] == [f"{split}/{row:05d}" for row in rows]
    for row, face in zip(rows, found, strict=True):
        x, y = written["data"][row - 1, :19] - 1, written["data"][row - 1, 19:] - 1
        np.testing.assert_allclose(face.landmarks, np.stack([x, y], axis=1))
        left, right, top, bottom = written["bbox"][row - 1]
        assert (
            face.box == (left - 1, top - 1, right - left, bottom - top) == (*face.box[:2], 40, 50)
        )
        assert np.flatnonzero(~face.visible).tolist() == HIDDEN.get(row, [])
        assert face.group == NAMES[row - 1]
        assert face.image == root / "data/flickr" / NAMES[row - 1]
        assert (face.split, face.subset, face.scheme) == (split, part, "aflw19")
        level = 20 * sorted(set(NAMES)).index(NAMES[row - 1]) + 10
        assert SOURCE.open(face).shape == (80, 70, 3)
        assert abs(SOURCE.open(face).mean() - level) < 2


def test_two_faces_of_a_picture_are_one_group_and_two_keys(root):
    expected = {"train": 5, "frontal": 2, "profile": 2}
    found, counts, missing = collect(root, SOURCE, expected, allow=False)
    assert (counts, missing) == (expected, [])
    assert len({face.group for _, face in found}) == len(set(NAMES)) < N


@pytest.mark.parametrize("folder", ["aflw/data/flickr", "."])
def test_pictures_are_found_in_each_usual_place(root, folder):
    for name in "023":
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "data/flickr" / name).rename(root / folder / name)
    assert [face.image for face in faces(root, "profile")] == [
        root / folder / NAMES[2],
        root / folder / NAMES[5],
    ]


def test_a_missing_picture_is_named(root):
    path = root / "data/flickr" / NAMES[8]
    path.unlink()
    assert str(path) in problem(root)
    assert len(faces(root, "train")) == 5


@pytest.mark.parametrize("key", ["nameList", "bbox", "data", "mask_new", "ra"])
def test_a_missing_or_shorter_table_is_named(root, key):
    written = tables()
    path = save(root, {name: held for name, held in written.items() if name != key})
    assert f"{path}: holds no {key}" in problem(root)
    save(root, {**written, key: written[key][:, :-1] if key == "ra" else written[key][:-1]})
    assert f"{path}: bbox, data, mask_new, ra are" in problem(root)


def test_an_order_that_is_no_permutation_is_refused(root):
    order = ORDER.copy()
    order[0] = order[1]
    save(root, {**tables(), "ra": order[None]})
    assert "ra is no permutation of 1 … 9" in problem(root)


def test_tables_of_words_are_refused(root):
    save(root, {**tables(), "bbox": "left right top bottom"})
    assert "are not as published" in problem(root)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.95])
def test_a_cut_off_file_is_named(root, share):
    path = root / "AFLWinfo_release.mat"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert f"{path}: " in problem(root)
    assert "download it again" in problem(root)


@pytest.mark.parametrize(
    ("key", "column", "value", "words"),
    [
        ("bbox", 1, 0, "has no size"),
        ("bbox", 3, np.nan, "has no size"),
        ("data", 30, np.inf, "not finite"),
        ("bbox", slice(None), [500, 540, 500, 550], "no landmark lies in the box"),
    ],
)
def test_a_bad_face_is_named_and_the_others_stay(root, key, column, value, words):
    written = tables()
    written[key][6, column] = value
    save(root, written)
    assert words in problem(root)
    assert f"face 7 ({NAMES[6]})" in problem(root)
    assert [isinstance(face, DataError) for face in faces(root, "train")] == [0, 0, 0, 1, 0]


def test_nothing_there_is_no_face(tmp_path):
    assert [faces(tmp_path, part.name) for part in SOURCE.parts] == [[], [], []]


def write_sqlite(path):
    """Two faces of the original distribution; feature k of the first lies at (k + 10, k + 20)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE Faces (face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
            CREATE TABLE FaceImages
                (image_id INTEGER, db_id TEXT, file_id TEXT, filepath TEXT, width, height);
            CREATE TABLE FaceRect (face_id INTEGER, x, y, w, h, annot_type_id INTEGER);
            CREATE TABLE FeatureCoords (face_id INTEGER, feature_id INTEGER, x REAL, y REAL);
            INSERT INTO Faces VALUES (40001, 'b', 'flickr'), (39341, 'a', 'flickr'),
                (40002, 'a', 'flickr');
            INSERT INTO FaceImages VALUES (1, 'flickr', 'a', '0/image00000.jpg', 70, 80),
                (2, 'flickr', 'b', '2/image00000.jpg', 70, 80);
            INSERT INTO FaceRect VALUES (40001, -3, 5, 30, 31, 1), (39341, 8, 12, 40, 40, 1);
            """
        )
        rows = [(39341, k, k + 10.5, k + 20.25) for k in range(1, 23)]
        rows += [(40001, k, 10, 20) for k in (1, 14, 17, 21)]
        database.executemany("INSERT INTO FeatureCoords VALUES (?, ?, ?, ?)", rows)
    return path


@pytest.mark.parametrize("place", ["aflw.sqlite", "data/aflw.sqlite", "aflw/data/aflw.sqlite"])
def test_the_original_database_alone_is_training_data(root, place):
    missing = root / "AFLWinfo_release.mat"
    missing.unlink()
    write_sqlite(root / place)
    for name in ("0/image00000.jpg", "2/image00000.jpg"):
        (root / "data/flickr" / name).write_bytes((root / "data/flickr" / NAMES[0]).read_bytes())
    problem, first, second = faces(root, "train")
    assert str(missing) in str(problem)
    assert faces(root, "frontal") == faces(root, "profile") == []
    assert [first.key, second.key] == ["train/39341", "train/40001"]
    assert first.image == root / "data/flickr/0/image00000.jpg"
    assert (first.box, second.box) == ((8, 12, 40, 40), (-3, 5, 30, 31))
    kept = [k for k in range(1, 22) if k not in (13, 17)]  # without the ears
    np.testing.assert_allclose(first.landmarks, [(k + 10.5, k + 20.25) for k in kept])
    assert first.visible.all()
    assert np.flatnonzero(second.visible).tolist() == [0, 12, 18]
    assert (np.isfinite(second.landmarks).all(axis=1) == second.visible).all()
    assert (second.landmarks[second.visible] == (10, 20)).all()


def test_with_the_release_the_original_database_is_not_read(root):
    before = faces(root, "train")
    write_sqlite(root / "aflw.sqlite")
    assert [face.key for face in faces(root, "train")] == [face.key for face in before]


@pytest.mark.parametrize("damage", ["cut", "words", "table"])
def test_a_broken_database_is_named(root, damage):
    (root / "AFLWinfo_release.mat").unlink()
    path = write_sqlite(root / "aflw.sqlite")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "words":
        path.write_bytes(b"no database at all" * 100)
    else:
        with sqlite3.connect(path) as database:
            database.execute("DROP TABLE FaceRect")
    _, found = faces(root, "train")
    assert f"{path}: is not AFLW's database" in str(found)


def test_real_faces_in_this_layout(real_data, tmp_path):
    """Two faces of AFLW, from another project's list: their pictures fit what is read."""
    listed = json.loads((real_data / "mmpose/aflw/test_aflw.json").read_text())
    files = {image["id"]: image["file_name"] for image in listed["images"]}
    points = [np.reshape(face["keypoints"], (19, 3)) for face in listed["annotations"]]
    names = np.empty((2, 1), dtype=object)
    names[:, 0] = [f"3/{files[face['image_id']]}" for face in listed["annotations"]]
    corners = [np.outer(f["center"], (1, 1)) + np.outer((1, 1), (-0.5, 0.5)) * f["box_size"]
               for f in listed["annotations"]]  # fmt: skip
    save(tmp_path, {
        "nameList": names, "bbox": np.reshape(corners, (2, 4)) + 1,
        "data": np.stack([p[:, :2].T.reshape(-1) + 1 for p in points]),
        "mask_new": np.stack([p[:, 2] > 0 for p in points]).astype(float), "ra": np.array([[2, 1]]),
    })  # fmt: skip
    (tmp_path / "3").symlink_to(real_data / "mmpose/aflw")
    found = faces(tmp_path, "train")
    for face, drawn, listing in zip(found, points, listed["annotations"], strict=True):
        np.testing.assert_allclose(face.landmarks, drawn[:, :2])
        height, width = SOURCE.open(face).shape[:2]
        image = next(i for i in listed["images"] if i["id"] == listing["image_id"])
        assert (height, width) == (image["height"], image["width"])
        assert ((face.landmarks > 0) & (face.landmarks < (width, height))).all()
        assert face.box[2] == listing["box_size"]
        eyes, mouth = face.landmarks[6:12, 1].mean(), face.landmarks[15:18, 1].mean()
        assert eyes < mouth

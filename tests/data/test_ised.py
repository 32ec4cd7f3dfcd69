import cv2
import numpy as np
import pytest

from cadnet.data.align import collect
from cadnet.data.sources import DataError
from cadnet.data.sources.ised import SOURCE

(PART,) = SOURCE.parts


def write(path, size=(12, 9)):
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    # Noise, so that a picture cut off is smaller than what its header announces.
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    cv2.imwrite(str(path), picture)


@pytest.fixture
def root(tmp_path):
    write(tmp_path / "surprise" / "s12_03.png", (20, 30))
    write(tmp_path / "happiness" / "s12_01.jpg")
    write(tmp_path / "happiness" / "s02_extra_07.jpg", (40, 16))
    write(tmp_path / "disgust" / "s02_01.JPG")
    write(tmp_path / "sadness" / "s09_05.jpg")
    return tmp_path


def read(root):
    return list(SOURCE.read(root, PART))


def middle(width, height):
    """The box of a face in a picture that was cut to it."""
    return (0.1 * width, 0.1 * height, 0.8 * width, 0.8 * height)


def test_folders_are_read_field_by_field(root):
    found = read(root)
    # Indices into EXPRESSIONS: neutral happy sad surprise fear disgust anger contempt.
    assert [(f.key, f.expression, f.subject, f.box) for f in found] == [
        ("disgust/s02_01", 5, "s02", middle(12, 9)),
        ("happiness/s02_extra_07", 1, "s02", middle(40, 16)),
        ("happiness/s12_01", 1, "s12", middle(12, 9)),
        ("sadness/s09_05", 2, "s09", middle(12, 9)),
        ("surprise/s12_03", 3, "s12", middle(20, 30)),
    ]
    for face in found:
        assert face.group == face.subject
        assert face.image.parent.name + "/" + face.image.stem == face.key
        assert face.landmarks is None and face.visible is None and face.index is None
        assert (face.split, face.subset, face.video) == ("test", "test", "")
    assert SOURCE.open(found[1]).shape == (16, 40, 3)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_is_that_of_the_names(tmp_path, order):
    for clip in range(9)[::order]:
        write(tmp_path / "sadness" / f"s1_{clip}.png")
    assert [face.key for face in read(tmp_path)] == [f"sadness/s1_{clip}" for clip in range(9)]


def test_pictures_are_not_decoded(root):
    path = root / "surprise" / "s12_03.png"
    path.write_bytes(path.read_bytes()[:200])  # the header and some
    face = read(root)[-1]
    assert face.box == (2, 3, 16, 24)
    with pytest.raises(DataError, match=r"s12_03\.png"):
        SOURCE.open(face)


def test_an_unknown_emotion_is_named(root):
    write(root / "anger" / "s01_01.jpg")
    problem, *faces = read(root)
    assert isinstance(problem, DataError)
    assert str(root / "anger") in str(problem) and "happiness" in str(problem)
    assert len(faces) == 5


@pytest.mark.parametrize("name", ["s0301.jpg", "_01.jpg", "s03_.jpg"])
def test_a_name_without_subject_and_clip_is_named(root, name):
    path = root / "sadness" / name
    write(path)
    found = read(root)
    (problem,) = (face for face in found if isinstance(face, DataError))
    assert str(path) in str(problem) and len(found) == 6


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_what_is_no_picture_is_named(root, content):
    path = root / "happiness" / "s02_extra_07.jpg"
    path.write_bytes(content)
    _, problem, *rest = read(root)
    assert isinstance(problem, DataError) and str(path) in str(problem)
    assert [face.key for face in rest] == ["happiness/s12_01", "sadness/s09_05", "surprise/s12_03"]


def test_other_files_are_no_faces(root):
    for name in ("README.txt", "sadness/notes.txt", "sadness/._s09_05.jpg", ".cache/s1_1.jpg"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    assert len(read(root)) == 5


def test_a_clip_that_is_there_twice_is_named(root):
    write(root / "sadness" / "s09_05.png")
    with pytest.raises(DataError, match="a second face named sadness/s09_05"):
        collect(root, SOURCE, {"images": 5}, allow=False)
    (root / "sadness" / "s09_05.png").unlink()
    faces, counts, problems = collect(root, SOURCE, {"images": 5}, allow=False)
    assert (len(faces), counts, problems) == (5, {"images": 5}, [])


def test_nothing_there_is_no_face(tmp_path):
    assert read(tmp_path) == read(tmp_path / "nothing") == []


def test_the_official_count():
    assert (PART.name, PART.expected, PART.split) == ("images", 428, "test")

import cv2
import numpy as np
import pytest

from cadnet.data.align import collect
from cadnet.data.sources import DataError
from cadnet.data.sources.ckplus import SOURCE
from tests.conftest import shape

(PART,) = SOURCE.parts


def drawn(name):
    """The landmarks of a frame, of a seed that its name gives; as many digits as the file holds."""
    seed = [int(word) for word in name.removeprefix("S").split("_")]
    return shape(np.random.default_rng(seed)).round(4)


def write_sequence(root, subject, sequence, frames, code=None):
    """A sequence; with a code it has a label. Pictures are empty: reading needs none."""
    place = f"{subject}/{sequence}"
    for top in ("cohn-kanade-images", "Landmarks", "Emotion"):
        (root / top / place).mkdir(parents=True, exist_ok=True)
    names = [f"{subject}_{sequence}_{frame:08d}" for frame in frames]
    for name in names:
        (root / "cohn-kanade-images" / place / f"{name}.png").touch()
        lines = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in drawn(name))
        (root / "Landmarks" / place / f"{name}_landmarks.txt").write_text(lines)
    if code is not None:
        label = root / "Emotion" / place / f"{max(names)}_emotion.txt"
        label.write_text(f"   {code:.7e}\n")


@pytest.fixture
def root(tmp_path):
    write_sequence(tmp_path, "S010", "002", range(1, 15), 7)
    write_sequence(tmp_path, "S005", "001", range(1, 12), 3)
    write_sequence(tmp_path, "S010", "001", range(1, 9))  # an empty folder: no label
    return tmp_path


def read(root):
    return list(SOURCE.read(root, PART))


PEAKS = [f"S005/001/S005_001_{frame:08d}" for frame in (9, 10, 11)]
OTHERS = [f"S010/002/S010_002_{frame:08d}" for frame in (12, 13, 14)]


def test_the_last_frames_of_labelled_sequences_field_by_field(root):
    found = read(root)
    assert [face.key for face in found] == PEAKS + OTHERS
    assert [face.expression for face in found] == [5] * 3 + [3] * 3  # disgust, surprise
    assert [face.subject for face in found] == ["S005"] * 3 + ["S010"] * 3
    assert [face.group for face in found] == [face.subject for face in found]
    assert [face.video for face in found] == ["S005/001"] * 3 + ["S010/002"] * 3
    for face in found:
        landmarks = drawn(face.key.split("/")[-1])
        np.testing.assert_allclose(face.landmarks, landmarks)
        x, y = landmarks.T
        assert face.box == pytest.approx((x.min(), y.min(), np.ptp(x), np.ptp(y)))
        assert face.image == root / "cohn-kanade-images" / f"{face.key}.png"
        assert (face.split, face.subset, face.scheme) == ("test", "test", "ibug68")
        assert face.visible is None and face.index is None


def test_each_code_is_its_expression(tmp_path):
    codes = {0: 0, 1: 6, 2: 7, 3: 5, 4: 4, 5: 1, 6: 2, 7: 3}
    for code in codes:
        write_sequence(tmp_path, f"S{code:03d}", "001", range(1, 4), code)
    found = read(tmp_path)
    assert {int(face.subject[1:]): face.expression for face in found} == codes


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_is_that_of_the_names(tmp_path, order):
    for subject in range(9)[::order]:
        write_sequence(tmp_path, f"S{subject:03d}", "001", range(1, 7)[::order], 1)
    assert [face.key for face in read(tmp_path)] == [
        f"S{s:03d}/001/S{s:03d}_001_{frame:08d}" for s in range(9) for frame in (4, 5, 6)
    ]


def test_a_sequence_without_a_label_folder_is_not_used(root):
    (root / "Emotion" / "S010" / "001").rmdir()
    assert len(read(root)) == 6


def test_collect_counts_frames(root):
    faces, counts, problems = collect(root, SOURCE, {"cohn-kanade-images": 6}, allow=False)
    assert (len(faces), counts, problems) == (6, {"cohn-kanade-images": 6}, [])


@pytest.mark.parametrize("text", ["", "happy", "8.0", "-1", "2.5", "nan", "3.0 4.0", "3\n4\n"])
def test_a_label_that_is_no_code_is_its_sequences_problem(root, text):
    label = root / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt"
    label.write_text(text)
    problem, *others = read(root)
    assert isinstance(problem, DataError) and str(label) in str(problem)
    assert [face.key for face in others] == OTHERS


def lines(path):
    return path.read_text().splitlines()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(""),
        lambda path: path.write_text("\n".join(lines(path)[:67])),
        lambda path: path.write_text("\n".join([*lines(path), "1 2"])),
        lambda path: path.write_text("\n".join([*lines(path)[:66], "1", "2 3 4"])),
        lambda path: path.write_text("\n".join([*lines(path)[:67], "nan 1"])),
        lambda path: path.write_text("\n".join([*lines(path)[:67], "1 x"])),
        lambda path: path.write_bytes(b"\xff\xfe"),
    ],
)
def test_bad_landmarks_are_that_frames_problem(root, spoil):
    path = root / "Landmarks" / "S005" / "001" / "S005_001_00000010_landmarks.txt"
    spoil(path)
    first, problem, third, *others = read(root)
    assert [first.key, third.key] == [PEAKS[0], PEAKS[2]]
    assert isinstance(problem, DataError) and str(path) in str(problem)
    assert [face.key for face in others] == OTHERS


def test_landmarks_of_frames_that_are_not_used_are_not_needed(root):
    (root / "Landmarks" / "S005" / "001" / "S005_001_00000008_landmarks.txt").unlink()
    assert [face.key for face in read(root)] == PEAKS + OTHERS


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_sequence_of_fewer_than_three_frames_is_named(root, left):
    folder = root / "cohn-kanade-images" / "S005" / "001"
    for path in sorted(folder.iterdir())[: 11 - left]:
        path.unlink()
    (folder / "._S005_001_00000011.png").touch()  # what a Mac leaves is no frame
    problem, *others = read(root)
    assert isinstance(problem, DataError)
    assert str(folder) in str(problem) and f"holds {left} frames" in str(problem)
    assert [face.key for face in others] == OTHERS


def test_a_sequence_cut_off_before_its_peak_is_named(root):
    peak = root / "cohn-kanade-images" / "S005" / "001" / "S005_001_00000011.png"
    peak.unlink()
    problem, *others = read(root)
    assert isinstance(problem, DataError) and peak.name in str(problem)
    assert len(others) == 3


def test_what_a_mac_leaves_is_no_label(root):
    (root / "Emotion" / "S005" / "001" / "._S005_001_00000011_emotion.txt").write_bytes(b"\0\xff")
    (root / "Emotion" / ".DS_Store").touch()
    assert [face.key for face in read(root)] == PEAKS + OTHERS


def test_missing_labels_are_named_and_missing_pictures_are_no_face(root, tmp_path):
    (root / "Emotion").rename(root / "elsewhere")
    (problem,) = read(root)
    assert isinstance(problem, DataError) and str(root / "Emotion") in str(problem)
    assert read(tmp_path / "nothing") == []


def test_a_frame_opens_as_colour(root):
    face = read(root)[0]
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    cv2.imwrite(str(face.image), grey)
    np.testing.assert_array_equal(SOURCE.open(face), np.repeat(grey[..., None], 3, axis=2))


def test_the_official_count():
    assert (PART.name, PART.expected, PART.split) == ("cohn-kanade-images", 981, "test")

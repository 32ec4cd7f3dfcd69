from dataclasses import replace
from itertools import combinations

import av
import numpy as np
import pytest

from cadnet.data.align import collect
from cadnet.data.sources import DataError
from cadnet.data.sources.vw300 import SOURCE, VIDEOS, clips
from tests.conftest import shape, write_pts

FRAMES = 12
STEP = 20  # grey levels from frame to frame


def write_video(path, codec="mjpeg", options=None, hole=None):
    """Frame i is grey of level 20 i. From ``hole`` on, frames come two places later."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        for i in range(FRAMES):
            grey = np.full((64, 64, 3), STEP * i, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format=pixels)
            frame.pts = i if hole is None or i < hole else i + 2
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_folder(root, name, numbers=range(1, FRAMES + 1), **video):
    (root / name / "annot").mkdir(parents=True)
    write_video(root / name / "vid.avi", **video)
    for number in numbers:
        landmarks = shape(np.random.default_rng([int(name), number]), 48)
        write_pts(root / name / "annot" / f"{number:06d}.pts", landmarks)
    return root / name


@pytest.fixture
def root(tmp_path):
    for name in ("001", "225", "114", "410"):
        write_folder(tmp_path, name)
    return tmp_path


def faces(root, part="train"):
    return list(SOURCE.read(root, next(p for p in SOURCE.parts if p.name == part)))


def read(root, part="train"):
    return [face for face in faces(root, part) if not isinstance(face, DataError)]


def problems(root, part="train"):
    return [str(face) for face in faces(root, part) if isinstance(face, DataError)]


def shown(face):
    """The frame's number, from 0, by what the picture shows."""
    picture = SOURCE.open(face)
    assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
    number = round(picture.mean() / STEP)
    assert abs(picture.mean() - STEP * number) < 5
    return number


def outcome(face):
    """The number that is shown, or why there is none."""
    try:
        return shown(face)
    except DataError as error:
        return str(error)


def test_official_videos():
    assert [len(VIDEOS[part.name]) for part in SOURCE.parts] == [50, 31, 19, 14]
    assert [part.expected for part in SOURCE.parts] == [50, 31, 19, 14]
    assert all(not set(a) & set(b) for a, b in combinations(VIDEOS.values(), 2))
    assert len(set().union(*VIDEOS.values())) == 114
    assert SOURCE.counted == "videos"
    # As protocols write them down, in ranges.
    assert {505, 511, 518, 522, 546} <= set(VIDEOS["category1"])
    assert {203, 403, 409, 553} <= set(VIDEOS["category2"])
    assert {410, 528, 533, 562} <= set(VIDEOS["category3"])


def test_what_was_written_is_what_is_read(root):
    found = read(root)
    assert [face.key for face in found] == [
        f"{name}/{number:06d}" for name in ("001", "225") for number in range(1, FRAMES + 1)
    ]
    for i, face in enumerate(found):
        name, number = ("001", "225")[i // FRAMES], i % FRAMES + 1
        landmarks = shape(np.random.default_rng([int(name), number]), 48)
        np.testing.assert_allclose(face.landmarks, landmarks, atol=1e-6)
        np.testing.assert_allclose(face.box[:2], landmarks.min(axis=0), atol=1e-5)
        assert face.image == root / name / "vid.avi"
        assert (face.video, face.group, face.index) == (name, name, number - 1)
        assert (face.split, face.subset, face.scheme) == ("train", "train", "ibug68")
    assert {(f.split, f.subset) for f in read(root, "category1")} == {("test", "category1")}
    assert [f.video for f in read(root, "category3")] == ["410"] * FRAMES
    assert faces(root, "category2") == []


def test_videos_are_counted(root):
    expected = {"train": 50, "category1": 31, "category2": 19, "category3": 14}
    with pytest.raises(DataError, match=r"train/ \(2 of 50 videos\)"):
        collect(root, SOURCE, expected, allow=False)
    found, counts, missing = collect(root, SOURCE, expected, allow=True)
    assert counts == {"train": 2, "category1": 1, "category3": 1}
    assert len(found) == 4 * FRAMES
    assert "category2/ (0 of 19 videos)" in missing


@pytest.mark.parametrize(
    ("codec", "options"),
    [("mjpeg", {}), ("mpeg4", {}), ("mpeg4", {"bf": "2", "g": "6"}), ("ffv1", {})],
)
def test_each_face_gets_its_frame_in_any_order(tmp_path, codec, options):
    write_folder(tmp_path, "001", codec=codec, options=options)
    found = read(tmp_path)
    assert [shown(face) for face in found] == list(range(FRAMES))
    for index in (7, 2, 2, 3, 11, 0, 10, 9):
        assert shown(found[index]) == index


def test_two_videos_in_turn(root):
    first, second = read(root, "category1"), read(root, "category3")
    assert [shown(f) for pair in zip(first, second, strict=True) for f in pair][:6] == [
        0, 0, 1, 1, 2, 2,
    ]  # fmt: skip


def test_empty_chunks_show_the_frame_before_them(tmp_path):
    write_folder(tmp_path, "001", range(1, FRAMES + 3), codec="mpeg4", hole=5)
    assert [shown(face) for face in read(tmp_path)] == [*range(5), 4, 4, *range(5, FRAMES)]


def test_frames_come_by_number_and_gaps_stay(tmp_path):
    write_folder(tmp_path, "001", (3, 4, 10))
    found = read(tmp_path)
    assert [face.index for face in found] == [2, 3, 9]
    assert [shown(face) for face in found] == [2, 3, 9]


def test_more_annotations_than_frames_are_named(tmp_path):
    write_folder(tmp_path, "001", range(1, FRAMES + 3))
    found = read(tmp_path)
    for face in found[FRAMES:]:
        with pytest.raises(DataError, match=rf"vid\.avi: frame {face.index + 1}: the video ends"):
            SOURCE.open(face)
    assert shown(found[FRAMES - 1]) == FRAMES - 1


def test_a_cut_off_video_gives_whole_frames_or_says_so(root):
    path = root / "001" / "vid.avi"
    path.write_bytes(path.read_bytes()[: int(0.8 * path.stat().st_size)])
    found = read(root)[:FRAMES]
    outcomes = [outcome(face) for face in found]
    whole = sum(isinstance(result, int) for result in outcomes)
    assert 0 < whole < FRAMES
    assert outcomes[:whole] == list(range(whole))
    for face, result in zip(found[whole:], outcomes[whole:], strict=True):
        assert f"{path}: frame {face.index + 1}: " in result


@pytest.mark.parametrize("content", [b"", b"no video " * 500, "head"])
def test_no_video_at_all_is_named(root, content):
    path = root / "001" / "vid.avi"
    path.write_bytes(path.read_bytes()[:3000] if content == "head" else content)
    for face in read(root)[:2]:
        with pytest.raises(DataError, match=rf"{path}: frame {face.index + 1}"):
            SOURCE.open(face)


def damage(path, kept):
    """Zeroes in the fifth frame's chunk, after a share that is kept."""
    content = bytearray(path.read_bytes())
    start = content.index(b"movi")
    for _ in range(5):  # the fifth chunk
        start = content.index(b"00dc", start + 4)
    size = int.from_bytes(content[start + 4 : start + 8], "little")
    first = start + 8 + int(kept * size)
    content[first : start + 8 + size] = bytes(start + 8 + size - first)
    path.write_bytes(content)


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
@pytest.mark.parametrize("kept", [0, 0.5, 0.7])  # an error, no frame, a frame marked as corrupt
def test_a_damaged_frame_is_named_and_moves_no_other(tmp_path, codec, kept):
    damage(write_folder(tmp_path, "001", codec=codec) / "vid.avi", kept)
    found = read(tmp_path)
    with pytest.raises(DataError, match=r"vid\.avi: frame 5: is damaged"):
        SOURCE.open(found[4])
    assert [shown(face) for face in found if face.index != 4] == [0, 1, 2, 3, *range(5, FRAMES)]


def test_after_damage_where_frames_are_reordered_none_is_guessed(tmp_path):
    path = write_folder(tmp_path, "001", codec="mpeg4", options={"bf": "2", "g": "6"}) / "vid.avi"
    damage(path, 0)
    outcomes = [outcome(face) for face in read(tmp_path)]
    assert outcomes[:3] == [0, 1, 2]
    assert all(f"{path}: frame {i + 1}: " in str(outcomes[i]) for i in range(3, FRAMES))


def test_a_missing_video_is_named(root):
    path = root / "225" / "vid.avi"
    path.unlink()
    assert str(path) in problems(root)[-1]
    assert {face.video for face in read(root)} == {"001"}


def test_missing_annotations_are_named(root):
    folder = root / "225" / "annot"
    folder.rename(root / "225" / "annotations")
    assert f"{folder}: holds no" in problems(root)[-1]


@pytest.mark.parametrize("name", ["frame7", "000000", "00001a", "-1"])
def test_a_name_that_is_no_frame_is_named(root, name):
    path = root / "225" / "annot" / f"{name}.pts"
    (root / "225" / "annot" / "000007.pts").rename(path)
    assert [str(path) in line for line in problems(root) if "225" in line] == [True]
    assert len(read(root)) == 2 * FRAMES - 1


def test_67_points_are_that_frames_problem(root):
    path = root / "001" / "annot" / "000003.pts"
    write_pts(path, np.full((67, 2), 20.0))
    assert any(f"{path}: n_points is 67" in line for line in problems(root))
    assert 2 not in [face.index for face in read(root) if face.video == "001"]


def test_clips_are_runs_of_frames_of_one_video(root):
    found = read(root)
    assert clips(found).tolist() == [
        [0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [12, 13, 14, 15, 16], [17, 18, 19, 20, 21],
    ]  # fmt: skip
    assert clips(found, length=12).shape == (2, 12)
    gap = [face for face in found if face.key != "001/000004"]
    assert clips(gap, length=3).tolist()[:3] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert clips(gap).tolist()[:2] == [[3, 4, 5, 6, 7], [11, 12, 13, 14, 15]]
    assert [found[i].key for i in clips(found, length=1)[:, 0]] == [face.key for face in found]
    assert clips(found[:4]).shape == clips([]).shape == (0, 5)
    assert clips(found[::-1]).shape == (0, 5)
    # The last frame of one video and the first of another never make a pair.
    joined = [found[0], replace(found[1], video="225")]
    assert clips(joined, length=2).shape == (0, 2)

"""``cadnet predict`` as a person types it."""

import csv
import json
import subprocess
import sys

import av
import numpy as np
import PIL.Image
import pytest

from cadnet import predictor
from cadnet.cli import main
from cadnet.data.sources.ibug import read_pts
from cadnet.data.synthetic.write_video import write_300vw
from cadnet.predictor import output
from cadnet.predictor.video import predict_video

RNG = np.random.default_rng(5)


@pytest.fixture
def photos(tmp_path):
    """A folder with two pictures, one of them in a folder of its own, and what is no picture."""
    folder = tmp_path / "my photos"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "more/a.jpg"):
        picture = RNG.integers(0, 256, (80, 100, 3), dtype=np.uint8)
        PIL.Image.fromarray(picture).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    rows = [
        "file,x,y,width,height",
        "a.png,10,10,40,40",
        "a.png,50,20,30,30",
        "more/a.jpg,5,5,50,60",
    ]
    (tmp_path / "boxes.csv").write_text("\n".join(rows))
    return folder


def predict(tmp_path, model, *arguments):
    out = tmp_path / "out"
    arguments = [*map(str, arguments), "--model", str(model), "--out", str(out), "--device", "cpu"]
    return main(["predict", *arguments]), out


def test_all_formats_say_the_same(photos, tmp_path, experiment, capsys):
    code, out = predict(
        tmp_path, experiment, photos, "--boxes", tmp_path / "boxes.csv", "--overlay",
        "--format", "json", "csv", "pts",
    )  # fmt: skip
    assert code == 0
    assert "2 files, 3 faces; written to" in capsys.readouterr().out
    document = json.loads((out / "a.json").read_text())
    assert "disagreement of 2 models" in document["reliability"]
    (faces,) = document["frames"]
    rows = list(csv.DictReader((out / "faces.csv").open(newline="")))
    assert [row["face"] for row in rows] == ["0", "1", "0"]
    for face, row in zip(faces, rows, strict=False):
        points = read_pts(out / f"a_{face['face']}.pts", 68)
        np.testing.assert_allclose(face["landmarks"], points, atol=0.006)
        found = [[float(row[f"x{i}"]), float(row[f"y{i}"])] for i in range(68)]
        assert found == face["landmarks"]
        assert [float(row[f"reliability{i}"]) for i in range(68)] == face["reliability"]
        assert row["expression"] == face["expression"]
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    expected = predictor.load(experiment, device="cpu").predict(
        photos / "a.png", [(10, 10, 40, 40)]
    )
    np.testing.assert_allclose(faces[0]["landmarks"], expected[0].landmarks, atol=0.006)
    assert PIL.Image.open(out / "a.png").size == (100, 80)
    assert (out / "more" / "a.json").is_file() and (out / "more" / "a.png").is_file()


def test_a_bad_file_is_counted_and_the_others_are_done(photos, tmp_path, experiment, capsys):
    (photos / "b.jpg").write_bytes(b"\xff\xd8\xff broken")
    (photos / "c.mp4").write_bytes(b"no video")
    code, out = predict(tmp_path, experiment, photos)
    said = capsys.readouterr().err
    assert code == 1
    assert "b.jpg: cannot be read as a picture" in said
    assert "c.mp4: cannot be read as a video" in said
    assert "2 files, 0 faces, 2 without a face, 2 failed" in said
    assert json.loads((out / "more" / "a.json").read_text())["frames"] == [[]]
    assert not (out / "b.json").exists()


def test_boxes_are_checked_by_line(photos, tmp_path, experiment, capsys):
    (tmp_path / "boxes.csv").write_text("file,x,y,width,height\na.png,1,2,3,4\na.png,1,two,3,4\n")
    assert predict(tmp_path, experiment, photos, "--boxes", tmp_path / "boxes.csv")[0] == 1
    assert "boxes.csv: line 3 is not file,x,y,width,height" in capsys.readouterr().err
    (tmp_path / "boxes.csv").write_text("file,x,y,width,height\na.png,1,2,0,4\n")
    assert predict(tmp_path, experiment, photos, "--boxes", tmp_path / "boxes.csv")[0] == 1
    assert "a.png: box (1.0, 2.0, 0.0, 4.0): is not" in capsys.readouterr().err


def test_an_empty_folder_and_a_place_that_cannot_be_written(photos, tmp_path, experiment, capsys):
    (tmp_path / "none").mkdir()
    assert predict(tmp_path, experiment, tmp_path / "none")[0] == 1
    assert "no picture and no video in" in capsys.readouterr().err
    (tmp_path / "out").write_text("a file")
    assert predict(tmp_path, experiment, photos)[0] == 1
    assert f"cannot write to {tmp_path / 'out'}" in capsys.readouterr().err


def test_no_name_is_written_twice(tmp_path):
    names = ["a.png", "a.jpg", "a-2.png", "a.gif", "more/a.png"]
    found = output.names([(tmp_path / name, tmp_path) for name in names])
    assert [str(place) for place in found.values()] == ["a", "a-3", "a-2", "a-4", "more/a"]


def test_what_lies_there_is_not_written_over(photos, tmp_path, experiment, capsys):
    before = (photos / "a.png").read_bytes()
    for out in (photos, photos / "."):
        assert main(["predict", str(photos), "--model", str(experiment), "--out", str(out)]) == 1
        assert "give another folder as --out" in capsys.readouterr().err
    assert (photos / "a.png").read_bytes() == before and not list(photos.glob("*.json"))


def test_what_an_earlier_call_wrote_is_no_input(photos, experiment, capsys):
    boxes = str(photos.parent / "boxes.csv")
    for _ in range(2):
        arguments = ["--model", str(experiment), "--out", str(photos / "found"), "--overlay"]
        assert main(["predict", str(photos), *arguments, "--boxes", boxes]) == 0
        assert "2 files, 3 faces" in capsys.readouterr().out


@pytest.fixture
def film(tmp_path):
    """A built-in video of 24 frames."""
    write_300vw(tmp_path / "films", counts={"category1": 1}, seed=3, size=160, frames=24)
    (video,) = (tmp_path / "films").glob("*/vid.avi")
    return video


def steady(picture):
    """Two faces that never move."""
    return [(40.0, 40.0, 80.0, 80.0), (0.0, 0.0, 30.0, 30.0)]


def test_a_video_is_what_its_frames_are(film, experiment):
    model = predictor.load(experiment, device="cpu", detector=steady)
    found = predict_video(model, film, smooth=False)
    assert len(found) == 24 and all(set(faces) == {0, 1} for faces in found)
    with av.open(str(film)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for index in (0, 7, 23):
        (_, face) = model.predict(frames[index])[::-1]
        np.testing.assert_allclose(found[index][0].landmarks, face.landmarks, atol=1e-3)


def test_smoothing_calms_a_video(film, experiment):
    model = predictor.load(experiment, device="cpu", detector=steady)
    moves = []
    for smooth in (False, True):
        points = [faces[0].landmarks for faces in predict_video(model, film, smooth=smooth)]
        moves.append(np.abs(np.diff(points, axis=0)).mean())
    assert moves[1] < moves[0]


def test_an_overlay_video_plays(film, experiment, tmp_path):
    model = predictor.load(experiment, device="cpu", detector=steady)
    assert len(predict_video(model, film, overlay=tmp_path / "o.mp4")) == 24
    with av.open(str(tmp_path / "o.mp4")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 24 and (frames[0].width, frames[0].height) == (160, 160)


def test_boxes_are_not_for_videos(film, experiment, photos, tmp_path, capsys):
    assert predict(tmp_path, experiment, film, "--boxes", tmp_path / "boxes.csv")[0] == 1
    assert "vid.avi: boxes are of pictures" in capsys.readouterr().err


def test_a_video_without_frames_is_refused(tmp_path, experiment, film, capsys):
    empty = tmp_path / "empty.avi"
    with av.open(str(empty), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        container.start_encoding()
    code, _ = predict(tmp_path, experiment, empty)
    assert code == 1
    assert "empty.avi: " in capsys.readouterr().err
    cut = tmp_path / "cut.avi"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    model = predictor.load(experiment, device="cpu", detector=steady)
    assert 5 < len(predict_video(model, cut)) < 24


def test_help_needs_no_torch():
    script = "import sys; from cadnet.cli import main\ntry: main(['predict', '--help'])\n"
    script += "except SystemExit: pass\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)

"""A predictor against the steps written out."""

import numpy as np
import pytest
import torch

from cadnet import predictor
from cadnet.data.align import crop, crop_region, to_crop
from cadnet.predictor import PredictionError
from cadnet.training import checkpoint
from tests.predictor.conftest import MARGIN, SIZE, save_model

PICTURE = np.random.default_rng(3).integers(0, 256, (120, 160, 3), dtype=np.uint8)
BOXES = [(20.0, 30.0, 50.0, 40.0), (90.0, 10.0, 64.0, 70.0), (-10.0, 80.0, 50.0, 50.0)]


def by_hand(file, box):
    """Landmarks in px of the picture, and logits, of one face by one model."""
    model, _ = checkpoint.load(file)
    region = crop_region(box, MARGIN)
    pixels = torch.tensor(crop(PICTURE, region, SIZE)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        said = model(pixels.repeat(model.frames, 1, 1, 1))
    corners = np.array([[0.0, 0.0], [100.0, 100.0]])
    low, high = to_crop(corners, region, SIZE)
    pixel = (said.landmarks[0].double().numpy() + 1) * SIZE / 2 - 0.5
    logits = None if said.expression is None else said.expression[0].double()
    return (pixel - low) / (high - low) * 100, logits


def test_seeds_are_averaged_and_calibrated(experiment):
    faces = predictor.load(experiment, device="cpu").predict(PICTURE, BOXES)
    assert len(faces) == 3
    for box, face in zip(BOXES, faces, strict=True):
        every = [by_hand(file, box) for file in sorted(experiment.glob("seed*/*.safetensors"))]
        points = np.stack([landmarks for landmarks, _ in every])
        np.testing.assert_allclose(face.landmarks, points.mean(axis=0), atol=1e-3)
        spread = np.linalg.norm(points - points.mean(axis=0), axis=2).mean(axis=0)
        eyes = np.linalg.norm(face.landmarks[36] - face.landmarks[45])
        expected = np.clip(1 - 2 * spread / eyes, 0, 1)
        np.testing.assert_allclose(face.reliability, expected, atol=1e-3)
        chances = np.mean([logits.softmax(0).numpy() for _, logits in every], axis=0)
        np.testing.assert_allclose(list(face.expressions.values()), chances, atol=1e-5)
        assert face.expression == list(face.expressions)[int(chances.argmax())]
        assert face.box == box


def test_one_seed_has_no_reliability(experiment):
    for place in (experiment / "seed1", experiment / "seed1" / "model.safetensors"):
        (face,) = predictor.load(place, device="cpu").predict(PICTURE, BOXES[:1])
        np.testing.assert_allclose(
            face.landmarks, by_hand(experiment / "seed1/model.safetensors", BOXES[0])[0], atol=1e-3
        )
        assert face.reliability is None


def test_a_calibration_of_other_seeds_is_not_used(experiment, params):
    save_model(experiment / "seed2" / "model.safetensors", params, "cadnet_fer", seed=2)
    (face,) = predictor.load(experiment, device="cpu").predict(PICTURE, BOXES[:1])
    assert face.reliability is None


def test_a_model_of_clips_takes_a_picture(tmp_path, params):
    save_model(tmp_path / "model.safetensors", params, "cadnet_300vw")
    faces = predictor.load(tmp_path, device="cpu").predict(PICTURE, BOXES)
    expected, _ = by_hand(tmp_path / "model.safetensors", BOXES[1])
    np.testing.assert_allclose(faces[1].landmarks, expected, atol=1e-3)
    assert faces[1].expressions is None


def test_faces_of_many_pictures_share_batches_and_keep_their_places(experiment):
    model = predictor.load(experiment, device="cpu")
    pictures = [model.crops(PICTURE, boxes) for boxes in (BOXES, [], BOXES[1:2])]
    found = model.predict_many(pictures, batch=2)
    assert [len(faces) for faces in found] == [3, 0, 1]
    np.testing.assert_allclose(found[2][0].landmarks, found[0][1].landmarks, atol=1e-4)
    assert model.predict_many([]) == []


def test_200_faces(experiment):
    boxes = [(float(x), float(y), 30.0, 30.0) for x in range(20) for y in range(10)]
    assert len(predictor.load(experiment / "seed0").predict(PICTURE, boxes)) == 200


def test_faces_are_cut_out_as_the_models_data_had_them(tmp_path, params):
    """Boxes a half wider than tight and a fifth higher: the same as such boxes to a plain model."""
    framing = {"right": 0.0, "down": -0.2, "longer": 1.5}
    save_model(tmp_path / "a" / "model.safetensors", params, framing=framing)
    save_model(tmp_path / "b" / "model.safetensors", params)
    (wide,) = predictor.load(tmp_path / "a", device="cpu").predict(PICTURE, [(40, 30, 40, 30)])
    (plain,) = predictor.load(tmp_path / "b", device="cpu").predict(PICTURE, [(30, 7, 60, 60)])
    np.testing.assert_allclose(wide.landmarks, plain.landmarks, atol=1e-3)
    assert wide.box == (40, 30, 40, 30)


def test_another_scheme_has_its_own_points(tmp_path, params):
    save_model(tmp_path / "model.safetensors", params, scheme="cofw29", points=29)
    (face,) = predictor.load(tmp_path).predict(PICTURE, BOXES[:1])
    assert face.landmarks.shape == (29, 2)


def test_models_of_two_experiments_are_refused(experiment, params):
    save_model(experiment / "seed7" / "model.safetensors", params, "cadnet")
    with pytest.raises(PredictionError, match=r"seed7.*differs from .*seed0.* in its model"):
        predictor.load(experiment)


def test_a_folder_without_a_model_says_what_to_give(tmp_path):
    with pytest.raises(PredictionError, match="give the folder of an experiment"):
        predictor.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"1234")
    with pytest.raises(PredictionError, match="is not a whole checkpoint"):
        predictor.load(tmp_path)


@pytest.mark.parametrize("lacking", ["margin", "framing"])
def test_a_model_that_does_not_say_how_faces_are_cut_is_refused(tmp_path, params, lacking):
    save_model(tmp_path / "model.safetensors", params, **{lacking: None})
    with pytest.raises(PredictionError, match="does not say how faces are cut out"):
        predictor.load(tmp_path)


@pytest.mark.parametrize("box", [(0, 0, 0, 10), (0, 0, 10, -3), (0, float("nan"), 9, 9)])
def test_an_empty_box_is_refused(experiment, box):
    with pytest.raises(PredictionError, match="is not x, y, width, height"):
        predictor.load(experiment).predict(PICTURE, [box])


def test_drawing_marks_the_points_and_leaves_the_picture_alone(experiment):
    faces = predictor.load(experiment, device="cpu").predict(PICTURE, BOXES[1:2])
    before = PICTURE.copy()
    drawn = np.asarray(predictor.draw(PICTURE, faces))
    assert drawn.shape == PICTURE.shape and np.array_equal(PICTURE, before)
    inside = [(x, y) for x, y in faces[0].landmarks.round().astype(int)
              if 2 < x < 157 and 2 < y < 117]  # fmt: skip
    changed = sum((drawn[y, x] != PICTURE[y, x]).any() for x, y in inside)
    assert len(inside) > 20 and changed == len(inside)

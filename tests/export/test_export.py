"""Exported files say what the model says, on photographs too."""

import json

import numpy as np
import pytest
import torch

from cadnet.cli import main
from cadnet.data.align import crop, crop_region
from cadnet.export import run as module
from cadnet.export.formats import FORMATS, facts_of, run_onnx
from cadnet.export.graph import Exported
from cadnet.models import MODELS
from cadnet.predictor import Predictor, open_picture
from cadnet.training import checkpoint
from tests.export.conftest import write_run
from tests.predictor.conftest import SIZE, save_model


@pytest.fixture
def photographs(real_data):
    """Crops of real photographs, (N, size, size, 3): each picture as a whole, and its middle."""

    def crops(size):
        found = []
        for file in sorted((real_data / "dlib-faces").glob("*.jpg")):
            picture = open_picture(file)
            height, width = picture.shape[:2]
            for box in ((0, 0, width, height), (width / 3, height / 4, width / 3, height / 3)):
                found.append(crop(picture, crop_region(box, 1.0), size))
        assert len(found) >= 10
        return np.stack(found)

    return crops


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_says_what_the_model_says(results, kind, tmp_path, capsys):
    """Against the predictor: two ways from a picture to px of the crop and probabilities."""
    out = tmp_path / "exported" / f"model.{kind}"
    model = results / "cadnet_fer" / "seed0"
    assert main(["export", "--model", str(model), "--format", kind, "--out", str(out)]) == 0
    assert "its card" in capsys.readouterr().out
    pictures = np.random.default_rng(1).integers(0, 256, (7, SIZE, SIZE, 3), dtype=np.uint8)
    landmarks, chances = FORMATS[kind][1](out)(pictures)
    predictor = Predictor([model / "model.safetensors"], device="cpu")
    box = (0.0, 0.0, SIZE / predictor.margin, SIZE / predictor.margin)
    at = (SIZE / predictor.margin - SIZE) / 2
    for picture, points, probabilities in zip(pictures, landmarks, chances, strict=True):
        crops = predictor.crops(picture, [(box[0] - at, box[1] - at, *box[2:])])
        assert np.array_equal(crops.pictures[0], picture)
        (face,) = predictor.predict_crops(crops)
        np.testing.assert_allclose(points / SIZE, face.landmarks / SIZE, atol=1e-4)
        np.testing.assert_allclose(probabilities, list(face.expressions.values()), atol=1e-4)


def test_clips_keep_their_frames(tmp_path, params):
    model = save_model(tmp_path / "model.safetensors", params, "cadnet_300vw")
    graph = Exported(model, SIZE)
    out = tmp_path / "model.onnx"
    FORMATS["onnx"][0](graph, out, {})
    clips = graph.example(3)
    (landmarks,) = run_onnx(out)(clips.numpy())
    assert landmarks.shape == (3, model.frames, 68, 2)
    with torch.inference_mode():
        said = model(clips.flatten(0, 1).permute(0, 3, 1, 2) / 255).landmarks
    wanted = ((said + 1) * SIZE / 2 - 0.5).unflatten(0, (3, -1))
    np.testing.assert_allclose(landmarks, wanted, atol=1e-4 * SIZE)


def test_large_maps_leave_the_batch_free(tmp_path, params):
    """Where attention would go sample by sample on a CPU, a trace must not keep that."""
    torch.manual_seed(0)
    spec = params.experiments["cadnet"].model
    graph = Exported(MODELS[spec.name](spec, mean_shape=torch.zeros(68, 2)), 256)
    out = tmp_path / "model.pt"
    FORMATS["torchscript"][0](graph, out, {})
    read = FORMATS["torchscript"][1](out)
    assert module.difference(graph, read, graph.example(3).numpy()) < 1e-4


def test_the_card_tells_where_the_model_is_from(results, tmp_path, params):
    write_run(
        results / "plus" / "seed0", params, "cadnet", experiment="plus", train_on="300w",
        origin="official", parameters={"start_from": "cadnet_fer"},
    )  # fmt: skip
    out = tmp_path / "model.pt2"
    main(
        ["export", "--model", str(results / "plus" / "seed0"), "--format", "pt2", "--out", str(out)]
    )
    text = out.with_suffix(".md").read_text()
    assert "| plus | 300w | official |" in text and "| cadnet_fer | affectnet | built-in |" in text
    assert "300w: research only" in text and "Trained on drawn faces" not in text
    assert "Not scored yet" in text

    out = tmp_path / "other.pt2"
    model = results / "cadnet_fer" / "seed0"
    main(["export", "--model", str(model), "--format", "pt2", "--out", str(out)])
    text = out.with_suffix(".md").read_text()
    assert "| affectnet | test | built-in | 240 | accuracy, % | 41.25 |" in text
    assert "99" not in text and "12.50" not in text
    assert "Trained on drawn faces alone" in text and "MIT, as the code" in text


def test_a_file_knows_itself_and_photographs(results, tmp_path, photographs):
    out = tmp_path / "model.onnx"
    main(["export", "--model", str(results / "cadnet_fer" / "seed0"), "--out", str(out)])
    facts = facts_of(out)
    assert facts["size"] == SIZE and facts["scheme"] == "ibug68" and len(facts["expressions"]) == 8
    assert facts["commit"] == "c" * 40 and facts["outputs"] == ["landmarks", "expressions"]
    model, _ = checkpoint.load(results / "cadnet_fer" / "seed0" / "model.safetensors")
    assert module.difference(Exported(model, SIZE), run_onnx(out), photographs(SIZE)) < 1e-4


def test_a_file_that_differs_is_not_kept(results, tmp_path, monkeypatch, capsys):
    write, read = FORMATS["pt2"]
    off = {"pt2": (write, lambda path: lambda x: [v + 2e-4 * SIZE for v in read(path)(x)])}
    monkeypatch.setattr(module, "FORMATS", off)
    arguments = ["--format", "pt2", "--out", str(tmp_path / "model.pt2")]
    assert main(["export", "--model", str(results / "cadnet_fer" / "seed0"), *arguments]) == 1
    assert "differs from PyTorch" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_what_is_no_single_model_is_refused(results, tmp_path, capsys):
    for path, said in ((results / "cadnet_fer", "a file holds one"), (tmp_path, "holds no model")):
        assert main(["export", "--model", str(path), "--out", str(tmp_path / "x.onnx")]) == 1
        assert said in capsys.readouterr().err
    (results / "cadnet_fer" / "seed0" / "run.json").unlink()
    assert main(["export", "--model", str(results / "cadnet_fer" / "seed0")]) == 1
    assert "has no run.json" in capsys.readouterr().err


def settle(model, pictures):
    """Batch normalisation as after training: without, values grow from layer to layer, and their
    rounding with them, as they do in no trained model."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    model.train()
    with torch.no_grad():
        model(torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255)
    model.eval()


@pytest.mark.exports
def test_every_architecture_on_photographs(tmp_path, params, photographs):
    """All of ``models:``, untrained but for a head that says something of each face."""
    pictures, worst = photographs(64), {}
    for name, spec in params.models.items():
        torch.manual_seed(1)
        model = MODELS[spec.name](spec, mean_shape=torch.rand(68, 2) - 0.5).eval()
        for parameter in model.parameters():
            if parameter.ndim >= 2 and not parameter.any():
                torch.nn.init.normal_(parameter, std=0.02)
        shown = pictures[: len(pictures) // model.frames * model.frames]
        settle(model, shown)
        graph = Exported(model, 64)
        if model.frames > 1:
            shown = shown.reshape(-1, model.frames, *shown.shape[1:])
        for kind, (write, read) in FORMATS.items():
            out = tmp_path / f"{name}.{kind}"
            write(graph, out, {})
            worst[f"{name} {kind}"] = module.difference(graph, read(out), shown)
    print(json.dumps(worst, indent=1))
    assert max(worst.values()) < 1e-4, worst

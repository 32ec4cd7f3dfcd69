"""What all models must do, whatever is in them: each name in ``MODELS``, at 32 × 32 px."""

import pytest
import torch

from cadnet.data.batches import to_float, to_units
from cadnet.models import MODELS
from cadnet.schema import Augment, Experiment, Model
from cadnet.training import checkpoint
from cadnet.training.engine import train
from cadnet.training.optimiser import parameter_groups

REGRESSORS = [name for name in MODELS if name != "heatmap"]


def experiment(params, name) -> Experiment:
    """The smoke preset's, on 300W."""
    return params.experiments["resnet18"].model_copy(update={"model": params.models[name]})


def build(params, name, shape=None):
    torch.manual_seed(0)
    shape = torch.rand(68, 2) - 0.5 if shape is None else shape
    return MODELS[name](params.models[name], mean_shape=shape)


def perturbed(params, name):
    """With a head that is not zero: behind one no gradient passes, and nothing shows."""
    model = build(params, name)
    head = model.maps if name == "heatmap" else model.head
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(torch.randn_like(parameter) / parameter.shape[-1] ** 0.5)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient(params, name):
    model = perturbed(params, name)
    output = model(torch.rand(4, 3, 32, 32))
    assert output.landmarks.shape == (4, 68, 2)
    learnt = output.landmarks if output.heatmaps is None else output.heatmaps
    (learnt - 0.1).square().sum().backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # A bias of queries shifts all similarities of a key alike; softmax takes it out.
    assert [n for n in idle if "bias" not in n] == []


@pytest.mark.parametrize("name", REGRESSORS)
def test_an_untrained_regressor_predicts_the_mean_shape(params, name):
    shape = torch.rand(29, 2) - 0.5
    landmarks = build(params, name, shape).eval()(torch.rand(3, 3, 32, 32)).landmarks
    torch.testing.assert_close(landmarks, shape.expand(3, -1, -1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_is_the_model(params, name, tmp_path):
    model = perturbed(params, name).eval()
    about = {"model": params.models[name].model_dump(), "seed": 0}
    checkpoint.save(tmp_path / "m.safetensors", model, about)
    loaded, read = checkpoint.load(tmp_path / "m.safetensors")
    assert type(loaded) is type(model) and read == about
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(loaded(images).landmarks, model(images).landmarks, atol=0, rtol=0)


@pytest.mark.parametrize("name", ["odn", "oadn", "adodn"])
def test_recoverys_factors_have_a_penalty_and_no_weight_decay(params, name):
    model = build(params, name)
    decays, _ = parameter_groups(model, 5e-4)
    chosen = {id(p) for p in decays["params"]}
    assert id(model.recover.a) not in chosen and id(model.recover.b) not in chosen
    assert id(model.head.weight) in chosen


def test_recoverys_penalty_bounds_the_nuclear_norm_and_meets_it():
    from cadnet.models.occlusion import Recovery

    torch.manual_seed(0)
    module = Recovery(12, rank=5, weight=0.3).double()
    matrix = (module.a @ module.b.T).detach()
    nuclear = torch.linalg.matrix_norm(matrix, "nuc")
    assert torch.linalg.matrix_rank(matrix) == 5
    assert module.penalty().item() > 0.3 * nuclear.item()
    left, values, right = torch.linalg.svd(matrix)
    with torch.no_grad():  # the factors that share the singular values evenly
        module.a.copy_(left[:, :5] * values[:5].sqrt())
        module.b.copy_(right.T[:, :5] * values[:5].sqrt())
    torch.testing.assert_close(module.penalty(), 0.3 * nuclear)
    x = torch.randn(3, 12, dtype=torch.float64)
    torch.testing.assert_close(module(x), x @ matrix.T)


@pytest.mark.parametrize("name", MODELS)
def test_sgd_learns_and_repeats_its_bits(params, store, name):
    """60 steps, or 120 for heatmaps, which start from no shape; the error on the faces seen."""
    still = Augment(
        rotation=0.0, scale=[1.0, 1.0], translation=0.0, flip=0.0, occlusion=0.0, colour=0.0
    )
    chosen = experiment(params, name)
    changes = {"augment": still, "batch_size": 16, "learning_rate": 4e-3, "momentum": 0.9}

    def run(epochs):
        spec_ = chosen.train.model_copy(update={**changes, "epochs": epochs})
        return train(store, chosen.model_copy(update={"train": spec_}), seed=0)

    model = run(40 if name == "heatmap" else 20).model
    rows = store.rows(split="train")
    truth = to_units(torch.from_numpy(store.landmarks[rows]), store.size)
    with torch.inference_mode():
        found = model(to_float(store.images(rows), torch.device("cpu"))).landmarks
    error = (found - truth).norm(dim=2).mean()
    still_standing = (truth.mean(0) - truth).norm(dim=2).mean()
    # The slowest learner is the transformer.
    assert float(error) < 0.9 * float(still_standing)
    first, again = run(2), run(2)
    assert torch.are_deterministic_algorithms_enabled()
    assert first.epochs[-1].metrics == again.epochs[-1].metrics
    for a, b in zip(
        first.model.state_dict().values(), again.model.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b)


DROPOUT = {"threshold": 0.5, "steepness": 10.0, "drop": 0.1, "reduction": 4}
WHOLE = {"channels": 32, "heads": 4, "feedforward": 64, "encoder_layers": 1, "decoder_layers": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heatmap": None}, "name heatmap needs the options heatmap"),
        ({"name": "cadnet"}, "name cadnet does not use heatmap: must be null"),
        ({"adb": DROPOUT}, "name heatmap does not use adb"),
        ({"landmarks": False}, "must be true"),
        ({"name": "resnet"}, "Input should be 'cadnet'"),
        ({"transformer": WHOLE | {"heads": 3}}, "channels must be a multiple of heads"),
    ],
)
def test_options_that_do_not_fit_the_name_are_refused(params, changes, message):
    tree = params.models["heatmap"].model_dump()
    with pytest.raises(ValueError, match=message):
        Model.model_validate({**tree, **changes})

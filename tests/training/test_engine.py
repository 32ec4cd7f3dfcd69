import numpy as np
import pytest
import torch

from cadnet.data.batches import Batch
from cadnet.models import MODELS, CADNet, Output
from cadnet.models.dropout import Masks
from cadnet.schema import Augment, Train
from cadnet.training import TrainingError, checkpoint
from cadnet.training.device import choose_device
from cadnet.training.engine import train
from cadnet.training.inference import predict
from cadnet.training.losses import composite, expression_loss
from cadnet.training.optimiser import learning_rate, parameter_groups
from cadnet.training.start import build
from tests.training.conftest import experiment


def test_training_learns(params, store):
    still = Augment(
        rotation=0.0, scale=[1.0, 1.0], translation=0.0, flip=0.0, occlusion=0.0, colour=0.0
    )
    spec_ = experiment(params, epochs=40, batch_size=16, augment=still)
    epochs = train(store, spec_, seed=0).epochs
    assert epochs[-1].metrics["loss_landmarks"] < 0.5 * epochs[0].metrics["loss_landmarks"]


def test_the_terms_are_the_papers_formulas(params):
    torch.manual_seed(0)
    model = CADNet(params.experiments["cadnet"].model, mean_shape=torch.zeros(68, 2))
    torch.nn.init.normal_(model.head.v)
    masks = Masks(*(torch.rand(3, 1, 4, 4) for _ in range(3)))
    output, target = Output(torch.randn(3, 68, 2), masks), torch.randn(3, 68, 2)
    weights = params.train.loss.model_copy(
        update={"lambda_u": 0.1, "lambda_v": 0.2, "gamma_drop": 0.3, "gamma_final": 0.4}
    )
    batch = Batch([], torch.empty(0), target, torch.full((3,), -1))
    terms = composite(output, batch, model, weights)
    fld = np.mean([((output.landmarks[i] - target[i]) ** 2).sum().item() for i in range(3)])
    low_rank = 0.1 * (model.head.u**2).sum() + 0.2 * (model.head.v**2).sum()
    attention = sum(0.3 * masks.drop[i].sum() + 0.4 * masks.final[i].sum() for i in range(3)) / 3
    assert terms["landmarks"].item() == pytest.approx(fld, rel=1e-5)
    torch.testing.assert_close(terms["low_rank"], low_rank)
    torch.testing.assert_close(terms["attention"], attention)


def test_the_expression_term_is_the_cross_entropy_of_the_labelled_faces():
    logits = torch.tensor([[1.0, 2.0, 0.5], [0.0, 0.0, 3.0], [9.0, 9.0, 9.0]])
    labels = torch.tensor([1, 0, 3])  # the last is no class of the model
    naive = [-np.log(np.exp(2) / np.exp([1, 2, 0.5]).sum()), -np.log(1 / np.exp([0, 0, 3]).sum())]
    assert float(expression_loss(logits, labels)) == pytest.approx(np.mean(naive), rel=1e-5)
    assert float(expression_loss(logits, torch.full((3,), -1))) == 0


def test_the_expression_term_of_shares_averages_to_that_of_the_whole_batch():
    """Though one share has three labelled faces, the other one."""
    torch.manual_seed(0)
    logits, labels = torch.randn(8, 4), torch.tensor([0, 1, 3, -1, -1, 2, -1, 7])
    shares = [
        expression_loss(logits[own], labels[own], labels) for own in (slice(0, 4), slice(4, 8))
    ]
    torch.testing.assert_close(sum(shares) / 2, expression_loss(logits, labels))
    assert abs(float(shares[0] - shares[1])) > 0.1


@pytest.mark.parametrize(("name", "factor"), [("cadnet_fer", 0.25), ("resnet18_fer_only", 1.0)])
def test_expressions_weigh_lambda_fer_beside_landmarks(params, name, factor):
    torch.manual_seed(0)
    spec_ = params.models[name]
    model = MODELS[spec_.name](spec_, mean_shape=torch.zeros(68, 2)).eval()
    torch.nn.init.normal_(model.fer.classify.weight)
    labels = torch.tensor([0, 3, -1])
    batch = Batch([], torch.rand(3, 3, 32, 32), torch.zeros(3, 68, 2), labels)
    weights = params.train.loss.model_copy(update={"lambda_fer": 0.25})
    output = model(batch.images)
    terms = composite(output, batch, model, weights)
    wanted = factor * expression_loss(output.expression, labels)
    torch.testing.assert_close(terms["expression"], wanted)
    assert ("landmarks" in terms) == spec_.landmarks == (output.landmarks is not None)


def test_weight_decay_is_on_the_weights_that_eq_24_names(params):
    model = CADNet(params.experiments["cadnet"].model, mean_shape=torch.zeros(68, 2))
    decays, others = parameter_groups(model, 5e-4)
    assert decays["weight_decay"] == 5e-4
    assert others["weight_decay"] == 0
    chosen = {id(p) for p in decays["params"]}
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            assert id(module.weight) in chosen
        if isinstance(module, torch.nn.BatchNorm2d):
            assert id(module.weight) not in chosen
    assert id(model.head.u) not in chosen
    assert len(decays["params"]) + len(others["params"]) == len(list(model.parameters()))


def test_the_papers_schedule_divides_by_ten_every_30_epochs(params):
    step = params.train.model_copy(
        update={"schedule": "step", "step_epochs": 30, "epochs": 90, "warmup_epochs": 0}
    )
    rates = [learning_rate(step, epoch) for epoch in (0, 29.9, 30, 59.9, 60, 89.9)]
    np.testing.assert_allclose(rates, [1, 1, 0.1, 0.1, 0.01, 0.01])


def test_the_cosine_schedule_warms_up_and_ends_near_zero(params):
    cosine: Train = params.train.model_copy(update={"schedule": "cosine", "epochs": 10})
    rates = [learning_rate(cosine, epoch) for epoch in np.linspace(0, 10, 101)]
    assert rates[0] < 0.05 and max(rates) == pytest.approx(1, abs=0.05) and rates[-1] < 1e-6
    assert (np.diff(rates[12:]) <= 0).all()


def test_a_loss_that_is_not_finite_stops_with_the_batchs_faces(params, store):
    with pytest.raises(TrainingError) as caught:
        train(store, experiment(params, learning_rate=1e6, warmup_epochs=0, epochs=9), seed=0)
    message = str(caught.value)
    assert "not finite in epoch" in message
    assert any(key in message for key in store.keys)
    assert "learning_rate" in message


def test_an_absent_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingError, match="no GPU"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


def test_a_checkpoint_predicts_as_the_model_did(params, store, tmp_path):
    spec_ = experiment(params, epochs=2)
    model = train(store, spec_, seed=0).model
    rows, cpu = np.arange(len(store)), torch.device("cpu")
    about = {"model": spec_.model.model_dump(), "scheme": "ibug68", "size": 32, "seed": 0}
    checkpoint.save(tmp_path / "m.safetensors", model, about)
    loaded, read = checkpoint.load(tmp_path / "m.safetensors")
    assert read == about
    expected = predict(model, store, rows, cpu).landmarks
    np.testing.assert_array_equal(predict(loaded, store, rows, cpu).landmarks, expected)


def test_broken_checkpoints_are_named(tmp_path, params, store):
    path = tmp_path / "m.safetensors"
    model = train(store, experiment(params, epochs=1), seed=0).model
    other = params.experiments["resnet18"].model.model_dump()
    checkpoint.save(path, model, {"model": other})
    with pytest.raises(ValueError, match=r"m\.safetensors: is of another architecture") as caught:
        checkpoint.load(path)
    unlike = set(model.state_dict()) ^ set(
        build(store, experiment(params, "resnet18")).state_dict()
    )
    assert any(f"the first is {name}" in str(caught.value) for name in unlike | {"norm.weight"})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="run again"):
        checkpoint.load(path)

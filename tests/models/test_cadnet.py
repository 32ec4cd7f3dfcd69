import itertools

import pytest
import torch

from cadnet.models import CADNet
from cadnet.models.lowrank import LowRankHead
from cadnet.schema import Model


def parameters(params, **changes) -> Model:
    tree = params.experiments["cadnet"].model.model_dump()
    return Model.model_validate({**tree, **changes})


@pytest.mark.parametrize("off", list(itertools.product([True, False], repeat=3)))
def test_every_combination_of_blocks_runs_forward_and_backward(params, off):
    names = [name for name, is_off in zip(("dgb", "adb", "llb"), off, strict=True) if is_off]
    model = CADNet(parameters(params, **dict.fromkeys(names)), mean_shape=torch.zeros(68, 2))
    output = model(torch.rand(2, 3, 32, 32))
    assert output.landmarks.shape == (2, 68, 2)
    assert (output.masks is None) == ("adb" in names)
    assert isinstance(model.head, LowRankHead) == ("llb" not in names)
    with torch.no_grad():  # the head starts at zero, behind which no gradient passes
        for parameter in model.head.parameters():
            parameter.add_(torch.randn_like(parameter))
    model(torch.rand(2, 3, 32, 32)).landmarks.square().sum().backward()
    idle = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert [n for n in idle if "bias" not in n] == []


def test_an_untrained_model_predicts_the_mean_shape(params):
    shape = torch.rand(29, 2) - 0.5
    model = CADNet(parameters(params), mean_shape=shape).eval()
    landmarks = model(torch.rand(3, 3, 32, 32)).landmarks
    torch.testing.assert_close(landmarks[:, :, :], shape.expand(3, -1, -1), atol=1e-6, rtol=0)


def test_a_batch_of_one_is_the_batchs_row(params):
    torch.manual_seed(0)
    model = CADNet(parameters(params, llb=None), mean_shape=torch.zeros(68, 2)).eval()
    torch.nn.init.normal_(model.head.weight)
    images = torch.rand(3, 3, 32, 32)
    together, alone = model(images).landmarks, model(images[1:2]).landmarks
    torch.testing.assert_close(alone[0], together[1], rtol=1e-4, atol=1e-4)


def test_wider_pictures_give_the_papers_map(params):
    """Output stride 8 at 224 × 224: a 28 × 28 map (section 3.1)."""
    model = CADNet(parameters(params, pool=4), mean_shape=torch.zeros(68, 2)).eval()
    masks = model(torch.rand(1, 3, 224, 224)).masks
    assert masks is not None
    assert masks.final.shape == (1, 1, 28, 28)


def test_a_model_of_clips_looks_across_their_frames_alone(params):
    torch.manual_seed(0)
    model = CADNet(params.models["cadnet_3d"], mean_shape=torch.zeros(68, 2)).eval()
    assert model.frames == 5
    torch.nn.init.normal_(model.head.v)
    frames = torch.rand(10, 3, 32, 32, requires_grad=True)
    landmarks = model(frames).landmarks
    assert landmarks.shape == (10, 68, 2)
    (gradient,) = torch.autograd.grad(landmarks[1].sum(), frames)
    reached = gradient.flatten(1).any(1)
    assert reached[:5].all() and not reached[5:].any()


def test_a_model_of_clips_starts_from_one_of_pictures(params):
    pictures = CADNet(params.models["cadnet"], mean_shape=torch.zeros(68, 2))
    clips = CADNet(params.models["cadnet_3d"], mean_shape=torch.zeros(68, 2))
    clips.load_state_dict(pictures.state_dict())

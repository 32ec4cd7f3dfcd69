import numpy as np
import pytest
import torch

from cadnet.models.heatmap import decode, encode
from cadnet.training.losses import heatmap_loss

SIZE = 16


def pixels(units: torch.Tensor, size: int = SIZE) -> torch.Tensor:
    return (units + 1) * (size / 2) - 0.5


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("batch", [1, 40])
def test_decoding_gives_back_what_was_encoded(sigma, batch):
    torch.manual_seed(0)
    landmarks = 2 * torch.rand(batch, 68, 2) - 1  # anywhere in the crop, its border included
    maps = encode(landmarks, height=SIZE, width=SIZE, sigma=sigma)
    error = (pixels(decode(maps)) - pixels(landmarks)).abs().max()
    assert float(error) < 0.05


def test_a_gaussian_is_the_formula_on_pixel_centres():
    landmarks = torch.tensor([[[-0.3, 0.42], [1.6, -1.2]]], dtype=torch.float64)
    maps = encode(landmarks, height=6, width=8, sigma=1.3)
    for k, (x, y) in enumerate(landmarks[0].tolist()):
        for i in range(6):
            for j in range(8):
                # The centre of column j lies (j + ½) columns from the crop's left edge.
                dx, dy = (j + 0.5) - (x + 1) / 2 * 8, (i + 0.5) - (y + 1) / 2 * 6
                wanted = np.exp(-(dx**2 + dy**2) / (2 * 1.3**2))
                assert maps[0, k, i, j].item() == pytest.approx(wanted)


def test_maps_need_not_be_square():
    torch.manual_seed(0)
    landmarks = 1.8 * torch.rand(3, 5, 2) - 0.9
    maps = encode(landmarks, height=9, width=14, sigma=1.5)
    torch.testing.assert_close(decode(maps), landmarks, atol=1e-3, rtol=0)


def test_a_landmark_outside_the_crop_is_read_at_its_edge():
    landmarks = torch.tensor([[[1.3, 0.2], [0.1, -1.4]]])
    found = decode(encode(landmarks, height=SIZE, width=SIZE, sigma=1.5))
    assert found.abs().max() <= 1
    assert found[0, 0, 0] > 0.99 and found[0, 1, 1] < -0.99


def test_decoding_a_mirrored_map_gives_mirrored_landmarks():
    torch.manual_seed(0)
    maps = torch.rand(4, 68, SIZE, SIZE)  # no Gaussians: whatever a network may give
    mirrored = decode(maps.flip(3)) * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(mirrored, decode(maps), atol=1e-5, rtol=0)
    turned = decode(maps.mT).flip(2)
    torch.testing.assert_close(turned, decode(maps), atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [0.0, -1.0, 1.0])
def test_maps_without_a_peak_give_finite_landmarks_in_the_crop(value):
    found = decode(torch.full((1, 2, SIZE, SIZE), value))
    assert torch.isfinite(found).all() and found.abs().max() <= 1


def test_the_peak_stays_near_the_highest_value():
    torch.manual_seed(1)
    maps = torch.rand(8, 68, SIZE, SIZE)
    maps[..., 0], maps[..., -1], maps[..., 0, :], maps[..., -1, :] = 0, 0, 0, 0
    highest = maps.flatten(2).argmax(2)
    pixel = torch.stack([highest % SIZE, highest // SIZE], dim=-1)
    assert float((pixels(decode(maps)) - pixel).abs().max()) <= 1.5 + 1e-4


def test_the_loss_is_the_mean_square_summed_over_landmarks():
    torch.manual_seed(0)
    maps, landmarks = torch.rand(3, 5, 6, 7), 2 * torch.rand(3, 5, 2) - 1
    wanted = encode(landmarks, height=6, width=7, sigma=1.5)
    expected = np.mean(
        [sum(((maps[b, k] - wanted[b, k]) ** 2).mean().item() for k in range(5)) for b in range(3)]
    )
    assert heatmap_loss(maps, landmarks, 1.5).item() == pytest.approx(expected, rel=1e-5)
    assert heatmap_loss(wanted, landmarks, 1.5) == 0

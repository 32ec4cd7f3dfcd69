"""Heatmap regression: one map a landmark, its peak read with sub-pixel accuracy.

Xiao, Wu, Wei 2018 (ECCV), "Simple Baselines for Human Pose Estimation and Tracking": the network
and its loss (section 2). Zhang, Zhu, Dai, Ye, Zhu 2020 (CVPR), "Distribution-Aware Coordinate
Representation for Human Pose Estimation" (DARK): targets whose centres are not rounded, and the
peak of the log-heatmap by a second-order Taylor step.

Faithful: deconvolutions 4 × 4 of stride 2 with normalisation and ReLU, a 1 × 1 convolution to L
maps, mean squared error to Gaussians, the initial values; the step on the logarithm.
Assumed: the loss's weight, which makes the common learning rate train it; as many deconvolutions as
bring the backbone's stride to 4 (three at stride 32, as published); DARK's smoothing of the map
before the step is left out, since it cuts peaks near the border; the step is at most 1.5 px, which
is exact for every peak inside the map.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cadnet.models.base import FaceModel, Output
from cadnet.schema import Model

STEP = 1.5  # px of the map: from the outermost inner pixel's centre to the map's edge


def encode(landmarks: Tensor, *, height: int, width: int, sigma: float) -> Tensor:
    """Landmarks (B, L, 2) in units of the crop → Gaussians (B, L, height, width), 1 at the peak.

    ``sigma`` is in px of the map. A landmark outside the crop has its Gaussian's centre outside.
    """
    size = landmarks.new_tensor([width, height])
    centre = (landmarks + 1) * (size / 2) - 0.5
    across = torch.arange(width, device=landmarks.device) - centre[..., :1]
    down = torch.arange(height, device=landmarks.device) - centre[..., 1:]
    exponent = across.square()[..., None, :] + down.square()[..., :, None]
    return torch.exp(exponent / (-2 * sigma**2))


def decode(heatmaps: Tensor) -> Tensor:
    """Heatmaps (B, L, H, W) of 3 × 3 px or more → peaks (B, L, 2) in units of the crop.

    The logarithm of a Gaussian is a parabola: one Newton step m − H⁻¹g from the highest pixel m,
    with central differences for gradient g and Hessian H, ends on its centre. Where the
    neighbourhood is no peak (H not negative definite), the pixel's centre is the answer.
    """
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(2)
    highest = flat.argmax(2)
    x, y = highest % width, highest.div(width, rounding_mode="floor")
    # Differences need all neighbours: a peak on the border is reached from one pixel inside.
    inner_x, inner_y = x.clamp(1, width - 2), y.clamp(1, height - 2)

    def log_at(dx: int, dy: int) -> Tensor:
        index = (inner_y + dy) * width + inner_x + dx
        return flat.gather(2, index[..., None]).squeeze(2).clamp_min(1e-10).log()

    centre, left, right = log_at(0, 0), log_at(-1, 0), log_at(1, 0)
    up, down = log_at(0, -1), log_at(0, 1)
    gx, gy = (right - left) / 2, (down - up) / 2
    hxx, hyy = right - 2 * centre + left, down - 2 * centre + up
    hxy = (log_at(1, 1) - log_at(-1, 1) - log_at(1, -1) + log_at(-1, -1)) / 4
    determinant = hxx * hyy - hxy * hxy
    is_peak = (hxx < 0) & (determinant > 1e-12)
    determinant = torch.where(is_peak, determinant, torch.ones_like(determinant))
    step_x = ((hxy * gy - hyy * gx) / determinant).clamp(-STEP, STEP)
    step_y = ((hxy * gx - hxx * gy) / determinant).clamp(-STEP, STEP)
    peak_x = torch.where(is_peak, inner_x + step_x, x.to(step_x.dtype))
    peak_y = torch.where(is_peak, inner_y + step_y, y.to(step_y.dtype))
    return torch.stack([(2 * peak_x + 1) / width, (2 * peak_y + 1) / height], dim=-1) - 1


class HeatmapNet(FaceModel):
    """Pictures (B, 3, H, W) → heatmaps (B, L, H / 4, W / 4) and the landmarks read off them.

    No gradient passes through the reading; the loss is on the heatmaps.
    """

    def __init__(self, model: Model, *, mean_shape: Tensor) -> None:
        super().__init__(model, mean_shape=mean_shape)
        assert model.heatmap is not None
        self.sigma, self.weight = model.heatmap.sigma, model.heatmap.weight
        layers: list[nn.Module] = []
        inputs, channels = self.backbone.channels, model.heatmap.channels
        for _ in range(round(math.log2(model.backbone.output_stride // 4))):
            layers += [
                nn.ConvTranspose2d(inputs, channels, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
            inputs = channels
        self.deconvolve = nn.Sequential(*layers)
        self.maps = nn.Conv2d(inputs, len(mean_shape), 1)
        for module in [*self.deconvolve, self.maps]:
            if isinstance(module, nn.ConvTranspose2d | nn.Conv2d):
                nn.init.normal_(module.weight, std=0.001)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Output:
        heatmaps = self.maps(self.deconvolve(self.features(images)))
        return Output(landmarks=decode(heatmaps.detach()), heatmaps=heatmaps)

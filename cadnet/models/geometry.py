"""Deep geometry-aware block (section 3.1): recurrent criss-cross attention, in 2D and 3D."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cadnet.models.attention import NonLocal, SpatialAttention
from cadnet.models.crisscross import CrissCrossAttention

# Table 14.
ATTENTION: dict[str, type[nn.Module]] = {
    "criss_cross": CrissCrossAttention,
    "non_local": NonLocal,
    "spatial": SpatialAttention,
}


class GeometryBlock(nn.Module):
    """X (B, C, H, W) → geometry-aware embedding (B, C′, H, W).

    A 1 × 1 convolution reduces C to C′ (eq. 1), attention (criss-cross, or another of table 14)
    with shared weights runs ``iterations`` times (eq. 9), and a 3 × 3 convolution with
    normalisation and activation fuses the result with X.
    """

    def __init__(
        self,
        inputs: int,
        *,
        channels: int,
        reduced: int,
        iterations: int,
        attention: str = "criss_cross",
    ) -> None:
        super().__init__()
        self.iterations = iterations
        self.reduce = nn.Conv2d(inputs, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.attention = ATTENTION[attention](channels, reduced=reduced)
        self.fuse = nn.Sequential(
            nn.Conv2d(inputs + channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        context = self.norm(self.reduce(x))
        for _ in range(self.iterations):
            context = self.attention(context)
        out: Tensor = self.fuse(torch.cat([context, x], dim=1))
        return out


class GeometryBlock3D(GeometryBlock):
    """X (B, T, C, H, W), the features of clips → the embedding of their frames (B·T, C′, H, W).

    Only the attention looks across frames (eqs. 10–14: "to access complementary cues from adjacent
    frames"); it is recurrent as in 2D. The text gives no other layer a temporal extent, so the
    reduction and the 3 × 3 fusion see one frame at a time, and what leaves the block are frames,
    in the order of X.flatten(0, 1), which the blocks after it treat like pictures.

    Two iterations reach every position that shares t, h or w with the centre; where all three
    differ it takes a third.

    Parameters are those of the 2D block: a state pretrained on pictures loads as it is, and a clip
    of one frame gives what the 2D block gives.
    """

    def forward(self, x: Tensor) -> Tensor:
        frames = x.flatten(0, 1)
        # Channels last, a clip is (T, H, W, C) in memory: the attention takes it without a copy.
        context = self.norm(self.reduce(frames)).contiguous(memory_format=torch.channels_last)
        clips = context.unflatten(0, x.shape[:2]).transpose(1, 2)
        for _ in range(self.iterations):
            clips = self.attention(clips)
        context = clips.transpose(1, 2).flatten(0, 1)
        out: Tensor = self.fuse(torch.cat([context, frames], dim=1))
        return out

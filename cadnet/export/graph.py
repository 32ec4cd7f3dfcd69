"""What is exported: pictures as every library reads them → landmarks in px, expressions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cadnet.models import FaceModel


class Exported(nn.Module):
    """Crops (B, S, S, 3), uint8 RGB → landmarks (B, L, 2) px of the crop, expressions (B, K).

    A model of clips takes (B, T, S, S, 3) and says (B, T, L, 2) and (B, T, K). Scaling to [0, 1],
    normalisation and the way back to px are part of it, so that nothing is left to get wrong but
    the crop. Only what the model has a head for leaves it, in the order of ``outputs``.
    """

    def __init__(self, model: FaceModel, size: int) -> None:
        super().__init__()
        self.model, self.size = model.eval(), size
        with torch.inference_mode():
            said = model(torch.zeros(model.frames, 3, size, size))
        every = {"landmarks": said.landmarks, "expressions": said.expression}
        self.outputs = tuple(name for name, value in every.items() if value is not None)

    def example(self, batch: int) -> Tensor:
        """Pictures of the right shape: noise, the same each time."""
        generator = torch.Generator().manual_seed(7)
        clip = (self.model.frames,) if self.model.frames > 1 else ()
        shape = (batch, *clip, self.size, self.size, 3)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        clips = pictures.ndim == 5
        images = (pictures.flatten(0, 1) if clips else pictures).permute(0, 3, 1, 2)
        said = self.model(images.to(torch.float32) / 255)
        found: list[Tensor] = []
        if said.landmarks is not None:
            found.append((said.landmarks + 1) * (self.size / 2) - 0.5)
        if said.expression is not None:
            found.append(said.expression.softmax(dim=1))
        if clips:
            found = [value.unflatten(0, (-1, self.model.frames)) for value in found]
        return tuple(found)

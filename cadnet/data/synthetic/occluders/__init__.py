"""Things before a built-in face, each with how much of every pixel it covers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cadnet.data.synthetic.occluders import eyes, hands, mouth, things
from cadnet.data.synthetic.occluders.layer import Head, Layer, Mask
from cadnet.data.synthetic.paint import Canvas

Draw = Callable[[Layer, np.random.Generator], None]

OCCLUDERS: dict[str, Draw] = {
    "glasses": eyes.glasses,
    "sunglasses": eyes.sunglasses,
    "hair": eyes.hair,
    "surgical_mask": mouth.surgical_mask,
    "respirator": mouth.respirator,
    "oxygen_mask": mouth.oxygen_mask,
    "nasal_cannula": mouth.nasal_cannula,
    "scarf": mouth.scarf,
    "hand": hands.hand,
    "phone": things.phone,
    "food": things.food,
    "thing": things.thing,
}


def occlude(canvas: Canvas, name: str, head: Head, rng: np.random.Generator) -> Mask:
    """Lay one occluder over the canvas; returns how much it covers, (H, W), 0 to 255.

    What lets less than half of the light through hides a landmark (128 and more): frames, rims and
    tubes do, the clear plastic of an oxygen mask does not, as an annotator sees the skin below it.
    """
    layer = Layer(canvas, head)
    OCCLUDERS[name](layer, rng)
    return layer.mask

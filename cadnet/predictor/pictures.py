"""Pictures as people have them → (H, W, 3) uint8 RGB, upright."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from cadnet.data.sources import Image

PICTURES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".gif", ".tif", ".tiff", ".webp")


class PredictionError(Exception):
    """An input or an output cannot be used; names it and what to do."""


def _to_bytes(values: NDArray[np.generic]) -> Image:
    """Grey values of 16 or 32 bits, or real ones, as 8 bits of three equal channels."""
    numbers = np.nan_to_num(values.astype(np.float64))
    highest = numbers.max(initial=0)
    full = (
        1.0 if highest <= 1 and values.dtype.kind == "f" else 255.0 if highest <= 255 else 65535.0
    )
    grey = np.clip(np.rint(numbers * (255 / full)), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def open_picture(path: str | Path) -> Image:
    """A picture's pixels, turned upright as its EXIF data say.

    Of an animation the first frame; on white where it is transparent; grey, CMYK and 16 bits
    become 8 bits of RGB.

    Raises:
        PredictionError: the file is missing, cut off, no picture, or above 178 million px.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            picture = PIL.Image.open(path)
        with picture:
            upright = PIL.ImageOps.exif_transpose(picture)
            if upright.mode.startswith(("I", "F")):
                return _to_bytes(np.asarray(upright))
            if upright.has_transparency_data:
                clear = upright.convert("RGBA")
                upright = PIL.Image.new("RGBA", clear.size, "white")
                upright.alpha_composite(clear)
            return np.asarray(upright.convert("RGB"))
    except FileNotFoundError as error:
        raise PredictionError(f"{path}: is not there") from error
    except PIL.Image.DecompressionBombError as error:
        raise PredictionError(f"{path}: is too large; make it smaller ({error})") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise PredictionError(f"{path}: cannot be read as a picture ({error})") from error

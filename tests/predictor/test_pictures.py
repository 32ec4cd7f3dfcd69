"""Pictures of every kind that people have."""

import numpy as np
import PIL.Image
import pytest

from cadnet.predictor import PredictionError, open_picture

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_a_turned_photograph_stands_upright(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # shot with the camera on its side
    PIL.Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(open_picture(tmp_path / "a.png"), np.rot90(COLOUR, -1))


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_more_than_8_bits_are_scaled_not_cut(tmp_path, kind):
    ramp = np.linspace(0, 65535, 256).reshape(16, 16)
    values = ramp / 65535 if kind == np.float32 else ramp
    PIL.Image.fromarray(values.astype(kind)).save(tmp_path / "a.tiff")
    found = open_picture(tmp_path / "a.tiff")
    assert found.shape == (16, 16, 3) and found.dtype == np.uint8
    assert np.abs(found[..., 0].ravel() - np.arange(256.0)).max() <= 1


def test_a_16_bit_png_is_scaled(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.full((8, 8), 0x8000, np.uint16))
    assert (open_picture(tmp_path / "a.png") == 128).all()
    cv2.imwrite(str(tmp_path / "b.png"), np.full((8, 8, 3), 0x8000, np.uint16))
    assert (open_picture(tmp_path / "b.png") == 128).all()


def test_grey_has_three_equal_channels(tmp_path):
    PIL.Image.fromarray(COLOUR[..., 0]).save(tmp_path / "a.png")
    assert np.array_equal(open_picture(tmp_path / "a.png"), np.repeat(COLOUR[..., :1], 3, 2))


def test_cmyk_keeps_its_colours(tmp_path):
    red = PIL.Image.new("RGB", (16, 16), (220, 30, 40)).convert("CMYK")
    red.save(tmp_path / "a.jpg", quality=95)
    assert np.abs(open_picture(tmp_path / "a.jpg").astype(int) - (220, 30, 40)).max() < 12


def test_what_is_transparent_is_white(tmp_path):
    clear = np.dstack([COLOUR, np.zeros((20, 30), np.uint8)])
    PIL.Image.fromarray(clear).save(tmp_path / "a.png")
    assert (open_picture(tmp_path / "a.png") == 255).all()


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [PIL.Image.new("RGB", (12, 10), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (open_picture(tmp_path / "a.gif") == (255, 0, 0)).all()


def test_the_smallest_and_the_largest(tmp_path):
    PIL.Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").shape == (1, 1, 3)
    PIL.Image.new("1", (20_000, 20_000)).save(tmp_path / "b.png")
    with pytest.raises(PredictionError, match=r"b\.png: is too large; make it smaller"):
        open_picture(tmp_path / "b.png")


def test_12000_pixels_are_read(tmp_path):
    PIL.Image.new("L", (12_000, 400), 7).save(tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").shape == (400, 12_000, 3)


def test_a_cut_off_jpeg_is_refused_by_name(tmp_path):
    PIL.Image.fromarray(RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8)).save(
        tmp_path / "a.jpg"
    )
    data = (tmp_path / "a.jpg").read_bytes()
    for length in (0, 10, len(data) // 2):
        (tmp_path / "a.jpg").write_bytes(data[:length])
        with pytest.raises(PredictionError, match=r"a\.jpg: cannot be read as a picture"):
            open_picture(tmp_path / "a.jpg")


def test_what_is_no_picture_or_not_there_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(PredictionError, match="cannot be read as a picture"):
        open_picture(tmp_path / "a.png")
    with pytest.raises(PredictionError, match="is not there"):
        open_picture(tmp_path / "none.png")
    with pytest.raises(PredictionError, match="cannot be read"):
        open_picture(tmp_path)

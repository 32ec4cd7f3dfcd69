import time

import numpy as np
import pytest
import torch

from cadnet.data.align import align
from cadnet.data.augment import (
    BLOTCHES,
    PIECE,
    PLAIN,
    Draw,
    draw,
    draw_matrices,
    occlude,
    recolour,
    sampling_grid,
    warp,
)
from cadnet.data.batches import Batches, to_pixels, to_units
from cadnet.data.store import Store
from cadnet.faces import SCHEMES, flip_points
from cadnet.schema import Augment
from tests.data.test_align import spec

STRONG = Augment(
    rotation=30.0, scale=[0.9, 1.2], translation=10.0, flip=0.5, occlusion=0.5, colour=0.2
)
FLIP = SCHEMES["ibug68"].flip


@pytest.fixture
def store(small_300w, tmp_path):
    root, counts = small_300w
    align(root, tmp_path / "a.arrow", spec(counts))
    return Store(tmp_path / "a.arrow")


def batches(store, **changes):
    settings = {"batch_size": 4, "augment": STRONG, "seed": 0, "device": torch.device("cpu")}
    return Batches(store, store.rows(split="train"), **{**settings, **changes})


def test_units_are_the_crops_edges():
    corners = torch.tensor([[-0.5, -0.5], [31.5, 31.5], [15.5, 15.5]])
    assert to_units(corners, 32).tolist() == [[-1, -1], [1, 1], [0, 0]]
    torch.testing.assert_close(to_pixels(to_units(corners, 32), 32), corners)


def test_picture_and_landmarks_move_together():
    """A blob drawn at each landmark is found where the moved landmark is."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(40, 68, 2, generator=generator) * 0.8 - 0.4
    size = 64
    images = torch.zeros(40, 3, size, size)
    grid = torch.stack(
        torch.meshgrid(torch.arange(size), torch.arange(size), indexing="xy"), dim=-1
    ).float()
    chosen = 36  # whose partner under the mirror is 45
    centre = to_pixels(points[:, chosen], size)
    images[:] = torch.exp(-((grid - centre[:, None, None]) ** 2).sum(-1) / 8)[:, None]
    matrices = draw_matrices(40, STRONG, generator)
    warped, moved = warp(images, points, matrices, FLIP)
    mirrored = torch.linalg.det(matrices[:, :, :2]) < 0
    assert 5 < mirrored.sum() < 35
    mass = warped[:, 0] / warped[:, 0].sum((1, 2), keepdim=True)
    found = (mass[..., None] * grid).sum((1, 2))
    expected = to_pixels(moved, size)
    expected = torch.where(mirrored[:, None], expected[:, 45], expected[:, 36])
    torch.testing.assert_close(found, expected, atol=0.15, rtol=0)


def test_a_pure_mirror_is_the_exact_mirror():
    images = torch.rand(2, 3, 16, 16)
    points = torch.rand(2, 68, 2) * 2 - 1
    mirror = torch.tensor([[-1.0, 0, 0], [0, 1.0, 0]]).expand(2, -1, -1)
    warped, moved = warp(images, points, mirror, FLIP)
    torch.testing.assert_close(warped, images.flip(-1), atol=1e-5, rtol=1e-5)
    expected = flip_points(to_pixels(points, 16).numpy(), "ibug68", 16)
    np.testing.assert_allclose(to_pixels(moved, 16).numpy(), expected, atol=1e-4)


def test_drawn_matrices_keep_to_the_ranges():
    matrices = draw_matrices(2000, STRONG, torch.Generator().manual_seed(0))
    scale = torch.linalg.det(matrices[:, :, :2]).abs().sqrt()
    assert 0.9 <= scale.min() < 0.91 and 1.19 < scale.max() <= 1.2 + 1e-6
    angle = torch.rad2deg(torch.atan2(-matrices[:, 0, 1], matrices[:, 1, 1]))
    assert -30 - 1e-3 <= angle.min() < -29 and 29 < angle.max() <= 30 + 1e-3
    assert matrices[:, :, 2].abs().max() <= 20 / 224


def test_no_augmentation_is_the_identity(store):
    nothing = Augment(
        rotation=0.0, scale=[1.0, 1.0], translation=0.0, flip=0.0, occlusion=0.0, colour=0.0
    )
    batch = next(batches(store, augment=nothing).epoch(1))
    rows = [store.keys.tolist().index(key) for key in batch.keys]
    expected = torch.from_numpy(store.images(np.array(rows))).permute(0, 3, 1, 2) / 255
    torch.testing.assert_close(batch.images, expected, atol=1e-5, rtol=1e-5)
    truth = to_units(torch.from_numpy(store.landmarks[rows]), store.size)
    torch.testing.assert_close(batch.landmarks, truth)


def test_same_seed_and_epoch_are_the_same_bits_and_others_are_not(store):
    def first(seed, epoch):
        return next(batches(store, seed=seed).epoch(epoch))

    one, same = first(0, 1), first(0, 1)
    assert torch.equal(one.images, same.images) and torch.equal(one.landmarks, same.landmarks)
    assert not torch.equal(one.images, first(0, 2).images)
    assert not torch.equal(one.images, first(1, 1).images)


def test_a_batch_is_the_same_wherever_the_epoch_is_entered(store):
    whole = list(batches(store, batch_size=3).epoch(2))
    for start in range(len(whole) + 1):
        rest = list(batches(store, batch_size=3).epoch(2, start=start))
        assert len(rest) == len(whole) - start
        for one, other in zip(rest, whole[start:], strict=True):
            assert one.keys == other.keys and torch.equal(one.images, other.images)


def test_the_frames_of_a_clip_share_one_augmentation(store):
    """Faces of four videos, all frames of a video the same picture."""
    rows = store.rows(split="train")[:12]
    copy = np.repeat(rows[:4], 3)
    store.images = lambda wanted, read=store.images: read(copy[np.searchsorted(rows, wanted)])
    store.landmarks[rows] = store.landmarks[copy]
    store.video[rows] = np.repeat(np.array(list("abcd"), dtype=object), 3)
    made = batches(store, batch_size=6, frames=3)
    made.clips = rows.reshape(4, 3)
    (first, second) = made.epoch(1)
    shown = [key for batch in (first, second) for key in batch.keys]
    assert sorted(shown) == sorted(store.keys[rows])
    for batch in (first, second):
        assert len(batch.images) == 6
        for clip in (slice(0, 3), slice(3, 6)):
            for picture, points in zip(batch.images[clip], batch.landmarks[clip], strict=True):
                assert torch.equal(picture, batch.images[clip][0])
                assert torch.equal(points, batch.landmarks[clip][0])
        assert not torch.equal(batch.landmarks[0], batch.landmarks[3])


def test_an_epoch_shows_each_face_at_most_once_in_full_batches(store):
    made = batches(store, batch_size=3)
    shown = [key for batch in made.epoch(1) for key in batch.keys]
    count = len(store.rows(split="train"))
    assert len(shown) == len(set(shown)) == count - count % 3


def drawn(count, **changes):
    augment = STRONG.model_copy(update=changes)
    return draw(count, augment, torch.Generator().manual_seed(0))


def test_the_sampling_grid_is_torchs():
    matrices = draw_matrices(5, STRONG, torch.Generator().manual_seed(0))
    expected = torch.nn.functional.affine_grid(matrices, [5, 3, 24, 24], align_corners=False)
    torch.testing.assert_close(sampling_grid(matrices, 24), expected)


def test_occluders_cover_the_share_of_faces_that_is_asked():
    images = torch.full((1000, 3, 16, 16), 0.5)
    numbers = drawn(1000, occlusion=0.4)
    numbers = numbers._replace(kind=torch.full((1000,), PLAIN))
    out = occlude(images.clone(), numbers)
    touched = (out != images).flatten(1).any(1).float().mean()
    assert float(touched) == pytest.approx(0.4, abs=0.05)
    assert torch.equal(occlude(images.clone(), drawn(1000, occlusion=0.0)), images)
    # One plain rectangle each, of a tenth to half of the side, less what the edge cuts off.
    for picture in (out != images).any(1)[(out != images).flatten(1).any(1)]:
        rows, columns = picture.any(1).nonzero().flatten(), picture.any(0).nonzero().flatten()
        assert picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert len(rows) <= 9 and len(columns) <= 9


@pytest.mark.parametrize("kind", [PLAIN, BLOTCHES, PIECE])
def test_an_occluder_shows_a_colour_or_blotches_or_a_piece_of_its_picture(kind):
    images = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    texture = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    # Rows 2 to 10 and columns 8 to 14; a piece has 12 rows and 14 columns to choose from.
    place = torch.tensor([[0.55, 0.3, 0.15, 0.2, 1.0, 0.5]])
    numbers = Draw(
        torch.zeros(1, 2, 3), torch.ones(1, dtype=torch.bool), torch.tensor([kind]), place,
        texture, torch.zeros(1, 2),
    )  # fmt: skip
    out = occlude(images.clone(), numbers)
    inside = torch.zeros(20, 20, dtype=torch.bool)
    inside[2:10, 8:14] = True
    assert torch.equal(out[..., ~inside], images[..., ~inside])
    shown = out[0, :, 2:10, 8:14]
    if kind == PLAIN:
        assert (shown == texture[0, :, :1, :1]).all()
    elif kind == BLOTCHES:
        assert shown.min() >= texture.min() and shown.max() <= texture.max()
        torch.testing.assert_close(shown[:, 0, 0], texture[0, :, 0, 0])
        assert (shown.diff(dim=1).abs().amax() < 0.5) and shown.std() > 0.05
    else:
        assert torch.equal(shown, images[0, :, 6:14, 14:20].flip(1))


def test_all_kinds_of_occluders_are_drawn():
    counts = torch.bincount(drawn(900).kind, minlength=3)
    assert len(counts) == 3 and (counts > 250).all()


def test_recolouring_stays_in_range():
    images = torch.rand(8, 3, 4, 4)
    numbers = drawn(8, colour=0.5)
    assert 0.1 < numbers.colour.abs().max() <= 0.5
    out = recolour(images.clone(), numbers)
    assert out.min() >= 0 and out.max() <= 1
    for i, (contrast, brightness) in enumerate(numbers.colour):
        mean = images[i].mean()
        naive = (images[i] - mean) * (1 + contrast) + mean + brightness
        torch.testing.assert_close(out[i], naive.clamp(0, 1))


@pytest.mark.parametrize(("frames", "ranks"), [(1, 2), (1, 3), (3, 2)])
def test_processes_share_the_batch_that_one_would_have(store, frames, ranks):
    """With three processes, too, and in clips, which stay whole."""
    store.video[:] = (np.arange(len(store)) // 3).astype(str)
    sizes = {"batch_size": 6 if frames == 1 else 12, "frames": frames}
    whole = list(batches(store, **sizes).epoch(1))
    shares = [
        list(batches(store, **sizes, rank=rank, ranks=ranks).epoch(1)) for rank in range(ranks)
    ]
    assert len(whole) == len(shares[0]) > 0
    for batch, *parts in zip(whole, *shares, strict=True):
        assert all(part.keys == batch.keys for part in parts)
        for name in ("images", "landmarks", "expression"):
            together = torch.cat([getattr(part, name) for part in parts])
            torch.testing.assert_close(together, getattr(batch, name), rtol=1e-6, atol=1e-6)
        assert all(torch.equal(part.everyones, batch.expression) for part in parts)


def test_a_batch_that_cannot_be_split_is_refused(store):
    with pytest.raises(ValueError, match="4 faces a batch cannot be split evenly over 3"):
        batches(store, ranks=3)


def test_the_next_batch_is_read_while_one_is_trained_on(store):
    """Reading takes 50 ms, a step 100 ms: only the epoch's first batch is waited for."""
    read, slow = store.images, []

    def images(rows):
        slow.append(len(rows))
        time.sleep(0.05)
        return read(rows)

    store.images = images
    made = batches(store, batch_size=2)
    for count, _ in enumerate(made.epoch(1), start=1):
        time.sleep(0.1)
        if count == 3:
            break
    assert 0.04 < made.waited < 0.09
    assert len(slow) == 4 < len(made)

import numpy as np
import pytest
import torch

from cadnet.data.align import align
from cadnet.data.batches import Batches, draw_matrices, occlude, recolour, to_pixels, to_units, warp
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


def test_occluders_cover_the_share_of_faces_that_is_asked():
    images = torch.full((1000, 3, 16, 16), 0.5)
    out = occlude(images.clone(), 0.4, torch.Generator().manual_seed(0))
    touched = (out != images).flatten(1).any(1).float().mean()
    assert float(touched) == pytest.approx(0.4, abs=0.05)
    assert torch.equal(occlude(images.clone(), 0.0, torch.Generator()), images)
    # One plain rectangle each, of a tenth to half of the side, less what the edge cuts off.
    for picture in (out != images).any(1)[(out != images).flatten(1).any(1)]:
        rows, columns = picture.any(1).nonzero().flatten(), picture.any(0).nonzero().flatten()
        assert picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert len(rows) <= 9 and len(columns) <= 9


def test_recolouring_stays_in_range():
    images = torch.rand(8, 3, 4, 4)
    out = recolour(images.clone(), 0.5, torch.Generator().manual_seed(0))
    assert out.min() >= 0 and out.max() <= 1
    contrast, brightness = torch.rand(2, 8, generator=torch.Generator().manual_seed(0)) - 0.5
    for i in range(8):
        mean = images[i].mean()
        naive = (images[i] - mean) * (1 + contrast[i]) + mean + brightness[i]
        torch.testing.assert_close(out[i], naive.clamp(0, 1))

"""Mask statistics against loops over pixels and the block's own arithmetic."""

import numpy as np
import pytest
import torch

from cadnet.evaluation import masks
from cadnet.models.dropout import AttentiveDropout

RNG = np.random.default_rng(0)


def random_masks(count=5, height=6, width=4):
    drop = (RNG.random((count, 1, height, width)) < 0.6).astype(np.float32)
    return drop, drop * RNG.random(drop.shape, dtype=np.float32)


def test_shares_against_plain_loops():
    drop, final = random_masks()
    for n in range(len(drop)):
        values, positions = final[n].ravel().tolist(), drop[n].size
        none = sum(value == 0 for value in drop[n].ravel().tolist())
        assert masks.zeros(drop)[n] == pytest.approx(100 * none / positions)
        for kept in (0.5, 0.8):
            below = sum(value < kept for value in values)
            assert masks.suppressed(final, kept)[n] == pytest.approx(100 * below / positions)
        taken = sum(1 - value for value in values)
        assert masks.withheld(final)[n] == pytest.approx(100 * taken / positions, rel=1e-6)
    np.testing.assert_allclose(masks.withheld(drop), masks.zeros(drop))


def test_a_final_mask_is_never_less_sparse_than_its_drop_mask():
    """The paper has 63.4 % for P′ and 58.7 % for P″."""
    drop, final = random_masks(50)
    for statistic in (masks.zeros, masks.suppressed, masks.withheld):
        assert (statistic(final) >= statistic(drop) - 1e-9).all()
    assert (masks.withheld(final) > masks.withheld(drop)).all()


def test_the_threshold_is_where_the_blocks_own_drop_mask_jumps():
    block = AttentiveDropout(4, threshold=0.4, steepness=10.0, drop=0.3, reduction=2).eval()
    with torch.inference_mode():
        made = block.masks(torch.rand(6, 4, 8, 8))
    drop, final = made.drop.numpy(), made.final.numpy()
    assert 0 < masks.zeros(drop).min() < masks.zeros(drop).max() < 100
    np.testing.assert_array_equal(masks.suppressed(final), masks.zeros(drop))
    np.testing.assert_array_equal(masks.zeros(final), masks.zeros(drop))


def test_coverage_against_a_loop_over_pixels():
    """Boxes whose edges lie between pixels: each pixel is inside or outside."""
    size = 24
    _, final = random_masks()
    boxes = np.array(
        [
            [3.5, 4.5, 10, 12],
            [-0.5, -0.5, 24, 24],
            [-4.5, 7.5, 9, 30],  # partly outside the crop
            [8.5, 8.5, 1, 1],
            [30.5, 2.5, 5, 5],  # outside
        ]
    )
    found = masks.coverage(final, boxes, size)
    for n, (x, y, width, height) in enumerate(boxes):
        inside = kept = 0
        for row in range(size):
            for column in range(size):
                if x < column < x + width and y < row < y + height:
                    inside += 1
                    kept += bool(final[n, 0, row // 4, column // 6] >= masks.KEPT)
        assert found[n] == pytest.approx(100 * kept / inside if inside else np.nan, nan_ok=True)
    assert np.isnan(found[4]) and not np.isnan(found[:4]).any()


def test_coverage_of_the_whole_crop_is_what_is_not_suppressed():
    _, final = random_masks()
    whole = np.tile([-0.5, -0.5, 32, 32], (len(final), 1))
    np.testing.assert_allclose(
        masks.coverage(final, whole, 32, 0.3), 100 - masks.suppressed(final, 0.3)
    )

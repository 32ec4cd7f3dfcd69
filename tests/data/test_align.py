import json
import re

import cv2
import numpy as np
import pytest

from cadnet.data import align as module
from cadnet.data.align import align, crop, crop_region, held_out, main, to_crop
from cadnet.data.sources import DataError, source
from cadnet.data.store import Store
from tests.conftest import write_pts


def spec(counts, **changes):
    base = {
        "dataset": "300w", "origin": "official", "digest": "0" * 64, "expected": counts,
        "partial": "refuse", "validation": 0.2, "size": 32, "margin": 1.25,
    }  # fmt: skip
    return {**base, **changes}


def test_landmarks_stay_on_their_pixels():
    """A bright dot at a landmark is where the aligned landmark says, in the crop too."""
    picture = np.zeros((120, 90, 3), np.uint8)
    x, y = 50, 61
    picture[y - 3 : y + 4, x - 3 : x + 4] = 255
    for box in [(20.0, 30.0, 50.0, 60.0), (-15.3, 20.2, 77.7, 71.0), (40.0, 55.0, 20.0, 12.0)]:
        for size in (32, 64, 128):
            region = crop_region(box, 1.25)
            aligned = crop(picture, region, size).astype(float)[..., 0]
            moved = to_crop(np.array([[x, y]], float), region, size)[0]
            weights = aligned / aligned.sum()
            centre = [
                (weights.sum(0) * np.arange(size)).sum(),
                (weights.sum(1) * np.arange(size)).sum(),
            ]
            np.testing.assert_allclose(moved, centre, atol=0.3)


def test_a_crop_beyond_the_picture_repeats_its_edge():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4, 1).repeat(3, 2)
    out = crop(picture, (-2, -2, 4), 4)[..., 0]
    assert out.tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1], [4, 4, 4, 5]]


def test_margin_is_the_sides_share_of_the_longer_side():
    left, top, side = crop_region((10, 20, 40, 80), 1.5)
    assert side == 120
    assert (left + side / 2, top + side / 2) == pytest.approx((30, 60), abs=0.5)


def test_validation_is_fixed_by_the_names_alone():
    groups = [f"photo{i}" for i in range(50)]
    chosen = held_out(groups, 0.1)
    assert len(chosen) == 5
    assert held_out(groups[::-1] + groups, 0.1) == chosen
    assert held_out(["one"], 0.1) == set()


def test_store_holds_what_was_aligned(small_300w, tmp_path):
    root, counts = small_300w
    out = tmp_path / "300w.arrow"
    about = align(root, out, spec(counts))
    store = Store(out)
    assert len(store) == sum(counts.values())
    assert sorted(set(store.subset)) == ["challenging", "common", "train", "validation"]
    assert (store.subset == "common").sum() == 5
    dataset = source("300w")
    faces = {f.key: f for part in dataset.parts for f in dataset.read(root, part)}
    for row in (0, len(store) // 2, len(store) - 1):
        face = faces[store.keys[row]]
        region = crop_region(face.box, 1.25)
        np.testing.assert_array_equal(
            store.images(np.array([row]))[0], crop(dataset.open(face), region, 32)
        )
        np.testing.assert_allclose(
            store.landmarks[row], to_crop(face.landmarks, region, 32), rtol=1e-5
        )
    assert np.isnan(store.occluded).all()
    assert about["missing"] == []


def test_faces_of_one_photograph_are_not_parted(small_300w, tmp_path):
    root, counts = small_300w
    align(root, tmp_path / "a.arrow", spec(counts))
    store = Store(tmp_path / "a.arrow")
    photographs = {}
    for key, split in zip(store.keys, store.split, strict=True):
        if split != "test":
            photographs.setdefault(re.sub(r"(\d{3})_\d$", r"\1", key), set()).add(split)
    assert any("validation" in splits for splits in photographs.values())
    assert all(len(splits) == 1 for splits in photographs.values())


def test_two_alignments_are_the_same_bytes(small_300w, tmp_path):
    root, counts = small_300w
    for name in "ab":
        align(root, tmp_path / f"{name}.arrow", spec(counts))
    assert (tmp_path / "a.arrow").read_bytes() == (tmp_path / "b.arrow").read_bytes()


def test_a_store_larger_than_a_batch_keeps_its_order(tmp_path, monkeypatch, small_300w):
    monkeypatch.setattr("cadnet.data.store._BATCH", 5)
    root, counts = small_300w
    align(root, tmp_path / "a.arrow", spec(counts))
    store = Store(tmp_path / "a.arrow")
    whole = store.images(np.arange(len(store)))
    for row in (0, 4, 5, 11, len(store) - 1):
        np.testing.assert_array_equal(store.images(np.array([row]))[0], whole[row])
    assert len({image.tobytes() for image in whole}) == len(store)


def test_occlusion_labels_are_read_where_they_are(small_300w, tmp_path):
    root, counts = small_300w
    flags = ["0"] * 68
    flags[3] = "1"
    text = "key," + ",".join(map(str, range(68))) + "\nibug/image_0000," + ",".join(flags) + "\n"
    (root / "occlusion.csv").write_text(text)
    align(root, tmp_path / "a.arrow", spec(counts))
    store = Store(tmp_path / "a.arrow")
    row = store.keys.tolist().index("ibug/image_0000")
    assert np.flatnonzero(store.occluded[row]).tolist() == [3]
    assert np.isnan(store.occluded).all(axis=1).sum() == len(store) - 1


# --- bad input: each names the file and what to do, or is skipped and counted on request ----------


def damage_truncated(root):
    path = root / "afw" / "100_1.jpg"
    path.write_bytes(path.read_bytes()[:2000])
    return path


def damage_empty(root):
    path = root / "afw" / "100_1.jpg"
    path.write_bytes(b"")
    return path


def damage_points_67(root):
    path = root / "afw" / "100_1.pts"
    write_pts(path, np.full((67, 2), 30.0))
    return path


def damage_wrong_n_points(root):
    path = root / "afw" / "100_1.pts"
    path.write_text(path.read_text().replace("n_points:  68", "n_points:  70"))
    return path


def damage_fewer_lines_than_said(root):
    path = root / "afw" / "100_1.pts"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:20] + lines[21:]))
    return path


def damage_cut_off_pts(root):
    path = root / "afw" / "100_1.pts"
    path.write_text(path.read_text()[:300])
    return path


def damage_nan(root):
    path = root / "afw" / "100_1.pts"
    points = np.full((68, 2), 30.0)
    points[7, 1] = np.nan
    write_pts(path, points)
    return path


def damage_words(root):
    path = root / "afw" / "100_1.pts"
    path.write_text(path.read_text().replace(".", ",", 1))
    return path


def damage_outside(root):
    path = root / "afw" / "100_1.pts"
    write_pts(path, np.random.default_rng(0).uniform(0, 50, (68, 2)) + (400, 0))
    return path.with_suffix(".jpg")


def damage_missing_pts(root):
    path = root / "afw" / "100_1.pts"
    path.unlink()
    return path.with_suffix(".jpg")


def damage_missing_picture(root):
    path = root / "afw" / "100_1.jpg"
    path.unlink()
    return path.with_suffix(".pts")


def damage_flat_face(root):
    path = root / "afw" / "100_1.pts"
    write_pts(path, np.full((68, 2), 30.0))
    return path.with_suffix(".jpg")


DAMAGE = [f for name, f in sorted(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda f: f.__name__.removeprefix("damage_"))
def test_bad_faces_are_refused_by_name_or_skipped_on_request(damage, small_300w, tmp_path, capsys):
    root, counts = small_300w
    culprit = damage(root)
    out = tmp_path / "out" / "a.arrow"
    arguments = ["--root", str(root), "--out", str(out), "--spec"]
    assert main([*arguments, json.dumps(spec(counts))]) == 1
    message = capsys.readouterr().err
    assert str(culprit) in message
    assert "partial: allow" in message
    assert not out.exists()
    assert main([*arguments, json.dumps(spec(counts, partial="allow"))]) == 0
    store = Store(out)
    assert len(store) == sum(counts.values()) - 1
    assert any("skipped" in line and str(culprit) in line for line in store.about["missing"])


def test_missing_parts_are_listed_with_expected_counts(small_300w, tmp_path):
    root, counts = small_300w
    for path in (root / "ibug").iterdir():
        path.unlink()
    (root / "ibug").rmdir()
    with pytest.raises(DataError) as caught:
        align(root, tmp_path / "a.arrow", spec(counts))
    assert "ibug/ (0 of 3 faces)" in str(caught.value)
    about = align(root, tmp_path / "a.arrow", spec(counts, partial="allow"))
    assert about["missing"] == ["ibug/ (0 of 3 faces)"]


def test_too_many_faces_are_refused_too(small_300w, tmp_path):
    root, counts = small_300w
    with pytest.raises(DataError, match=r"afw/ \(4 of 3 faces\)"):
        align(root, tmp_path / "a.arrow", spec({**counts, "afw": 3}))


def test_an_empty_root_is_refused_even_where_partial_is_allowed(tmp_path):
    expected = {part.name: 0 for part in source("300w").parts}
    with pytest.raises(DataError, match="holds no face"):
        align(tmp_path, tmp_path / "a.arrow", spec(expected, partial="allow"))


def test_official_counts_apply_where_none_are_given(small_300w, tmp_path):
    root, _ = small_300w
    with pytest.raises(DataError, match=r"afw/ \(4 of 337 faces\)"):
        align(root, tmp_path / "a.arrow", spec(None))


def test_generated_files_that_changed_are_refused(small_300w, tmp_path):
    root, counts = small_300w
    victim = root / "afw" / "100_1.jpg"
    digest = module.file_digest(victim)
    (root / "SHA256SUMS").write_text(f"{digest}  afw/100_1.jpg\n")
    built_in = spec(counts, origin="built-in", digest=None)
    assert align(root, tmp_path / "a.arrow", built_in)["origin"] == "built-in"
    victim.write_bytes(victim.read_bytes() + b"x")
    with pytest.raises(DataError, match="not as it was written"):
        align(root, tmp_path / "a.arrow", built_in)


def test_a_place_that_cannot_be_written_is_named(small_300w, tmp_path, capsys, monkeypatch):
    root, counts = small_300w

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    out = tmp_path / "no" / "a.arrow"
    assert main(["--root", str(root), "--out", str(out), "--spec", json.dumps(spec(counts))]) == 1
    message = capsys.readouterr().err
    assert str(out.parent) in message
    assert "may not write" in message


def test_a_cut_off_store_is_named(small_300w, tmp_path):
    root, counts = small_300w
    out = tmp_path / "a.arrow"
    align(root, out, spec(counts))
    out.write_bytes(out.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"a\.arrow"):
        Store(out)


def test_real_afw_is_a_partial_300w(real_data, tmp_path):
    with pytest.raises(DataError, match=r"helen/trainset/ \(0 of 2000 faces\)"):
        align(real_data / "300w", tmp_path / "a.arrow", spec(None))
    about = align(real_data / "300w", tmp_path / "a.arrow", spec(None, partial="allow"))
    assert about["counts"] == {"afw": 337}
    store = Store(tmp_path / "a.arrow")
    eyes = store.landmarks[:, 36:48].mean(axis=(1, 2))
    assert np.isfinite(eyes).all()
    # Eyes above mouths, in a crop that shows the face.
    assert (store.landmarks[:, 36:48, 1].mean(1) < store.landmarks[:, 48:, 1].mean(1)).mean() > 0.99
    assert cv2.Laplacian(store.images(np.array([0]))[0], cv2.CV_64F).std() > 1


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("134212_2", "134212"),
        ("4351876664_1", "4351876664"),
        ("image_0001", "image_0001"),
        ("image_003_1", "image_003"),
        ("image_092 _01", "image_092"),
    ],
)
def test_photographs_by_the_datasets_own_names(stem, expected):
    from cadnet.data.sources.w300 import photograph

    assert photograph(stem) == expected

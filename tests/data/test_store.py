"""What a store keeps of faces of every kind."""

from pathlib import Path

import numpy as np
import pytest

from cadnet import integrity
from cadnet.data.store import Row, Store, write_store
from cadnet.faces import Face

SIZE = 8


def a_row(i: int) -> Row:
    """Face i: every third without landmarks, every second without occlusion, some with labels."""
    rng = np.random.default_rng(i)
    face = Face(
        key=f"face{i}",
        image=Path("x.jpg"),
        landmarks=None if i % 3 == 0 else rng.uniform(0, SIZE, (29, 2)),
        box=(1, 2, 3, 4),
        split="train",
        subset="train",
        scheme="cofw29",
        visible=None if i % 2 else rng.random(29) < 0.5,
        expression=i % 8 if i % 5 else None,
        subject=f"S{i // 10}" if i % 7 else "",
        video="v" if i % 4 else "",
    )
    image = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    return Row(face, face.split, face.subset, image, face.landmarks, (0, 1, 2, i), (0, 0, SIZE))


@pytest.mark.parametrize("count", [1, 300])  # more than a record batch holds
def test_a_store_gives_back_what_was_written_and_says_what_is_unknown(tmp_path, count):
    rows = [a_row(i) for i in range(count)]
    write_store(tmp_path / "x.arrow", rows, size=SIZE, scheme="cofw29", about={})
    store = Store(tmp_path / "x.arrow")
    assert len(store) == count
    for i, row in enumerate(rows):
        face = row.face
        assert (store.keys[i], store.subject[i], store.video[i]) == (
            face.key,
            face.subject,
            face.video,
        )
        assert store.expression[i] == (-1 if face.expression is None else face.expression)
        np.testing.assert_array_equal(store.box[i], row.box)
        if row.landmarks is None:
            assert np.isnan(store.landmarks[i]).all()
        else:
            np.testing.assert_array_equal(store.landmarks[i], row.landmarks.astype(np.float32))
        if face.visible is None:
            assert np.isnan(store.occluded[i]).all()
        else:
            np.testing.assert_array_equal(store.occluded[i], ~face.visible)
    picked = np.array([count - 1, 0])
    np.testing.assert_array_equal(
        store.images(picked), np.stack([rows[i].image for i in picked.tolist()])
    )


def test_a_store_or_its_facts_that_are_not_as_written_are_refused(tmp_path):
    path = tmp_path / "x.arrow"
    write_store(path, [a_row(0)], size=SIZE, scheme="cofw29", about={})
    for file in (path, path.with_suffix(".json")):
        integrity.record(file, integrity.file_digest(file))
    Store(path)
    for file in (path, path.with_suffix(".json")):
        before = file.read_bytes()
        file.write_bytes(before.replace(b"8", b"9"))
        with pytest.raises(integrity.CorruptedError, match=file.name):
            Store(path)
        file.write_bytes(before)
    Store(path)

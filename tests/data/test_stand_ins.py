"""Built-in faces of every dataset, written in its layout and read back by its official reader."""

import json

import numpy as np
import pytest

from cadnet.data import origin
from cadnet.data.align import align
from cadnet.data.sources import source
from cadnet.data.sources.vw300 import clips
from cadnet.data.store import Store
from cadnet.data.synthetic.generate import WRITERS, generate
from cadnet.faces import EXPRESSIONS
from cadnet.provenance import canonical_json


@pytest.fixture(scope="module", params=WRITERS)
def stand_in(request, params, tmp_path_factory):
    """A dataset's name, its folder of built-in faces, its aligned store."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    spec = json.loads(canonical_json(origin.builtin_spec(params.data, name)))  # as a job gets it
    generate(folder / "raw", spec)
    found = origin.Origin(folder / "raw", "built-in", None, params.data.builtin.counts(name))
    align(folder / "raw", folder / "a.arrow", origin.align_spec(params.data, name, found))
    return name, folder, Store(folder / "a.arrow")


def test_the_reader_finds_every_face_and_no_fault(stand_in):
    _, _, store = stand_in
    assert store.about["missing"] == []
    assert store.about["counts"] == store.about["expected"]
    assert len(set(store.keys)) == len(store) > 0


def test_landmarks_are_where_the_face_is(stand_in):
    _, _, store = stand_in
    known = np.isfinite(store.landmarks).all(axis=(1, 2))
    if store.about["dataset"] in ("jaffe", "ised"):
        assert not known.any()  # the originals have none
        return
    assert known.all()
    # Inside the crop but for a margin: COFW's boxes are a detector's.
    assert (store.landmarks > -0.15 * store.size).all()
    assert (store.landmarks < 1.15 * store.size).all()
    spread = store.landmarks.std(axis=1).min(axis=1)
    assert (spread > 0.08 * store.size).all()


def test_labels_are_those_of_the_layout(stand_in):
    name, _, store = stand_in
    if name not in ("affectnet", "ckplus", "jaffe", "ised"):
        assert (store.expression == -1).all()
        return
    shown = {EXPRESSIONS[code] for code in store.expression}
    expected = {
        "affectnet": set(EXPRESSIONS),
        "ckplus": set(EXPRESSIONS) - {"neutral"},
        "jaffe": {"anger", "disgust", "fear"},  # of 21 pictures, ten an expression
        "ised": {"disgust", "happy", "sad", "surprise"},
    }
    assert shown == expected[name]
    assert (store.subject != "").all() == (name != "affectnet")


def test_again_is_the_same_bytes(stand_in, params, tmp_path):
    name, folder, _ = stand_in
    generate(tmp_path / "again", origin.builtin_spec(params.data, name))
    first = (folder / "raw" / "SHA256SUMS").read_text()
    assert (tmp_path / "again" / "SHA256SUMS").read_text() == first


def test_aflw_frontal_faces_show_all_points_and_profile_ones_do_not(stand_in):
    name, _, store = stand_in
    if name != "aflw":
        return
    seen = (store.occluded == 0).all(axis=1)
    assert seen[store.subset == "frontal"].all()
    assert not seen[store.subset == "profile"].any()
    assert store.about["normaliser"] == "box_width"
    assert (store.box[:, 2] > 0.3 * store.size).all()


def test_videos_move_smoothly_and_give_clips(stand_in, params):
    name, folder, store = stand_in
    if name != "300vw":
        return
    dataset = source(name)
    faces = [f for part in dataset.parts for f in dataset.read(folder / "raw", part)]
    windows = clips(faces)
    assert windows.shape == (len(set(store.video)), 5)  # six frames each
    for window in windows:
        points = np.stack([faces[i].landmarks for i in window])
        step = np.linalg.norm(np.diff(points[:, 17:], axis=0), axis=-1).mean(axis=1)
        assert (step < 0.05 * params.data.builtin.size).all()
        assert (step > 0).all()


def test_a_ck_plus_sequence_rises_to_its_expression(stand_in):
    name, folder, _ = stand_in
    if name != "ckplus":
        return
    texts = sorted((folder / "raw/Landmarks/S005/005").glob("*.txt"))  # code 5: happy
    points = np.array([[line.split() for line in p.read_text().splitlines()] for p in texts], float)
    width = np.linalg.norm(points[:, 54] - points[:, 48], axis=1)
    assert (np.diff(width) > 0).all()
    assert not list((folder / "raw/Emotion").glob("*/008/*.txt"))

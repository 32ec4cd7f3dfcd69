"""Faces for figures: chosen by the rule, shown only where they may be."""

from types import SimpleNamespace

import numpy as np
import pytest

from cadnet.evaluation import examples
from cadnet.evaluation.examples import NothingToShow, Said, choose


def made_up(count=9, occluded=True):
    """A store and what was said of it, in an order that is not the keys'."""
    rng = np.random.default_rng(2)
    order = rng.permutation(count)
    store = SimpleNamespace(
        keys=np.array([f"face{i}" for i in order], dtype=object),
        occluded=rng.integers(0, 2, (count, 29)).astype(np.float32),
        expression=np.array([3, 1, 1, -1, 3, 0, 2, 2, 1])[:count],
        about={"dataset": "cofw"},
    )
    if not occluded:
        store.occluded[:] = np.nan
    rows = np.arange(count)
    return store, Said(rows, np.zeros((count, 29, 2)), rng.uniform(2, 20, count), rows)


def test_the_most_occluded_and_the_worst_come_first():
    store, said = made_up()
    shares = store.occluded.mean(axis=1)
    assert shares[choose("occluded", 3, store, said)].tolist() == sorted(shares)[::-1][:3]
    assert said.errors[choose("worst", 3, store, said)].tolist() == sorted(said.errors)[::-1][:3]


def test_a_spread_goes_from_the_least_error_to_the_largest():
    store, said = made_up()
    errors = said.errors[choose("spread", 3, store, said)]
    assert errors.tolist() == [sorted(said.errors)[i] for i in (0, 4, 8)]


def test_of_each_expression_the_first_by_key():
    store, said = made_up()
    chosen = choose("expressions", 8, store, said)
    for label, place in zip((0, 1, 2, 3), chosen, strict=True):
        keys = [k for k, e in zip(store.keys, store.expression, strict=True) if e == label]
        assert store.keys[place] == min(keys)


def test_equals_are_in_the_order_of_their_keys():
    store, said = made_up()
    store.occluded[:] = 1
    assert store.keys[choose("occluded", 9, store, said)].tolist() == sorted(store.keys)


def test_what_is_not_annotated_says_so():
    store, said = made_up(occluded=False)
    with pytest.raises(NothingToShow, match="no occlusion labels for cofw"):
        choose("occluded", 3, store, said)


@pytest.mark.parametrize(("origin", "shown"), [("built-in", True), ("official", False)])
def test_official_photographs_stay_out_unless_asked_for(tmp_path, monkeypatch, origin, shown):
    about = {"dataset": "cofw", "origin": origin}
    monkeypatch.setattr(examples, "Store", lambda path: SimpleNamespace(about=about))
    faces = {"keys": np.array(["a"]), "images": np.ones(3), "reason": np.array("")}
    monkeypatch.setattr(examples, "examples", lambda *more, **options: faces)
    out = tmp_path / "faces.npz"
    arguments = ["--model=m", "--predictions=p", "--data=d", "--dataset=cofw", "--subset=test",
                 "--choose=worst", "--count=1", f"--out={out}"]  # fmt: skip
    assert examples.main(arguments) == 0
    with np.load(out) as file:
        assert ("images" in file.files) == shown
        assert ("report.faces" in str(file["reason"])) != shown
    assert examples.main([*arguments, "--official"]) == 0
    with np.load(out) as file:
        assert "images" in file.files

"""A small store to train on, and experiments changed for it."""

import pytest

from cadnet.data.align import align
from cadnet.data.store import Store
from cadnet.data.synthetic.write import write_300w
from tests.data.test_align import spec

COUNTS = {
    "afw": 10, "helen/trainset": 40, "lfpw/trainset": 14,
    "helen/testset": 4, "lfpw/testset": 4, "ibug": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Where the store is."""
    root = tmp_path_factory.mktemp("faces")
    write_300w(root, counts=COUNTS, seed=0, size=64)
    align(root, root / "a.arrow", spec(COUNTS))
    return root / "a.arrow"


@pytest.fixture(scope="module")
def store(data):
    return Store(data)


def experiment(params, name="cadnet", **changes):
    chosen = params.experiments[name]
    return chosen.model_copy(update={"train": chosen.train.model_copy(update=changes)})

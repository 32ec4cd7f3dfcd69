"""What all sources have in common."""

import pytest

from cadnet.data.access import access
from cadnet.data.sources import SOURCE_MODULES, source
from cadnet.faces import SCHEMES

# Sagonas 2013, Zafeiriou 2017, Burgos-Artizzu 2013, Ghiasi 2015, Zhu 2016, Shen 2015,
# Mollahosseini 2017, Lucey 2010, Lyons 1998, Happy 2015: training, test.
PUBLISHED = {
    "300w": (3148, 689), "menpo": (5658, 0), "menpo_profile": (1906, 0), "cofw": (1345, 507),
    "cofw68": (0, 507), "aflw": (20000, 4386), "300vw": (50, 64), "affectnet": (287651, 4000),
    "ckplus": (0, 981), "jaffe": (0, 213), "ised": (0, 428),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCE_MODULES)
def test_every_source_is_complete_and_has_the_published_counts(name):
    found = source(name)
    assert found.name == name
    assert found.scheme in SCHEMES
    of = {"train": 0, "test": 0}
    for part in found.parts:
        of[part.split] += part.expected
    assert (of["train"], of["test"]) == PUBLISHED[name]
    subsets = {part.subset for part in found.parts}
    for members in found.unions.values():
        assert set(members) <= subsets
    if found.normaliser == "interocular":
        assert SCHEMES[found.scheme].left_eye is not None
    assert access()[name].licence and access()[name].get


@pytest.mark.parametrize("name", SOURCE_MODULES)
def test_an_empty_folder_holds_no_faces(name, tmp_path):
    dataset = source(name)
    assert not [face for part in dataset.parts for face in dataset.read(tmp_path, part)]

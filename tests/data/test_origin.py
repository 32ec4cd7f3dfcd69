"""Official files win over built-in faces, and their content decides what runs again."""

import pytest

from cadnet.data import origin
from cadnet.params import ParameterError


@pytest.fixture
def data(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return params.data.model_copy(update={"raw": str(tmp_path / "raw")})


def test_without_a_folder_it_is_built_in_faces(data):
    found = origin.locate(data, "300w")
    assert (found.kind, found.root) == ("built-in", origin.BUILTIN / "300w")
    assert found.expected["ibug"] == data.builtin.w300.ibug


def test_a_folder_of_the_users_wins(data, small_300w):
    root, _ = small_300w
    found = origin.locate(data.model_copy(update={"raw": str(root.parent)}), "300w")
    assert (found.kind, found.root, found.expected) == ("official", root, None)
    cofw = origin.locate(data.model_copy(update={"raw": str(root.parent)}), "cofw")
    assert cofw.kind == "built-in"


def test_a_changed_file_changes_what_alignment_depends_on_and_a_move_does_not(
    data, small_300w, tmp_path
):
    root, _ = small_300w

    def spec(raw):
        here = data.model_copy(update={"raw": str(raw)})
        return origin.align_spec(here, "300w", origin.locate(here, "300w"))

    before = spec(root.parent)
    assert spec(root.parent) == before
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    root.rename(moved / "300w")
    assert spec(moved) == before
    landmarks = next((moved / "300w" / "afw").glob("*.pts"))
    landmarks.write_text(landmarks.read_text().replace("1", "2", 1))
    assert spec(moved) != before


@pytest.mark.parametrize("name", [None, ".DS_Store"])
def test_an_empty_folder_is_refused(data, tmp_path, name):
    folder = tmp_path / "raw" / "300w"
    folder.mkdir(parents=True)
    if name:
        (folder / name).write_text("")
    with pytest.raises(ParameterError, match="is an empty folder; put 300w there") as error:
        origin.locate(data, "300w")
    assert str(folder) in str(error.value)

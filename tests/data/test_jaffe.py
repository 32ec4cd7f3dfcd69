import cv2
import numpy as np
import pytest

from cadnet.data.align import collect
from cadnet.data.sources import DataError
from cadnet.data.sources.jaffe import SOURCE

(PART,) = SOURCE.parts
# Indices into EXPRESSIONS: neutral happy sad surprise fear disgust anger contempt.
NAMES = {
    "KA.AN1.39": 6,
    "KA.DI3.44": 5,
    "KM.FE2.24": 4,
    "KM.HA4.7": 1,
    "TM.NE1.177": 0,
    "UY.SA2.147": 2,
    "YM.SU3.60": 3,
}


def write(folder, names, suffix=".tiff"):
    """Empty files: the names say all that reading needs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}{suffix}").touch()


def read(root):
    return list(SOURCE.read(root, PART))


@pytest.mark.parametrize("folder", ["", "jaffe", "jaffedbase"])
def test_names_are_read_field_by_field(tmp_path, folder):
    write(tmp_path / folder, NAMES)
    (tmp_path / folder / "README").touch()
    found = read(tmp_path)
    assert {face.key: face.expression for face in found} == NAMES
    for face in found:
        assert face.subject == face.key[:2] == face.group
        assert face.image == tmp_path / folder / f"{face.key}.tiff"
        assert face.landmarks is None and face.visible is None and face.index is None
        assert (face.split, face.subset, face.video) == ("test", "test", "")


def test_the_box_lies_inside_the_portrait(tmp_path):
    write(tmp_path, NAMES)
    (x, y, width, height), *rest = {face.box for face in read(tmp_path)}
    assert not rest
    assert 0 < x < x + width < 256 and 0 < y < y + height < 256
    assert abs(x + width / 2 - 128) < 16


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_is_that_of_the_names(tmp_path, order):
    names = [f"KA.AN{i}.{30 + i}" for i in range(9)]
    write(tmp_path, names[::order])
    assert [face.key for face in read(tmp_path)] == names


@pytest.mark.parametrize(
    "name", ["KA.XX1.39", "KAAN1.39", "ka.AN1.39", "KA.AN.39", "KA.AN1", "KA.AN1.39 (1)", "K.AN1.3"]
)
def test_another_name_is_named(tmp_path, name):
    write(tmp_path, ["AA.HA1.1", name, "ZZ.HA1.1"])
    found = read(tmp_path)
    (problem,) = (face for face in found if isinstance(face, DataError))
    assert str(tmp_path / f"{name}.tiff") in str(problem)
    assert [f.key for f in found if not isinstance(f, DataError)] == ["AA.HA1.1", "ZZ.HA1.1"]


def test_what_a_mac_leaves_is_no_picture(tmp_path):
    write(tmp_path, [*NAMES, "._KA.AN1.39"])
    assert len(read(tmp_path)) == len(NAMES)


def test_a_picture_that_is_there_twice_is_named(tmp_path):
    write(tmp_path, NAMES)
    write(tmp_path, ["KA.AN1.39"], ".tif")
    with pytest.raises(DataError, match=r"a second face named KA\.AN1\.39"):
        collect(tmp_path, SOURCE, {"images": 7}, allow=False)
    (tmp_path / "KA.AN1.39.tif").unlink()
    faces, counts, problems = collect(tmp_path, SOURCE, {"images": 7}, allow=False)
    assert (len(faces), counts, problems) == (7, {"images": 7}, [])


def test_nothing_there_is_no_face(tmp_path):
    assert read(tmp_path) == read(tmp_path / "nothing") == []


def test_a_grey_tiff_opens_as_colour(tmp_path):
    grey = np.random.default_rng(1).integers(0, 256, (256, 256), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "KA.AN1.39.tiff"), grey)
    (face,) = read(tmp_path)
    np.testing.assert_array_equal(SOURCE.open(face), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_cut_off_picture_is_found_when_it_is_opened(tmp_path):
    path = tmp_path / "KA.AN1.39.tiff"
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 256, (256, 256), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:1000])
    (face,) = read(tmp_path)
    with pytest.raises(DataError, match=r"KA\.AN1\.39\.tiff"):
        SOURCE.open(face)


def test_the_official_count():
    assert (PART.name, PART.expected, PART.split) == ("images", 213, "test")

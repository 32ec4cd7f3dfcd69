import subprocess

import numpy as np
import pytest

from cadnet.data.sources import source
from cadnet.data.synthetic import write
from cadnet.data.synthetic.faces import Style, contour, control_points, render
from cadnet.data.synthetic.generate import generate
from cadnet.data.synthetic.mesh import CONTROL, mesh
from cadnet.data.synthetic.shape import MEAN, Camera, person, rotation
from cadnet.data.synthetic.styles import HARD, MILD
from cadnet.faces import SCHEMES

COUNTS = {
    "afw": 2, "helen/trainset": 3, "lfpw/trainset": 2,
    "helen/testset": 2, "lfpw/testset": 2, "ibug": 10,
}  # fmt: skip
STILL = Style(
    yaw=0.0, pitch=0.0, roll=0.0, expressions={"neutral": 1.0}, identity=0.0, occluded=0.0,
    blur=0.0, noise=0.0,
)  # fmt: skip


def rendered(style, count, size=96):
    return [render(np.random.default_rng(seed), style, size) for seed in range(count)]


def test_one_seed_is_one_picture():
    first, second = (render(np.random.default_rng(7), Style(), 80) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.landmarks, second.landmarks)
    assert not np.array_equal(first.image, render(np.random.default_rng(8), Style(), 80).image)


def test_a_frontal_face_is_mirror_symmetric_and_all_of_it_is_seen():
    for face in rendered(STILL, 5):
        centred = face.landmarks - face.landmarks[8]
        mirrored = centred[SCHEMES["ibug68"].flip] * (-1, 1)
        np.testing.assert_allclose(mirrored, centred, atol=1e-9)
        assert face.visible.all()


def turned(yaw):
    """A still face turned by exactly so much: of many nearly so, the one nearest."""
    style = Style(yaw=abs(yaw), pitch=0, roll=0, expressions={"neutral": 1.0}, occluded=0)
    return min(rendered(style, 60), key=lambda face: abs(face.pose[0] - yaw))


@pytest.mark.parametrize("side", [1, -1])
def test_a_turned_head_hides_its_far_side(side):
    face = turned(side * 65)
    assert abs(face.pose[0] - side * 65) < 6
    outer_corners = {1: 45, -1: 36}  # positive yaw turns the face to the image's right
    assert not face.visible[outer_corners[side]]
    assert face.visible[outer_corners[-side]]
    assert face.visible[:17].all()


@pytest.mark.parametrize("yaw", [0, 20, 45, -45, 70])
def test_contour_points_bound_the_features(yaw):
    """The visible outline lies outside of everything that is seen between its ends."""
    camera = Camera(rotation(yaw, 0, 0), 25.0, (50.0, 46.0))
    jaw = contour(CONTROL, mesh().vertices, camera)
    mouth = camera.see(MEAN)[48:60]
    assert jaw[:8, 0].min() < mouth[:, 0].min()
    assert jaw[9:, 0].max() > mouth[:, 0].max() - 3


@pytest.mark.parametrize("yaw", [0, 30, -30])
def test_contour_points_are_on_the_edge_of_the_head_that_turns_away(yaw):
    """No vertex of the face near a point's height lies further out than the point."""
    camera = Camera(rotation(yaw, 0, 0), 100.0, (0.0, 0.0))
    head = mesh()
    jaw = contour(CONTROL, head.vertices, camera)
    front = (np.abs(head.angle) < 1.3) & (head.height < 1.3)
    seen = camera.see(head.vertices[front])
    for i in (2, 3, 4) if yaw < 0 else (12, 13, 14):
        level = np.abs(seen[:, 1] - jaw[i, 1]) < 3
        outermost = (seen[level, 0] * np.sign(i - 8)).max()
        assert jaw[i, 0] * np.sign(i - 8) > outermost - 4


def test_an_identity_and_an_expression_move_landmarks_and_surface_together():
    """The surface near each landmark follows it: a moved mouth does not leave its lips behind."""
    rng = np.random.default_rng(0)
    control = control_points(person(rng), {26: (1.0, 1.0), 12: (0.5, 0.8)})
    head = mesh()
    surface = head.vertices + head.follow @ (control - CONTROL)
    for landmark in [*range(17, 68), 4, 8, 12]:
        nearest = np.linalg.norm(head.vertices - CONTROL[landmark], axis=1).argmin()
        before = head.vertices[nearest] - CONTROL[landmark]
        after = surface[nearest] - control[landmark]
        assert np.linalg.norm(after - before) < 0.06


def test_landmarks_lie_inside_the_picture():
    for face in rendered(HARD, 60):
        assert (face.landmarks > 0).all()
        assert (face.landmarks < 95).all()


def test_landmarks_lie_on_what_is_drawn():
    """Between an eye's landmarks the picture is busy; on the cheek it is not."""
    for face in rendered(STILL, 12, 160):
        eye, cheek = face.landmarks[36:42].mean(0), face.landmarks[[1, 31]].mean(0)

        def patch(point, image=face.image):
            x, y = np.round(point).astype(int)
            return image[y - 4 : y + 5, x - 7 : x + 8].mean(axis=-1)

        assert patch(eye).std() > 2 * patch(cheek).std()


def test_the_hard_style_hides_far_more_than_the_mild():
    share = [np.mean([~face.visible for face in rendered(style, 60)]) for style in (MILD, HARD)]
    assert share[1] > 2 * share[0]


def test_300w_is_written_as_its_reader_expects(tmp_path):
    write.write_300w(tmp_path, counts=COUNTS, seed=3, size=80)
    w300 = source("300w")
    for part in w300.parts:
        found = list(w300.read(tmp_path, part))
        assert len(found) == COUNTS[part.name]
        for face in found:
            assert face.visible is not None
            assert source("300w").open(face).shape == (80, 80, 3)
    drawn = write.face_300w(3, "afw", 1, 80)
    read = list(w300.read(tmp_path, w300.parts[0]))[1]
    np.testing.assert_allclose(read.landmarks, drawn.landmarks, atol=1e-5)
    assert (read.visible == drawn.visible).all()
    names = [path.name for path in (tmp_path / "ibug").iterdir()]
    assert "image_010 _01.jpg" in names
    assert all(path.suffix in (".png", ".pts") for path in (tmp_path / "lfpw/testset").iterdir())


def test_more_faces_keep_the_ones_there_were(tmp_path):
    few, many = tmp_path / "few", tmp_path / "many"
    write.write_300w(few, counts=COUNTS, seed=3, size=64)
    write.write_300w(many, counts={**COUNTS, "afw": 5}, seed=3, size=64)
    for path in few.rglob("*.*"):
        if path.name != "occlusion.csv":
            assert (many / path.relative_to(few)).read_bytes() == path.read_bytes()


def test_generating_again_is_the_same_bytes_and_the_manifest_checks(tmp_path):
    spec = {"dataset": "300w", "seed": 1, "size": 64, "counts": COUNTS}
    manifests = []
    for name in ("a", "a", "b"):
        generate(tmp_path / name, spec)
        manifests.append((tmp_path / name / "SHA256SUMS").read_text())
    assert len(set(manifests)) == 1
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "a", check=True
    )

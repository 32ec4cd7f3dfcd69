"""The built-in head: surface, rasteriser, expressions."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from cadnet.data.synthetic.expressions import ACTION_UNITS, EMOTIONS, emotion, moved
from cadnet.data.synthetic.faces import _wrinkles, draw
from cadnet.data.synthetic.mesh import CONTROL, around, hairline, mesh
from cadnet.data.synthetic.raster import grid_normals, rasterise
from cadnet.data.synthetic.scene import Style, scene
from cadnet.data.synthetic.shape import person
from cadnet.data.synthetic.texture import CHANNELS, maps, sample
from cadnet.faces import EXPRESSIONS, SCHEMES


def naive_raster(seen, triangles, attributes, side):
    """Every pixel against every triangle, barycentric weights from a linear system."""
    depth, out = np.full((side, side), -np.inf), np.zeros((side, side, attributes.shape[1]))
    for y, x in itertools.product(range(side), range(side)):
        for corners in triangles:
            points = seen[corners]
            matrix = np.vstack([points[:, :2].T, np.ones(3)])
            if np.linalg.det(matrix) <= 1e-9:
                continue  # turned away
            weights = np.linalg.solve(matrix, (x, y, 1))
            near = weights @ points[:, 2]
            if (weights >= 0).all() and near > depth[y, x]:
                depth[y, x], out[y, x] = near, weights @ attributes[corners]
    return depth, out


def test_the_rasteriser_is_the_naive_one():
    rng = np.random.default_rng(0)
    side = 24
    seen = rng.uniform(-4, side + 4, (45, 3))
    seen[:, 2] = rng.normal(size=45)
    triangles = rng.permutation(45).reshape(15, 3).astype(np.int32)
    attributes = rng.normal(size=(45, 4)).astype(np.float32)
    depth = np.full((side, side), -np.inf, dtype=np.float32)
    out = np.zeros((side, side, 4), dtype=np.float32)
    rasterise(seen, triangles, attributes, depth, out)
    expected, colours = naive_raster(seen, triangles, attributes.astype(float), side)
    assert 0.2 < np.isfinite(expected).mean() < 1
    np.testing.assert_allclose(depth, expected, atol=1e-4)
    np.testing.assert_allclose(out, colours, atol=1e-3)


def test_a_second_drawing_goes_on_from_the_first():
    corners = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 1], [9, 0, 1], [0, 9, 1]], float)
    values = np.repeat(np.array([[1], [2]], dtype=np.float32), 3, axis=0)
    depth, out = np.full((10, 10), -9, np.float32), np.zeros((10, 10, 1), np.float32)
    near, far = np.array([[3, 4, 5]], np.int32), np.array([[0, 1, 2]], np.int32)
    rasterise(corners, near, values, depth, out)
    rasterise(corners, far, values, depth, out)
    assert out[1, 1, 0] == 2


def test_normals_of_a_sphere_are_its_radii():
    angle, height = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-0.8, 0.8, 33))
    radius = np.sqrt(1 - height**2)
    points = np.stack([radius * np.sin(angle), height, radius * np.cos(angle)], -1).reshape(-1, 3)
    normals = np.empty((len(points), 3), np.float32)
    grid_normals(points, 0, 33, 41, normals)
    inner = np.zeros((33, 41), bool)
    inner[1:-1, 1:-1] = True
    np.testing.assert_allclose(normals[inner.ravel()], points[inner.ravel()], atol=5e-3)


def test_the_surface_is_a_mirror_image_of_itself_and_passes_through_the_landmarks():
    head = mesh()
    start, rows, columns = head.grids[0]
    grid = head.vertices[start : start + rows * columns].reshape(rows, columns, 3)
    angles = head.angle[:columns]
    for column in np.flatnonzero(np.abs(angles) < 1.5):
        other = int(np.abs(angles + angles[column]).argmin())
        np.testing.assert_allclose(grid[:, column] * (-1, 1, 1), grid[:, other], atol=1e-6)
    for i, point in enumerate(CONTROL[:68]):
        assert np.linalg.norm(head.vertices - point, axis=1).min() < 0.06, i
    assert (np.diff(head.height[: rows * columns : columns]) > 0).all()
    assert np.isfinite(head.vertices).all()


def test_control_points_move_by_themselves_under_their_own_weights():
    head = mesh()
    np.testing.assert_allclose(head.follow.sum(axis=1), 1, atol=1e-6)


def test_units_move_both_sides_alike_and_one_side_alone_where_asked():
    flip = SCHEMES["ibug68"].flip
    still = moved({})
    for unit in ACTION_UNITS:
        both, left = moved({unit: (1.0, 1.0)})[:68], moved({unit: (1.0, 0.0)})[:68]
        np.testing.assert_allclose(both[flip] * (-1, 1, 1), both, atol=1e-12)
        assert np.abs(both - still[:68]).max() > 0.02
        outer = [36, 17, 48, 4]
        if unit not in (16, 25, 26):  # these part the lips, which closes over the whole mouth
            np.testing.assert_allclose(left[flip[outer]], still[:68][flip[outer]], atol=1e-12)


def openings(units):
    points = CONTROL + moved(units)
    eye = points[41, 1] - points[37, 1]
    return eye, points[66, 1] - points[62, 1], points[48, 1] - points[57, 1]


def test_what_each_unit_is_named_after():
    eye, mouth, corner = openings({})
    assert mouth == pytest.approx(0.005, abs=0.01)  # at rest the lips touch
    assert openings({5: (1, 1)})[0] > eye > openings({7: (1, 1)})[0] > 0
    assert openings({43: (1, 1)})[0] < 0.03
    assert openings({26: (1, 1)})[1] > 0.25 > openings({25: (1, 1)})[1] > 0.04
    assert openings({12: (1, 1)})[2] < corner < openings({15: (1, 1)})[2]
    up = {1: 21, 2: 18}
    for unit, landmark in up.items():
        assert moved({unit: (1, 1)})[landmark, 1] < -0.08
    assert moved({4: (1, 1)})[21, 1] > 0.08


def test_emotions_are_table_1_and_differ():
    table = {
        "happy": {6, 12}, "anger": {4, 5, 7, 23}, "fear": {1, 2, 4, 5, 7, 20, 26},
        "sad": {1, 4, 15}, "disgust": {9, 15, 16}, "surprise": {1, 2, 5, 26},
    }  # fmt: skip
    assert {name: set(EMOTIONS[name]) for name in table} == table
    assert set(EMOTIONS) == set(EXPRESSIONS)
    shapes = {
        name: moved({unit: (level, level) for unit, level in units.items()})[:68]
        for name, units in EMOTIONS.items()
        if name != "contempt"  # which is one-sided
    }
    for a, b in itertools.combinations(shapes, 2):
        assert np.linalg.norm(shapes[a] - shapes[b], axis=1).max() > 0.07, (a, b)


def test_contempt_is_one_sided_and_strength_is_strength():
    sides = [emotion("contempt", np.random.default_rng(i), strength=1.0)[14] for i in range(20)]
    assert all(min(pair) < 0.3 * max(pair) for pair in sides)
    assert {pair[0] > pair[1] for pair in sides} == {True, False}
    weak, strong = (
        np.mean([sum(emotion("fear", np.random.default_rng(i), strength=s)[1]) for i in range(50)])
        for s in (0.3, 0.9)
    )
    assert strong == pytest.approx(3 * weak)


def test_maps_mark_what_they_are_named_after():
    """At the landmarks themselves: eyes are in eyes, lips on lips, brows on brows."""
    places = around(CONTROL[:68]).astype(np.float32)
    found = sample(places[:, 0], places[:, 1])
    assert maps().shape[0] * maps().shape[3] == len(CHANNELS)
    assert (found["brow"][17:27] < 0.02).all()
    assert (found["lips"][48:60] > 0.2).all()
    assert found["eye"][[8, 30, 33, 57]].max() == 0
    middles = np.array([CONTROL[36:42].mean(0), CONTROL[42:48].mean(0)])
    eyes = around(middles).astype(np.float32)
    assert (sample(eyes[:, 0], eyes[:, 1])["eye"] > 0.9).all()
    assert (found["hair"][1:16] < 0).all()
    assert (found["hair"][17:68] < 0).all()
    assert hairline(np.zeros(1))[0] < CONTROL[19, 1]


def test_more_points_than_opencv_takes_at_once():
    angle = np.linspace(-1, 1, 70_000, dtype=np.float32)
    height = np.full_like(angle, 0.7)
    every = sample(angle, height)["lips"]
    part = sample(angle[40_000:40_010], height[40_000:40_010])["lips"]
    np.testing.assert_array_equal(every[40_000:40_010], part)


def test_lips_of_every_thickness_touch_at_rest_and_teeth_show_in_open_mouths():
    for seed in range(40):
        points = person(np.random.default_rng(seed)) + moved({})[:68]
        assert abs(points[66, 1] - points[62, 1]) < 0.012
    style = Style(yaw=0, pitch=0, roll=0, occluded=0, grey=0, noise=0)
    people = [scene(np.random.default_rng(seed), style) for seed in range(12)]
    base = min(people, key=lambda one: sum(one.subject.look.skin))  # teeth are paler than lips
    shut, bared = (draw(replace(base, units=units), 160) for units in ({}, {25: (1.5, 1.5)}))
    between = []
    for face in (shut, bared):
        x, y = np.round(face.landmarks[[62, 66]].mean(axis=0)).astype(int)
        between.append(face.image[y - 1 : y + 2, x - 2 : x + 3].mean(axis=-1).max())
    assert between[1] > between[0] + 25


def test_a_one_sided_unit_draws_its_wrinkles_on_its_side():
    deep = _wrinkles({14: (1.0, 0.1), 12: (0.6, 0.06)}, 0.0)
    assert deep["dimple"][0] > 5 * deep["dimple"][1] > 0
    assert deep["fold"][0] > 5 * deep["fold"][1] > 0

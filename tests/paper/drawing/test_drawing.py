"""Drawings against what they draw: plain loops, the model's own shapes, known lines."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from cadnet.evaluation.efficiency import build
from cadnet.faces import EXPRESSIONS
from cadnet.paper import declarations
from cadnet.paper.drawing import architecture, attention, bars, ced, confusion, correlation, style
from cadnet.paper.drawing.masks import dimmed
from cadnet.paper.drawing.pictures import side_for
from cadnet.paper.drawing.trace import reach, trace
from cadnet.params import load
from tests.conftest import ROOT


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_cumulative_is_the_share_up_to_each_value():
    grid, errors = np.linspace(0, 10, 21), np.array([1.0, 2.5, 2.5, 9.0, 30.0])
    naive = [100 * sum(e <= x for e in errors) / 5 for x in grid]
    np.testing.assert_allclose(ced.cumulative(errors, grid), naive)


def test_curves_are_means_over_seeds_with_a_band(errors):
    labels = {"cadnet": "CAD-Net", "resnet18": "ResNet-18"}
    (axes,) = ced.curves(errors, labels, "error (%)").axes
    drawn = {line.get_label(): line for line in axes.lines}
    x, y = drawn["CAD-Net (3 seeds)"].get_data()
    ours = errors[errors["experiment"] == "cadnet"]
    for at in (50, 200, 300):
        shares = [100 * (ours[ours["seed"] == k]["error"] <= x[at]).mean() for k in range(3)]
        assert y[at] == pytest.approx(np.mean(shares))
    assert len(axes.collections) == 1 and "ResNet-18" in drawn


def test_looks_differ_within_each_figure_and_are_the_methods_own():
    for name, figure in declarations.declared().figures.items():
        for index in range(max(1, len(figure.columns))):
            rows = [row.at(index) for row in figure.reproduced]
            shown = [*figure.experiments, *filter(None, rows)]
            looks = [style.look(experiment) for experiment in shown]
            assert len(set(looks)) == len(looks), name
    assert style.look("cadnet_cofw") == style.look("cadnet")
    for experiment in load(ROOT / "params.yaml", {}).experiments:
        base = re.sub("_(cofw|aflw|300vw|fer)$", "", experiment)
        assert experiment in style._LOOKS or base in style._LOOKS, experiment


@pytest.mark.parametrize("name", ["cadnet", "cadnet_fer", "cadnet_3d", "resnet18", "adb_llb"])
def test_the_diagram_has_the_shapes_that_pass(params, name):
    """The shapes of the drawn text, against a forward pass of its own with its own hooks."""
    model, size = params.models[name], params.data.size
    network, seen = build(model), {}
    for key in ("backbone.layer4", "dgb.fuse", "dgb.reduce", "adb.norm", "norm", "head"):
        if key.split(".")[0] in dict(network.named_children()):
            network.get_submodule(key).register_forward_hook(
                lambda module, into, out, key=key: seen.update({key: (into[0].shape, out.shape)})
            )
    output = network(torch.rand(network.frames, 3, size, size))
    figure = style.Figure((7, 3), layout="none")
    architecture.panel(figure.add_subplot(), model, size, "title")
    joined = "\n".join(texts(figure))
    for key, (into, out) in seen.items():
        for shape in [out, into] if key != "head" else [into]:
            if key not in ("dgb.reduce", "adb.norm", "backbone.layer4") or shape is out:
                assert "×".join(map(str, shape[1:])) in joined, key
    if output.masks is not None:
        assert "×".join(map(str, output.masks.final.shape[1:])) in joined
    if model.dgb:
        assert f"R = {model.dgb.iterations}" in joined
    assert ("expressions" in joined) == (model.fer is not None)


def test_attention_has_a_weight_for_each_place_of_the_cross(params):
    said = attention.texts((1, 16, 5, 4, 6), 4)["weights"]
    crossed = {(t, 1, 2) for t in range(5)} | {(2, h, 2) for h in range(4)}
    crossed |= {(2, 1, w) for w in range(6)}
    assert f"{len(crossed)} weights" in said


def test_two_iterations_reach_a_whole_picture(params):
    model = params.models["cadnet"]
    shape = trace(model, params.data.size)["dgb.attention"].out
    once, twice = (reach(model, shape, n)[0] for n in (1, 2))
    row, column = (length // 2 for length in once.shape)
    cross = np.zeros_like(once)
    cross[row], cross[:, column] = True, True
    np.testing.assert_array_equal(once, cross)
    assert twice.all()


def test_the_fit_and_its_interval():
    """Against scipy's line, and the textbook's interval where x is the mean: t s / √n."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=12)
    y = 3 - 2 * x + rng.normal(0, 0.5, 12)
    line, half = correlation.fit(x, y, np.array([0.0, x.mean()]))
    theirs = stats.linregress(x, y)
    assert line[0] == pytest.approx(theirs.intercept)
    assert half[0] == pytest.approx(stats.t.ppf(0.975, 10) * theirs.intercept_stderr)
    spread = np.std(y - theirs.intercept - theirs.slope * x) * np.sqrt(12 / 10)
    assert half[1] == pytest.approx(stats.t.ppf(0.975, 10) * spread / np.sqrt(12))


def test_confusion_cells_are_counts_and_changes():
    before = np.diag([4, 2] + [0] * 6)
    after = before.copy()
    after[0] = [1, 3, 0, 0, 0, 0, 0, 0]
    figure = confusion.matrices(before, after, EXPRESSIONS, ("one", "two"))
    panels = [[text.get_text() for text in axes.texts] for axes in figure.axes[:3]]
    assert panels[0][0] == "4" and panels[1][:2] == ["1", "3"]
    assert panels[2][:3] == ["−75", "+75", ""]


def test_bars_are_as_long_as_their_numbers():
    rows = [("a", "paper", True, 3.5, np.nan, ""), ("a", "ours", False, 5.0, 0.5, "cadnet")]
    names = ["group", "label", "reported", "mean", "std", "experiment"]
    (axes,) = bars.grouped(pd.DataFrame(rows, columns=names), "error (%)").axes
    assert [bar.get_width() for bar in axes.patches] == [3.5, 5.0]
    assert texts(axes.figure) == ["3.50", "5.00 ± 0.50"]


def test_pictures_are_darkened_by_the_cell():
    image = np.full((4, 4, 3), 200, dtype=np.uint8)
    mask = np.array([[1.0, 0.0], [0.0, 1.0]])
    shown = dimmed(image, mask)
    assert shown[0, 0, 0] == shown[3, 3, 0] == 200 and shown[0, 3, 0] == shown[1, 2, 0] == 50
    assert side_for(1) == 128 > side_for(100)

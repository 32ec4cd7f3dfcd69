"""Table and figure E1 against sums by hand."""

import csv
from statistics import mean, stdev

import pytest

from cadnet.evaluation.measure import Row
from cadnet.paper.declarations import declared
from cadnet.paper.drawing import compression as drawing
from cadnet.paper.kinds import fill
from cadnet.paper.kinds.compression import loss
from cadnet.paper.results import Results, Score

ERRORS = {"cadnet": [10.0, 12.0], "cadnet_int8": [11.0, 12.6], "cadnet_half": [9.5, 12.0]}
FILES = {"cadnet": 1.0, "cadnet_int8": 0.25, "cadnet_half": 0.5}


@pytest.fixture
def results(tmp_path):
    scores = [
        Score(name, seed, "300w", "300w", subset, "nrmse_mean_io", value, 9)
        for name, values in ERRORS.items()
        for seed, value in enumerate(values)
        for subset in ("full", "challenging")
    ]
    place = ("cpu", "some CPU", 1, 64)
    rows = [
        Row(name, *place, metric, FILES[name] * scale, *ends)
        for name in ERRORS
        for metric, scale, ends in (
            ("file_mib", 2.0, (None, None, 0)),
            ("parameters", 2e5, (None, None, 0)),
            ("multiply_adds", 6e6, (None, None, 0)),
            ("latency_ms_onnx", 0.4, (0.01, 0.5, 9)),
            ("latency_ms_torch", 2.0, (0.1, 2.5, 9)),
            ("fps_onnx_batch32", 900.0, (1.0, 901.0, 9)),
        )
        if name != "cadnet_int8" or metric != "latency_ms_torch"
    ]
    file = tmp_path / "compression.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([Row._fields, *rows])
    counts = {"helen/testset": 3, "lfpw/testset": 3, "ibug": 3}
    about = {"origin": "built-in", "partial": False, "counts": counts, "digest": "d",
             "occlusion_labels": False}  # fmt: skip
    return Results(tuple(scores), {"300w": about}, efficiency=file)


def test_the_loss_is_that_of_each_seed(results):
    column = declared().tables["E1"].columns[-1]
    by_hand = [100 * (11 / 10 - 1), 100 * (12.6 / 12 - 1)]
    found = loss(results, "cadnet_int8", "cadnet", column)
    assert found.mean == pytest.approx(mean(by_hand))
    assert found.std == pytest.approx(stdev(by_hand))
    assert loss(results, "cadnet_longer", "cadnet", column) is None


def test_the_table_has_what_is_gained_and_lost(results):
    table = fill("E1", results)
    cells = {line.label: dict(zip(table.columns, line.cells, strict=True)) for line in table.lines}
    assert cells["8 bits"]["Full, more than CAD-Net, %"].text() == "7.5 ± 3.5"
    assert cells["8 bits"]["File, MiB"].mean == 0.5
    assert cells["8 bits"]["Latency in PyTorch, ms"].text() == "–"
    assert cells["Half the channels"]["Latency in PyTorch, ms"].mean == 1.0
    assert "not measured" in cells["Half the rank"]["File, MiB"].missing
    assert "0.25 × the file, 0.25 × the latency in onnxruntime, error +7.5 ± 3.5 %" in table.note
    assert "error -2.5 ± 3.5 %" in table.note and "Half the rank:" not in table.note


def test_the_figure_shows_each_model_at_its_costs(results):
    figure = drawing.draw("E1", declared().figures["E1"], results)
    assert len(figure.axes) == 3
    for axes, costs in zip(figure.axes, ([2, 0.5, 1], [6, 1.5, 3], [0.4, 0.1, 0.2]), strict=True):
        points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() in "osX"]
        for point in zip(costs, map(mean, ERRORS.values()), strict=True):
            assert any(found == pytest.approx(point) for found in points), (point, points)


def test_without_the_study_both_say_so(tmp_path):
    about = {"origin": "built-in", "partial": False, "counts": {}, "digest": "d",
             "occlusion_labels": False}  # fmt: skip
    table = fill("E1", Results((), {"300w": about}))
    assert all(cell.mean is None for line in table.lines for cell in line.cells)
    with pytest.raises(drawing.Missing):
        drawing.draw("E1", declared().figures["E1"], Results((), {"300w": about}))

import statistics

import pandas as pd
import pytest
import yaml

from cadnet.paper import declarations, tables
from cadnet.paper.cells import Results, fill
from cadnet.params import load
from tests.conftest import ROOT
from tests.paper.conftest import CAD_NET, about, scores


def line(table, label, kind="reproduced"):
    (found,) = [ln for ln in table.lines if ln.label == label and ln.kind == kind]
    return found


def test_mean_and_standard_deviation_are_over_seeds(results):
    table = fill("T2", results)
    for cell, subset in zip(line(table, "CAD-Net").cells, ("common", "full"), strict=True):
        assert cell.mean == pytest.approx(statistics.mean(CAD_NET[subset]))
        assert cell.std == pytest.approx(statistics.stdev(CAD_NET[subset]))
        assert cell.seeds == (0, 1, 2)
        assert cell.text() == f"{cell.mean:.2f} ± {cell.std:.2f}"


def test_one_seed_has_no_spread(results):
    cell = line(fill("T2", results), "ResNet-18 (unified)").cells[0]
    assert cell.std is None and cell.text() == "25.00 (1 seed)"


def test_what_does_not_beat_the_mean_shape_is_flagged(results):
    table = fill("T4", results)
    assert not line(table, "ResNet-18 (unified)").cells[0].beaten
    assert line(table, "CAD-Net").cells[0].beaten


def test_equal_to_the_mean_shape_is_no_win():
    table = scores()
    table.loc[table["experiment"] == "resnet18", "value"] = 20.0
    cell = line(fill("T4", Results(table, {"300w": about()})), "ResNet-18 (unified)").cells[0]
    assert not cell.beaten


@pytest.mark.parametrize(
    ("table", "label", "column", "why"),
    [
        ("T2", "CAD-Net+", 0, "cadnet_plus needs pretraining on Menpo"),
        ("T7", "CAD-Net", 2, "aflw not present"),
        ("T7", "CAD-Net", 0, "cofw not present"),
        ("T5", "CAD-Net", 0, "no occlusion labels for ibug/"),
        ("T12", "ResNet-18 + ADB + LLB", 0, "no run of adb_llb on it"),
    ],
)
def test_what_is_not_there_says_why(results, table, label, column, why):
    cell = line(fill(table, results), label).cells[column]
    assert cell.mean is None
    assert cell.text().startswith(f"not available: {why}")


def test_an_absent_test_folder_is_named():
    counts = {**about()["counts"], "ibug": 0, "lfpw/testset": 0}
    partial = Results(scores(), {"300w": about(counts=counts, partial=True, origin="official")})
    table = fill("T2", partial)
    common, full = line(table, "CAD-Net").cells
    assert common.text() == "not available: lfpw/testset/ not present"
    assert full.text() == "not available: lfpw/testset/, ibug/ not present"


def test_reported_numbers_are_the_papers():
    """Spot checks against the printed tables."""
    rows = {
        name: {row.method: row.values for row in table.rows}
        for name, table in declarations.reported().items()
    }
    assert rows["T2"]["CAD-Net"] == [2.34, 2.90] and rows["T2"]["CAD-Net+"] == [2.16, 2.70]
    assert rows["T2"]["POPos"] == [None, 3.38]
    assert rows["T4"]["ADODN"] == [5.81] and rows["T4"]["CAD-Net"] == [5.21]
    assert rows["T5"]["CAD-Net"] == [4.28, 5.57, 6.94]
    assert rows["T12"]["ResNet-18"] == [7.21]
    # Full is the mixture of Common and Challenging where the paper agrees with itself.
    mixture = (554 * 2.34 + 135 * 5.21) / 689
    assert mixture == pytest.approx(2.90, abs=0.005)


def test_every_declared_experiment_exists_or_is_planned():
    known = set(load(ROOT / "params.yaml", {}).experiments) | set(declarations.declared().planned)
    for table in declarations.declared().tables.values():
        for row in table.reproduced:
            for column in range(len(table.columns)):
                assert row.at(column) is None or row.at(column) in known
    for figure in declarations.declared().figures.values():
        assert set(figure.experiments) <= known


def test_reported_rows_need_a_value_for_each_column(tmp_path, monkeypatch):
    files = [tmp_path / path.name for path in declarations._FILES]
    for old, new in zip(declarations._FILES, files, strict=True):
        new.write_text(old.read_text())
    tree = yaml.safe_load(files[1].read_text())
    tree["T2"]["rows"][0]["values"].pop()
    files[1].write_text(yaml.safe_dump(tree))
    monkeypatch.setattr(declarations, "_FILES", tuple(files))
    declarations.reported.cache_clear()
    with pytest.raises(ValueError, match="T2, ODN: a value for each column"):
        declarations.reported()
    declarations.reported.cache_clear()


@pytest.mark.parametrize(
    ("trained", "tested", "mark"),
    [
        ({}, {}, "ᵇ"),
        ({"origin": "official"}, {"origin": "official"}, "ᵒ"),
        ({}, {"origin": "official"}, "ᵇ→ᵒ"),
        ({"origin": "official"}, {"origin": "official", "partial": True}, "ᵒ→ᵖ"),
    ],
)
def test_each_number_says_what_it_was_measured_on(trained, tested, mark):
    """T7's first column: trained on 300W, tested on COFW."""
    row = ("cadnet", 0, "300w", "cofw", "test", "nrmse_mean_io", 9.0, 5)
    table = pd.DataFrame([row], columns=scores().columns)
    data = {"300w": about(**trained), "cofw": about(**tested)}
    filled = fill("T7", Results(table, data))
    cell = line(filled, "CAD-Net").cells[0]
    assert cell.mark == mark and tables.text(cell) == f"9.00 (1 seed) {mark}"
    assert "trained on 300w: " in cell.data and "tested on cofw: " in cell.data
    assert [text.split(":")[0] for text in filled.measured_on] == ["300w", "cofw"]
    assert all(not cell.mark for ln in filled.lines if ln.kind == "reported" for cell in ln.cells)

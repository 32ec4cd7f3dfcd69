import importlib
import json
import statistics

import pandas as pd
import pytest
from pydantic import ValidationError

from cadnet.paper import declarations, formats
from cadnet.paper.cells import Filled
from cadnet.paper.kinds import fill
from cadnet.paper.reported import reported
from cadnet.paper.results import Results
from cadnet.params import load
from cadnet.provenance import imported_modules
from tests.conftest import ROOT
from tests.paper.conftest import CAD_NET, about, as_scores, scores


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
    cell = line(
        fill("T4", Results(as_scores(table), {"300w": about()})), "ResNet-18 (unified)"
    ).cells[0]
    assert not cell.beaten


@pytest.mark.parametrize(
    ("table", "label", "column", "why"),
    [
        ("T2", "CAD-Net+", 0, "no run of cadnet_plus on it"),
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
    partial = Results(
        as_scores(scores()), {"300w": about(counts=counts, partial=True, origin="official")}
    )
    table = fill("T2", partial)
    common, full = line(table, "CAD-Net").cells
    assert common.text() == "not available: lfpw/testset/ not present"
    assert full.text() == "not available: lfpw/testset/, ibug/ not present"


def test_every_declared_name_exists():
    params = load(ROOT / "params.yaml", {})
    declared, models = declarations.declared(), {*params.experiments, *params.quantised()}
    for item in (*declared.tables.values(), *declared.figures.values()):
        assert set(item.needed_experiments()) <= models
        assert set(item.needed_datasets()) <= set(params.data.builtin.datasets())
        assert set(item.architectures) <= set(params.models)


def test_every_result_of_the_paper_is_declared():
    """The inventory's numbers: tables 1 to 15, and what the text promises, as table or figure."""
    declared = declarations.declared()
    assert {f"T{n}" for n in range(1, 16)} <= set(declared.tables)
    assert {f"X{n}" for n in range(1, 14)} <= {*declared.tables, *declared.figures}
    assert {f"F{n}" for n in range(1, 12)} <= set(declared.figures)


def test_reported_tables_have_the_declared_columns():
    for name, table in reported().tables.items():
        ours = declarations.declared().tables[name]
        if ours.kind == "scores":
            assert len(table.columns) == len(ours.columns), name
    lines = fill("T10", Results(as_scores(scores()), {})).lines
    cell = next(ln for ln in lines if ln.label == "CAD-Net (full)" and ln.kind == "reported")
    assert cell.cells[0].text() == "87.10 ± 0.30"


def test_accuracy_is_better_when_higher():
    """Of two models one is better than always saying the most frequent expression."""
    columns = scores().columns
    rows = [
        (name, 0, "affectnet", "ckplus", "test", "accuracy", value, 9)
        for name, value in (("cadnet_fer", 60.0), ("resnet18_fer_only", 10.0), ("majority", 20.0))
    ]
    data = {name: about() for name in ("affectnet", "ckplus")}
    table = fill("T10", Results(as_scores(pd.DataFrame(rows, columns=columns)), data))
    assert line(table, "CAD-Net (full)").cells[0].beaten
    assert not line(table, "ResNet-18 (FER-only)").cells[0].beaten
    assert [ln.label for ln in table.lines if ln.kind == "trivial"] == [
        "Most frequent expression (trivial predictor)"
    ]


def test_a_table_survives_its_file(results):
    for name in ("T1", "T2", "T3", "T7", "X4", "X7", "X11", "C2"):
        table = fill(name, results)
        assert Filled.from_json(json.loads(json.dumps(table.as_json()))) == table
        assert {len(ln.cells) for ln in table.lines} == {len(table.columns)}


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
    filled = fill("T7", Results(as_scores(table), data))
    cell = line(filled, "CAD-Net").cells[0]
    assert cell.mark == mark and formats.text(cell) == f"9.00 (1 seed) {mark}"
    assert "trained on 300w: " in cell.data and "tested on cofw: " in cell.data
    assert [text.split(":")[0] for text in filled.measured_on] == ["300w", "cofw"]
    assert all(not cell.mark for ln in filled.lines if ln.kind == "reported" for cell in ln.cells)


def test_a_figure_depends_on_the_code_of_its_own_kind_alone():
    modules = imported_modules("cadnet.paper.figures", declarations.drawn_by("F7"))
    kinds = set(declarations.FIGURE_KINDS.values())
    assert kinds & set(modules) == {declarations.FIGURE_KINDS["ced"]}


def test_figures_name_known_kinds_architectures_and_test_sets():
    params, declared = load(ROOT / "params.yaml", {}), declarations.declared()
    for name, figure in declared.figures.items():
        assert set(figure.drawn) <= set(params.models), name
        assert hasattr(importlib.import_module(declarations.drawn_by(name)), "draw")
        if shown := figure.examples:
            assert shown.dataset in params.experiments[shown.experiment].test_on, name
        assert figure.caption.endswith("."), name
    broken = declared.model_dump()
    broken["figures"]["F7"]["kind"] = "painting"
    with pytest.raises(ValidationError, match="F7: kind is one of sheet, "):
        declarations.Declarations.model_validate(broken)

"""Tables, figures and the page as files."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from cadnet import integrity
from cadnet.paper import figures, formats, plots, tables
from cadnet.paper.kinds import fill
from cadnet.paper.results import Results
from tests.paper.conftest import about


def test_csv_has_full_numbers_and_where_they_come_from(results):
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(fill("T2", results)))))
    (cell,) = [r for r in rows if r["experiment"] == "cadnet" and r["column"] == "Common"]
    assert (cell["kind"], cell["mean"], cell["std"]) == ("reproduced", "5.5", "1.80278")
    assert (cell["seeds"], cell["images"], cell["digest"]) == ("0 1 2", "9", "d" * 64)
    assert cell["data"] == "300w: built-in faces, complete"
    reported = [r for r in rows if r["kind"] == "reported"]
    assert reported and not any(r["digest"] or r["seeds"] for r in reported)


def test_markdown_is_a_table_of_equal_rows(results):
    lines = [x for x in formats.to_markdown(fill("T2", results)).splitlines() if x[:1] == "|"]
    assert len({line.count("|") for line in lines}) == 1
    assert any("⚠ does not beat the trivial predictor" in line for line in lines)


def test_latex_escapes_what_latex_would_take_as_its_own(results):
    assert formats.latex("50 % of a_b & {c} \\d ⚠ ±ᵇ") == (
        r"50 \% of a\_b \& \{c\} \textbackslash{}d \ensuremath{\triangle} \ensuremath{\pm}"
        r"\textsuperscript{b}"
    )
    for name in ("T1", "T7", "C2", "X3"):
        assert formats.to_latex(fill(name, results)).isascii(), name
    text = formats.to_latex(fill("T7", results))
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {4}


def draw(saved, folder, names=("F7", "F8"), more=()):
    for name in names:
        assert figures.main([*saved, *more, f"--figure={name}", f"--out={folder}"]) == 0
    return folder


@pytest.fixture
def faces(tmp_path):
    """Faces as ``cadnet.evaluation.examples`` writes them: of 300W, with masks."""
    rng = np.random.default_rng(4)
    path = tmp_path / "faces.npz"
    arrays = {
        "images": rng.integers(0, 256, (6, 8, 8, 3)).repeat(4, 1).repeat(4, 2).astype(np.uint8),
        "truth": rng.uniform(0, 32, (6, 68, 2)), "predicted": rng.uniform(0, 32, (6, 68, 2)),
        "errors": rng.uniform(2, 9, 6), "occluded": np.full((6, 68), np.nan),
        **{name: rng.uniform(size=(6, 4, 4)) for name in ("drop", "importance", "final")},
        "keys": np.array(list("abcdef")), "expression": np.full(6, -1),
        "predicted_expression": np.full(6, -1), "reason": np.array(""),
    }  # fmt: skip
    np.savez(path, **arrays)
    return path


def test_figures_are_the_same_bytes_valid_and_small(saved, faces, params, tmp_path):
    shapes = {"cadnet": params.models["cadnet"].model_dump(mode="json")}
    shapes["cadnet_fer"] = params.models["cadnet_fer"].model_dump(mode="json")
    more = [f"--examples={faces}", f"--models={json.dumps({'size': 32, 'models': shapes})}"]
    names = ["F10", "F3", "F4", "F5", "F7", "F8", "F9"]
    first, second = (draw(saved, tmp_path / folder, names, more) for folder in ("one", "two"))
    drawn = sorted(path.name for path in first.iterdir() if path.name != integrity.FOLDER)
    assert drawn == sorted(f"{name}.{kind}" for name in names for kind in ("png", "svg"))
    for name in drawn:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
        if name.endswith("svg"):
            assert (first / name).stat().st_size < 400_000, name
            assert ET.parse(first / name).getroot().tag.endswith("svg")


def said(figure):
    """What a figure without data says."""
    (text,) = figure.axes[0].texts
    return text.get_text().replace("\n", " ")


def test_a_figure_without_data_says_so(results, errors, tmp_path):
    counts = {**about()["counts"], "ibug": 0}
    folders = (tmp_path / "results/all",)
    partial = Results(results.scores, {"300w": about(counts=counts)}, folders=folders)
    assert said(figures.draw("F8", partial)) == "not available: ibug/ not present"
    assert said(figures.draw("F10", partial)) == "not available: ibug/ not present"
    nothing = Results(results.scores[:0], results.data)
    for name, why in (
        ("F1", "cofw not present"),
        ("F3", "no run of resnet18 on 300w"),
        ("F8", "no run of its experiments"),
        ("F9", "no run of its experiments"),
        ("X4", "needs four runs or more of both tasks"),
        ("X5", "no face with an expression was tested with both models"),
        ("X6", "nothing was measured"),
        ("X7", "no experiment to search with is selected"),
        ("X10", "nothing was measured"),
        ("X13", "affectnet not present"),
    ):
        assert said(figures.draw(name, nothing)) == f"not available: {why}"


def test_faces_that_may_not_be_shown_say_why(results, tmp_path):
    np.savez(tmp_path / "hidden.npz", reason=np.array("official photographs are hidden"))
    hidden = Results(results.scores, results.data, examples=tmp_path / "hidden.npz")
    assert said(figures.draw("F10", hidden)) == "not available: official photographs are hidden"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda text: text.replace(",images", "", 1), "scores.csv: lacks the columns images"),
        (lambda text: text[: text.rindex(",")], "is no score; delete it and run again"),
        (lambda text: text.replace("4.0", "4.O", 1), "scores.csv: line 2 is no score"),
    ],
    ids=["no column", "cut off", "no number"],
)
def test_scores_that_are_not_whole_are_refused(saved, tmp_path, capsys, broken, why):
    path = tmp_path / "results/all/scores.csv"
    path.write_text(broken(path.read_text()))
    out = [f"--out={tmp_path / 'tables'}", f"--filled={tmp_path / 'T2.json'}"]
    assert tables.main(["--table=T2", *saved, *out]) == 1
    assert why in capsys.readouterr().err


def test_curves_are_means_over_seeds_and_forget_old_experiments(tmp_path):
    values = {0: [9.0, 4.0], 1: [11.0, 8.0]}
    for seed, column in values.items():
        history = tmp_path / f"cadnet/seed{seed}/history.csv"
        history.parent.mkdir(parents=True)
        rows = "".join(f"{i},{2.0 * v},{v}\n" for i, v in enumerate(column, start=1))
        history.write_text(f"epoch,loss,validation_nrmse_mean_io\n{rows}")
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves/gone.csv").write_text("epoch\n")
    arguments = ["--histories", *map(str, sorted(tmp_path.glob("*/*/history.csv")))]
    arguments += ["--curves", str(tmp_path / "curves"), "--page", str(tmp_path / "plots.html")]
    assert plots.main(arguments) == 0
    (curve,) = (p for p in (tmp_path / "curves").iterdir() if p.name != integrity.FOLDER)
    table = pd.read_csv(curve)
    assert table["validation_nrmse_mean_io"].tolist() == [10.0, 6.0]
    assert table["loss"].tolist() == [20.0, 12.0]
    assert table["seeds_highest"].tolist() == [11.0, 8.0]
    page = (tmp_path / "plots.html").read_text()
    assert page.count("{plot_divs}") == 1 and not re.search(r"<script[^>]+src", page)

"""Tables, figures and the page as files."""

import csv
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd

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


def test_cumulative_is_the_share_up_to_each_value():
    grid, errors = np.linspace(0, 10, 21), np.array([1.0, 2.5, 2.5, 9.0, 30.0])
    naive = [100 * sum(e <= x for e in errors) / 5 for x in grid]
    np.testing.assert_allclose(figures.cumulative(errors, grid), naive)


def draw(saved, folder, names=("F7", "F8")):
    for name in names:
        assert figures.main([*saved, f"--figure={name}", f"--out={folder}"]) == 0
    return folder


def test_figures_are_the_same_bytes_and_valid(saved, tmp_path):
    first, second = draw(saved, tmp_path / "one"), draw(saved, tmp_path / "two")
    names = sorted(path.name for path in first.iterdir())
    assert names == ["F7.png", "F7.svg", "F8.png", "F8.svg"]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
        if name.endswith("svg"):
            assert ET.parse(first / name).getroot().tag.endswith("svg")


def test_a_figure_without_data_says_so(results, saved, tmp_path):
    counts = {**about()["counts"], "ibug": 0}
    folders = (tmp_path / "results/all",)
    partial = Results(results.scores, {"300w": about(counts=counts)}, folders=folders)
    (text,) = figures.draw("F8", partial).axes[0].texts
    assert text.get_text() == "not available: ibug/ not present"
    assert figures.draw("F8", Results(results.scores, results.data, folders=folders)).axes[0].lines


def test_scores_without_a_column_are_refused(saved, tmp_path, capsys):
    path = tmp_path / "results/all/scores.csv"
    pd.read_csv(path).drop(columns="images").to_csv(path, index=False)
    out = [f"--out={tmp_path / 'tables'}", f"--filled={tmp_path / 'T2.json'}"]
    assert tables.main(["--table=T2", *saved, *out]) == 1
    assert "scores.csv: lacks the columns images" in capsys.readouterr().err


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
    (curve,) = (tmp_path / "curves").iterdir()
    table = pd.read_csv(curve)
    assert table["validation_nrmse_mean_io"].tolist() == [10.0, 6.0]
    assert table["loss"].tolist() == [20.0, 12.0]
    assert table["seeds_highest"].tolist() == [11.0, 8.0]
    page = (tmp_path / "plots.html").read_text()
    assert page.count("{plot_divs}") == 1 and not re.search(r"<script[^>]+src", page)

"""The paper's sources, and its pdf where TeX is installed."""

import base64
import re
import shutil

import pytest

from cadnet.paper import formats, latex, typeset
from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.declarations import declared
from tests.paper.conftest import about, run
from tests.paper.test_report import claim_table, one_table

EVIL = r"50 % of a_b & {c} \input{/etc/passwd} $x^2$ #1 ~ ⚠ ± λ′ → ᵇ “q”"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def tables():
    audit = Line("x", "audit", tuple(map(words, ("T2", EVIL, "4.14", "4.12 " * 30, "no"))))
    columns = ("Where", "Statement", "Numbers used", "Computed", "Holds")
    flagged = Cell("reproduced", mean=5.0, std=1.0, seeds=(0, 1), mark="ᵇ", beaten=False)
    return [
        claim_table("C1"),
        Filled("C2", "Audit", columns, (audit,), head="Check"),
        one_table("T2", flagged, Cell("reproduced", missing=EVIL[:40])),
        one_table("X5", words(EVIL), words("long words " * 12), note=EVIL),
    ]


@pytest.fixture
def source(tables):
    runs = [run("cadnet", 0), {**run("dgb_adb_cofw", 1), "commit": "f" * 40 + "+changes"}]
    return latex.document(tables, {"300w": about(missing=[EVIL], partial=True)}, runs, "demo")


def lay(folder, source, tables):
    """The document with what it includes, where it expects it."""
    for name in ("paper", "tables", "figures"):
        (folder / name).mkdir()
    for table in tables:
        (folder / f"tables/{table.name}.tex").write_text(formats.to_latex(table))
    for name in declared().figures:
        (folder / f"figures/{name}.png").write_bytes(PIXEL)
    (folder / "paper/paper.tex").write_text(source)
    return folder / "paper/paper.tex"


def test_environments_are_balanced_and_text_is_escaped(source):
    assert source.isascii()
    waiting = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", source.split(r"\maketitle")[1]):
        if what == "begin":
            waiting.append(name)
        elif name != "document":
            assert waiting.pop() == name
    assert waiting == []
    body = source.split(r"\maketitle")[1]
    assert len(re.findall(r"(?<!\\)\{", body)) == len(re.findall(r"(?<!\\)\}", body))
    assert r"50 \% of a\_" in body and r"\input{/etc" not in body
    rows = [line for line in body.splitlines() if line.endswith(r"\\[2pt]")]
    assert rows and all(len(re.findall(r"(?<!\\)&", row)) in (2, 3, 4, 8) for row in rows)


def test_every_figure_and_filled_table_is_there_in_order(source):
    figures = re.findall(r"\\drawing\{\.\./figures/(\w+)\.png\}", source)
    assert sorted(figures) == sorted(declared().figures)
    labels = re.findall(r"\\label\{tab:(\w+)\}|\\input\{\.\./tables/(\w+)\.tex\}", source)
    assert ["".join(pair) for pair in labels] == ["T2", "X5", "C1", "C2", "A1", "A2"]
    assert "verdicts are about the mechanism" in source


def test_widths_fill_the_line_and_no_word_is_cut():
    rows = [["a", "unbreakableword", "long text " * 40], ["b", "x", "y"]]
    widths = latex._widths(rows)
    assert sum(widths) == pytest.approx(1)
    assert widths[1] * 112 >= len("unbreakableword") and widths[2] == max(widths)
    assert sum(latex._widths([["w" * 90, "v" * 90]])) == pytest.approx(1)


def test_no_tex_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert typeset.program() is None
    with pytest.raises(typeset.TypesettingError, match="no TeX"):
        typeset.typeset(tmp_path / "paper.tex", tmp_path / "paper.pdf")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_tex_takes_it_and_gives_the_same_bytes(source, tables, tmp_path):
    tex = lay(tmp_path, source, tables)
    pdfs = [tmp_path / "one.pdf", tmp_path / "two.pdf"]
    for pdf in pdfs:
        assert typeset.main([f"--tex={tex}", f"--out={pdf}"]) == 0
    assert pdfs[0].read_bytes() == pdfs[1].read_bytes()
    assert [path.name for path in tex.parent.iterdir()] == ["paper.tex"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_what_tex_refuses_leaves_no_pdf(tmp_path, capsys):
    tex = tmp_path / "paper.tex"
    tex.write_text(r"\documentclass{article}\begin{document}\nosuchcommand\end{document}")
    assert typeset.main([f"--tex={tex}", f"--out={tmp_path / 'paper.pdf'}"]) == 1
    assert "Undefined control sequence" in capsys.readouterr().err
    assert not (tmp_path / "paper.pdf").exists()

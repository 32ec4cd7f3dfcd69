"""The page, read as a browser's parser reads it; and in a browser, where one is installed."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from cadnet.paper import report
from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.claims.schema import claims
from cadnet.paper.declarations import declared
from cadnet.paper.kinds.claims import COLUMNS
from cadnet.paper.page import curves, order, view
from tests.browser import PROGRAM, browser
from tests.paper.conftest import about, run

EMPTY = {"meta", "br", "img", "link", "hr", "input"}
VERDICTS = list(view.VERDICTS)


class Page(HTMLParser):
    """Ids, links and rows of a page, and whether its elements are closed."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.open, self.rows, self.tables = [], [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        self.links += [found[k] for k in ("href", "src", "xlink:href") if found.get(k)]
        if tag == "tr":
            self.rows.append(found)
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def claim_table(name):
    """C1 or C3: verdicts in turn, for the first claims or the last."""
    ids = list(claims())
    chosen = ids[:9] if name == "C1" else ids[-2:]
    lines = []
    for i, identifier in enumerate(chosen):
        said = ["table 5", f"claim{i}", "5.21", "5.3", VERDICTS[i % 4], "why", "300w"]
        lines.append(Line(identifier, "reproduced", tuple(words(text) for text in said)))
    return Filled(name, "Claims", COLUMNS, tuple(lines), head="Claim")


def one_table(name, *cells, note="", row="Row"):
    columns = tuple(f"Column {i}" for i in range(len(cells)))
    return Filled(name, "Title", columns, (Line(row, "reproduced", cells),), note=note)


@pytest.fixture
def tables():
    """Each of the forms that cells have: of runs, of devices, of several experiments, of none."""
    of_runs = Cell(
        "reproduced", mean=5.0, std=1.0, seeds=(0, 1), images=9, experiment="cadnet",
        data="300w: built-in faces", mark="ᵇ", digest="d" * 64, beaten=False,
    )  # fmt: skip
    audit = Line("full-ADN", "audit", tuple(map(words, ("T2", "Full = …", "4.14", "4.12", "no"))))
    columns = ("Where", "Statement", "Numbers used", "Computed", "Holds")
    return [
        claim_table("C1"),
        claim_table("C3"),
        Filled("C2", "Audit", columns, (audit,), head="Check"),
        one_table("T2", of_runs, Cell("reproduced", missing="aflw not present")),
        one_table("T3", Cell("reproduced", mean=3.0, experiment="cadnet", data="a CPU")),
        one_table("X4", Cell("reproduced", mean=-0.5), words("[−1, 0]"), note="A <b> & c."),
        one_table("X5", Cell("reproduced", mean=50.0, digits=1), words("happy (100 %)")),
        one_table("X12", words("claim"), words("supported"), row=next(iter(claims()))),
    ]


@pytest.fixture
def arguments(tables, errors, tmp_path):
    """The page's arguments; figures are small drawings of their own, one of them large."""
    figures = tmp_path / "figures"
    figures.mkdir()
    for name in declared().figures:
        size = report.LARGEST_SVG if name == "F8" else 10
        (figures / f"{name}.svg").write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 5 5"><!--{"x" * size}--></svg>'
        )
        (figures / f"{name}.png").write_bytes(b"\x89PNG")
    for table in tables:
        (tmp_path / f"{table.name}.json").write_text(json.dumps(table.as_json()))
    errors.to_parquet(tmp_path / "errors.parquet", index=False)
    runs = [*(run("cadnet", seed) for seed in range(3)), run("resnet18", 0)]
    (tmp_path / "runs.json").write_text(json.dumps(runs))
    (tmp_path / "data.json").write_text(json.dumps({"300w": about()}))
    return [
        "--tables", *(str(tmp_path / f"{table.name}.json") for table in tables),
        "--runs", str(tmp_path / "runs.json"), "--data", str(tmp_path / "data.json"),
        "--figures", str(figures), "--errors", str(tmp_path / "errors.parquet"),
        "--preset", "demo", "--paper", "paper/paper.tex", "--out", str(tmp_path / "index.html"),
    ]  # fmt: skip


@pytest.fixture
def made(arguments, tmp_path):
    """The page's path and text."""
    assert report.main(arguments) == 0
    path = tmp_path / "index.html"
    return SimpleNamespace(path=path, text=path.read_text(), url=path.as_uri())


def test_the_page_stands_alone_and_its_links_lead_somewhere(made):
    page = Page(made.text)
    assert len(page.ids) == len(set(page.ids))
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner <= set(page.ids), inner - set(page.ids)
    outer = [x for x in page.links if not x.startswith(("#", "data:"))]
    assert all(re.fullmatch(r"(tables|figures|paper)/\w+\.\w+", link) for link in outer), outer
    assert {"run-cadnet", "claim-" + next(iter(claims()))} <= inner


def test_every_declared_table_and_figure_has_its_part(made):
    ids = Page(made.text).ids
    for name in (*declared().tables, *declared().figures):
        assert name in ids, name
    assert all(f"figure-{name}" in ids for name in declared().figures)
    places = [ids.index(name) for group in order.groups() for name in group.names]
    assert places == sorted(places)


def test_the_order_is_the_papers_and_nothing_is_left_out():
    names = [name for group in order.groups() for name in group.names]
    assert len(names) == len(set(names))
    assert {*names, *order.IN_OVERVIEW} == {*declared().tables, *declared().figures}
    tens = [name for name in names if name[0] == "X"]
    assert tens == sorted(tens, key=lambda name: int(name[1:]))
    assert [n for n in names if n in ("T4", "F8", "T3", "F7")] == ["T3", "F7", "T4", "F8"]


def test_rows_of_claims_and_the_counts(made):
    rows = [row for row in Page(made.text).rows if "data-verdict" in row]
    assert [row["data-verdict"] for row in rows[:5]] == [*VERDICTS, VERDICTS[0]]
    assert len(rows) == 11
    for verdict in VERDICTS:
        count = sum(row["data-verdict"] == verdict for row in rows)
        assert f"{verdict} ({count})" in made.text


def test_claims_name_the_runs_of_their_experiments(tables):
    filled = {table.name: table for table in tables}
    found = {claim.id: claim for claim in view.asked(filled, {"cadnet", "resnet18", "odn"})}
    assert found["abstract-occlusion-aware"].experiments == ["cadnet", "odn"]
    assert set(view.counts([])) == set(VERDICTS)


def test_what_to_supply_names_what_it_fills(made):
    named = [name for group in order.groups() for name in group.names]
    start = {**run("cadnet_plus", 0), "parameters": {"start_from": "cadnet_menpo"}}
    menpo = {**run("cadnet_menpo", 0), "train_on": "menpo"}
    runs = view.by_experiment([start, menpo, run("cadnet", 0)])
    data = {"300w": about(), "cofw": about(origin="official"),
            "aflw": about(origin="official", partial=True, missing=["4"])}  # fmt: skip
    found = {item.dataset: item for item in view.supplies(named, data, runs)}
    assert found["300w"].state == "built-in faces in its place"
    assert {"T2", "T4", "T7", "F7"} <= set(found["300w"].fills) and "T6" not in found["300w"].fills
    assert found["aflw"].missing == ["4"] and "T6" in found["aflw"].fills
    assert "cofw" not in found and found["jaffe"].state == "absent"
    assert {"T2", "X9"} <= set(found["menpo"].fills) and "T5" not in found["menpo"].fills


def test_flags_and_missing_numbers_are_listed(made):
    assert "Measured on <b>built-in synthetic faces</b>" in made.text
    assert "aflw not present" in made.text and "does not beat the trivial predictor" in made.text
    assert "sources only" in made.text and "cccccccccc" in made.text


def test_without_built_in_faces_nothing_warns_of_them(arguments, tmp_path):
    official = {"300w": about(origin="official")}
    (tmp_path / "data.json").write_text(json.dumps(official))
    assert report.main(arguments) == 0
    assert "built-in synthetic" not in (tmp_path / "index.html").read_text()


def test_names_are_escaped(arguments, tmp_path):
    evil = "</script><script>alert(1)</script>"
    data = {"300w": about(missing=[evil], partial=True)}
    (tmp_path / "data.json").write_text(json.dumps(data))
    assert report.main(arguments) == 0
    assert "<script>alert" not in (tmp_path / "index.html").read_text()
    assert "<" not in report.inside_script({"label": evil})
    assert json.loads(report.inside_script({"label": evil})) == {"label": evil}


def test_photographs_are_shown_by_the_smaller_file(made):
    assert made.text.count("data:image/png") == 1


def test_curves_are_shares_of_images(errors, tmp_path):
    path = tmp_path / "errors.parquet"
    errors.to_parquet(path, index=False)
    figure = declared().figures["F7"]
    found = curves.curves(path, figure)
    method = next(m for m in found["methods"] if m["name"] == "cadnet")
    assert method["seeds"] == 3 and method["images"] == 10
    rows = pq.read_table(path).to_pylist()
    for index in (0, 57, 133, 399):
        error = found["end"] * index / 399
        shares = []
        for seed in range(3):
            own = [r["error"] for r in rows if r["experiment"] == "cadnet" and r["seed"] == seed]
            shares.append(100 * sum(e <= error for e in own) / len(own))
        for key, value in (("mean", np.mean(shares)), ("low", min(shares)), ("high", max(shares))):
            assert len(method[key]) == curves.POINTS
            assert method[key][index] == pytest.approx(value, abs=0.006)
    errors[errors["dataset"] == "cofw"].to_parquet(path, index=False)
    assert curves.curves(path, figure) is None


@pytest.mark.parametrize("commit", ["0123456789abcdef" * 2 + "01234567", "unknown"])
def test_short_commits(commit):
    assert report.short_commit(commit) == commit[:10]


# --- in a browser ---------------------------------------------------------------------------------

needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
SHOWN = (
    "[...document.querySelectorAll('#claims tbody tr')].filter((row) => row.offsetHeight).length"
)


@pytest.fixture(scope="module")
def window():
    with browser() as found:
        yield found


@needs_browser
def test_it_opens_without_network_and_errors(made, window):
    window.open(made.url)
    assert window.errors() == []
    assert window.requests() == [made.url]
    assert window.run("document.querySelectorAll('#T2 > .scroll tbody tr').length") == 1
    assert window.run(SHOWN) == 11


@needs_browser
def test_the_filter_by_verdict_and_by_text(made, window):
    window.open(made.url)
    window.run("document.querySelector('[value=supported]').click()")
    assert window.run(SHOWN) == 7
    window.run("document.querySelector('#words').focus()")
    window.call("Input.insertText", text="claim1 TABLE")
    assert window.run(SHOWN) == 2
    assert window.run("document.querySelector('#shown').textContent") == "2 of 11 claims"
    hidden = f"claim-{next(iter(claims()))}"
    window.run(f"location.hash = '{hidden}'; new Promise((done) => setTimeout(done, 50))")
    assert window.run(SHOWN) == 3


@needs_browser
def test_the_filter_and_the_curves_by_keyboard(made, window):
    window.open(made.url)
    window.run("document.querySelector('[value=supported]').focus()")
    window.call("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", text=" ",
                windowsVirtualKeyCode=32)  # fmt: skip
    window.call("Input.dispatchKeyEvent", type="keyUp", key=" ", code="Space",
                windowsVirtualKeyCode=32)  # fmt: skip
    assert window.run(SHOWN) == 7
    window.run("document.querySelector('#F7 .ced svg').focus()")
    for _ in range(3):
        window.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight")
    said = window.run("document.querySelector('#F7 output').textContent")
    assert said.startswith("Error up to ") and "CAD-Net" in said


@needs_browser
def test_boxes_choose_methods_and_the_static_figure_gives_way(made, window):
    window.open(made.url)
    assert window.run("document.querySelector('#F7 img').offsetHeight") == 0
    window.run("document.querySelector('#F7 .ced svg').dispatchEvent("
               "new PointerEvent('pointermove', { clientX: 500 }))")  # fmt: skip
    said = "document.querySelector('#F7 output').textContent"
    assert "Mean shape" in window.run(said)
    window.run("document.querySelector('#F7 .ced input').click()")
    assert "Mean shape" not in window.run(said)


@needs_browser
def test_without_javascript_all_is_there(made, window):
    window.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open(made.url)
        assert window.run("document.querySelector('#filter').hidden") is True
        assert window.run(SHOWN) == 11
        assert window.run("document.querySelector('#F7 img').offsetHeight") > 0
    finally:
        window.call("Emulation.setScriptExecutionDisabled", value=False)


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_scrolls_tables_and_not_the_page(made, window, dark):
    window.open(made.url, width=360, height=700, dark=dark)
    assert window.run("document.documentElement.scrollWidth") <= 360
    colour = window.run("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", colour)[:3])) > 384
    assert light != dark


@needs_browser
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext")
def test_print_has_every_claim_whatever_the_filter_says(made, window, tmp_path):
    window.open(made.url)
    window.run("document.querySelector('[value=supported]').click()")
    window.printed(tmp_path / "page.pdf")
    done = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert all(f"claim{i}" in done.stdout for i in range(9))

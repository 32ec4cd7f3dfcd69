"""docs/quickstart.ipynb runs, from top to bottom, on what the pipeline made."""

import nbformat
from nbclient import NotebookClient

from tests.conftest import ROOT


def test_the_notebook_runs(smoke):
    notebook = nbformat.read(ROOT / "docs" / "quickstart.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # nothing made is committed
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(smoke)}}
    ).execute()
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    kinds = {kind for out in shown for kind in out.get("data", {})}
    assert {"image/png", "text/html"} <= kinds
    assert not [out for out in shown if out.output_type == "error"]

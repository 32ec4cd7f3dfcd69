"""Which commands make a recorded run again."""

import subprocess

import pytest
import yaml

from cadnet import provenance
from cadnet.paper import recompute
from cadnet.params import load, merge
from tests.conftest import ROOT

TEXT = (ROOT / "params.yaml").read_text()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout with the project's parameters; its commit."""
    (tmp_path / "params.yaml").write_text(TEXT)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(tmp_path)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "parameters"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(provenance, "PACKAGE_ROOT", tmp_path)
    return provenance.commit(tmp_path)


def record(text, config, commit, tmp_path, code=None):
    path = tmp_path / "then.yaml"
    path.write_text(text)
    return {
        "commit": commit,
        "config": config,
        "code": code or "0",
        "parameters": load(path, config).recorded(),
    }


@pytest.mark.parametrize(
    ("base", "wanted"),
    [
        ({"a": 1}, {"a": 1}),
        ({"a": 1, "b": {"c": 2, "d": [1]}}, {"a": 1, "b": {"c": 3, "d": [1, 2]}}),
        ({"a": {"b": 1}}, {"a": 5, "n": {"x": 1}}),
    ],
)
def test_differences_laid_upon_the_one_give_the_other(base, wanted):
    assert merge(base, recompute.differences(base, wanted)) == wanted
    assert recompute.differences(wanted, wanted) == {}
    assert recompute.differences({"a": 1, "b": 2}, {"a": 1}) == {"b": None}


def test_what_was_set_is_set_again(checkout, tmp_path):
    config = {"preset": "smoke", "train": {"epochs": 5}, "search": {"grids": {"rank": None}}}
    found = recompute.recipe(record(TEXT, config, checkout, tmp_path), TEXT)
    assert (found.commit, found.settings, found.remarks) == (checkout, config, ())
    lines = recompute.commands(found, "results/x")
    assert lines[0] == f"git checkout --quiet {checkout}"
    start = lines.index("cat > settings.yaml <<'END'")
    assert yaml.safe_load("\n".join(lines[start + 1 : lines.index("END")])) == config
    assert lines[-1] == "snakemake --cores all --configfile settings.yaml -- results/x"


def test_a_preset_alone_needs_no_file_and_nothing_set_nothing(checkout, tmp_path):
    found = recompute.recipe(record(TEXT, {"preset": "smoke"}, checkout, tmp_path), TEXT)
    assert recompute.commands(found, "x")[-1] == "snakemake --cores all --config preset=smoke -- x"
    found = recompute.recipe(record(TEXT, {}, checkout, tmp_path), TEXT)
    assert recompute.commands(found, "x")[-1] == "snakemake --cores all -- x"


def test_an_edited_params_file_becomes_settings_beside_the_commits_own(checkout, tmp_path):
    edited = TEXT.replace("  epochs: 14\n", "  epochs: 15\n").replace("[0, 1, 2] #", "[4] #")
    assert edited.count("epochs: 15") == 1
    made = record(edited, {"preset": "demo"}, f"{checkout}+changes", tmp_path)
    (tmp_path / "params.yaml").write_text(edited)  # as it still lies there
    found = recompute.recipe(made, edited)
    assert found.settings == {"seeds": [4], "train": {"epochs": 15}, "preset": "demo"}
    assert found.commit == checkout and "differed from this commit" in found.remarks[0]


def test_changes_that_were_committed_since_are_no_changes(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(recompute, "code_of_scores", lambda: "the same")
    made = record(TEXT, {}, f"{'1' * 40}+changes", tmp_path, code="the same")
    found = recompute.recipe(made, TEXT)
    assert (found.commit, found.remarks) == (checkout, ())


def test_what_no_setting_gives_is_said(checkout, tmp_path):
    made = record(TEXT, {}, checkout, tmp_path)
    made["parameters"]["experiments"]["cadnet"]["title"] = "other"
    found = recompute.recipe(made, TEXT)
    assert found.settings is None and "copy reports/provenance/params.yaml" in found.remarks[-1]


def test_without_git_the_code_that_is_here_is_taken(checkout, tmp_path):
    made = record(TEXT, {}, "unknown (not a git checkout)", tmp_path)
    found = recompute.recipe(made, TEXT)
    assert found.commit == "" and "no git checkout" in found.remarks[0]
    assert not recompute.commands(found, "x")[0].startswith("git")

"""The commands that make a recorded result again in a fresh clone.

A run leaves what it was made with: ``run.json`` (the commit, the parameters as they were resolved,
what was set beside ``params.yaml``) and ``params.yaml`` itself. Commands are given only where the
parameters of that commit, with what they set, come out as the recorded ones.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cadnet import provenance
from cadnet.data.sources import SOURCE_MODULES
from cadnet.params import ParameterError, Params, load, merge

CHANGED = "+changes"
_CHAIN = (
    "cadnet.data.align",
    "cadnet.data.synthetic.generate",
    "cadnet.evaluation.score",
    "cadnet.training.predict",
    "cadnet.training.run",
    "cadnet.training.search",
    *SOURCE_MODULES.values(),
)


def code_of_scores() -> str:
    """Digest of the code that scores come from: data, training, predictions, scoring."""
    return provenance.code_digest(*_CHAIN)


@dataclass(frozen=True)
class Recipe:
    """How a recorded result is made again.

    Attributes:
        commit: to check out; empty where none is known.
        settings: what to set beside that commit's ``params.yaml``; None where nothing that can be
            set gives the recorded parameters.
        remarks: why the result may come out otherwise.
    """

    commit: str
    settings: dict[str, Any] | None
    remarks: tuple[str, ...]


def differences(base: Any, wanted: Any) -> Any:
    """What ``merge`` must lay upon ``base`` for ``wanted``; a key that is gone becomes null."""
    if not (isinstance(base, Mapping) and isinstance(wanted, Mapping)):
        return wanted
    changed = {
        key: differences(base[key], value) if key in base else value
        for key, value in wanted.items()
        if key not in base or base[key] != value
    }
    return changed | {key: None for key in base if key not in wanted}


def _at_commit(commit: str) -> str:
    """The text of a commit's ``params.yaml``; of the one that is here where git has none."""
    git = ["git", "-C", str(provenance.PACKAGE_ROOT), "show", f"{commit}:params.yaml"]
    shown = subprocess.run(git, capture_output=True, text=True, check=False)
    if commit and shown.returncode == 0:
        return shown.stdout
    return Path(provenance.PACKAGE_ROOT, "params.yaml").read_text(encoding="utf-8")


def resolved(text: str, settings: Mapping[str, Any]) -> Params:
    """The parameters of a ``params.yaml`` given as text, with what is set beside it.

    Raises:
        ParameterError: as ``params.load``.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "params.yaml")
        path.write_text(text, encoding="utf-8")
        return load(path, settings)


def _settings(record: dict[str, Any], then: str, at_commit: str) -> dict[str, Any] | None:
    """What gives the recorded parameters: what was set, or with it what the file then had."""
    edits = differences(yaml.safe_load(at_commit), yaml.safe_load(then))
    for settings in (record["config"], merge(edits, record["config"])):
        try:
            if resolved(at_commit, settings).recorded() == record["parameters"]:
                return dict(settings)
        except ParameterError:
            continue
    return None


def recipe(record: dict[str, Any], then: str) -> Recipe:
    """From ``run.json`` and the text of the ``params.yaml`` beside it."""
    commit, remarks = record["commit"], []
    if commit.endswith(CHANGED):
        here = provenance.commit(provenance.PACKAGE_ROOT)
        if not here.endswith(CHANGED) and code_of_scores() == record["code"]:
            commit = here  # the changes were committed since: the code is the same
        else:
            commit = commit.removesuffix(CHANGED)
            remarks.append(
                "tracked files differed from this commit: if code was among them, the commands "
                "run other code"
            )
    if " " in commit:
        remarks.append("the code was no git checkout: the commands take the code that is here")
        commit = ""
    settings = _settings(record, then, _at_commit(commit))
    if settings is None:
        remarks.append(
            "the commit's params.yaml cannot be set to the recorded parameters: copy "
            "reports/provenance/params.yaml over it"
        )
    return Recipe(commit, settings, tuple(remarks))


def commands(found: Recipe, target: str) -> list[str]:
    """Lines for a shell in a fresh clone, from the checkout to the target."""
    lines = [f"git checkout --quiet {found.commit}"] if found.commit else []
    lines.append("make .venv/ready && source .venv/bin/activate")
    settings = found.settings or {}
    given = ""
    if list(settings) == ["preset"]:
        given = f"--config preset={settings['preset']} "
    elif settings:
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        lines += ["cat > settings.yaml <<'END'", *text.splitlines(), "END"]
        given = "--configfile settings.yaml "
    return [*lines, f"snakemake --cores all {given}-- {target}"]

"""The run as a Workflow Run RO-Crate 0.5: workflow, parameters, data by digest, and what came out.

The crate is whole in itself: tables, figures and scores are copied into it, so that the folder can
be deposited as it is. It says neither when the run was nor how long it took, so that the same
commit gives the same crate; ``datePublished``, which the format wants, is the commit's date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadnet.provenance import PACKAGE_ROOT, canonical_json, file_digest
from cadnet.records.facts import MIT, Dataset, citation

if TYPE_CHECKING:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
"""Where ``sha256`` is a term."""
_KINDS = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".png": "image/png",
    ".py": "text/x-python",
    ".rst": "text/x-rst",
    ".smk": "text/plain",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
_SPELT_OUT = ("models", "experiments")
"""Parameters that ``run.json`` alone has: hundreds, each experiment's own."""


@dataclass(frozen=True)
class Part:
    """A file of the crate: where it is, its path in the crate, what it is.

    Attributes:
        fixed: whether two runs of the same commit give the same bytes: not where it states times,
            and no digest is given then.
    """

    source: Path
    path: str
    name: str
    fixed: bool = True


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The single parameters, each with its path in ``params.yaml``."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, tree


def _file(crate: ROCrate, part: Part) -> Any:
    about: dict[str, Any] = {"name": part.name, "encodingFormat": _KINDS[part.source.suffix]}
    if part.fixed:
        about |= {
            "sha256": file_digest(part.source),
            "contentSize": str(part.source.stat().st_size),
        }
    return crate.add_file(part.source, part.path, properties=about)


class _Crate:
    """The crate while it is put together."""

    def __init__(self, record: dict[str, Any], date: str) -> None:
        from rocrate.rocrate import ROCrate

        self.record, self.about = record, citation()
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_contexts.append(TERMS)
        root = self.crate.root_dataset
        root["name"] = f"A run of {self.about['title']}"
        root["description"] = "Tables, figures and scores of one run, and all that they come from."
        root["datePublished"] = date
        root["license"] = self.entity(MIT, "CreativeWork", name="MIT")
        self.agent = self.entity(
            "#authors", "Organization", name=", ".join(a["name"] for a in self.about["authors"])
        )
        root["author"] = root["publisher"] = self.agent

    def entity(self, identifier: str, kind: str, /, **properties: Any) -> ContextEntity:
        """Something that is no file."""
        from rocrate.model.contextentity import ContextEntity

        about = {"@type": kind, **properties}
        return self.crate.add(ContextEntity(self.crate, identifier, properties=about))

    def workflow(self, sources: Sequence[Part]) -> Any:
        """The Snakefile, with the files that it includes as its parts."""
        main = self.crate.add_workflow(
            PACKAGE_ROOT / "Snakefile", "Snakefile", main=True, lang="snakemake",
            lang_version=version("snakemake"),
            properties={"name": self.about["title"], "encodingFormat": "text/plain"},
        )  # fmt: skip
        main["conformsTo"] = {"@id": BIOSCHEMAS}
        main["version"] = self.record["commit"]
        main["license"], main["creator"] = self.crate.get(MIT), self.agent
        main["hasPart"] = [_file(self.crate, part) for part in sources]
        main["softwareRequirements"] = self.entity(
            "#cadnet", "SoftwareApplication", name=f"cadnet {self.about['version']}",
            softwareVersion=self.record["commit"], license={"@id": MIT},
        )  # fmt: skip
        return main

    def parameters(self, workflow: Any) -> list[Any]:
        """The values of the run, each of a parameter of the workflow."""
        values = []
        kept = {k: v for k, v in self.record["parameters"].items() if k not in _SPELT_OUT}
        for path, value in _leaves(kept):
            known = isinstance(value, str | int | float)
            kind = "Boolean" if isinstance(value, bool) else "Text" if isinstance(value, str) else (
                "Float" if isinstance(value, float) else "Integer" if known else "Text"
            )  # fmt: skip
            formal = self.crate.add_formal_parameter(
                path, kind, identifier=f"#parameter/{path}", valueRequired=True
            )
            workflow.append_to("input", formal)
            values.append(
                self.entity(
                    f"#value/{path}",
                    "PropertyValue",
                    name=path,
                    value=value if known else canonical_json(value),
                    exampleOfWork={"@id": formal.id},
                )
            )
        return values

    def dataset(self, workflow: Any, described: Dataset, card: Any) -> Any:
        """A dataset by its digest; ``card``: its description in the crate."""
        formal = self.crate.add_formal_parameter(
            f"dataset {described.name}",
            "Dataset",
            identifier=f"#parameter/dataset/{described.name}",
        )
        workflow.append_to("input", formal)
        return self.entity(
            f"#dataset/{described.name}",
            "Dataset",
            name=described.title,
            description=described.description,
            identifier=f"sha256:{described.about['digest']}",
            license=described.licence,
            subjectOf={"@id": card.id},
            exampleOfWork={"@id": formal.id},
        )

    def outputs(self, workflow: Any, parts: Sequence[Part]) -> list[Any]:
        """The files that came out, each of an output of the workflow."""
        files = []
        for part in parts:
            formal = self.crate.add_formal_parameter(
                part.path, "File", identifier=f"#output/{part.path}", description=part.name
            )
            workflow.append_to("output", formal)
            file = _file(self.crate, part)
            file["exampleOfWork"] = formal
            files.append(file)
        return files


def write(
    folder: Path,
    record: dict[str, Any],
    date: str,
    *,
    sources: Sequence[Part],
    inputs: Sequence[Part],
    datasets: Sequence[tuple[Dataset, Part]],
    outputs: Sequence[Part],
) -> None:
    """Write the crate.

    Args:
        record: ``run.json``.
        date: of the commit.
        sources: of the workflow beside the Snakefile.
        inputs: files that say what the run was given.
        datasets: each with its description.
    """
    made = _Crate(record, date)
    workflow = made.workflow(sources)
    given = [_file(made.crate, part) for part in inputs]
    for file in given:
        formal = made.crate.add_formal_parameter(file.id, "File", identifier=f"#input/{file.id}")
        workflow.append_to("input", formal)
        file["exampleOfWork"] = formal
    given += [made.dataset(workflow, d, _file(made.crate, card)) for d, card in datasets]
    given += made.parameters(workflow)
    action = made.crate.add_action(
        workflow,
        identifier="#run",
        object=given,
        result=made.outputs(workflow, outputs),
        properties={
            "name": f"Run of preset {record['parameters']['preset']}",
            "description": f"{len(record['runs'])} models trained at commit {record['commit']}, "
            f"on {', '.join(record['datasets'])}.",
        },
    )
    action["agent"] = made.agent
    action["actionStatus"] = "http://schema.org/CompletedActionStatus"
    root = made.crate.root_dataset
    root["mentions"] = action
    root["conformsTo"] = [
        made.entity(profile, "CreativeWork", name=name, version=profile.rsplit("/", 1)[1])
        for profile, name in PROFILES.items()
    ]
    made.crate.write(folder)

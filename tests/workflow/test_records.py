"""reports/provenance after a run, read by the formats' own libraries."""

import hashlib
import json
import shutil
import warnings
from importlib.metadata import version

import mlcroissant
import pyarrow as pa
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from rocrate.rocrate import ROCrate

from cadnet import integrity
from cadnet.paper import declarations
from cadnet.records import croissant, facts, layout
from tests.conftest import ROOT
from tests.test_packaging import locked
from tests.workflow.conftest import EXPERIMENTS, FEW, jobs, snakemake

DATE = "2024-02-29"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def folder(smoke):
    return smoke / layout.FOLDER


@pytest.fixture(scope="module")
def crate(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a file that is named and not there is one
        return ROCrate(folder)


def test_the_folder_holds_what_the_workflow_declares_and_nothing_else(folder):
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    there = {name for name in there if integrity.FOLDER not in name.split("/")}
    datasets = [path.stem for path in (folder / "croissant").glob("*.json")]
    assert there == set(layout.files(datasets, **declarations.outputs()))
    assert {"300w", "cofw", "aflw"} <= set(datasets)


def test_the_crate_holds_every_file_by_its_digest(crate, folder, smoke):
    parts = {part.id: part for part in crate.data_entities}
    written = set(layout.files([], **declarations.outputs())) - {"ro-crate-metadata.json"}
    assert written < set(parts)
    stated = {name: part["sha256"] for name, part in parts.items() if part.get("sha256")}
    assert all(sha256(folder / name) == digest for name, digest in stated.items())
    timed = {f"tables/{name}.csv" for name in ("T3", "C3", "E1")}
    timed |= {f"figures/{name}.png" for name in ("X6", "X10", "E1")}
    assert {"tables/T2.csv", "figures/F7.png", "scores.csv", "run.json"} <= set(stated)
    assert not timed & set(stated) and timed < set(parts)
    assert sha256(smoke / "reports/tables/T2.csv") == stated["tables/T2.csv"]


def test_the_crate_tells_what_ran_on_what(crate, smoke):
    workflow, action = crate.mainEntity, crate.get("#run")
    assert workflow.id == "Snakefile" and "ComputationalWorkflow" in workflow.type
    assert workflow["programmingLanguage"]["version"] == version("snakemake")
    assert action.type == "CreateAction" and action["instrument"] == workflow
    assert crate.root_dataset["mentions"] == action
    profiles = {entity.id for entity in crate.root_dataset["conformsTo"]}
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in profiles
    given = {entity.id: entity for entity in action["object"]}
    data = json.loads((smoke / "results/data.json").read_text())
    for name, about in data.items():
        assert given[f"#dataset/{name}"]["identifier"] == f"sha256:{about['digest']}"
        assert "MIT" in given[f"#dataset/{name}"]["license"]  # drawn here
    assert given["#value/train.epochs"]["value"] == 3
    assert given["#value/preset"]["value"] == "smoke"
    assert json.loads(given["#value/only"]["value"]) == list(EXPERIMENTS)
    # Each value is one of a declared parameter: that is what the profile asks for.
    declared = {entity.id for kind in ("input", "output") for entity in workflow[kind]}
    for entity in (*action["object"], *action["result"]):
        assert entity["exampleOfWork"].id in declared
    assert {entity.id for entity in action["result"]} >= {"scores.csv", "tables/T2.csv"}


def test_nothing_says_when_or_where_or_by_whom(folder, smoke):
    for path in folder.rglob("*.json"):
        text = path.read_text()
        assert str(smoke) not in text and str(ROOT) not in text, path
        assert not {"overhead_seconds", "mlflow_run_id", "startTime"} & {*text.split('"')}, path


def test_each_dataset_is_described_as_its_store_is(folder, smoke):
    for path in (folder / "croissant").glob("*.json"):
        found = mlcroissant.Dataset(jsonld=str(path)).metadata
        store = smoke / f"data/aligned/{path.name}"
        about = json.loads(store.read_text())
        (file,) = found.distribution
        assert file.sha256 == sha256(store.with_suffix(".arrow"))
        assert about["digest"] in found.description
        (records,) = found.record_sets
        schema = pa.ipc.open_file(store.with_suffix(".arrow")).schema
        assert [field.name for field in records.fields] == schema.names
        for field in records.fields:
            kind = schema.field(field.name).type
            if pa.types.is_fixed_size_list(kind):
                shape = list(map(int, field.array_shape.split(",")))
                assert shape[0] * (shape[1] if len(shape) > 1 else 1) == kind.list_size


def test_a_dataset_of_the_users_own_has_its_owners_terms(smoke, tmp_path):
    built_in = facts.dataset(smoke / "data/aligned/cofw.json")
    about = {**built_in.about, "origin": "official", "missing": ["test/"]}
    own = facts.Dataset("cofw", about, built_in.store, built_in.size)
    found = mlcroissant.Dataset(jsonld=str(croissant.write(tmp_path, own, DATE))).metadata
    assert found.license == ["CC BY 4.0, DOI 10.22002/D1.20099"]
    assert "a part of it" in found.description and "not passed on" in found.description
    assert found.distribution[1].content_url.startswith("https://data.caltech.edu/")


def test_a_description_that_is_not_valid_is_not_written(smoke, tmp_path):
    described = facts.dataset(smoke / "data/aligned/cofw.json")
    without_digest = facts.Dataset("cofw", described.about, "", described.size)
    with pytest.raises(ValueError, match="sha256"):
        croissant.write(tmp_path, without_digest, DATE)
    assert not list(tmp_path.iterdir())


def test_the_bill_of_materials_is_the_lock(folder):
    text = (folder / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = json.loads(text)["components"]
    pins = {(pin.name, str(pin.specifier)) for pin in locked().values()}
    assert {(c["name"], f"=={c['version']}") for c in components} == pins
    assert all(c["externalReferences"][0]["hashes"] for c in components)
    (torch,) = [c for c in components if c["name"] == "torch"]
    assert torch["purl"] == f"pkg:pypi/torch@{torch['version']}"
    (wanted,) = json.loads(text)["dependencies"]
    assert torch["bom-ref"] in wanted["dependsOn"]
    assert not any("ruff" in name for name in wanted["dependsOn"])


def test_the_same_results_give_the_same_records(later):
    before = later.rename(later.with_name("before")) / layout.FOLDER
    shutil.copytree(before.parent.parent, later)
    done = snakemake(later, "--forcerun", "records", target=f"{layout.FOLDER}/run.json")
    assert done.returncode == 0, done.stderr
    for path in before.rglob("*"):
        if path.is_file():
            again = later / layout.FOLDER / path.relative_to(before)
            assert again.read_bytes() == path.read_bytes(), path
            assert again.stat().st_mtime_ns != path.stat().st_mtime_ns, path


def test_another_setting_of_one_experiment_is_recorded(smoke):
    plan = jobs(snakemake(smoke, "-n", config=[*FEW, "efficiency={seconds: 0.3}"]))
    assert plan["records"] == 1 and "train" not in plan

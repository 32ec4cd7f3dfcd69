"""What set-up rests on: the lock, the conda environment, the files that the README names."""

import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LOCK = (ROOT / "requirements" / "lock.txt").read_text()
NAMED = ("torch", "torchvision", "snakemake", "dvc", "mlflow", "numpy", "pandas", "matplotlib")


def locked() -> dict[str, Requirement]:
    """The lock's entries, read without the code that makes environment.yml of them."""
    entries = re.sub(r"\\\n", " ", LOCK).splitlines()
    assert all("--hash=sha256:" in entry for entry in entries if entry.strip())
    found = [Requirement(entry.split(" --hash")[0].strip()) for entry in entries if entry.strip()]
    return {f"{r.name};{r.marker}": r for r in found}


def test_the_conda_environment_is_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, pins = environment["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    listed = [Requirement(pin) for pin in pins["pip"]]
    assert {f"{r.name};{r.marker}": r for r in listed} == locked()


def test_every_rule_names_the_conda_environment():
    """All but `all`, which runs nothing."""
    seen = set()
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        rules = re.split(r"^ *rule (\w+):$", file.read_text(), flags=re.MULTILINE)[1:]
        for name, text in zip(rules[::2], rules[1::2], strict=True):
            assert len(re.findall(r'conda:\n +"../../environment.yml"\n', text)) == 1, name
            seen.add(name)
    assert {"builtin", "train", "predict", "report", "pdf"} <= seen


def test_the_dvc_of_remotes_is_the_pipelines():
    """Its environment is apart, since an S3 client wants an older package; DVC is the same."""
    entries = re.sub(r"\\\n", " ", (ROOT / "requirements/remotes.txt").read_text()).splitlines()
    assert all("--hash=sha256:" in entry for entry in entries)
    pins = [Requirement(entry.split(" --hash")[0].strip()) for entry in entries]
    versions = {pin.name: str(pin.specifier) for pin in pins}
    for name in ("dvc", "dvc-data", "dvc-objects", "scmrepo"):
        assert versions[name] == str(locked()[f"{name};None"].specifier), name
    assert {"dvc-s3", "dvc-ssh"} <= set(versions)


def test_everything_is_pinned_once_and_nothing_is_left_out():
    pins = locked()
    assert all(re.fullmatch(r"==[^*,]+", str(pin.specifier)) for pin in pins.values())
    names = {pin.name for pin in pins.values()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    named = {canonicalize_name(Requirement(text).name) for text in wanted}
    assert named - {"cadnet"} <= names  # an extra may take in another
    assert set(NAMED) | {"pytest"} <= names


def test_an_installed_package_has_every_data_file(tmp_path):
    """As setuptools builds it, from a copy without the files that lie around here."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "cadnet", tmp_path / "cadnet", ignore=ignore)
    build = "import setuptools; setuptools.setup()"
    command = [sys.executable, "-c", build, "-q", "build_py", "--build-lib", "built"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    def files(folder):
        return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}

    assert files(tmp_path / "built/cadnet") == files(tmp_path / "cadnet")


def test_links_of_the_readme_lead_somewhere():
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links and all((ROOT / link).is_file() for link in links)
    for name in ("cadnet/paper/declarations.yaml", "data/raw/README.md", "docs/datasets.md"):
        assert (ROOT / name).is_file()


def test_no_address_of_a_registry_is_committed():
    names = [f"requirements/{kind}.txt" for kind in ("lock", "uv", "remotes")]
    for name in (*names, "environment.yml"):
        assert "://" not in (ROOT / name).read_text(), name

"""profiles/slurm where there is no SLURM."""

import subprocess

import yaml

from tests.cluster.conftest import submission
from tests.conftest import ROOT
from tests.workflow.conftest import jobs


def test_it_says_nothing_that_the_default_profile_would_overrule():
    default, slurm = (
        yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())
        for name in ("default", "slurm")
    )
    assert not default.keys() & slurm.keys()


def test_everything_can_be_planned_without_a_number_of_cores(tmp_path):
    """As `snakemake --profile profiles/slurm` is called; a rule that counts cores would stop it."""
    done = subprocess.run(
        submission(tmp_path, "-n", config=["only=[cadnet]"], target="all"),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    plan = jobs(done)
    assert (plan["train"], plan["measure"], plan["costs"]) == (1, 1, 1)

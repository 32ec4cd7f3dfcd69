"""environment.yml from the lock: `python requirements/make_environment.py > environment.yml`.

Snakemake copies the file elsewhere before it builds the environment, so it cannot point to the
lock: the pins are written out.
"""

import json
import sys
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path(__file__).with_name("lock.txt")


def pins(lock: str) -> list[str]:
    """The ``name==version`` lines of a lock, with their markers, without their hashes."""
    lines = [line for line in lock.splitlines() if line[:1].isalnum()]
    return [str(Requirement(line.removesuffix("\\").strip())) for line in lines]


def environment(lock: str) -> str:
    """The text of environment.yml."""
    listed = "\n".join(f"      - {json.dumps(pin)}" for pin in pins(lock))
    return f"""\
# Made by `make lock` from requirements/lock.txt; tests compare the two.
name: cadnet
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
{listed}
"""


if __name__ == "__main__":
    sys.stdout.write(environment(LOCK.read_text(encoding="utf-8")))

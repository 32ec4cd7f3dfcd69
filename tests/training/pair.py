"""One of several gloo processes, each of which runs the same training jobs.

python -m torch.distributed.run --nproc-per-node 2 -m tests.training.pair STORE OUT SPECS
"""

import json
import sys
from pathlib import Path

import torch

from cadnet.data import store as module
from cadnet.training import run
from cadnet.training.distributed import joined, ranks


class Labelled(module.Store):
    """Some faces have expressions: each process has another number of them."""

    def __init__(self, path):
        super().__init__(path)
        self.expression[::3] = 1
        self.expression[1::5] = 4


def main(store, out, specs):
    module.Store, before = Labelled, module.Store
    with joined(ranks(), torch.device("cpu")):
        for name, spec in json.loads(Path(specs).read_text()).items():
            arguments = ["--spec", json.dumps(spec), "--experiment", name, "--seed", "3"]
            assert run.main([*arguments, "--data", str(store), "--out", f"{out}/{name}"]) == 0
    module.Store = before


if __name__ == "__main__":
    main(*sys.argv[1:])

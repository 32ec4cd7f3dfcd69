# Two commands do everything on a fresh machine with Python 3.11 and make:
#   make paper              set up, then regenerate the paper (PRESET=smoke|demo|paper)
#   make test               set up, then lint, type-check and test
PYTHON ?= python3.11
PRESET ?= demo
CORES ?= $(shell nproc 2>/dev/null || echo 2)
BIN := .venv/bin
# Not below mlruns/: what colleagues track must outlive `make clean`.
SERVER ?= mlflow-server
PORT ?= 5000
SLOW := exports names provenance chaos slurm tracking conda remotes

.PHONY: paper test lint $(SLOW) audit mlflow mlflow-server lock clean
.DELETE_ON_ERROR:

paper: .venv/ready
	$(BIN)/snakemake --cores $(CORES) --config preset=$(PRESET) -- all

test: lint
	$(BIN)/python -m pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy

# Tests that take minutes, each by its marker: pyproject.toml says what they are.
remotes: .venv/remotes/ready
$(SLOW): .venv/ready
	$(BIN)/python -m pytest -m $@ -s

# --strict: where the data base of vulnerabilities cannot be had, that is a failure, not a clean bill.
audit: .venv/ready  ## are vulnerabilities of the pinned packages known? Asks PyPI
	$(BIN)/uv tool run pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements/lock.txt

mlflow: .venv/ready  ## open http://127.0.0.1:5000 and compare seeds
	mkdir -p mlruns
	$(BIN)/mlflow ui --backend-store-uri "sqlite:///$(CURDIR)/mlruns/mlflow.db" --host 127.0.0.1 --port $(PORT)

mlflow-server: .venv/ready  ## for shared use: PostgreSQL and accounts (docs/mlflow.md)
	$(BIN)/python -m cadnet.tracking.serve --folder $(SERVER) --port $(PORT)

# uv comes first, itself pinned by hash; it then installs everything else in seconds. Compiled here, once:
# where PYTHONDONTWRITEBYTECODE is set, as in many containers, each of the hundreds of jobs would compile it.
.venv/ready: requirements/lock.txt requirements/uv.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/lock.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q cadnet
	touch $@

# DVC that reaches S3 and SSH, apart: Amazon's library wants an older python-dateutil than the lock has.
.venv/remotes/ready: requirements/remotes.txt .venv/ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/remotes
	$(BIN)/uv pip install --quiet --compile-bytecode --python .venv/remotes/bin/python --require-hashes -r requirements/remotes.txt
	touch $@

# Make the pins anew (UPGRADE=--upgrade raises them): the lock from pyproject.toml, the conda environment from the lock.
lock: .venv/ready
	$(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --extra dev pyproject.toml -o requirements/lock.txt
	$(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header requirements/uv.in -o requirements/uv.txt
	$(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header requirements/remotes.in -o requirements/remotes.txt
	$(BIN)/python requirements/make_environment.py > environment.yml

clean:  ## what the pipeline made; neither your data nor .venv
	rm -rf data/builtin data/fetched data/aligned data/weights results reports/tables reports/figures reports/paper reports/provenance reports/index.html reports/plots.html reports/.digests .snakemake mlruns

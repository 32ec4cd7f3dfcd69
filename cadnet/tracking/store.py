"""The MLflow store that journals go to: its address, how it is opened, what it takes at once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from cadnet.credentials import masked

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "cadnet"


def default_uri(root: Path) -> str:
    """The sqlite store of a working directory, absolute."""
    return f"sqlite:///{root.resolve()}/mlruns/mlflow.db"


def lock(uri: str) -> FileLock:
    """For one of this user's processes at a time: two would race to make the same schema, the same
    parent run."""
    name = hashlib.sha256(uri.encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir(), f"cadnet-tracking-{os.getuid()}-{name}.lock"))


def _make(file: Path) -> None:
    """An empty sqlite store, where there is none; one that was cut off while MLflow made its tables
    could not be used again. One process at a time."""
    import mlflow

    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    mlflow.MlflowClient(f"sqlite:///{new}").get_experiment_by_name(EXPERIMENT)
    new.replace(file)


def opened(uri: str, artifacts: Path) -> tuple[MlflowClient, str]:
    """A client and its experiment's id; makes schema and experiment if need be.

    Raises what MLflow raises where the store cannot be had.
    """
    # No word to anybody's server but the user's own, no address on the terminal; fail in seconds,
    # not minutes.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    import mlflow

    if uri.startswith("sqlite:///"):
        _make(Path(uri.removeprefix("sqlite:///")))
    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        # A server decides itself where artifacts lie; a local store keeps them beside itself.
        place = None if uri.startswith("http") else artifacts.resolve().as_uri()
        try:
            return client, str(client.create_experiment(EXPERIMENT, place))
        except mlflow.MlflowException:
            # Another user's process may have made it in this moment.
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
    return client, str(found.experiment_id)


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as dotted names and texts of at most 500 characters, MLflow's limit;
    credentials in them masked."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = masked(str(value))[:500]
    return flat


def batches(epochs: list[dict[str, Any]], limit: int = 1000) -> Iterator[list[dict[str, Any]]]:
    """Epochs in groups of at most 1000 values, MLflow's limit of a call, which it takes whole or
    not at all: so no epoch is divided."""
    group: list[dict[str, Any]] = []
    size = 0
    for epoch in epochs:
        if group and size + len(epoch["metrics"]) > limit:
            yield group
            group, size = [], 0
        group.append(epoch)
        size += len(epoch["metrics"])
    if group:
        yield group

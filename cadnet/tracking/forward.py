"""Journals to MLflow: one parent run an experiment, one child run a seed.

    python -m cadnet.tracking.forward --results results --out results/tracking.json
    python -m cadnet.tracking.forward --results results --follow PID

Forwarding may be repeated, killed and run twice at once: a run is found again by its tags, what it
lacks is added, and an epoch that MLflow has is not sent again. If the store cannot be reached, the
pipeline goes on; the journals wait for the next pass.

The store is named by MLFLOW_TRACKING_URI or --uri; an address that holds a password belongs in the
former, since everybody on a machine may see arguments.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from cadnet import job
from cadnet.credentials import masked
from cadnet.provenance import digest, write_json
from cadnet.tracking import journal, store
from cadnet.tracking.store import batches, flatten

if TYPE_CHECKING:
    from mlflow.entities import Run

_PAUSE = 2.0  # seconds between two looks at the journals
_AWAY = 10.0  # the same while the store is away


class Forwarder:
    """Sends journals to one MLflow store, remembering what went there."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        """Opens the store, making its schema if need be; raises what MLflow raises."""
        self.client, self.experiment_id = store.opened(uri, artifacts)
        # Ended journals: their state on the disk, their runs' ids.
        self._done: dict[Path, tuple[tuple[int, int], str]] = {}

    def _find(self, tag: str, value: str) -> Run | None:
        """The latest run with a tag; values are hexadecimal, so that none needs an escape."""
        runs = self.client.search_runs(
            [self.experiment_id],
            f"tags.`{tag}` = '{value}'",
            max_results=1,
            order_by=["attributes.start_time DESC"],
        )
        return runs[0] if runs else None

    def parent(self, experiment: str, title: str) -> str:
        """The id of an experiment's parent run."""
        identity = digest(["experiment", experiment])
        run = self._find("cadnet.identity", identity)
        if run is None:
            run = self.client.create_run(
                self.experiment_id,
                run_name=experiment,
                tags={
                    "cadnet.role": "experiment",
                    "cadnet.experiment": experiment,
                    "cadnet.identity": identity,
                    "mlflow.note.content": title,
                },
            )
        if run.info.status == "RUNNING":  # just made, or by one that was killed here
            self.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def child(self, start: dict[str, Any]) -> Run:
        """The run of one training job.

        A job that was killed or failed, and runs again with the same parameters, data and commit,
        goes on in its run. One that had finished gets a new run, as does one that changed.
        """
        run = self._find("cadnet.attempt", start["attempt"])
        if run is not None:
            return run
        earlier = self._find("cadnet.identity", start["identity"])
        if earlier is None or earlier.info.status == "FINISHED":
            return self._create(start)
        run_id = earlier.info.run_id
        # The attempt comes last: killed before, this is done again.
        self.client.update_run(run_id, "RUNNING")
        self.client.set_tag(run_id, "cadnet.resumed", "true")
        self.client.set_tag(run_id, "cadnet.attempt", start["attempt"])
        return self.client.get_run(run_id)

    def _create(self, start: dict[str, Any]) -> Run:
        parameters = start["parameters"]
        return self.client.create_run(
            self.experiment_id,
            start_time=start["time"],
            run_name=f"{start['experiment']}/seed{start['seed']}",
            tags={
                "cadnet.role": "seed",
                "cadnet.attempt": start["attempt"],
                "cadnet.experiment": start["experiment"],
                "cadnet.identity": start["identity"],
                "cadnet.parameter_digest": start["digest"],
                "mlflow.parentRunId": self.parent(start["experiment"], parameters["title"]),
                "mlflow.source.git.commit": start["commit"].removesuffix("+changes"),
                "cadnet.commit": start["commit"],
            },
        )

    def _describe(self, run: Run, start: dict[str, Any]) -> None:
        """A run's parameters and data, unless it has them: a forwarder may be killed anywhere."""
        from mlflow.entities import Dataset as DatasetEntity
        from mlflow.entities import DatasetInput, InputTag, Param

        if run.inputs and run.inputs.dataset_inputs:
            return
        run_id = run.info.run_id
        values = {**flatten(start["parameters"]), "seed": str(start["seed"])}
        self.client.log_batch(run_id, params=[Param(k, v) for k, v in sorted(values.items())])
        data = start["dataset"]
        entity = DatasetEntity(
            name=data["name"],
            digest=data["digest"][:36],  # MLflow's limit
            source_type="local",
            source=json.dumps({"origin": data["origin"], "sha256": data["digest"]}),
            profile=json.dumps({"faces": data["n"]}),
        )
        context = InputTag("mlflow.data.context", "training")
        self.client.log_inputs(run_id, [DatasetInput(entity, [context])])

    def forward(self, path: Path) -> str | None:
        """Bring one journal up to date; returns its run's id."""
        from mlflow.entities import Metric

        stat = path.stat()
        seen = (stat.st_size, stat.st_mtime_ns)
        done, done_id = self._done.get(path, ((-1, -1), ""))
        if seen == done:
            return done_id
        lines = journal.read(path)
        if not lines or lines[0]["kind"] != "start":
            return None
        state, run = journal.status(lines), self.child(lines[0])
        self._describe(run, lines[0])
        run_id = str(run.info.run_id)
        # The same seed gives the same bits: epochs that an earlier attempt sent are this one's.
        sent = max((p.step for p in self.client.get_metric_history(run_id, "loss")), default=0)
        epochs = [e for e in lines if e["kind"] == "epoch" and e["step"] > sent]
        for some in batches(epochs):
            metrics = [
                Metric(name, value, epoch["time"], epoch["step"])
                for epoch in some
                for name, value in sorted(epoch["metrics"].items())
            ]
            self.client.log_batch(run_id, metrics=metrics)
        if state != "RUNNING":
            if run.info.status == "RUNNING":
                self._finish(run_id, path.parent, state, lines[-1]["time"])
            self._done[path] = (seen, run_id)
        return run_id

    def _finish(self, run_id: str, folder: Path, state: str, ended: int) -> None:
        for name in ("history.csv", "model.safetensors"):
            if state == "FINISHED" and (folder / name).is_file():
                self.client.log_artifact(run_id, str(folder / name))
        self.client.set_terminated(run_id, status=state, end_time=ended)

    def forward_all(self, results: Path) -> dict[str, str]:
        """Every journal below a folder → run ids by the run's place: "experiment/seed<k>"."""
        ids = {}
        for path in sorted(results.rglob(journal.NAME)):
            run_id = self.forward(path)
            if run_id is not None:
                ids[path.parent.relative_to(results).as_posix()] = run_id
        return ids


def _alive(pid: int) -> bool:
    """Whether a process is at work; one that has ended may still wait for its parent to look."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Passes:
    """Passes over the journals of a folder, whether or not the store can be had."""

    def __init__(self, uri: str, results: Path) -> None:
        self.uri, self.results = uri, results
        self.ids: dict[str, str] = {}
        self.problem = ""
        self._lock = store.lock(uri)
        self._forwarder: Forwarder | None = None

    def once(self) -> None:
        """One pass; a new problem is told once."""
        before, self.problem = self.problem, ""
        try:
            with self._lock:
                self._forwarder = self._forwarder or Forwarder(self.uri, Path("mlruns/artifacts"))
                self.ids = self._forwarder.forward_all(self.results)
        except Exception as error:
            text = f"MLflow store {self.uri} cannot be used: {str(error).splitlines()[0][:300]}"
            self.problem = masked(text)
            if not before:
                print(f"warning: {self.problem}; the runs' journals are kept", file=sys.stderr)

    def follow(self, pid: int) -> None:
        """Forward until a process is gone, and once more."""
        alive = True
        while alive:
            alive = _alive(pid)
            self.once()
            if alive:
                time.sleep(_AWAY if self.problem else _PAUSE)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns 0 even when the store cannot be had: results do not depend on it."""
    parser = job.parser(__doc__)
    parser.add_argument("--uri", default=os.environ.get("MLFLOW_TRACKING_URI"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--follow", type=int, metavar="PID", help="go on while this process lives")
    parser.add_argument("--out", type=Path, help="write run ids and the state of tracking here")

    def run(options: argparse.Namespace) -> str:
        passes = Passes(options.uri or store.default_uri(Path.cwd()), options.results)
        if options.follow is None:
            passes.once()
        else:
            passes.follow(options.follow)
        shown = masked(passes.uri)
        if options.out:
            written = {"uri": shown, "runs": passes.ids, "problem": passes.problem}
            write_json(options.out, written)
        return passes.problem or f"{len(passes.ids)} runs in {shown}"

    return job.main(run, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())

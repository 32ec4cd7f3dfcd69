"""``cadnet``: what a person asks the project at a terminal.

The pipeline's jobs are modules of their own (``python -m cadnet.training.run`` …), so that each
loads, and depends on, what it needs alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import yaml

from cadnet import integrity
from cadnet.credentials import masked
from cadnet.params import ParameterError, load
from cadnet.provenance import PACKAGE_ROOT, OutputError, canonical_json


class CommandError(Exception):
    """A command cannot do what it is asked."""


def _spec(options: argparse.Namespace) -> str:
    params = load(options.params, options.config)
    if options.experiment not in params.experiments:
        known = ", ".join(params.experiments)
        raise ParameterError(f"unknown experiment {options.experiment!r}; there are {known}")
    return canonical_json(params.experiments[options.experiment].model_dump(mode="json"))


def _params(options: argparse.Namespace) -> str:
    tree = load(options.params, options.config).model_dump(mode="json", by_alias=True)
    return masked(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).rstrip())


def _data_status(options: argparse.Namespace) -> str:
    from cadnet.data.status import report

    return report(Path(load(options.params, options.config).data.raw))


def _models(options: argparse.Namespace) -> str:
    from cadnet.evaluation.efficiency import cost

    params = load(options.params, options.config)
    size = params.data.size
    lines = [f"{'':<20} {'parameters':>12} {'multiply-adds':>14}   output at {size} × {size} px"]
    for name, model in params.models.items():
        found = cost(model, size)
        shapes = ", ".join(
            f"{output} {' × '.join(map(str, shape[1:]))}" for output, shape in found.outputs.items()
        )
        lines.append(
            f"{name:<20} {found.parameters / 1e6:>10.2f} M {found.multiply_adds / 1e9:>12.3f} G   "
            f"{shapes}"
        )
    return "\n".join(lines)


def _data_fetch(options: argparse.Namespace) -> str:
    from cadnet.data.access import access
    from cadnet.data.download import FetchError
    from cadnet.data.fetch import fetch_by_name
    from cadnet.data.sources import FOLDERS

    name, known = options.name, access()
    if name not in known:
        raise ParameterError(f"unknown dataset {name!r}; there are {', '.join(known)}")
    raw = Path(load(options.params, options.config).data.raw)
    try:
        return fetch_by_name(name, known[name], options.to or raw / FOLDERS.get(name, name))
    except (FetchError, OutputError) as error:
        raise CommandError(str(error)) from error


def _verify(options: argparse.Namespace) -> str:
    folders = options.folders or [Path(name) for name in ("data", "results", "reports")]
    text, well = integrity.report(folders)
    if not well:
        raise CommandError(text)
    return text


def _predict(options: argparse.Namespace) -> str:
    from cadnet.predictor.pictures import PredictionError
    from cadnet.predictor.run import run

    try:
        return run(options)
    except (PredictionError, OutputError) as error:
        raise CommandError(str(error)) from error


def _plan(options: argparse.Namespace) -> str:
    from cadnet.planning.overheads import overheads, yardstick
    from cadnet.planning.report import plan, text
    from cadnet.planning.steps import measured

    overrides = {**options.config, **({"preset": options.preset} if options.preset else {})}
    params = load(options.params, overrides)
    gpus = options.gpus if options.gpus is not None else int(params.preset == "paper")
    official = (
        options.data or ("official" if params.preset == "paper" else "builtin")
    ) != "builtin"
    steps = measured(params, options.steps, cores=options.cores, gpus=gpus)
    slower = yardstick(options.cores) / overheads().yardstick
    made = plan(
        params, cores=options.cores, gpus=gpus, steps=steps, official=official, slower=slower
    )
    return text(made)


def _add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``cadnet plan`` takes."""
    parser.add_argument("--preset", choices=("smoke", "demo", "paper"))
    parser.add_argument("--cores", type=_positive, default=os.cpu_count() or 1)
    parser.add_argument("--gpus", type=_count, help="default: 1 for the paper preset, else none")
    parser.add_argument(
        "--data", choices=("official", "builtin"), help="default: official for the paper preset"
    )
    parser.add_argument(
        "--steps", type=Path, metavar="FILE",
        help="steps measured before (python -m cadnet.planning.steps); else they are measured, and "
        "kept in FILE if that is not there; with GPUs recorded ones are taken without it",
    )  # fmt: skip


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError
    return number


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def _add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``cadnet predict`` takes."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="PHOTO|FOLDER|VIDEO")
    parser.add_argument(
        "--model", type=Path, required=True,
        help="results/NAME: all its seeds, averaged, with reliability; results/NAME/seed0: one",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder to write to")
    parser.add_argument(
        "--format", choices=("json", "csv", "pts"), nargs="+", default=["json"], dest="formats",
        help="json: a file an input; csv: one table of all; pts: a file a face",
    )  # fmt: skip
    parser.add_argument("--overlay", action="store_true", help="draw faces over pictures, videos")
    parser.add_argument(
        "--boxes", type=Path, metavar="CSV",
        help="file,x,y,width,height: faces, tight around the landmarks, instead of finding them",
    )  # fmt: skip
    parser.add_argument(
        "--raw", action="store_true", help="videos: do not smooth landmarks over time"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def _export(options: argparse.Namespace) -> str:
    from cadnet.export.run import ExportError, run

    try:
        return run(options)
    except (ExportError, OutputError) as error:
        raise CommandError(str(error)) from error


def _add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``cadnet export`` takes."""
    parser.add_argument("--model", type=Path, required=True, help="results/NAME/seed0, or a file")
    parser.add_argument("--format", choices=("onnx", "torchscript", "pt2"), default="onnx")
    parser.add_argument(
        "--out", type=Path, help="the file; its card goes beside it (default: exported/NAME-SEED.…)"
    )


def _trace(options: argparse.Namespace) -> str:
    from cadnet.paper.trace import TraceError, trace

    try:
        return trace(options.table, options.row, options.column)
    except TraceError as error:
        raise CommandError(str(error)) from error


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="cadnet", description=__doc__)
    parser.add_argument("--params", type=Path, default=PACKAGE_ROOT / "params.yaml")
    parser.add_argument(
        "--config", type=yaml.safe_load, default={}, help="overrides, as YAML: '{preset: smoke}'"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("params", help="print the parameters as the pipeline sees them")
    command.set_defaults(run=_params)
    command = commands.add_parser("spec", help="print an experiment as its training job takes it")
    command.add_argument("experiment")
    command.set_defaults(run=_spec)
    command = commands.add_parser("models", help="list the architectures, what they cost and give")
    command.set_defaults(run=_models)
    command = commands.add_parser(
        "plan", help="what a run will take: jobs, hours, disk, memory; before it runs"
    )
    _add_plan_arguments(command)
    command.set_defaults(run=_plan)
    command = commands.add_parser("data", help="the datasets")
    actions = command.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("status", help="which are there, whole or in part; how to get them")
    action.set_defaults(run=_data_status)
    action = actions.add_parser(
        "fetch",
        help="download one, where anybody may; else say how it is had (and fail)",
        description="Downloads a dataset, checks and unpacks it. A download that broke off goes on "
        "where it stopped when the command is given again. Where the owners give the dataset only "
        "to whom they know, prints the steps and exits with 1.",
    )
    action.add_argument("name", metavar="NAME", help="as `cadnet data status` lists them")
    action.add_argument(
        "--to", type=Path, metavar="FOLDER", help="its folder, instead of <data.raw>/NAME"
    )
    action.set_defaults(run=_data_fetch)
    command = commands.add_parser(
        "verify", help="whether all results are as their jobs wrote them (exit code 1: some differ)"
    )
    command.add_argument(
        "folders", nargs="*", type=Path, metavar="FOLDER", help="default: data results reports"
    )
    command.set_defaults(run=_verify)
    command = commands.add_parser("predict", help="landmarks and expressions of your own pictures")
    _add_predict_arguments(command)
    command.set_defaults(run=_predict)
    command = commands.add_parser(
        "export", help="a trained model for other programs, with its card"
    )
    _add_export_arguments(command)
    command.set_defaults(run=_export)
    command = commands.add_parser(
        "trace",
        help="where a number of a table comes from, and the commands that make it again",
        description="Prints a shell script for a fresh clone: runs, seeds, parameters, digests and "
        "the commit as comments, then the commands that recompute this one number.",
    )
    command.add_argument("table", metavar="TABLE", help="its number, or a figure's that draws one")
    command.add_argument("row", metavar="ROW", help='e.g. "CAD-Net"')
    command.add_argument("column", metavar="COLUMN", help="e.g. full; case does not matter")
    command.set_defaults(run=_trace)
    options = parser.parse_args(arguments)
    try:
        print(options.run(options))
    except (ParameterError, CommandError) as error:
        print(masked(f"error: {error}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

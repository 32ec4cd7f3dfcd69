"""Typed, validated parameters: ``params.yaml``, a preset, and what the command line says.

Later wins: the file, then the chosen preset, then the overrides. A model is ``model`` with what
``models`` says of its architecture and then the experiment; its training ``train`` likewise. Every
mistake is reported with the path of its key before any job runs.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from cadnet.credentials import masked
from cadnet.schema import Count, Experiment, Model, Positive, Share, Strict, Train

_LONGEST = 150  # bytes: a file system takes 255, and temporary names are longer
_OTHERS = ("curves", "examples", "search", "tables")  # folders of results/ that no experiment has


def _folder_name(name: str) -> str:
    """Refuses what is no safe name of a folder, on a command line and in Snakemake's patterns."""
    bad = next((c for c in name if c in "/\\{}" or not c.isprintable()), None)
    if name[:1] in ("", ".", "-", " ") or name.endswith(" "):
        reason = "must not be empty, start with a dot, dash or space, or end with a space"
    elif bad:
        reason = f"must not have {bad!r} in it"
    elif len(name.encode()) > _LONGEST:
        reason = f"must not have more than {_LONGEST} bytes"
    elif name in _OTHERS:
        reason = f"must not be {', '.join(_OTHERS)}: folders of results/"
    else:
        return name
    raise ValueError(f"names a folder, so it {reason}")


def _data_folder(path: str) -> str:
    if path.startswith("-") or not path.isprintable():
        raise ValueError("starts with a dash or has a control character; name it by another path")
    return path


FolderName = Annotated[str, AfterValidator(_folder_name)]


class ParameterError(Exception):
    """The parameters are wrong: one line a mistake, each with the path of its key."""

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


class Tracking(Strict):
    enabled: bool
    uri: str | None


class Occlusion(Strict):
    mild: Share
    moderate: Share

    @model_validator(mode="after")
    def _ordered(self) -> Occlusion:
        if not self.mild < self.moderate:
            raise ValueError("mild must be below moderate")
        return self


class Builtin300W(Strict):
    afw: Count
    helen_train: Count = Field(alias="helen/trainset")
    lfpw_train: Count = Field(alias="lfpw/trainset")
    helen_test: Count = Field(alias="helen/testset")
    lfpw_test: Count = Field(alias="lfpw/testset")
    ibug: Count


class BuiltinCOFW(Strict):
    train: Count
    test: Count


class BuiltinMenpo(Strict):
    train: Count


class BuiltinCOFW68(Strict):
    test: Count


class BuiltinAFLW(Strict):
    train: Count
    frontal: Count
    profile: Count

    @model_validator(mode="after")
    def _official_share(self) -> BuiltinAFLW:
        # The reader knows the training faces by their share: 20000 of 24386.
        total = self.train + self.frontal + self.profile
        train = round(total * 20000 / 24386)
        if train != self.train:
            raise ValueError(f"train must be 82 % of all faces, here {train} of {total}")
        return self


class Builtin300VW(Strict):
    train: Annotated[int, Field(ge=1, le=50)]
    category1: Annotated[int, Field(ge=1, le=31)]
    category2: Annotated[int, Field(ge=1, le=19)]
    category3: Annotated[int, Field(ge=1, le=14)]


class BuiltinAffectNet(Strict):
    train: Count
    validation: Count


class BuiltinCKPlus(Strict):
    images: Annotated[int, Field(ge=21, multiple_of=21)] = Field(alias="cohn-kanade-images")


class BuiltinImages(Strict):
    images: Count


class Builtin(Strict):
    seed: int
    size: Annotated[int, Field(ge=64, le=1024, multiple_of=2)]
    frames: Count
    w300: Builtin300W = Field(alias="300w")
    menpo: BuiltinMenpo
    cofw: BuiltinCOFW
    cofw68: BuiltinCOFW68
    aflw: BuiltinAFLW
    vw300: Builtin300VW = Field(alias="300vw")
    affectnet: BuiltinAffectNet
    ckplus: BuiltinCKPlus
    jaffe: BuiltinImages
    ised: BuiltinImages

    def datasets(self) -> list[str]:
        """The datasets that have built-in faces, by name."""
        fields = type(self).model_fields
        return [
            field.alias or name
            for name, field in fields.items()
            if name not in ("seed", "size", "frames")
        ]

    def counts(self, dataset: str) -> dict[str, int]:
        """How many faces each part of a dataset gets, by the part's official name."""
        counts: dict[str, int] = self.model_dump(by_alias=True)[dataset]
        return counts


class Data(Strict):
    raw: Annotated[str, Field(min_length=1), AfterValidator(_data_folder)]
    fetch: list[Literal["cofw", "cofw68"]]  # those with archives in access.yaml: a test compares
    partial: Literal["refuse", "allow"]
    validation: Annotated[float, Field(gt=0, lt=0.5)]
    size: Annotated[int, Field(ge=32, le=1024)]
    margin: Annotated[float, Field(ge=1, le=3)]
    occlusion: Occlusion
    builtin: Builtin


class Grid(Strict):
    """Values of one hyper-parameter, tried on one experiment."""

    experiment: str
    parameter: Annotated[str, Field(pattern=r"^(model|train)(\.[a-z_]+)+$")]
    values: Annotated[list[float], Field(min_length=2)]


class Search(Strict):
    seed: Annotated[int, Field(ge=0)]
    epochs: Count
    grids: dict[FolderName, Grid]

    @field_validator("grids", mode="before")
    @classmethod
    def _without_nulls(cls, grids: Any) -> Any:
        """``null`` takes a grid away that a file below has."""
        if not isinstance(grids, dict):
            return grids
        return {name: grid for name, grid in grids.items() if grid is not None}


class Efficiency(Strict):
    seconds: Positive


class Int8(Strict):
    """Models that are also quantised to 8 bits after training."""

    experiments: list[str]
    calibration: Count


class Report(Strict):
    faces: Literal["builtin", "all"]


class Params(Strict):
    preset: str
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    only: list[str]
    tracking: Tracking
    data: Data
    model: Model
    models: dict[str, Model]
    train: Train
    experiments: Annotated[dict[FolderName, Experiment], Field(min_length=1)]
    search: Search
    efficiency: Efficiency
    int8: Int8
    report: Report

    @model_validator(mode="after")
    def _known_and_unique(self) -> Params:
        if unknown := set(self.only) - set(self.experiments):
            raise ValueError(
                f"only: unknown experiment {', '.join(sorted(unknown))}; "
                f"there are {', '.join(self.experiments)}"
            )
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds: each seed once")
        for name, experiment in self.experiments.items():
            if experiment.architecture not in self.models:
                raise ValueError(
                    f"experiments.{name}.architecture: unknown {experiment.architecture!r}; "
                    f"there are {', '.join(self.models)}"
                )
            self._check_start(name, experiment)
            model = experiment.model
            cell = model.backbone.output_stride * model.pool
            if self.data.size % cell:
                raise ValueError(
                    f"data.size: {self.data.size} px is no multiple of output_stride × pool = "
                    f"{cell} px of experiment {name}"
                )
        return self

    def trial(self, grid: str, index: int) -> Experiment:
        """The experiment of one value of a grid: on the held-out faces of its own training set."""
        chosen = self.search.grids[grid]
        base = self.experiments[chosen.experiment]
        value: Any = chosen.values[index]
        value = int(value) if value == int(value) and "rank" in chosen.parameter else value
        tree = base.model_dump(mode="json")
        *path, last = chosen.parameter.split(".")
        place = tree
        for key in path:
            place = place[key]
        place[last] = value
        tree["train"]["epochs"] = self.search.epochs
        tree |= {"title": f"{grid} = {value:g}", "tuned": False, "test_on": [base.train_on]}
        return Experiment.model_validate(tree)

    @model_validator(mode="after")
    def _searchable(self) -> Params:
        for name, grid in self.search.grids.items():
            where = f"search.grids.{name}"
            if grid.experiment not in self.experiments:
                raise ValueError(f"{where}.experiment: unknown experiment {grid.experiment!r}")
            tree: Any = self.experiments[grid.experiment].model_dump()
            for key in grid.parameter.split("."):
                if not isinstance(tree, dict) or key not in tree:
                    raise ValueError(
                        f"{where}.parameter: {grid.experiment} has no {grid.parameter}"
                    )
                tree = tree[key]
            if self.experiments[grid.experiment].start_from:
                raise ValueError(f"{where}.experiment: must not start from another")
        return self

    def recorded(self) -> dict[str, Any]:
        """All that a result may depend on, in the file's own shape: where runs are tracked is none
        of it, and may hold a password."""
        return self.model_dump(mode="json", by_alias=True, exclude={"tracking"})

    def searched(self) -> dict[str, Grid]:
        """The grids to search: those whose experiment is selected."""
        return {n: g for n, g in self.search.grids.items() if g.experiment in self.selected()}

    @model_validator(mode="after")
    def _quantisable(self) -> Params:
        for name in self.int8.experiments:
            if name not in self.experiments:
                raise ValueError(f"int8.experiments: unknown experiment {name!r}")
            block = self.experiments[name].model.dgb
            if block and block.frames > 1:
                raise ValueError(f"int8.experiments: {name} is of clips; give models of pictures")
            if int8_name(name) in self.experiments:
                raise ValueError(f"experiments.{int8_name(name)}: is what int8 calls {name}")
        return self

    def quantised(self) -> dict[str, str]:
        """The names of the quantised models, each with its experiment: those that are selected."""
        return {int8_name(n): n for n in self.int8.experiments if n in self.selected()}

    def _check_start(self, name: str, experiment: Experiment) -> None:
        where, seen = f"experiments.{name}.start_from", [name]
        while (start := self.experiments[seen[-1]].start_from) is not None:
            if start not in self.experiments:
                raise ValueError(f"{where}: unknown experiment {start!r}")
            if start in seen:
                raise ValueError(f"{where}: starts from itself, by {' ← '.join([*seen, start])}")
            seen.append(start)
        if len(seen) > 1:
            if self.experiments[seen[1]].compress:
                raise ValueError(
                    f"{where}: {seen[1]} is compressed; start from what it starts from"
                )
            ours, theirs = (
                e.model.backbone.model_copy(update={"weights": "scratch"})
                for e in (experiment, self.experiments[seen[1]])
            )
            if ours != theirs:
                raise ValueError(f"{where}: {seen[1]} has another backbone")

    def selected(self) -> dict[str, Experiment]:
        """The experiments to run, by name, with those that they start from."""
        wanted = set(self.only or self.experiments)
        for name in list(wanted):
            while (start := self.experiments[name].start_from) is not None:
                wanted.add(start)
                name = start
        return {name: e for name, e in self.experiments.items() if name in wanted}

    def datasets(self) -> list[str]:
        """The datasets that the selected experiments train or test on."""
        used = {d for e in self.selected().values() for d in (e.train_on, *e.test_on)}
        return sorted(used)


def int8_name(experiment: str) -> str:
    """What an experiment's quantised model goes by."""
    return f"{experiment}_int8"


def merge(base: Any, over: Any) -> Any:
    """``over`` laid upon ``base``: mappings key by key, everything else replaced."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {
            key: merge(base[key], over[key]) if key in base and key in over
            else copy.deepcopy(over[key] if key in over else base[key])
            for key in [*base, *(key for key in over if key not in base)]
        }  # fmt: skip
    return copy.deepcopy(over)


def retyped(tree: Any) -> Any:
    """What Snakemake's ``--config`` gives, with numbers as numbers: inside ``key={…}`` it leaves
    every value a text."""
    if isinstance(tree, Mapping):
        return {key: retyped(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [retyped(value) for value in tree]
    return yaml.safe_load(tree) if isinstance(tree, str) else tree


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Params:
    """Read, merge and validate the parameters.

    Args:
        path: the project's ``params.yaml``.
        overrides: what ``--config`` and ``--configfile`` say, in the file's own shape.

    Raises:
        ParameterError: with a line for each mistake: path of the key, what is wrong.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParameterError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise ParameterError(f"{path}: is not YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ParameterError(f"{path}: must hold keys and values")
    overrides = dict(overrides or {})

    presets = merge(tree.pop("presets", {}), overrides.pop("presets", {}))
    preset = overrides.get("preset", tree.get("preset"))
    if preset not in presets:
        raise ParameterError(f"preset: unknown preset {preset!r}; there are {', '.join(presets)}")
    # Keys that a preset or an override brings in are checked like the file's own: merged first.
    tree = merge(merge(tree, presets[preset]), overrides)
    _resolve(tree)
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        raise ParameterError(_explain(error, tree)) from None


def _resolve(tree: dict[str, Any]) -> None:
    """Completes ``models`` and ``experiments`` with what they build on; leaves mistakes alone."""
    model, train = tree.get("model"), tree.get("train")
    models: Any = tree.get("models")
    experiments: Any = tree.get("experiments")
    models = models if isinstance(models, dict) else {}
    for name, changes in models.items():
        models[name] = merge(model, changes)
    experiments = experiments if isinstance(experiments, dict) else {}
    for name, experiment in experiments.items():
        if isinstance(experiment, dict):
            base = {"model": models.get(experiment.get("architecture"), model), "train": train}
            experiments[name] = merge(base, experiment)


def _explain(error: ValidationError, tree: Mapping[str, Any]) -> str:
    """One line a mistake; a mistake in ``model`` or ``train`` is not repeated per experiment."""
    general = {e["loc"] for e in error.errors() if e["loc"] and e["loc"][0] in ("model", "train")}
    lines = []
    for item in error.errors(include_url=False):
        location = item["loc"]
        if location[:1] == ("experiments",) and tuple(location[2:]) in general:
            continue
        if location[:1] == ("models",) and ("model", *location[2:]) in general:
            continue
        if item["type"] == "extra_forbidden":
            message = "unknown key"
        else:
            message = item["msg"].removeprefix("Value error, ")
            if not isinstance(item["input"], Mapping):
                message += f" (is {item['input']!r})"
        where = ".".join(map(str, location))
        lines.append(f"{where}: {message}" if where else message)
    return "\n".join(dict.fromkeys(lines))

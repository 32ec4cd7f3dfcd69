"""What scoring left, as the tests of claims need it: one value an image, averaged over seeds.

Values are percent. Frames of one video and of one sequence of CK+ are nearly the same picture, so
that a video, a sequence, counts as one image: its frames are averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cadnet.paper.claims.schema import By, Subset

AREA = 10.0  # % of the normaliser, up to which "area" measures the cumulative distribution
TRIVIAL = {"error": "mean_shape", "accuracy": "majority"}
_RECORDINGS = {"300vw", "ckplus"}  # keys are recording/frame


class MissingEvidence(Exception):
    """A claim cannot be tested; the message says why."""


@dataclass(frozen=True)
class Sample:
    """An experiment on a test set.

    Attributes:
        values: by image (or video, or sequence), averaged over seeds.
        by_seed: mean over images, by seed.
        trivial: the mean of the trivial predictor, where there is one.
    """

    experiment: str
    train_on: str
    values: pd.Series
    by_seed: pd.Series
    trivial: float | None = None


@dataclass
class Evidence:
    """The results; see ``cadnet.paper.claims.verdicts`` for the columns."""

    errors: pd.DataFrame
    expressions: pd.DataFrame
    scores: pd.DataFrame
    data: Mapping[str, Mapping[str, Any]]
    measurements: pd.DataFrame
    occlusion: Mapping[str, float]
    _parts: dict[str, dict[tuple[str, str], pd.DataFrame]] = field(default_factory=dict)
    _samples: dict[tuple[str, Subset, By], Sample] = field(default_factory=dict)

    def _part(self, by: By, experiment: str, dataset: str) -> pd.DataFrame:
        kind = "accuracy" if by == "accuracy" else "error"
        if kind not in self._parts:
            table = self.expressions if kind == "accuracy" else self.errors
            groups = list(table.groupby(["experiment", "dataset"])) if len(table) else []
            self._parts[kind] = {(str(a), str(b)): part for (a, b), part in groups}
        return self._parts[kind].get((experiment, dataset), pd.DataFrame())

    def rows(self, by: By, experiment: str, at: Subset) -> pd.DataFrame:
        """The images of one experiment's runs on a test set; empty where there are none.

        Raises:
            MissingEvidence: the dataset, or its labels of occlusion, are not there.
        """
        if at.dataset not in self.data:
            raise MissingEvidence(f"{at.dataset} not present")
        part = self._part(by, experiment, at.dataset)
        if part.empty:
            return part
        part = part[part["subset"].isin(at.subsets)]
        if not at.stratum or part.empty:
            return part
        occluded = part["occluded"]
        if occluded.isna().all():
            raise MissingEvidence(f"no occlusion labels for {at.dataset}/{'+'.join(at.subsets)}")
        mild, heavy = occluded <= self.occlusion["mild"], occluded > self.occlusion["moderate"]
        strata = {"mild": mild, "moderate": ~mild & ~heavy & occluded.notna(), "heavy": heavy}
        return part[strata[at.stratum]]

    def sample(self, experiment: str, at: Subset, by: By = "error") -> Sample:
        """An experiment's images on a test set.

        Raises:
            MissingEvidence: there are none, a part of the test set is not there, or its seeds were
                not scored on the same images.
        """
        known = (experiment, at, by)
        if known not in self._samples:
            self._samples[known] = self._sample(experiment, at, by)
        return self._samples[known]

    def _sample(self, experiment: str, at: Subset, by: By) -> Sample:
        part = self.rows(by, experiment, at)
        if absent := sorted(set(at.subsets) - set(part["subset"] if len(part) else [])):
            raise MissingEvidence(self._why(experiment, Subset(at.dataset, tuple(absent)), at))
        indexed = part.assign(value=_values(part, by)).set_index(["subset", "key", "seed"])
        values = indexed["value"].unstack("seed").sort_index()
        if values.isna().any(axis=None):
            raise MissingEvidence(f"the seeds of {experiment} were not scored on the same {at}")
        if at.dataset in _RECORDINGS:
            recording = values.index.get_level_values("key").str.rpartition("/").get_level_values(0)
            values = values.groupby([values.index.get_level_values("subset"), recording]).mean()
        train_on = str(part["train_on"].iloc[0])
        return Sample(
            experiment,
            train_on,
            values.mean(axis=1),
            values.mean(),
            self._trivial(train_on, at, by),
        )

    def _why(self, experiment: str, absent: Subset, at: Subset) -> str:
        present = self.data[at.dataset].get("subsets", {})
        if present and not all(present.get(name) for name in absent.subsets):
            return f"no images of {absent}"
        if at.stratum and not self._part("error", experiment, at.dataset).empty:
            return f"no image of {absent} in the stratum {at.stratum}"
        return f"no run of {experiment} on {absent}"

    def _trivial(self, train_on: str, at: Subset, by: By) -> float | None:
        if by not in TRIVIAL:
            return None
        part = self.rows(by, TRIVIAL[by], at)
        part = part[part["train_on"] == train_on] if len(part) else part
        return float(_values(part, by).mean()) if len(part) else None

    def truths(self, experiment: str, at: Subset) -> pd.Series:
        """The expression of each image (or sequence), indexed like ``sample``'s values."""
        part = self.rows("accuracy", experiment, at)
        key = part["key"]
        if at.dataset in _RECORDINGS:
            key = key.str.rpartition("/")[0]
        truths: pd.Series = part.assign(key=key).groupby(["subset", "key"])["truth"].first()
        return truths

    def by_seed(self, experiment: str, at: Subset, metric: str) -> pd.Series:
        """A metric of the scores, by seed; the mean over the test set's subsets.

        Raises:
            MissingEvidence: not there for each of them.
        """
        scores = self.scores
        found = scores[
            (scores["experiment"] == experiment)
            & (scores["dataset"] == at.dataset)
            & scores["subset"].isin(at.subsets)
            & (scores["metric"] == metric)
        ]
        if set(found["subset"]) != set(at.subsets):
            raise MissingEvidence(f"no {metric} of {experiment} on {at}")
        values: pd.Series = found.groupby("seed")["value"].mean()
        return values

    def train_on(self, experiment: str, dataset: str) -> str:
        """What an experiment that was scored on a dataset was trained on."""
        scores = self.scores
        here = scores[(scores["experiment"] == experiment) & (scores["dataset"] == dataset)]
        return str(here["train_on"].iloc[0]) if len(here) else dataset

    def measured(self, architecture: str, metric: str) -> dict[str, float]:
        """A measured metric, by device.

        Raises:
            MissingEvidence: not measured.
        """
        table = self.measurements
        if len(table):
            table = table[(table["architecture"] == architecture) & (table["metric"] == metric)]
        if table.empty:
            raise MissingEvidence(f"no measurement of {architecture}'s {metric}")
        return {str(device): float(value) for device, value in table[["device", "value"]].values}

    def mark(self, dataset: str) -> str:
        """What a dataset is: ᵇ built-in, ᵒ official, ᵖ a part of the official photographs."""
        about = self.data[dataset]
        if about["origin"] == "built-in":
            return "ᵇ"
        return "ᵖ" if about["partial"] else "ᵒ"

    def marks(self, pairs: Iterable[tuple[str, str]]) -> tuple[str, str]:
        """(words, mark) of pairs of training and test data."""
        words, marks = [], []
        for trained, tested in sorted(set(pairs)):
            own = trained == tested or trained not in self.data
            one = self.mark(tested)
            if not own and self.mark(trained) != one:
                one = f"{self.mark(trained)}→{one}"
            marks.append(one)
            words.append(self._words(tested) if own else f"{trained} → {self._words(tested)}")
        return "; ".join(words), " ".join(dict.fromkeys(marks))

    def _words(self, dataset: str) -> str:
        kind = {"ᵇ": "built-in faces", "ᵒ": "official photographs"}
        return f"{dataset}: {kind.get(self.mark(dataset), 'a part of the official photographs')}"


def _values(part: pd.DataFrame, by: By) -> pd.Series:
    if by == "accuracy":
        return 100.0 * (part["truth"] == part["predicted"])
    if by == "area":
        return 100.0 * (AREA - part["error"]).clip(lower=0.0) / AREA
    return part["error"].astype(np.float64)


def aligned(*samples: Sample) -> list[np.ndarray]:
    """The values of samples on the same images, in one order.

    Raises:
        MissingEvidence: they were scored on other images.
    """
    index = samples[0].values.index
    for other in samples[1:]:
        if len(index) != len(other.values) or not index.isin(other.values.index).all():
            raise MissingEvidence(
                f"{samples[0].experiment} and {other.experiment} were scored on other images"
            )
    return [sample.values.loc[index].to_numpy(dtype=np.float64) for sample in samples]

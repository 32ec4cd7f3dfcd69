"""The claims of the paper as data: ``claims.yaml``, validated. Light: neither torch nor pandas.

A claim names one test. Tests that compare experiments come down to pairs: a is better than b on a
test set. Where a claim has several, all of them must hold.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator

from cadnet.faces import EXPRESSIONS
from cadnet.paper.reported import quote, quote_text, reported
from cadnet.yamlfiles import read_yaml

FILE = Path(__file__).parent.parent / "claims.yaml"

# What a comparison is by: mean error, share of right expressions, area under the cumulative error
# distribution up to 10 %, temporal jitter.
By = Literal["error", "accuracy", "area", "jitter"]
Names = str | list[str]


class Subset(NamedTuple):
    """E.g. ``300w/common+challenging`` or ``300w/challenging:heavy``."""

    dataset: str
    subsets: tuple[str, ...]
    stratum: str = ""

    @classmethod
    def parse(cls, text: str) -> Subset:
        """From its text.

        Raises:
            ValueError: it has no subset.
        """
        dataset, _, rest = text.partition("/")
        subsets, _, stratum = rest.partition(":")
        if not dataset or not subsets:
            raise ValueError(f"{text}: write dataset/subset")
        return cls(dataset, tuple(subsets.split("+")), stratum)

    def __str__(self) -> str:
        stratum = f":{self.stratum}" if self.stratum else ""
        return f"{self.dataset}/{'+'.join(self.subsets)}{stratum}"


class Pair(NamedTuple):
    """Experiment ``a`` is claimed to be better than ``b``."""

    a: str
    b: str
    at: Subset
    by: By


def _list(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else names


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Better(_Strict):
    """a is better than each b, on each test set."""

    a: str
    b: Names
    at: Names
    by: By = "error"

    def pairs(self) -> list[Pair]:
        return [
            Pair(self.a, b, Subset.parse(at), self.by)
            for at in _list(self.at)
            for b in _list(self.b)
        ]


class Order(_Strict):
    """Each is better than the next."""

    best_first: list[str]
    at: str
    by: By = "error"

    def pairs(self) -> list[Pair]:
        return [Pair(a, b, Subset.parse(self.at), self.by) for a, b in pairwise(self.best_first)]


class LargestDrop(_Strict):
    """Without the block that ``claimed`` lacks, it is worse than full, and than without others."""

    full: str
    claimed: str
    others: list[str]
    at: Names
    by: By = "error"

    def pairs(self) -> list[Pair]:
        return [
            Pair(name, self.claimed, Subset.parse(at), self.by)
            for at in _list(self.at)
            for name in (self.full, *self.others)
        ]


class OnePair(_Strict):
    a: str
    b: str
    at: str


class GainLarger(_Strict):
    """a's error is lower than b's by a larger share here than there."""

    here: OnePair
    there: OnePair


class GroupGain(_Strict):
    """a's accuracy gains more over b's on faces with these expressions than on others."""

    a: str
    b: str
    at: list[str]
    expressions: list[str]

    @model_validator(mode="after")
    def _known(self) -> GroupGain:
        if unknown := set(self.expressions) - set(EXPRESSIONS):
            raise ValueError(f"unknown expressions {', '.join(sorted(unknown))}")
        return self


class Rising(_Strict):
    """a's error is larger on each test set than on the one before."""

    a: str
    at: list[str]


class SpreadBelow(_Strict):
    """The standard deviation over seeds is below a number of the text (its id)."""

    experiments: list[str]
    at: str
    limit: str


class Within(_Strict):
    """The mean over seeds of a metric of the scores lies in a range, with its interval."""

    a: str
    at: str
    metric: str
    low: float
    high: float


class Correlation(_Strict):
    """Landmark error and accuracy on a test set are negatively correlated over runs."""

    experiments: list[str]
    at: str


class BeatsPublished(_Strict):
    """a is better than every published method in a column of the paper."""

    a: str
    at: str
    table: str
    column: str
    by: By = "error"


class Overhead(_Strict):
    """a costs more than b by no more than the paper prints in a column of table 3, give or take a
    tenth of b's cost. ``inverse``: the metric is a speed."""

    a: str
    b: str
    metric: str
    column: str
    inverse: bool = False


class Cheaper(_Strict):
    """a costs less than each b: a metric that is counted, not timed."""

    a: str
    b: Names
    metric: str


class AtLeast(_Strict):
    """A measured metric of a reaches a value, on each device or on one."""

    a: str
    metric: str
    value: float
    device: str = ""


TIMED = ("latency_ms_batch1", "fps_batch1", "fps_batch32", "train_step_ms",
         "images_per_second_training")  # fmt: skip
"""Metrics that are never the same twice."""


class Check(_Strict):
    """Exactly one of them."""

    better: Better | None = None
    each: list[Better] | None = None
    order: Order | None = None
    largest_drop: LargestDrop | None = None
    gain_larger: GainLarger | None = None
    group_gain: GroupGain | None = None
    rising: Rising | None = None
    spread_below: SpreadBelow | None = None
    within: Within | None = None
    correlation: Correlation | None = None
    beats_published: BeatsPublished | None = None
    overhead: Overhead | None = None
    cheaper: Cheaper | None = None
    at_least: AtLeast | None = None
    untestable: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Check:
        if len(self.model_fields_set) != 1:
            raise ValueError("a claim has one test")
        return self

    @property
    def kind(self) -> str:
        """The name of the one that is set."""
        (name,) = self.model_fields_set
        return name

    def pairs(self) -> list[Pair]:
        """Of the kinds that are comparisons of pairs; else empty."""
        if self.each:
            return [pair for better in self.each for pair in better.pairs()]
        found = self.better or self.order or self.largest_drop
        return found.pairs() if found else []


class Claim(_Strict):
    id: str
    where: str
    claim: str
    test: Check
    reported: list[str] = []

    def printed(self) -> str:
        """The printed numbers in words.

        Raises:
            KeyError: the paper prints no such number.
        """
        return "; ".join(_printed(place) for place in self.reported) or "in words only"


def _printed(place: str) -> str:
    table, *rest = (part.strip() for part in place.split("|"))
    if table == "text":
        return quote_text(rest[0])
    if len(rest) == 2 or len(reported().tables[table].columns) == 1:
        return quote(table, *rest)
    method = f"{table} {rest[0]}"
    cells = [quote(table, rest[0], column) for column in reported().tables[table].columns]
    return f"{method}: " + ", ".join(cell.removeprefix(f"{method} ") for cell in cells)


@cache
def claims() -> dict[str, Claim]:
    """All claims by their id, in the paper's order.

    Raises:
        ValueError: the file is not as it should be.
    """
    listed = [Claim.model_validate(entry) for entry in read_yaml(FILE)]
    if len({claim.id for claim in listed}) != len(listed):
        raise ValueError(f"{FILE}: two claims of one id")
    return {claim.id: claim for claim in listed}

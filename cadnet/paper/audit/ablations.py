"""What removing a block costs, and what the spreads that the paper prints say about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scipy import stats

from cadnet.paper.audit.finding import Finding, quotes
from cadnet.paper.reported import number, quote_text, reported, stated

BLOCKS = ("DGB", "ADB", "LLB")
_T12 = {
    "none": "ResNet-18",
    "DGB": "ResNet-18 + ADB + LLB",
    "ADB": "ResNet-18 + DGB + LLB",
    "LLB": "ResNet-18 + DGB + ADB",
    "full": "ResNet-18 + DGB + ADB + LLB (r = 8)",
}
_REMOVED = {**{block: f"w/o {block}" for block in BLOCKS}, "full": "CAD-Net (full)"}
_T15 = {"none": "ResNet-18", **_REMOVED}
_MULTI_TASK = "Multi-task w/o DGB/ADB/LLB"

Place = tuple[str, str, str]


def _ablations() -> Iterator[tuple[str, dict[str, Place], int]]:
    """Every ablation: its name, its cells (none, a block that is removed, full), the sign of a
    loss."""
    yield "300W Challenging", {k: ("T12", m, "Challenging") for k, m in _T12.items()}, 1
    for column in reported().tables["T15"].columns:
        yield f"transfer {column}", {k: ("T15", m, column) for k, m in _T15.items()}, 1
    for column in reported().tables["T11"].columns:
        cells: dict[str, Place] = {k: ("T11", m, column) for k, m in _REMOVED.items()}
        cells["none"] = ("T10", _MULTI_TASK, column)
        yield f"expressions, {column}", cells, -1


def removals() -> Iterator[Finding]:
    """What each block is worth, against all three together; and which is worth most."""
    for name, cells, sign in _ablations():
        full = number(*cells["full"])
        whole = sign * (number(*cells["none"]) - full)
        cost = {block: sign * (number(*cells[block]) - full) for block in BLOCKS}
        shares = ", ".join(
            f"{block} {value:.2f} ({value / whole:.0%})" for block, value in cost.items()
        )
        where = " and ".join(sorted({cell[0].replace("T", "table ") for cell in cells.values()}))
        yield Finding(
            f"removal-{name}",
            where,
            f"{name}: what the blocks are worth one by one fits what all three are worth",
            quotes(*cells.values()),
            f"without one: {shares}; without all three: {whole:.2f}. "
            + ("Each" if min(cost.values()) > whole / 2 else "Not each")
            + " is worth more than half of all three",
            min(cost.values()) <= whole / 2,
        )
        yield Finding(
            f"largest-{name}",
            f"{where}; sections 6.4 and 7.1",
            f"{name}: removing DGB costs most, and each removal costs something",
            quotes(*(cells[key] for key in (*BLOCKS, "full"))),
            f"without one: {shares}",
            cost["DGB"] == max(cost.values()) and min(cost.values()) > 0,
        )


def _gain(before: Place, after: Place) -> float:
    return 1 - number(*after) / number(*before)


def transfer_gains() -> Iterator[Finding]:
    """Section 7.5: the relative improvement is larger in transfer than within a dataset."""
    pair: tuple[Place, Place] = (
        ("T12", _T12["none"], "Challenging"),
        ("T12", _T12["full"], "Challenging"),
    )
    within = _gain(*pair)
    for column in reported().tables["T7"].columns:
        cells: tuple[Place, Place] = (
            ("T7", "Baseline (unified)", column),
            ("T7", "CAD-Net", column),
        )
        gain = _gain(*cells)
        yield Finding(
            f"transfer-gain-{column}",
            "section 7.5; tables 7, 12 and 15",
            "the relative improvement over ResNet-18 is larger in transfer than in-dataset",
            quotes(*cells, *pair),
            f"{column}: {gain:.1%}; in-dataset (300W Challenging): {within:.1%}",
            gain > within,
        )


def transfer_errors() -> Iterator[Finding]:
    """A model of other data should not be better than one of the same data."""
    for method, in_t15 in (("none", "ResNet-18"), ("full", "CAD-Net (full)")):
        inside: Place = ("T12", _T12[method], "Challenging")
        across: Place = ("T15", in_t15, "COFW → 300W")
        yield Finding(
            f"transfer-beats-own-{method}",
            "tables 12 and 15",
            f"{in_t15}: on 300W Challenging, training on 300W is better than training on COFW "
            "(1345 faces, 29 landmarks) and not tuning",
            quotes(inside, across),
            f"trained on COFW {number(*across):.2f}, on 300W {number(*inside):.2f}",
            number(*across) > number(*inside),
        )
    own, other = number("T6", "CAD-Net", "Full"), number("T7", "CAD-Net", "300W → AFLW Full")
    yield Finding(
        "aflw-transfer",
        "tables 6 and 7",
        "AFLW Full, CAD-Net: trained on 300W without tuning is worse than trained on AFLW",
        quotes(("T6", "CAD-Net", "Full"), ("T7", "CAD-Net", "300W → AFLW Full")),
        "the two are equal" if own == other else f"{other - own:+.2f}",
        other > own,
    )


def welch(first: Place, second: Place) -> float:
    """Two-sided p of Welch's test of two printed means ± standard deviations, over the paper's
    three seeds.

    Raises:
        KeyError: one of the two is printed without ±.
    """
    printed = []
    for table, method, column in (first, second):
        found = reported().tables[table]
        stds = found.row(method).stds
        std = stds[found.columns.index(column)] if stds else None
        if std is None:
            raise KeyError(f"{found.source}: {method} has no ±")
        printed.append((number(table, method, column), std))
    n = int(stated("seeds"))
    (mean, std), (other, spread) = printed
    test = stats.ttest_ind_from_stats(mean, std, n, other, spread, n, equal_var=False)
    return float(test.pvalue)


def _spread(
    identifier: str, where: str, statement: str, best: Place, rivals: Sequence[Place]
) -> Finding:
    p = {place[1]: welch(best, place) for place in rivals}
    return Finding(
        identifier,
        where,
        statement,
        quotes(best, *rivals),
        "Welch's test of means ± std over 3 seeds: "
        + ", ".join(
            f"against {name} p {'< 0.001' if value < 0.001 else f'= {value:.3f}'}"
            for name, value in p.items()
        ),
        max(p.values()) < 0.05,
    )


def spreads() -> Iterator[Finding]:
    """Orderings against the standard deviations that the paper prints beside them."""
    rank, attention = reported().tables["T13"], reported().tables["T14"]
    ranks: list[Place] = [("T13", row.method, "Challenging") for row in rank.rows]
    yield _spread(
        "rank-spread", "table 13; sections 5.2 and 7.2",
        "r = 8 is better than every other rank, beyond the spread over seeds",
        ranks[0], ranks[1:],
    )  # fmt: skip
    kinds: list[Place] = [("T14", row.method, "Challenging") for row in attention.rows]
    yield _spread(
        "attention-spread", "table 14; section 7.3",
        "criss-cross attention is better than the alternatives, beyond the spread over seeds",
        kinds[-1], kinds[:-1],
    )  # fmt: skip
    for column in reported().tables["T11"].columns:
        yield _spread(
            f"dgb-spread-{column}", "table 11; section 6.4",
            f"{column}: removing DGB costs more than removing ADB or LLB, beyond the spread",
            ("T11", "w/o DGB", column), [("T11", f"w/o {b}", column) for b in ("ADB", "LLB")],
        )  # fmt: skip
        yield _spread(
            f"fer-spread-{column}", "table 10; section 6.3",
            f"{column}: CAD-Net is better than both baselines, beyond the spread over seeds",
            ("T10", "CAD-Net (full)", column),
            [("T10", name, column) for name in ("ResNet-18 (FER-only)", _MULTI_TASK)],
        )  # fmt: skip


def small_spread() -> Iterator[Finding]:
    """Section 7.4: below 0.6 % across all configurations."""
    limit = stated("std_below")
    for tables, what in ((("T13", "T14"), "errors"), (("T10", "T11"), "accuracies")):
        cells = [
            (float(std), std / value, f"{table} {row.method}")
            for table in tables
            for row in reported().tables[table].rows
            for std, value in zip(row.stds or [], row.values, strict=True)
            if std is not None and value is not None
        ]
        largest, relative = max(cells), max(cell[1] for cell in cells)
        yield Finding(
            f"std-{what}",
            f"section 7.4; tables {' and '.join(table[1:] for table in tables)}",
            f"across all configurations the standard deviation is below {limit:g} % ({what})",
            f"{quote_text('std_below')}; the ± of {len(cells)} cells",
            f"largest: {largest[0]:g} points ({largest[2]}); relative to the mean up to "
            f"{relative:.1%}",
            largest[0] < limit,
        )


def any_attention() -> Iterator[Finding]:
    """Section 7.3: the benefit is not simply due to inserting an attention operator."""
    without: Place = ("T12", _T12["DGB"], "Challenging")
    kinds: list[Place] = [
        ("T14", row.method, "Challenging") for row in reported().tables["T14"].rows
    ]
    whole = number(*without) - number(*kinds[-1])
    shares = {kind[1]: (number(*without) - number(*kind)) / whole for kind in kinds[:-1]}
    yield Finding(
        "any-attention",
        "section 7.3; tables 12 and 14",
        "the benefit of DGB is not simply due to inserting an attention operator",
        quotes(without, *kinds),
        "share of DGB's benefit that another attention gives: "
        + ", ".join(f"{name} {share:.0%}" for name, share in shares.items()),
        max(shares.values()) < 0.5,
    )


def correlation() -> Iterator[Finding]:
    """Section 6.3's negative correlation, from the ablations that both tables print."""
    keys = ("none", *BLOCKS, "full")
    error: list[Place] = [("T12", _T12[key], "Challenging") for key in keys]
    for column in reported().tables["T11"].columns:
        right: list[Place] = [
            ("T10", _MULTI_TASK, column),
            *(("T11", _REMOVED[key], column) for key in keys[1:]),
        ]
        found = stats.pearsonr([number(*cell) for cell in error], [number(*cell) for cell in right])
        yield Finding(
            f"correlation-{column}",
            "section 6.3; tables 10, 11 and 12",
            f"{column}: where landmarks are better, expressions are (negative correlation)",
            quotes(*error, *right),
            f"Pearson r = {found.statistic:.3f} over five ablations (their means: the paper's own "
            "r, over validation data and seeds, is not printed)",
            bool(found.statistic < 0),
        )


def findings() -> Iterator[Finding]:
    """All of this module."""
    yield from removals()
    yield from transfer_gains()
    yield from transfer_errors()
    yield from spreads()
    yield from small_spread()
    yield from any_attention()
    yield from correlation()

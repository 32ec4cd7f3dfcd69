"""Overall errors against the errors of the parts that they are means of."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog

from cadnet.paper.audit.finding import HALF, Finding, quotes
from cadnet.paper.reported import number, reported, stated


def full_error(common: float, challenging: float) -> float:
    """Mean error of 300W Full from those of its two parts."""
    n, m = stated("w300_common"), stated("w300_challenging")
    return (n * common + m * challenging) / (n + m)


def implied_challenging(common: float, full: float) -> tuple[float, float]:
    """The Challenging error that Common and Full imply, and how far rounding can move it."""
    n, m = stated("w300_common"), stated("w300_challenging")
    return ((n + m) * full - n * common) / m, HALF * (2 * n + m) / m


def full_of_its_parts() -> Iterator[Finding]:
    """Tables 2 and 4: Full must be the mean over its images."""
    both = [row.method for row in reported().tables["T2"].rows]
    others = {row.method for row in reported().tables["T4"].rows}
    for method in (name for name in both if name in others):
        full = number("T2", method, "Full")
        found = full_error(number("T2", method, "Common"), number("T4", method))
        yield Finding(
            f"full-{method}",
            "tables 2 and 4",
            f"{method}: Full = (554 · Common + 135 · Challenging) / 689",
            quotes(("T2", method, "Common"), ("T4", method), ("T2", method, "Full")),
            f"{found:.3f}, printed {full:.2f}: off by {full - found:+.3f}, "
            f"rounding explains {2 * HALF:g}",
            abs(full - found) <= 2 * HALF,
        )


def challenging_in_two_tables() -> Iterator[Finding]:
    """Table 3's column against table 4's, and both against what table 2 implies."""
    for in_t3, in_t4 in (("ODN", "ODN"), ("OADN", "AODN"), ("ADODN", "ADODN")):
        third, fourth = number("T3", in_t3, "300W"), number("T4", in_t4)
        implied, slack = implied_challenging(
            number("T2", in_t4, "Common"), number("T2", in_t4, "Full")
        )
        fits = [
            name
            for name, value in (("table 3", third), ("table 4", fourth))
            if abs(value - implied) <= slack + HALF
        ]
        yield Finding(
            f"challenging-twice-{in_t4}",
            "tables 2, 3 and 4; section 5.1",
            f"{in_t4}: the error on 300W Challenging is one number (section 5.1 takes tables 2-8 "
            "from the original publications"
            + ("" if in_t3 == in_t4 else f"; if table 3's {in_t3} is {in_t4}")
            + ")",
            quotes(
                ("T3", in_t3, "300W"),
                ("T4", in_t4),
                ("T2", in_t4, "Common"),
                ("T2", in_t4, "Full"),
            ),
            f"table 3 and table 4 differ by {fourth - third:.2f}; table 2 implies "
            f"{implied:.2f} ± {slack:.2f}, which agrees with {' and '.join(fits) or 'neither'}",
            third == fourth,
        )


def above_five_point_eight() -> Iterator[Finding]:
    """Section 1's lower limit for the competition."""
    limit = stated("occlusion_aware_above")
    for table, column in (("T4", "Challenging"), ("T3", "300W")):
        rows = [row.method for row in reported().tables[table].rows if row.cites]
        below = [name for name in rows if number(table, name, column) < limit]
        yield Finding(
            f"above-{limit:g}-{table}",
            f"section 1 and {reported().tables[table].source.lower()}",
            f"existing occlusion-aware methods are above {limit:g} on 300W Challenging",
            quotes(*((table, name, column) for name in rows)),
            f"below it: {', '.join(below) or 'none'}",
            not below,
        )


def stratum_limits(wanted: str, given: str, overall: float) -> tuple[float, float]:
    """Least and greatest overall error that table 5's ``wanted`` row can have, over all shares of
    the three strata with which its ``given`` row has the overall error (within rounding).

    Raises:
        ValueError: no shares give it.
    """
    rows = {row.method: np.array(row.values, dtype=float) for row in reported().tables["T5"].rows}
    limits = []
    for sign in (1, -1):
        found = linprog(
            sign * rows[wanted],
            A_ub=[rows[given], -rows[given]],
            b_ub=[overall + 2 * HALF, -overall + 2 * HALF],
            A_eq=[[1, 1, 1]],
            b_eq=[1],
        )
        if not found.success:
            raise ValueError(f"no mixture of {given}'s strata gives {overall}")
        limits.append(float(rows[wanted] @ found.x))
    return limits[0], limits[1]


def strata() -> Iterator[Finding]:
    """Table 5's strata against table 12's overall errors of the same two models and faces."""
    base, cad = "Baseline (ResNet-18 unified)", "CAD-Net"
    full = "ResNet-18 + DGB + ADB + LLB (r = 8)"
    overall = {base: number("T12", "ResNet-18"), cad: number("T12", full)}
    columns = reported().tables["T5"].columns
    used = quotes(
        *(("T5", name, column) for name in (base, cad) for column in columns),
        ("T12", "ResNet-18"),
        ("T12", full),
    )
    for wanted, given in ((cad, base), (base, cad)):
        low, high = stratum_limits(wanted, given, overall[given])
        yield Finding(
            f"strata-{'cadnet' if wanted == cad else 'resnet18'}",
            "tables 5 and 12",
            "some shares of mild, moderate and heavy faces give both "
            f"{overall[base]:.2f} (ResNet-18) and {overall[cad]:.2f} (CAD-Net)",
            used,
            f"where {given} reaches {overall[given]:.2f}, {wanted} is between {low:.2f} and "
            f"{high:.2f} (linear program over the shares)",
            low - 2 * HALF <= overall[wanted] <= high + 2 * HALF,
        )


def equal_commons() -> Iterator[Finding]:
    """Two methods of one number."""
    first, second = (number("T2", name, "Common") for name in ("LGSA", "3FabRec"))
    implied = {
        name: implied_challenging(number("T2", name, "Common"), number("T2", name, "Full"))[0]
        for name in ("LGSA", "3FabRec")
    }
    yield Finding(
        "lgsa-3fabrec",
        "table 2",
        "LGSA and 3FabRec, two publications, have the same error on Common",
        quotes(
            ("T2", "LGSA", "Common"),
            ("T2", "3FabRec", "Common"),
            ("T2", "LGSA", "Full"),
            ("T2", "3FabRec", "Full"),
        ),
        f"equal: {first:.2f}; with their Full they imply Challenging "
        f"{implied['LGSA']:.2f} and {implied['3FabRec']:.2f}; one may be a slip of the pen",
        first != second,
    )


def findings() -> Iterator[Finding]:
    """All of this module."""
    yield from full_of_its_parts()
    yield from strata()
    yield from challenging_in_two_tables()
    yield from above_five_point_eight()
    yield from equal_commons()

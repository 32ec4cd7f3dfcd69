"""Counts, and sentences of the text held against the tables."""

from __future__ import annotations

from collections.abc import Iterator

from cadnet.faces import SCHEMES
from cadnet.paper.audit.finding import Finding, quotes
from cadnet.paper.reported import number, quote_text, reported, stated

# Test videos of 300VW's categories 1 to 3, as its organisers publish them.
PUBLISHED_300VW = (31, 19, 14)
_OWN = {"CAD-Net", "CAD-Net+"}


def _texts(*identifiers: str) -> str:
    return "; ".join(map(quote_text, identifiers))


def _sum(where: str, whole: str, *parts: str) -> Finding:
    total = sum(stated(part) for part in parts)
    return Finding(
        f"sum-{whole}",
        where,
        f"{reported().text[whole].what}: the parts add up",
        _texts(*parts, whole),
        f"{' + '.join(f'{stated(part):g}' for part in parts)} = {total:g}, printed "
        f"{stated(whole):g}",
        total == stated(whole),
    )


def counts() -> Iterator[Finding]:
    """Sizes of datasets."""
    yield _sum("section 5.1", "w300_test", "w300_common", "w300_challenging")
    yield _sum("section 5.1", "w300_images", "w300_train", "w300_test")
    yield _sum("section 5.1", "cofw_images", "cofw_train", "cofw_test")
    yield _sum("section 5.1", "vw300_videos", "vw300_train", "vw300_test")
    yield _sum("section 2", "action_units", "action_units_upper", "action_units_lower")
    named = stated("w300_train") + stated("w300_common")
    yield Finding(
        "w300-sources",
        "section 5.1",
        "300W's images are those of AFW, LFPW and HELEN",
        _texts("w300_images", "w300_train", "w300_common", "w300_challenging"),
        f"without IBUG's Challenging part there are {named:g}; the printed "
        f"{stated('w300_images'):g} hold it",
        named == stated("w300_images"),
    )
    published = sum(PUBLISHED_300VW)
    yield Finding(
        "vw300-test",
        "section 5.1",
        "the three categories of 300VW hold the test videos",
        f"{_texts('vw300_test', 'vw300_train', 'vw300_videos')}; published categories "
        f"{' + '.join(map(str, PUBLISHED_300VW))}",
        f"the categories hold {published}, and {published} + {stated('vw300_train'):g} = "
        f"{published + stated('vw300_train'):g}",
        published == stated("vw300_test"),
    )
    held, labelled = stated("affectnet_held_out"), stated("affectnet_labelled")
    share = 100 * held / labelled
    yield Finding(
        "affectnet-held-out",
        "section 6.2.1",
        "the images held out from AffectNet are about 1.5 % of the labelled ones",
        _texts("affectnet_held_out", "affectnet_labelled", "affectnet_held_out_share"),
        f"{share:.2f} %",
        abs(share - stated("affectnet_held_out_share")) < 0.1,
    )
    yield Finding(
        "affectnet-annotated",
        "sections 6 and 6.2.1",
        "AffectNet has over a million annotated images (section 6)",
        _texts("affectnet_images", "affectnet_labelled"),
        f"{labelled / stated('affectnet_images'):.0%} of them are annotated by hand (section "
        "6.2.1)",
        labelled >= stated("affectnet_images"),
    )


def points(ranges: str) -> set[int]:
    """``1-2, 14-15; 64`` → the landmarks."""
    found = set()
    for part in ranges.replace(";", ",").split(","):
        low, _, high = part.strip().partition("-")
        found |= set(range(int(low), int(high or low) + 1))
    return found


def expressions() -> Iterator[Finding]:
    """Table 1: an expression moves both halves of the face alike."""
    flip = SCHEMES["ibug68"].flip
    for row in reported().expressions.rows:
        named = points(row.landmarks)
        alone = sorted(point for point in named if int(flip[point]) not in named)
        yield Finding(
            f"facs-{row.emotion.lower()}",
            "table 1",
            f"{row.emotion}: the landmarks (as far as the scan can be read) are the same on both "
            "halves of the face",
            f"table 1 {row.emotion}: {row.landmarks}",
            "without their mirror point: " + (", ".join(map(str, alone)) or "none"),
            not alone,
        )


def best() -> Iterator[Finding]:
    """CAD-Net beats every method it is compared with, in every column."""
    for name in ("T2", "T4", "T6", "T8", "T9"):
        table = reported().tables[name]
        worse = []
        for column in table.columns:
            sign = -1 if name == "T9" else 1
            own = sign * number(name, "CAD-Net", column)
            for row in table.rows:
                value = table.value(row.method, column)
                if row.method not in _OWN and value is not None and sign * value <= own:
                    worse.append(f"{row.method} {column}")
        yield Finding(
            f"best-{name}",
            table.source.lower(),
            f"CAD-Net is better than all methods of {table.source.lower()}",
            quotes(*((name, "CAD-Net", column) for column in table.columns)),
            f"not better than: {', '.join(worse) or 'none'}",
            not worse,
        )


def _gain(table: str, rival: str, column: str) -> float:
    return 1 - number(table, "CAD-Net", column) / number(table, rival, column)


def hard_cases() -> Iterator[Finding]:
    """Abstract and section 9: particularly under severe occlusions and pose variations."""
    cases = (
        ("challenging", ("T2", "ADODN", "Common"), ("T4", "ADODN", "Challenging")),
        ("heavy", ("T5", "Baseline (ResNet-18 unified)", "Mild"),
         ("T5", "Baseline (ResNet-18 unified)", "Heavy")),
        ("pose", ("T6", "AODN", "Frontal"), ("T6", "AODN", "Full")),
        ("category3", ("T8", "AODN", "Category 1"), ("T8", "AODN", "Category 3")),
    )  # fmt: skip
    for identifier, easy, hard in cases:
        gains = [_gain(*easy), _gain(*hard)]
        own = [(place[0], "CAD-Net", place[2]) for place in (easy, hard)]
        yield Finding(
            f"hard-{identifier}",
            "abstract, section 9; " + ", ".join(sorted({easy[0], hard[0]})),
            f"CAD-Net's gain over {hard[1]} is larger on {hard[2]} than on {easy[2]} "
            "(“particularly under severe occlusions and pose variations”)",
            quotes(easy, own[0], hard, own[1]),
            f"relative gain {gains[0]:.1%} on {easy[2]}, {gains[1]:.1%} on {hard[2]}",
            gains[1] > gains[0],
        )


def difficulty() -> Iterator[Finding]:
    """Section 5.1: categories of increasing difficulty."""
    table = reported().tables["T8"]
    rising = all(row.values == sorted(row.values, key=lambda v: v or 0) for row in table.rows)
    yield Finding(
        "category-difficulty",
        "section 5.1, table 8",
        "300VW's categories 1-3 are of increasing difficulty",
        quotes(*(("T8", row.method, c) for row in table.rows for c in table.columns[:2])),
        "every method's error is lower in category 2 than in category 1",
        rising,
    )


def repeated_numbers() -> Iterator[Finding]:
    """Cells that must be equal, and cells whose equality is odd."""
    same = [("T3", "CAD-Net", "300W"), ("T4", "CAD-Net"), ("T13", "r = 8"),
            ("T12", "ResNet-18 + DGB + ADB + LLB (r = 8)"),
            ("T14", "Criss-cross attention (R = 2)")]  # fmt: skip
    values = {number(*place) for place in same} | {stated("challenging_intro")}
    yield Finding(
        "cadnet-challenging",
        "section 1; tables 3, 4, 12, 13 and 14",
        "CAD-Net's error on 300W Challenging is one number",
        f"{quotes(*same)}; {quote_text('challenging_intro')}",
        f"{len(values)} different",
        len(values) == 1,
    )
    text = {"adb_llb_text": "ResNet-18 + ADB + LLB", "dgb_llb_text": "ResNet-18 + DGB + LLB",
            "dgb_adb_text": "ResNet-18 + DGB + ADB", "resnet18_text": "ResNet-18"}  # fmt: skip
    yield Finding(
        "ablation-text",
        "section 7.1, table 12",
        "section 7.1 repeats table 12",
        f"{_texts(*text)}; {quotes(*(('T12', method) for method in text.values()))}",
        "each as printed in the table",
        all(stated(key) == number("T12", method) for key, method in text.items()),
    )
    for column in reported().tables["T9"].columns:
        ninth, tenth = number("T9", "CAD-Net", column), number("T10", "CAD-Net (full)", column)
        yield Finding(
            f"fer-twice-{column}",
            "tables 9, 10 and 11",
            f"CAD-Net's accuracy on {column} is one number (trained on AffectNet, not tuned)",
            quotes(*((t, m, column) for t, m in (
                ("T9", "CAD-Net"), ("T10", "CAD-Net (full)"), ("T11", "CAD-Net (full)")))),
            f"table 9 is {ninth - tenth:+.1f} points from the mean over three seeds of table 10",
            ninth == tenth == number("T11", "CAD-Net (full)", column),
        )  # fmt: skip
    gains = {
        column: round(number("T10", "Multi-task w/o DGB/ADB/LLB", column)
                      - number("T10", "ResNet-18 (FER-only)", column), 6)
        for column in reported().tables["T10"].columns
    }  # fmt: skip
    yield Finding(
        "multi-task-gain",
        "table 10",
        "the gain of multi-task training differs between three datasets",
        quotes(*(("T10", m, c) for c in gains
                 for m in ("Multi-task w/o DGB/ADB/LLB", "ResNet-18 (FER-only)"))),
        ", ".join(f"{column} {gain:+.1f}" for column, gain in gains.items()) + " points",
        len(set(gains.values())) > 1,
    )  # fmt: skip


def design() -> Iterator[Finding]:
    """What is said to be reported, and is not."""
    rows = [row.method for row in reported().tables["T12"].rows]
    single = [name for name in rows if name.count(" + ") == 1]
    yield Finding(
        "progressive",
        "section 7.1, table 12",
        "table 12 starts from ResNet-18 and progressively adds DGB, ADB and LLB",
        "; ".join(rows),
        f"rows with one block: {len(single)}; it removes one block at a time instead",
        bool(single),
    )
    tables = reported().tables
    spread = [name for name, table in tables.items() if any(row.stds for row in table.rows)]
    plain = [name for name in tables if name not in spread and name not in ("T3", "T9")]
    yield Finding(
        "mean-std",
        "sections 5.2, 5.3.1 and 7",
        "each experiment is repeated over three seeds and reported as mean ± std",
        f"{quote_text('seeds')}; the ± of tables {', '.join(name[1:] for name in spread)}",
        f"own results without any ±: tables {', '.join(name[1:] for name in plain)}",
        not plain,
    )
    menpo = [n for n, t in tables.items() if any("menpo" in c.lower() for c in t.columns)]
    yield Finding(
        "menpo-benchmark",
        "abstract, section 5.1",
        "CAD-Net is evaluated on five benchmarks, Menpo among them",
        "; ".join(f"{table.source}: {', '.join(table.columns)}" for table in tables.values()),
        f"tables with a column of Menpo: {len(menpo)}; it serves for pretraining alone",
        bool(menpo),
    )
    for entry in reported().text.values():
        if entry.value is None:
            yield Finding(
                f"promised-{entry.id}",
                entry.source,
                f"the paper reports: {entry.what}",
                "none",
                "promised or claimed in the text, printed nowhere",
                False,
            )


def findings() -> Iterator[Finding]:
    """All of this module."""
    yield from counts()
    yield from expressions()
    yield from best()
    yield from hard_cases()
    yield from difficulty()
    yield from repeated_numbers()
    yield from design()

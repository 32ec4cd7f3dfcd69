"""Table 3 against what its architectures cost, and against the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cadnet.paper.audit.finding import Finding, quotes
from cadnet.paper.reported import number, quote_text, reported, stated

_WIDTHS = (64, 128, 256, 512)
_IMAGENET_CLASSES = 1000


def resnet18_cost(size: int, output_stride: int) -> tuple[int, int]:
    """Parameters and multiply-adds of ResNet-18's convolutions (without its head), counted by
    hand: kernel × kernel × inputs × outputs, times the places of the map. Two parameters a
    channel of each batch normalisation."""
    side = size // 2
    parameters, operations = 7 * 7 * 3 * 64, 7 * 7 * 3 * 64 * side**2
    channels, side, stride = 64, side // 2, 4
    normalised = 64
    for width in _WIDTHS:
        if width > 64 and stride < output_stride:
            side, stride = side // 2, stride * 2
        weights = 9 * channels * width + 3 * 9 * width**2
        normalised += 4 * width
        if width != channels:
            weights += channels * width  # the 1 × 1 shortcut
            normalised += width
        parameters += weights
        operations += weights * side**2
        channels = width
    return parameters + 2 * normalised, operations


def operations(counted: Mapping[str, float]) -> Iterator[Finding]:
    """FLOPs of ResNet-18 and of CAD-Net at the stride of section 3.1."""
    size, stride = int(stated("input_size")), int(stated("output_stride"))
    coarse, fine = (resnet18_cost(size, s)[1] / 1e9 for s in (32, stride))
    printed = number("T3", "CAD-Net", "FLOPs")
    here = "".join(
        f"; this project's {name} at {size} px: {value:.2f}" for name, value in counted.items()
    )
    yield Finding(
        "flops",
        "table 3, section 3.1",
        "CAD-Net's FLOPs hold a ResNet-18 backbone without its last two downsamplings",
        "; ".join(
            (quotes(("T3", "ResNet-18", "FLOPs"), ("T3", "CAD-Net", "FLOPs")),
             quote_text("input_size"), quote_text("output_stride"))
        ),
        f"the backbone alone costs {fine:.2f} G multiply-adds at stride {stride}, {coarse:.2f} at "
        f"stride 32{here}",
        printed >= fine,
    )  # fmt: skip


def parameters() -> Iterator[Finding]:
    """ResNet-18's parameters: whose head?"""
    size, stride = int(stated("input_size")), int(stated("output_stride"))
    backbone = resnet18_cost(size, stride)[0]
    outputs = 2 * int(stated("landmarks"))
    classifier = (backbone + 513 * _IMAGENET_CLASSES) / 1e6
    regressor = (backbone + 513 * outputs) / 1e6
    printed = number("T3", "ResNet-18", "Params")
    yield Finding(
        "parameters",
        "table 3",
        f"ResNet-18's parameters are those of a network of {outputs} coordinates",
        f"{quotes(('T3', 'ResNet-18', 'Params'))}; {quote_text('landmarks')}",
        f"with one layer from 512 averaged features to {outputs} outputs: {regressor:.2f} M; with "
        f"ImageNet's {_IMAGENET_CLASSES} classes: {classifier:.2f} M",
        abs(regressor - printed) <= 0.05,
    )


def accuracy_column() -> Iterator[Finding]:
    """The head of the last column."""
    for method, place in (("ResNet-18", ("T12", "ResNet-18")), ("CAD-Net", ("T4", "CAD-Net"))):
        printed, challenging = number("T3", method, "300W"), number(*place)
        yield Finding(
            f"t3-column-{method}",
            "tables 2, 3, 4 and 12",
            f"{method}: table 3's column “300W” holds the error on all of 300W",
            quotes(("T3", method, "300W"), place, ("T2", "CAD-Net", "Full")),
            f"equals the error on Challenging ({challenging:.2f}); Full would be "
            f"{number('T2', 'CAD-Net', 'Full'):.2f} for CAD-Net",
            printed != challenging,
        )


def names() -> Iterator[Finding]:
    """OADN or AODN."""
    third = {row.method for row in reported().tables["T3"].rows}
    others = {row.method for key in ("T2", "T4") for row in reported().tables[key].rows}
    yield Finding(
        "oadn-aodn",
        "tables 2, 3 and 4",
        "table 3 names the methods of tables 2 and 4",
        f"table 3: {', '.join(sorted(third))}; tables 2 and 4: {', '.join(sorted(others))}",
        "in table 3 alone: " + ", ".join(sorted(third - others - {"ResNet-18"})),
        third - {"ResNet-18"} <= others,
    )


def overhead() -> Iterator[Finding]:
    """“A moderate increase in computational cost”."""
    table = reported().tables["T3"]
    more = {}
    for column in table.columns[:-1]:
        ratio = number("T3", "CAD-Net", column) / number("T3", "ResNet-18", column)
        more[column] = (1 / ratio if column == "FPS" else ratio) - 1
    best = min(number("T3", row.method, "300W") for row in table.rows)
    yield Finding(
        "overhead",
        "table 3, section 5.2",
        "CAD-Net is the most accurate with only a moderate increase in cost (here: under a half)",
        quotes(
            *(("T3", name, c) for c in table.columns for name in ("ResNet-18", "CAD-Net"))
        ),
        "over ResNet-18: " + ", ".join(
            f"{'time a frame' if name == 'FPS' else name} +{value:.1%}"
            for name, value in more.items()
        ),
        max(more.values()) < 0.5 and best == number("T3", "CAD-Net", "300W"),
    )  # fmt: skip


def findings(counted: Mapping[str, float]) -> Iterator[Finding]:
    """All of this module."""
    yield from operations(counted)
    yield from parameters()
    yield from accuracy_column()
    yield from names()
    yield from overhead()

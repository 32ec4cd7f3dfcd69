"""The audit's numbers against those found by hand, brute force, torch; and its power to fail."""

import itertools

import numpy as np
import pytest
import yaml
from scipy import stats

from cadnet.paper import reported
from cadnet.paper.audit import ablations, audit, efficiency, mixtures, statements


def finding(identifier: str):
    (found,) = [entry for entry in audit() if entry.id == identifier]
    return found


@pytest.fixture(scope="module")
def found():
    return {entry.id: entry for entry in audit()}


@pytest.mark.parametrize(
    ("identifier", "words", "holds"),
    [  # the inventory's figures
        ("full-ODN", "4.169, printed 4.17", True),
        ("full-CAD-Net", "2.902, printed 2.90", True),
        ("full-ADN", "4.123, printed 4.14", False),
        ("full-CAD-Net+", "2.683, printed 2.70", False),
        ("full-ADODN", "3.631, printed 3.60", False),
        ("full-AODN", "3.879, printed 3.76", False),
        ("strata-cadnet", "between 6.00", False),
        ("flops", "9.21 G multiply-adds at stride 8, 1.81 at stride 32", False),
        ("t3-column-ResNet-18", "7.21", False),
        ("challenging-twice-ODN", "differ by 0.35", False),
        ("challenging-twice-ADODN", "differ by 0.38", False),
        ("aflw-transfer", "equal", False),
        ("removal-transfer 300W → COFW", "without all three: 3.45", False),
        ("low-rank-shape", "U Vᵀ is D × 2L", False),
        ("cited-equation", "eq. 16 is the low-rank prediction", False),
        ("sum-vw300_videos", "50 + 61 = 111, printed 114", False),
        ("vw300-test", "hold 64, and 64 + 50 = 114", False),
        ("lgsa-3fabrec", "equal: 3.36", False),
        # found on top of it
        ("transfer-beats-own-none", "trained on COFW 7.15, on 300W 7.21", False),
        ("transfer-gain-COFW → 300W Challenging", "15.7%; in-dataset", False),
        ("transfer-gain-300W → COFW", "50.2%; in-dataset", True),
        ("mask-sparsity", "58.7 % against 63.4 %", False),
        ("challenging-twice-AODN", "5.77 ± 0.05, which agrees with table 3", False),
        ("hard-challenging", "24.5% on Common, 10.3% on Challenging", False),
        ("multi-task-gain", "CK+ +2.3, JAFFE +2.3, ISED +2.3", False),
        ("overhead", "Params +24.8%", True),
        ("std-errors", "largest: 0.27 points", True),
    ],
)
def test_what_is_found(found, identifier, words, holds):
    assert words in found[identifier].computed and found[identifier].consistent is holds


def test_every_finding_says_where_and_from_what():
    found = audit()
    assert len({entry.id for entry in found}) == len(found) > 60
    assert all(e.where and e.statement and e.numbers and e.computed for e in found)
    assert [e.consistent for e in found] == sorted(e.consistent for e in found)


def test_other_multiply_adds_stand_beside():
    (found,) = [entry for entry in audit({"cadnet": 11.5}) if entry.id == "flops"]
    assert "this project's cadnet at 224 px: 11.50" in found.computed


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Other reported numbers, for the time of a test."""

    def change(table, method, column, value):
        tree = yaml.safe_load(reported.FILE.read_text())
        (row,) = [row for row in tree[table]["rows"] if row["method"] == method]
        row["values"][tree[table]["columns"].index(column)] = value
        (tmp_path / "reported.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True))
        monkeypatch.setattr(reported, "FILE", tmp_path / "reported.yaml")
        reported.reported.cache_clear()

    yield change
    reported.reported.cache_clear()


@pytest.mark.parametrize(
    ("cell", "value", "identifier"),
    [
        (("T2", "AODN", "Full"), 3.88, "full-AODN"),
        (("T12", "ResNet-18", "Challenging"), 6.00, "strata-cadnet"),
        (("T4", "ODN", "Challenging"), 6.32, "challenging-twice-ODN"),
        (("T6", "CAD-Net", "Full"), 1.10, "aflw-transfer"),
        (("T15", "ResNet-18", "300W → COFW"), 8.00, "removal-transfer 300W → COFW"),
        (("T12", "ResNet-18", "Challenging"), 7.10, "transfer-beats-own-none"),
        (("T3", "CAD-Net", "FLOPs"), 11.0, "flops"),
        (("T2", "LGSA", "Common"), 3.4, "lgsa-3fabrec"),
        (("T10", "ResNet-18 (FER-only)", "CK+"), 81.0, "multi-task-gain"),
    ],
)
def test_with_other_numbers_it_would_hold(edit, cell, value, identifier):
    assert not finding(identifier).consistent
    edit(*cell, value)
    assert finding(identifier).consistent


def test_full_is_the_mean_over_images():
    errors = np.array([3.1] * 554 + [5.81] * 135)
    assert mixtures.full_error(3.1, 5.81) == pytest.approx(errors.mean())
    implied, slack = mixtures.implied_challenging(3.1, errors.mean())
    assert implied == pytest.approx(5.81)
    corners = [
        mixtures.implied_challenging(3.1 + a, errors.mean() + b)[0]
        for a, b in itertools.product((-0.005, 0.005), repeat=2)
    ]
    assert max(corners) - implied == pytest.approx(slack)


def test_the_linear_program_against_a_grid():
    base, cad = np.array([4.91, 6.32, 8.45]), np.array([4.28, 5.57, 6.94])
    step = np.linspace(0, 1, 401)
    mild, moderate = (grid.ravel() for grid in np.meshgrid(step, step))
    shares = np.stack([mild, moderate, 1 - mild - moderate], axis=1)
    shares = shares[shares[:, 2] >= -1e-12]
    near = np.abs(shares @ base - 7.21) <= 0.01
    low, high = mixtures.stratum_limits("CAD-Net", "Baseline (ResNet-18 unified)", 7.21)
    assert low == pytest.approx((shares[near] @ cad).min(), abs=0.01)
    assert high == pytest.approx((shares[near] @ cad).max(), abs=0.01)
    with pytest.raises(ValueError, match="no mixture"):
        mixtures.stratum_limits("CAD-Net", "Baseline (ResNet-18 unified)", 9.0)


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_resnet18_is_counted_as_torch_counts_it(stride):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from cadnet.models.backbone import Backbone

    with torch.device("meta"):
        network = Backbone(depth=18, width=1.0, output_stride=stride)
        images = torch.empty(1, 3, 224, 224)
    with FlopCounterMode(display=False) as counter:
        network(images)
    parameters = sum(p.numel() for p in network.parameters())
    assert efficiency.resnet18_cost(224, stride) == (parameters, counter.get_total_flops() // 2)


def test_welch_from_means_and_spreads():
    """Three values of the printed mean and standard deviation."""
    shape = np.array([-1.0, 0.0, 1.0])
    first, second = 5.21 + 0.18 * shape, 5.29 + 0.21 * shape
    expected = stats.ttest_ind(first, second, equal_var=False).pvalue
    cells = [("T13", f"r = {r}", "Challenging") for r in (8, 16)]
    assert ablations.welch(*cells) == pytest.approx(expected)
    with pytest.raises(KeyError, match="has no ±"):
        ablations.welch(("T12", "ResNet-18", "Challenging"), cells[0])


def test_ranges_of_landmarks():
    assert statements.points("1-2, 14-15; 64") == {1, 2, 14, 15, 64}

"""Each kind of test, on made-up results whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from cadnet.faces import EXPRESSIONS
from cadnet.paper.claims import validation_correlation
from cadnet.paper.claims.schema import claims
from tests.paper.made_up import (
    BETTER,
    about,
    ask,
    claim,
    error_rows,
    fer_scores,
    labels,
    measured,
    runs,
    score_rows,
)


def test_all_comparisons_of_a_claim_must_hold():
    rng = np.random.default_rng(6)
    means = {"cadnet": 3.0, "resnet18": 4.0, "odn": 5.0, "oadn": 2.0}
    errors = runs(rng, means)
    both, three = ask(
        claim(better={**BETTER, "b": ["resnet18", "odn"]}),
        claim(better={**BETTER, "b": ["resnet18", "odn", "oadn"]}).model_copy(update={"id": "y"}),
        errors=errors,
    )
    assert both.verdict == "supported" and both.reproduced.startswith("2 of 2 comparisons")
    assert three.verdict == "opposite found" and "oadn 3.7" in three.reproduced
    assert three.reproduced.startswith("2 of 3 comparisons as claimed; clearest against it")


@pytest.mark.parametrize(
    ("means", "verdict"),
    [
        ((3.0, 5.0, 4.0, 4.2), "supported"),  # without the first block it is worst
        ((3.0, 4.0, 5.0, 4.2), "opposite found"),
        ((3.0, 4.0, 4.0, 3.5), "not supported"),
    ],
)
def test_the_largest_drop(means, verdict):
    names = ("cadnet", "adb_llb", "dgb_llb", "dgb_adb")
    errors = runs(np.random.default_rng(8), dict(zip(names, means, strict=True)))
    test = {"full": "cadnet", "claimed": "adb_llb", "others": ["dgb_llb", "dgb_adb"],
            "at": "300w/challenging"}  # fmt: skip
    assert ask(claim(largest_drop=test), errors=errors)[0].verdict == verdict


def test_orders_and_lists_of_comparisons():
    errors = runs(np.random.default_rng(8), {"cadnet": 3.0, "odn": 4.0, "oadn": 5.0})
    at = "300w/challenging"
    right, wrong, each = ask(
        claim(order={"best_first": ["cadnet", "odn", "oadn"], "at": at}),
        claim(order={"best_first": ["cadnet", "oadn", "odn"], "at": at}).model_copy(
            update={"id": "y"}
        ),
        claim(
            each=[{"a": "cadnet", "b": "odn", "at": at}, {"a": "odn", "b": "oadn", "at": at}]
        ).model_copy(update={"id": "z"}),
        errors=errors,
    )
    assert (right.verdict, wrong.verdict, each.verdict) == (
        "supported", "opposite found", "supported",
    )  # fmt: skip


def test_unions_are_one_set_of_images():
    rng = np.random.default_rng(9)
    errors = pd.concat(
        runs(rng, {"cadnet": 3.0, "resnet18": 3.5}, n=n, subset=subset)
        for subset, n in (("common", 40), ("challenging", 10))
    )
    (found,) = ask(claim(better={**BETTER, "at": "300w/common+challenging"}), errors=errors)
    assert found.gain.n == 50
    data = {"300w": about("300w", subsets={"common": 40})}
    part = errors[errors["subset"] == "common"]
    test = claim(better={**BETTER, "at": "300w/common+challenging"})
    assert ask(test, errors=part, data=data)[0].reason == "no images of 300w/challenging"


def test_strata_of_occlusion():
    rng = np.random.default_rng(10)
    share = rng.choice([0.1, 0.2, 0.3, 0.4, 0.7], 60)
    errors = runs(rng, {"cadnet": 3.0, "resnet18": 4.0}, occluded=share)
    counts = {
        "mild": share <= 0.2,
        "moderate": (share > 0.2) & (share <= 0.4),
        "heavy": share > 0.4,
    }
    for stratum, chosen in counts.items():
        test = claim(better={**BETTER, "at": f"300w/challenging:{stratum}"})
        assert ask(test, errors=errors)[0].gain.n == chosen.sum()
    test = claim(better={**BETTER, "at": "300w/challenging:heavy"})
    light = errors[errors["occluded"] <= 0.4]
    assert "in the stratum heavy" in ask(test, errors=light)[0].reason
    unknown = errors.assign(occluded=np.nan)
    assert ask(test, errors=unknown)[0].reason == "no occlusion labels for 300w/challenging"


def test_frames_of_a_video_are_one_image():
    rng = np.random.default_rng(11)
    keys = [f"{video:03d}/{frame:06d}" for video in range(12) for frame in range(20)]
    errors = runs(
        rng, {"cadnet_300vw": 3.0, "cadnet_2d_300vw": 3.6}, n=240, dataset="300vw",
        subset="category1", keys=keys,
    )  # fmt: skip
    test = claim(better={"a": "cadnet_300vw", "b": "cadnet_2d_300vw", "at": "300vw/category1"})
    (found,) = ask(test, errors=errors)
    assert found.gain.n == 12 and found.verdict == "supported"
    naive = errors.groupby("experiment")["error"].mean()
    assert found.gain.value == pytest.approx(naive["cadnet_2d_300vw"] - naive["cadnet_300vw"])


def test_the_area_under_the_curve():
    errors = pd.concat(
        error_rows(name, "300w", "challenging", values, seed)
        for name, values in (("cadnet", [2.0, 20.0, 4.0]), ("resnet18", [3.0, 11.0, 5.0]))
        for seed in range(2)
    )
    (found,) = ask(claim(better={**BETTER, "by": "area"}), errors=errors)
    # Mean of max(0, 1 - e / 10): 0.8, 0, 0.6 against 0.7, 0, 0.5.
    assert found.gain.value == pytest.approx(100 * (1.4 - 1.2) / 3)


@pytest.mark.parametrize(("transfer", "verdict"), [(2.0, "supported"), (3.9, "opposite found")])
def test_relative_gains(transfer, verdict):
    rng = np.random.default_rng(12)
    errors = pd.concat([
        runs(rng, {"cadnet": transfer, "resnet18": 4.0}, dataset="cofw", subset="test", n=150),
        runs(rng, {"cadnet": 3.0, "resnet18": 4.0}, n=150),
    ])  # fmt: skip
    pair = {"a": "cadnet", "b": "resnet18"}
    test = {"here": {**pair, "at": "cofw/test"}, "there": {**pair, "at": "300w/challenging"}}
    (found,) = ask(claim(gain_larger=test), errors=errors)
    assert found.verdict == verdict and "relative gain cofw/test" in found.reproduced


def test_a_smaller_loss_is_no_larger_gain():
    rng = np.random.default_rng(12)
    errors = pd.concat(
        runs(rng, {"cadnet": mean, "resnet18": 4.0}, dataset=dataset, subset=subset, n=150)
        for dataset, subset, mean in (("cofw", "test", 4.2), ("300w", "challenging", 6.0))
    )
    pair = {"a": "cadnet", "b": "resnet18"}
    test = {"here": {**pair, "at": "cofw/test"}, "there": {**pair, "at": "300w/challenging"}}
    (found,) = ask(claim(gain_larger=test), errors=errors)
    assert found.verdict == "not supported" and "no gain that could be larger" in found.reason


def test_accuracies_are_compared_face_by_face():
    rng = np.random.default_rng(13)
    truth = rng.integers(0, 7, 150)
    expressions = pd.concat(
        labels(name, rng.uniform(size=150) < share, truth, seed)
        for name, share in (("cadnet_fer", 0.8), ("resnet18_fer", 0.5))
        for seed in range(3)
    )
    test = {"a": "cadnet_fer", "b": "resnet18_fer", "at": "jaffe/test", "by": "accuracy"}
    (found,) = ask(claim(better=test), expressions=expressions)
    right = expressions["truth"] == expressions["predicted"]
    mean = 100 * right.groupby(expressions["experiment"]).mean()
    assert found.verdict == "supported" and found.data == "affectnet → jaffe: built-in faces"
    assert found.gain.value == pytest.approx(mean["cadnet_fer"] - mean["resnet18_fer"])
    (turned,) = ask(
        claim(better={**test, "a": "resnet18_fer", "b": "cadnet_fer"}), expressions=expressions
    )
    assert turned.verdict == "opposite found"


def test_sequences_of_ckplus_are_one_image():
    truth = np.repeat([1, 2, 3, 6], 3)
    keys = [f"S005/{i // 3:03d}/{i:08d}" for i in range(12)]
    expressions = pd.concat(
        labels(name, right, truth, dataset="ckplus", keys=keys)
        for name, right in (("cadnet_fer", True), ("resnet18_fer", False))
    )
    test = {"a": "cadnet_fer", "b": "resnet18_fer", "at": "ckplus/test", "by": "accuracy"}
    (found,) = ask(claim(better=test), expressions=expressions)
    assert found.gain.n == 4 and found.gain.value == 100 and found.p == 2 / 2**4


@pytest.mark.parametrize(("subtle", "verdict"), [(0.9, "supported"), (0.4, "opposite found")])
def test_gains_of_some_expressions(subtle, verdict):
    rng = np.random.default_rng(14)
    truth = rng.integers(0, 7, 400)
    chosen = np.isin(truth, [EXPRESSIONS.index("neutral"), EXPRESSIONS.index("sad")])
    better = np.where(chosen, subtle, 0.65)
    expressions = pd.concat(
        labels(name, rng.uniform(size=400) < share, truth, seed)
        for name, share in (("cadnet_fer", better), ("resnet18_fer", 0.5))
        for seed in range(3)
    )
    test = {"a": "cadnet_fer", "b": "resnet18_fer", "at": ["jaffe/test"],
            "expressions": ["neutral", "sad"]}  # fmt: skip
    assert ask(claim(group_gain=test), expressions=expressions)[0].verdict == verdict


def test_harder_test_sets():
    rng = np.random.default_rng(15)
    errors = pd.concat(
        runs(rng, {"cadnet_aflw": mean}, dataset="aflw", subset=subset)
        for subset, mean in (("frontal", 2.0), ("profile", 4.0))
    )
    order = ["aflw/frontal", "aflw/profile"]
    for at, verdict in ((order, "supported"), (order[::-1], "opposite found")):
        test = claim(rising={"a": "cadnet_aflw", "at": at})
        assert ask(test, errors=errors)[0].verdict == verdict


def test_spread_over_seeds():
    rng = np.random.default_rng(16)
    quiet = runs(rng, {"cadnet": 3.0, "adb_llb": 4.0})
    loud = quiet.assign(
        error=quiet["error"] + 2 * quiet["seed"] * (quiet["experiment"] == "cadnet")
    )
    test = claim(
        spread_below={"experiments": ["cadnet", "adb_llb"], "at": "300w/challenging",
                      "limit": "std_below"}
    )  # fmt: skip
    assert ask(test, errors=quiet)[0].verdict == "supported"
    (found,) = ask(test, errors=loud)
    naive = loud[loud["experiment"] == "cadnet"].groupby("seed")["error"].mean().std()
    assert found.verdict == "not supported" and found.p is None
    assert f"{naive:.2f} % (cadnet)" in found.reproduced
    (single,) = ask(test, errors=quiet[quiet["seed"] == 0])
    assert single.verdict.startswith("cannot") and "one seed has no spread" in single.reason


def test_jitter_is_compared_over_seeds():
    scores = score_rows(
        "jitter_io",
        {"cadnet_300vw": [0.50, 0.52, 0.51], "cadnet_2d_300vw": [0.80, 0.83, 0.80]},
        subsets=("category1", "category2"),
    )
    test = claim(
        better={"a": "cadnet_300vw", "b": "cadnet_2d_300vw", "at": "300vw/category1+category2",
                "by": "jitter"}
    )  # fmt: skip
    (found,) = ask(test, scores=scores)
    assert found.verdict == "supported" and found.gain.n == 3
    assert found.gain.value == pytest.approx(0.3)
    (single,) = ask(test, scores=scores[scores["seed"] == 0])
    assert "needs two at least" in single.reason
    (absent,) = ask(test, scores=scores[scores["subset"] == "category1"])
    assert absent.reason.startswith("no jitter_io of cadnet_300vw on 300vw/category1+category2")


@pytest.mark.parametrize(
    ("values", "verdict"),
    [([60.0, 62.0, 61.0], "supported"), ([94.0, 94.9, 94.5], "not supported"),
     ([0.0, 0.0, 0.0], "not supported"), ([60.0], "cannot be tested on this data")],
)  # fmt: skip
def test_masks_that_are_not_trivial(values, verdict):
    scores = score_rows("mask_drop_sparsity", {"cadnet": values}, "cofw", ("test",))
    test = {"a": "cadnet", "at": "cofw/test", "metric": "mask_drop_sparsity", "low": 5, "high": 95}
    assert ask(claim(within=test), scores=scores)[0].verdict == verdict


@pytest.mark.parametrize(
    ("slope", "verdict"), [(-2, "supported"), (2, "opposite found"), (0, "not supported")]
)
def test_the_correlation_of_landmarks_and_expressions(slope, verdict):
    found = ask(claims()["X4-correlation"], scores=fer_scores(slope))[0]
    assert found.verdict == verdict
    x4 = validation_correlation(fer_scores(slope))
    # FER-only has no landmarks that anybody asked for: five experiments of three seeds.
    assert x4.n == 15 and x4.value == pytest.approx(-found.gain.value)
    with pytest.raises(ValueError, match="0 runs with both on affectnet/validation"):
        validation_correlation(fer_scores(slope).iloc[:0])


@pytest.mark.parametrize(
    ("changes", "mean", "verdict"),
    [
        ({}, 0.0, "cannot be tested on this data"),
        ({"origin": "official", "partial": True}, 0.0, "cannot be tested on this data"),
        ({"origin": "official"}, 0.0, "supported"),
        ({"origin": "official"}, 9.0, "opposite found"),
    ],
)
def test_published_numbers_hold_for_official_photographs(changes, mean, verdict):
    errors = runs(np.random.default_rng(18), {"cadnet": mean})
    (found,) = ask(claims()["T4-published"], errors=errors, data={"300w": about("300w", **changes)})
    assert found.verdict == verdict
    if found.gain:
        assert "best published ADODN 5.81" in found.reproduced and found.mark == "ᵒ"
    else:
        assert "published numbers hold for all official photographs" in found.reason


def test_costs():
    table = measured(
        cadnet=[("cpu", "parameters", 130.0), ("cpu", "fps_batch1", 40.0),
                ("cuda", "fps_batch1", 80.0)],
        resnet18=[("cpu", "parameters", 100.0), ("cpu", "fps_batch1", 50.0),
                  ("cuda", "fps_batch1", 200.0)],
        cadnet_non_local=[("cpu", "parameters", 140.0)],
    )  # fmt: skip
    listed = claims()
    chosen = [listed[name] for name in ("T3-parameters", "T3-speed", "time-sensitive",
                                        "X10-lower-cost", "T3-memory")]  # fmt: skip
    more, slower, fast, cpu, absent = ask(*chosen, measurements=table)
    assert more.verdict == "supported" and "+30.0%; printed +24.8%" in more.reproduced
    # 25 % more time on the CPU would do, 150 % more on the GPU does not.
    assert slower.verdict == "not supported" and "cuda +150.0%" in slower.reproduced
    assert fast.verdict == cpu.verdict == "supported" and fast.data == "measured on cpu, cuda"
    assert absent.reason == "no measurement of cadnet's inference_memory_mib"
    test = {"a": "cadnet", "b": "cadnet_non_local", "metric": "parameters"}
    assert ask(claim(cheaper=test), measurements=table)[0].verdict == "supported"
    test = {"a": "cadnet_non_local", "b": "cadnet", "metric": "parameters"}
    assert ask(claim(cheaper=test), measurements=table)[0].verdict == "not supported"

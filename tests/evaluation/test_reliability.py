import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from cadnet.evaluation import reliability
from cadnet.evaluation.reliability import check, consensus, fit
from tests.evaluation.test_score import scored

__all__ = ["scored"]
RNG = np.random.default_rng(0)


def test_consensus_against_plain_loops():
    said = RNG.normal(size=(3, 4, 68, 2)) * 9 + 50
    found = consensus(said, "ibug68")
    for n in range(4):
        mean = sum(said[s, n] for s in range(3)) / 3
        eyes = np.hypot(*(mean[36] - mean[45]))
        for point in range(68):
            away = [np.hypot(*(said[s, n, point] - mean[point])) for s in range(3)]
            assert found.disagreement[n, point] == pytest.approx(sum(away) / 3 / eyes)
        np.testing.assert_allclose(found.landmarks[n], mean)


def drawn(count=4000):
    """Disagreements, and points that are near the less often the larger it is."""
    disagreement = RNG.uniform(0, 0.3, count)
    return disagreement, RNG.random(count) < np.exp(-8 * disagreement)


def test_fit_is_isotonic_regression_thinned():
    disagreement, near = drawn()
    reference = IsotonicRegression(increasing=False).fit(disagreement, near)
    calibration = fit(disagreement, near)
    at = np.linspace(0.01, 0.29, 50)
    assert np.abs(calibration(at) - reference.predict(at)).mean() < 0.03
    assert (np.diff(calibration.near) <= 0).all() and len(calibration.near) <= 33


def test_what_is_calibrated_has_no_calibration_error_and_what_is_not_has():
    calibration, (disagreement, near) = fit(*drawn(20_000)), drawn(20_000)
    good = check(calibration(disagreement), near)
    assert good["calibration_error"] < 0.02 and good["brier"] < good["brier_of_share"]
    worse = check(calibration(disagreement) ** 3, near)
    assert worse["calibration_error"] > 5 * good["calibration_error"]


def test_check_against_scikit_learn():
    probability = RNG.choice(np.linspace(0, 1, 21), 500)  # with ties
    near = RNG.random(500) < probability
    found = check(probability, near)
    assert found["auc"] == pytest.approx(roc_auc_score(near, probability), abs=1e-6)
    assert found["brier"] == pytest.approx(brier_score_loss(near, probability), abs=1e-6)
    assert check(probability, np.ones(500, bool))["auc"] is None


def test_one_seed_has_none_and_two_have_theirs(scored):
    store, run, score, out = scored
    assert score()[0] == 0
    found = json.loads((out / "reliability.json").read_text())
    assert found["calibration"] is None and found["reason"].startswith("one seed")
    assert reliability.read(out / "reliability.json", [0]) is None

    # The second seed is off the other way in half of the points: there the two agree to be right.
    other = run.with_name("seed1")
    other.mkdir()
    table = pq.read_table(run / "predictions.parquet")
    points = np.stack(table["landmarks"].to_pylist()).astype(np.float32).reshape(-1, 68, 2)
    points[:, ::2] -= 2 * np.array([3, 4], np.float32)
    column = table.schema.get_field_index("landmarks")
    table = table.set_column(column, "landmarks", [list(points.reshape(len(points), -1))])
    pq.write_table(table, other / "predictions.parquet")
    record = json.loads((run / "run.json").read_text())
    records = [(run / "run.json", record), (other / "run.json", {**record, "seed": 1})]
    found = reliability.of_runs(records, {"300w": store})
    assert found["reason"] == "" and found["seeds"] == [0, 1] and found["fitted_on"] == "300w"
    tested = store.subset[store.split == "test"]
    worth = found["checked"]["300w"]
    assert worth["points"] == 68 * len(tested)
    eyes = np.linalg.norm(store.landmarks[:, 36] - store.landmarks[:, 45], axis=1)
    errors = [100 * 5 / eyes[row] / 2 for row in np.flatnonzero(store.split == "test")]
    assert worth["nrmse_mean_io"] == pytest.approx(np.mean(errors), rel=1e-4)

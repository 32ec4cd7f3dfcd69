import numpy as np
import pytest
from sklearn import metrics as sklearn

from cadnet.evaluation import expressions


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(0, 8, 60), rng.integers(0, 7, 60)
    truth[truth == 3] = 4  # never occurs, but is predicted
    assert expressions.accuracy(predicted, truth) == pytest.approx(
        100 * sklearn.accuracy_score(truth, predicted)
    )
    assert expressions.macro_f1(predicted, truth) == pytest.approx(
        100 * sklearn.f1_score(truth, predicted, average="macro")
    )
    matrix = expressions.confusion(predicted, truth, 8)
    np.testing.assert_array_equal(
        matrix, sklearn.confusion_matrix(truth, predicted, labels=range(8))
    )

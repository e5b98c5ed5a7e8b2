"""The student's arithmetic, beside scikit-learn's own."""

import random

import numpy as np
import pytest

from rixin.solvers._linear import chances_of
from rixin.solvers._tfidf import fit_pipeline, linear_model

WORDS = (
    *("bank", "card", "lost", "money", "transfer", "when", "why", "not", "refund", "crude", "oil"),
    *("退款", "快递", "慢", "بطاقة", "ضائعة"),
)


def texts(count, seed):
    shuffled = random.Random(seed)
    return [" ".join(shuffled.choices(WORDS, k=shuffled.randint(1, 9))) for _ in range(count)]


@pytest.mark.parametrize("labels", [2, 3, 11])
@pytest.mark.parametrize("count", [30, 300])
def test_chances_are_those_of_scikit_learn(labels, count):
    learnt = texts(count, 1)
    model = fit_pipeline(learnt, [f"l{n % labels}" for n in range(count)], 500)
    asked = [*texts(50, 2), "", "!!", "nothing of this was learnt", "card " * 400]
    found = np.array([*map(chances_of(linear_model(model, learnt)), asked)])
    assert np.abs(found - model.predict_proba(asked)).max() < 1e-12

"""TF-IDF and logistic regression with scikit-learn; the only place that imports it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rixin.solvers._features import Analyzer, part_features, word_features

_STRENGTH = 10.0
_TOLERANCE = 1e-2
_MAX_STEPS = 1_000
_MANY_TEXTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A fitted classifier."""

    labels: tuple[str, ...]
    probabilities: Callable[[Sequence[str]], list[list[float]]]
    """Texts → one row per text with the probability of each label, in the order of `labels`."""


def sklearn_version() -> str:
    """The installed version, read without importing the package."""
    from importlib.metadata import version

    return version("scikit-learn")


def fit_classifier(texts: Sequence[str], labels: Sequence[str], max_features: int) -> Classifier:
    """Fits words and parts of words to labels.

    One regression per label against the rest, by dual coordinate descent: measured against the
    multinomial form on English, Chinese and Arabic texts it is as accurate, its margins rank
    answers as well, and it needs a third of the time and a tenth of the memory. Of texts that hold
    no word at all only the frequency of the labels can be learnt.

    Args:
        texts: Training texts.
        labels: One label per text, at least two different ones.
        max_features: Most features of each view.
    """
    if not any(map(word_features, texts)):
        return _frequencies(labels)
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline, make_union

    def view(analyzer: Callable[[str], list[str]], rarest: int) -> object:
        return TfidfVectorizer(
            analyzer=analyzer,
            sublinear_tf=True,
            max_features=max_features,
            min_df=rarest,
        )

    parts = part_features()
    rarest = 2 if len(texts) >= _MANY_TEXTS and _something_repeats(texts, parts) else 1
    views = make_union(view(word_features, 1), view(parts, rarest))
    regression = LogisticRegression(
        C=_STRENGTH,
        tol=_TOLERANCE,
        max_iter=_MAX_STEPS,
        solver="liblinear",
        dual=True,
        random_state=0,
    )
    model = make_pipeline(views, OneVsRestClassifier(regression)).fit(list(texts), list(labels))

    def probabilities(batch: Sequence[str]) -> list[list[float]]:
        if not batch:
            return []
        rows = model.predict_proba(list(batch))
        return [[round(float(chance), 6) for chance in row] for row in rows]

    return Classifier(labels=tuple(map(str, model.classes_)), probabilities=probabilities)


def _frequencies(labels: Sequence[str]) -> Classifier:
    """A classifier that knows only how frequent each label is."""
    counts = Counter(labels)
    row = [round(counts[label] / len(labels), 6) for label in sorted(counts)]
    return Classifier(labels=tuple(sorted(counts)), probabilities=lambda batch: [row] * len(batch))


def _something_repeats(texts: Sequence[str], analyze: Analyzer) -> bool:
    """Whether any feature stands in two texts, so that leaving out single ones leaves some."""
    seen: set[str] = set()
    for text in texts:
        found = set(analyze(text))
        if not seen.isdisjoint(found):
            return True
        seen |= found
    return False

"""Which rows to label first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import _num_samples, check_consistent_length

from ..base import NestedParamsMixin, is_fitted
from ..doc_link import DocLinkMixin
from ..methods import ContrastivePretrainer, dense_numbers
from ..modalities import count
from ..training import draw_seed
from ._coverage import representatives
from ._features import check_transformer, fitted_on
from ._graph import principal_directions
from ._labels import as_array, plain
from ._targets import class_labels, labeled_rows

N_COMPONENTS = 64  # principal components of the features, in which rows are near each other
CANDIDATES = 4  # rows among which a classifier chooses one


def least_sure(P: np.ndarray) -> np.ndarray:
    """Return the rows of probabilities ``(n, n_classes)``, those first whose two largest are nearest to each other.

    Examples
    --------
    >>> import numpy as np
    >>> least_sure(np.array([[0.9, 0.1, 0.0], [0.4, 0.35, 0.25], [0.5, 0.3, 0.2]])).tolist()
    [1, 2, 0]
    """
    largest = np.sort(P, axis=1)
    return np.argsort(largest[:, -1] - largest[:, -2], kind="stable")


@dataclass(kw_only=True, eq=False, repr=False)
class RowSelector(NestedParamsMixin, DocLinkMixin, BaseEstimator):
    """Choose which rows to label first: rows that stand for many others, each for other ones.

    Features of a pretrainer are divided into as many clusters as there are labels to give, and one row of each is
    chosen, that of the largest cluster first. Clusters in which a row has a label are left out. So the same number of
    labels tells a classifier more than labels of random rows do. In later rounds a `classifier` may choose among such
    rows: those of which it is least sure.

    Parameters
    ----------
    n_rows : int, default=50
        Number of rows to choose.
    pretrainer : "auto", transformer or None, default="auto"
        Its features say which rows are alike. If it is fitted it is used as it is; if it is not, a clone of it is
        fitted to X. ``"auto"`` is a `ContrastivePretrainer`. None says that X are features.
    strategy : {"centre", "typical"}, default="centre"
        Which row of a cluster is chosen: the one nearest to its centre, or the one whose neighbours are nearest [1]_.
    classifier : classifier or None, default=None
        If y has labels of two classes or more, a clone of it is fitted to the features of the labelled rows. Of four
        times as many rows as asked for, each of another cluster, those are chosen of which it is least sure: whose two
        likeliest classes are nearest to each other in probability. None chooses the rows of the largest clusters.
    random_state : int, RandomState instance or None, default=None
        Controls the pretraining and the clusters.

    Attributes
    ----------
    selected_ : ndarray of int of shape (n_rows,)
        Numbers of rows of X, the most telling first.
    pretrainer_ : transformer or None
        What computed the features. Pass it as `pretrainer` in the next round.

    References
    ----------
    .. [1] G. Hacohen, A. Dekel, D. Weinshall. "Active Learning on a Budget: Opposite Strategies Suit High and Low
       Budgets." ICML 2022. https://arxiv.org/abs/2202.02794

    Examples
    --------
    Ten rows to begin with. Then ten more, of which a classifier that knows the first is not sure. Rows with a label
    in y are not chosen again:

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_ssl import ContrastivePretrainer, LabelDiffusion, RowSelector
    >>> X, answers = load_digits(return_X_y=True)
    >>> ssl = ContrastivePretrainer(max_epochs=2, random_state=0).fit(X)
    >>> y = np.full(len(X), -1)
    >>> selector = RowSelector(n_rows=10, pretrainer=ssl, classifier=LogisticRegression(max_iter=1000), random_state=0)
    >>> for round in range(2):
    ...     rows = selector.fit(X, y).selected_
    ...     y[rows] = answers[rows]  # here somebody looks at the rows
    >>> int((y != -1).sum())
    20
    >>> clf = LabelDiffusion().fit(ssl.transform(X), y)

    With scikit-activeml, its strategies of later rounds take over from there, since both mark a missing label in y:

    >>> known = y != -1
    >>> sure = LogisticRegression().fit(ssl.transform(X[known]), y[known]).predict_proba(ssl.transform(X)).max(axis=1)
    >>> next_row = np.flatnonzero(~known)[sure[~known].argmin()]  # UncertaintySampling does this
    """

    n_rows: int = field(default=50, kw_only=False)
    pretrainer: Any = "auto"
    strategy: str = "centre"
    classifier: Any = None
    random_state: int | np.random.RandomState | None = None

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_rows": [count(1)],
        "pretrainer": "no_validation",  # check_transformer has better words for it
        "strategy": [StrOptions({"centre", "typical"})],
        "classifier": [HasMethods(["fit", "predict_proba"]), None],
        "random_state": ["random_state"],
    }

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose rows.

        Parameters
        ----------
        X : array, DataFrame or sparse matrix of shape (n, d), or what the pretrainer takes
        y : array of shape (n,), optional
            Rows with a label, which is anything but -1, None and NaN, are chosen already. Their clusters are covered.
            A `classifier` learns from these labels.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter, X or y is invalid, or if X has fewer rows without a label.
        """
        self._validate_params()
        given = isinstance(self.pretrainer, str) and self.pretrainer == "auto"
        pretrainer = ContrastivePretrainer() if given else self.pretrainer
        if pretrainer is not None:
            check_transformer(pretrainer, "pretrainer", "ContrastivePretrainer()")
        n = _num_samples(X)
        chosen = np.array([], dtype=int)
        if y is not None:
            check_consistent_length(X, y)
            chosen = labeled_rows(y)
        if self.n_rows > n - len(chosen):
            without = " without a label" if len(chosen) else ""
            raise ValueError(
                f"n_rows={self.n_rows}, and X has {n - len(chosen)} rows{without}. Lower n_rows, or pass more rows."
            )
        seed = draw_seed(self.random_state, 1)
        Z, fitted = self._features(pretrainer, X, seed)
        P = principal_directions(Z, N_COMPONENTS, seed)(Z)
        self.pretrainer_ = fitted
        labels = self._classes_of(y, chosen)
        n_candidates = self.n_rows if labels is None else min(CANDIDATES * self.n_rows, n - len(chosen))
        found = representatives(P, n_candidates, chosen, self.strategy, seed)
        if labels is not None:
            model = clone(self.classifier).fit(Z[chosen], labels)
            found = found[least_sure(model.predict_proba(Z[found]))[: self.n_rows]]
        self.selected_ = found
        return self

    def _classes_of(self, y: Any, chosen: np.ndarray) -> np.ndarray | None:
        """Return the classes of rows with a label, if there is a classifier to learn from them, and there are two."""
        if self.classifier is None or not len(chosen):
            return None
        labels = class_labels(self, plain(as_array(y)[chosen]))
        return labels if len(np.unique(labels)) > 1 else None

    def _features(self, pretrainer: Any, X: Any, seed: int) -> tuple[np.ndarray, Any]:
        """Return features of shape ``(n, d)``, and what computed them."""
        if pretrainer is None:
            way = "or pass pretrainer=ContrastivePretrainer(), which takes them"
            return dense_numbers(X, self, first=True, way=way), None
        fitted = fitted_on(pretrainer, X, None, seed)
        Z = fitted.transform(X)
        return check_array(Z, dtype=[np.float64, np.float32], estimator=self), fitted

    def __sklearn_clone__(self) -> Self:
        new = super().__sklearn_clone__()
        if not isinstance(self.pretrainer, (str, type(None))) and is_fitted(self.pretrainer):
            new.pretrainer = self.pretrainer  # a clone would have to pretrain again
        return new

"""Classifiers and regressors of scikit-learn as plain arrays, and back, for saving without pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor
from sklearn.tree._tree import Tree

LEAF = -1


def state_of(model: Any) -> dict[str, Any]:
    """Return the arrays of a fitted logistic or ridge regression, or of extra trees.

    Raises
    ------
    TypeError
        If it is another estimator.
    """
    if type(model) is LogisticRegression:
        arrays = {"coef": model.coef_, "intercept": model.intercept_}
        return {"kind": "logistic", "classes": np.asarray(model.classes_, dtype=float), **arrays}
    if type(model) is RidgeCV:
        return {"kind": "ridge", "coef": model.coef_, "intercept": np.atleast_1d(model.intercept_)}
    if type(model) in (ExtraTreesClassifier, ExtraTreesRegressor):
        states = [tree.tree_.__getstate__() for tree in model.estimators_]
        nodes = np.concatenate([state["nodes"] for state in states])
        fields = {name: np.ascontiguousarray(nodes[name]) for name in nodes.dtype.names or ()}
        return {
            "kind": "trees",
            "classes": np.asarray(getattr(model, "classes_", []), dtype=float),
            "n_features": int(model.n_features_in_),
            "sizes": np.array([state["node_count"] for state in states]),
            "depths": np.array([state["max_depth"] for state in states]),
            "values": np.concatenate([state["values"] for state in states]),
            "fields": fields,
        }
    raise TypeError(
        f"{type(model).__name__} cannot be saved without pickle. Leave estimators='auto', or pickle the whole."
    )


def model_of(state: Any, n_classes: int) -> Any:
    """Return the classifier or regressor of a state, all of whose arrays are checked.

    Parameters
    ----------
    state : dict
        As `state_of` returns it.
    n_classes : int
        0 for a regressor.

    Raises
    ------
    ValueError
        If something of it cannot be.
    """
    if not isinstance(state, dict):
        raise damaged("members")
    if not n_classes:
        return _ridge(state) if state.get("kind") == "ridge" else _forest(state, np.array([], dtype=int))
    classes = _checked(state, "classes", (None,)).astype(int)
    k = len(classes)
    if k < 2 or not np.isin(classes, np.arange(n_classes)).all() or (np.diff(classes) <= 0).any():
        raise damaged("classes")
    return _logistic(state, classes) if state.get("kind") == "logistic" else _forest(state, classes)


def damaged(what: str) -> ValueError:
    """Return the error for a part of a saved estimator that cannot be right."""
    return ValueError(f"{what} of a saved estimator cannot be right. The folder is damaged: save it again.")


def _logistic(state: dict[str, Any], classes: np.ndarray) -> LogisticRegression:
    rows = 1 if len(classes) == 2 else len(classes)
    model = LogisticRegression()
    # as its solver leaves it: products of matrices round otherwise in another order
    model.classes_, model.coef_ = classes, np.asfortranarray(_checked(state, "coef", (rows, None)))
    model.intercept_ = _checked(state, "intercept", (rows,))
    model.n_features_in_ = model.coef_.shape[1]
    return model


def _ridge(state: dict[str, Any]) -> RidgeCV:
    model = RidgeCV()
    model.coef_, model.intercept_ = _checked(state, "coef", (None,)), _checked(state, "intercept", (1,))[0]
    model.n_features_in_ = len(model.coef_)
    return model


def _forest(state: dict[str, Any], classes: np.ndarray) -> ExtraTreesClassifier | ExtraTreesRegressor:
    """Return extra trees; without classes, those of a regressor."""
    d, sizes, depths, fields = (state.get(name) for name in ("n_features", "sizes", "depths", "fields"))
    if not isinstance(d, int) or d < 1 or not isinstance(sizes, np.ndarray) or not isinstance(fields, dict):
        raise damaged("trees")
    if sizes.ndim != 1 or not len(sizes) or sizes.dtype.kind != "i" or (sizes < 1).any():
        raise damaged("sizes")
    if not isinstance(depths, np.ndarray) or depths.shape != sizes.shape or depths.dtype.kind != "i":
        raise damaged("depths")
    values = _checked(state, "values", (int(sizes.sum()), 1, len(classes) or 1)).astype(np.float64)
    nodes = _nodes(fields, len(values))
    ends = sizes.cumsum()
    trees = []
    for depth, start, end in zip(depths.tolist(), (ends - sizes).tolist(), ends.tolist(), strict=True):
        part = np.ascontiguousarray(nodes[start:end])
        _check_tree(part, d)
        trees.append(_tree(part, np.ascontiguousarray(values[start:end]), int(depth), d, classes))
    forest = ExtraTreesClassifier(len(trees)) if len(classes) else ExtraTreesRegressor(len(trees))
    forest.estimators_, forest.n_outputs_, forest.n_features_in_ = trees, 1, d
    if len(classes):
        forest.classes_, forest.n_classes_ = classes, len(classes)
    return forest


def _nodes(fields: dict[str, Any], n: int) -> np.ndarray:
    """Return arrays of n nodes as one structured array, of the type that this scikit-learn has."""
    dtype = Tree(1, np.array([2]), 1).__getstate__()["nodes"].dtype
    nodes = np.zeros(n, dtype=dtype)
    for name in dtype.names:
        column = fields.get(name)
        if (
            not isinstance(column, np.ndarray)
            or column.shape != (n,)
            or column.dtype.kind != dtype[name].kind
        ):
            raise damaged(name)
        nodes[name] = column
    return nodes


def _check_tree(nodes: np.ndarray, d: int) -> None:
    """Refuse a tree in which a row would not come to a leaf: scikit-learn walks it without a look."""
    own, left, right = np.arange(len(nodes)), nodes["left_child"], nodes["right_child"]
    leaf = left == LEAF
    inner = ~leaf
    if (right[leaf] != LEAF).any():
        raise damaged("leaves")
    for child in (left[inner], right[inner]):
        if (child <= own[inner]).any() or (child >= len(nodes)).any():
            raise damaged("children")
    feature = nodes["feature"][inner]
    if (feature < 0).any() or (feature >= d).any() or not np.isfinite(nodes["threshold"][inner]).all():
        raise damaged("splits")


def _tree(nodes: np.ndarray, values: np.ndarray, depth: int, d: int, classes: np.ndarray) -> Any:
    tree = Tree(d, np.array([len(classes) or 1], dtype=np.intp), 1)
    tree.__setstate__({"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values})
    model = ExtraTreeClassifier() if len(classes) else ExtraTreeRegressor()
    model.tree_, model.n_outputs_, model.n_features_in_ = tree, 1, d
    if len(classes):
        model.classes_, model.n_classes_ = np.arange(len(classes)), len(classes)
    return model


def _checked(state: Any, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return an array of finite numbers of a shape, in which None stands for any length."""
    value = state.get(name) if isinstance(state, dict) else None
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim != len(shape):
        raise damaged(name)
    if (
        any(n is not None and n != m for n, m in zip(shape, value.shape, strict=True))
        or not np.isfinite(value).all()
    ):
        raise damaged(name)
    return value

"""Fitted estimators and pipelines as ONNX models."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..base import TrainedNetwork, check_columns, first_step
from ..few_labels import LabeledOnly
from ..modalities import is_frame
from ..training import Batch
from ._converters import ROWS, RefusedError, free_axes, register
from ._graph import OPSET, need_libraries, parts_of

# what runtimes take in place of types that they lack
WIDER = {"float16": "float32", "int16": "int32", "uint16": "int32", "uint32": "int64", "uint64": "float64"}
WHERE = "save and load, or skops, deploy any pipeline with Python: see docs/guide/deploying.md."


def unwrapped(estimator: Any) -> Any:
    """Return what does the work in a fitted estimator: without LabeledOnly, searches and FrozenEstimator."""
    if isinstance(estimator, Pipeline):
        steps = [(name, step if isinstance(step, str) else unwrapped(step)) for name, step in estimator.steps]
        return Pipeline([(name, step) for name, step in steps if step != "passthrough"])
    if isinstance(estimator, FrozenEstimator):
        return unwrapped(estimator.estimator)
    if isinstance(estimator, LabeledOnly):
        return unwrapped(estimator.estimator_)
    return unwrapped(estimator.best_estimator_) if "best_estimator_" in vars(estimator) else estimator


def last_step(model: Any) -> Any:
    """Return the last step of a pipeline, of pipelines in pipelines too."""
    return last_step(model.steps[-1][1]) if isinstance(model, Pipeline) else model


def as_array(X: Any) -> np.ndarray:
    """Return rows as an array of a type that runtimes take; of a list of unequal arrays only the first."""
    if sp.issparse(X):
        X = X.toarray()
    try:
        array = X.to_numpy() if is_frame(X) else np.asarray(X)
    except ValueError:  # unequal lengths
        array = np.asarray(X[0])[np.newaxis]
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            return array
    return array.astype(WIDER.get(array.dtype.name, array.dtype), copy=False)


def check_array(array: np.ndarray, shape: tuple[int | None, ...]) -> None:
    """Raise a ValueError if an example is not of numbers, or rows have another shape than those of the graph."""
    fits = array.ndim == 1 + len(shape) and all(
        want in (None, side) for side, want in zip(array.shape[1:], shape, strict=True)
    )
    if array.dtype.kind in "biuf" and fits:
        return
    sides = ", ".join(["n", *("time" if side is None else str(side) for side in shape)])
    raise ValueError(
        f"X_example became an array of {array.dtype} of shape {array.shape}, and the graph takes numbers of shape "
        f"({sides}). Pass an array like those that it is to get."
    )


def types_of(X: Any, model: Any) -> list[tuple[str, Any]]:
    """Return the names and types of skl2onnx of the inputs: one array, or the columns of a frame."""
    head = first_step(model)
    if isinstance(head, TrainedNetwork):
        check_columns(head, X)
        shape = head.modality_.preparation().shape
        array = as_array(X)
        check_array(array, shape)
        return [("X", _type_of(array, [None, *shape]))]
    if is_frame(X) and (hasattr(head, "transformers_") or as_array(X).dtype.kind not in "biuf"):
        columns = ((name, as_array(X[[name]])) for name in X.columns)
        return [(str(name), _type_of(column, [None, 1])) for name, column in columns]
    array = as_array(X)
    return [("X", _type_of(array, [None, *array.shape[1:]]))]


def batch_types(head: Any, batch: Batch) -> list[tuple[str, Any]]:
    """Return the names and types of skl2onnx of the parts of a batch."""
    types = []
    for (name, part), axes in zip(parts_of(batch).items(), free_axes(head.modality_, batch), strict=True):
        sides = [None if axis in (0, *axes) else side for axis, side in enumerate(part.shape)]
        types.append((name, _type_of(part.numpy(), sides)))
    return types


def _type_of(array: np.ndarray, shape: list[int | None]) -> Any:
    from skl2onnx.common.data_types import StringTensorType, guess_data_type

    if array.dtype.kind in "OU":
        return StringTensorType(shape)
    kind = guess_data_type(np.zeros((1, 1), array.dtype))[0][1]
    return type(kind)(shape)


def network_at_start(estimator: Any) -> Any:
    """Return the estimator with a network that a pipeline begins with; raise if there is none."""
    check_is_fitted(estimator)
    head = first_step(unwrapped(estimator))
    if not isinstance(head, TrainedNetwork):
        raise TypeError(
            f"{type(estimator).__name__} does not begin with an estimator with a network, but with "
            f"{type(head).__name__}. preprocessing=False, and network_inputs, are for those: leave them out."
        )
    return head


def network_inputs(estimator: Any, X: Any) -> dict[str, np.ndarray]:
    """Return what ``to_onnx(estimator, X, preprocessing=False)`` takes: X as the network gets it.

    Parameters
    ----------
    estimator : estimator with a network, or a Pipeline that begins with one
        Fitted.
    X : raw rows
        As for ``transform`` or ``predict``.

    Returns
    -------
    dict of str to ndarray
        For ``InferenceSession.run``. Texts are ``ids`` and ``lengths`` (:class:`~sklearn_ssl.encoders.Tokens`), series
        and sound ``values``, ``observed``, ``lengths`` and ``extras`` (:class:`~sklearn_ssl.encoders.Frames`), all
        else is ``X``.

    Raises
    ------
    TypeError, ValueError
        If X is invalid, or the estimator has no network.

    Examples
    --------
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.export import network_inputs
    >>> texts = ["a red apple", "a green apple", "the sea", "the blue sea"] * 3
    >>> ssl = ContrastivePretrainer(max_epochs=0, random_state=0).fit(texts)
    >>> {name: part.shape for name, part in network_inputs(ssl, texts[:2]).items()}["lengths"]
    (2,)
    """
    head = network_at_start(estimator)
    check_columns(head, X)
    store = head.modality_.validate(X)
    return {name: part.numpy() for name, part in parts_of(store[np.arange(len(store))]).items()}


def to_onnx(estimator: Any, X_example: Any, *, preprocessing: bool = True) -> Any:
    """Return a fitted estimator or pipeline as an ONNX model, which runs without torch, scikit-learn and this package.

    Scaling, holes, layouts and the network are in one graph. Steps of scikit-learn are written by skl2onnx. Needs
    ``pip install 'sklearn-ssl[onnx]'``.

    Parameters
    ----------
    estimator : estimator
        A fitted pretrainer, `FineTuneClassifier`, `FineTuneRegressor`, `DistillationClassifier`, or a `Pipeline` or
        other meta-estimator of scikit-learn with some of them, and with what skl2onnx knows. `LabeledOnly` and searches
        give what they have fitted.
    X_example : like the X of fit
        One row is enough. It decides the type of the input, such as float64, and its shape.
    preprocessing : bool, default=True
        Whether the graph takes raw rows. If False, it begins with the network, whose inputs :func:`network_inputs`
        makes: for texts, sound, and tables with categories that are texts.

    Returns
    -------
    onnx.ModelProto
        Its inputs are ``"X"``, or the columns of a DataFrame if a `ColumnTransformer` comes first. The first axis may
        have any length. Outputs are ``"variable"``, of shape (n, n_components) or (n, n_outputs), or ``"label"`` of
        shape (n,) and ``"probabilities"`` of shape (n, n_classes).

    Raises
    ------
    ImportError
        If a library is missing.
    NotFittedError
        If the estimator is not fitted.
    TypeError, ValueError
        If the estimator, or what it does to rows, cannot be written.

    Notes
    -----
    Rows are not checked: infinite numbers are clipped, and unknown columns, wrong units and the like not noticed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ssl import ContrastivePretrainer
    >>> from sklearn_ssl.export import to_onnx
    >>> X = load_iris().data
    >>> ssl = ContrastivePretrainer(n_components=8, max_epochs=1, random_state=0).fit(X)
    >>> model = to_onnx(ssl, X[:1])
    >>> [value.name for value in (*model.graph.input, *model.graph.output)]
    ['X', 'variable']
    """
    check_is_fitted(estimator)
    need_libraries()
    model = unwrapped(estimator)
    options: dict[int, dict[str, Any]] = defaultdict(dict)
    if is_classifier(model):
        # probabilities as an array; of a last step that is not listed skl2onnx asks for them even if it has none
        options[id(last_step(model))] |= {"zipmap": False} if hasattr(model, "predict_proba") else {}
    if isinstance(first_step(model), TrainedNetwork):
        options[id(first_step(model))]["single"] = True
    if preprocessing:
        types = types_of(X_example, model)
    else:
        head = network_at_start(model)
        check_columns(head, X_example)
        batch = head.modality_.validate(X_example)[np.zeros(ROWS, dtype=int)]
        types = batch_types(head, batch)
        options[id(head)]["batch"] = batch
    return _converted(model, types, dict(options), type(estimator).__name__)


def _converted(model: Any, types: list[tuple[str, Any]], options: dict[int, Any], name: str) -> Any:
    from skl2onnx import convert_sklearn

    register()
    try:
        return convert_sklearn(
            model, name=name, initial_types=types, target_opset=OPSET, options=options or None
        )
    except RefusedError as refused:
        raise refused.error from refused.error.__cause__
    except Exception as error:  # skl2onnx has many of its own for estimators that it does not know
        why = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(
            f"{name} cannot be written as an ONNX graph. skl2onnx says: {why:.200} Estimators that it does not "
            f"know can take the features of an exported pretrainer in Python; {WHERE}"
        ) from error

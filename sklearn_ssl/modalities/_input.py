"""Checks of raw rows of any kind, and stacking them with a pool of further rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils import check_array

from ._base import Modality
from ._frames import check_frame, is_frame, other_than_numbers, same_columns, stack_frames
from ._missing import is_hole
from ._pictures import are_pictures, is_picture, picture_array

SHORT_FLOATS = ("bfloat16", "float8")  # names of types that numpy lacks


def check_rows(X: Any, modality: Modality, **options: Any) -> Any:
    """Run scikit-learn's ``check_array``, and add advice where its error has none.

    Parameters
    ----------
    X : raw data
    modality : Modality
        Named in the errors.
    **options
        Passed on to ``check_array``.
    """
    X = _unwrap(X)
    _refuse_other_than_rows(X)
    try:
        return check_array(X, **{"dtype": "numeric", "input_name": "X", "estimator": modality, **options})
    except ValueError as error:
        text = str(error)
        refuse_complex(error)
        if "infinity" in text:
            raise ValueError(f"{text} Clip the values or drop those rows.") from error
        if "could not convert" in text or "setting an array element" in text:
            advice = modality.advice
            if are_tokens(X):
                advice = "For texts that are split into tokens, pass [' '.join(tokens) for tokens in X]."
            raise ValueError(
                f"{type(modality).__name__} takes numbers in rows of one length, and X is not that: "
                f"{text.rstrip('.')}. {advice}"
            ) from error
        raise
    except (
        TypeError
    ) as error:  # numpy's, of cells that are no real numbers, and of containers that it cannot read
        text = str(error).rstrip(".")
        raise TypeError(
            f"{type(modality).__name__} takes real numbers, and X of type {type(X).__name__} is not that: {text}. "
            "Pass an array of numbers, or a DataFrame of pandas or polars."
        ) from error


def refuse_complex(error: ValueError) -> None:
    """Raise scikit-learn's error on complex numbers again, without all of X and with advice."""
    if "Complex data" in str(error):
        raise ValueError(
            "Complex data not supported: X has complex numbers. Pass their real and imaginary parts, or their absolute "
            "values and angles, as columns of their own."
        ) from error


def _refuse_other_than_rows(X: Any) -> None:
    """Refuse what has no rows at all: a text, a generator, a dict, nothing."""
    if X is None:
        raise ValueError("Expected 2D array or other rows, and X is None. Pass the rows as X.")
    if isinstance(X, dict) and not sp.issparse(X):  # one kind of sparse matrix is a dict
        raise ValueError(
            "Expected 2D array or other rows, and X is a dict. For a dict of columns pass pandas.DataFrame(X), for one "
            "of rows list(X.values())."
        )
    if isinstance(X, Iterator):
        raise TypeError(
            f"Expected rows that can be read more than once, and X is {type(X).__name__}. Pass list(X)."
        )
    if isinstance(X, (str, bytes, PurePath)):
        raise TypeError(
            f"Expected rows, and X is one name or text, {str(X)!r:.80}. Read what it names first: a table by "
            "pandas.read_csv(X), Parquet files by sklearn_ssl.files.ParquetTable(X), the images in a folder by "
            "[PIL.Image.open(path).convert('RGB').resize((64, 64)) for path in "
            "sorted(pathlib.Path(X).glob('**/*.png'))]."
        )


def are_tokens(X: Any) -> bool:
    """Return whether X is a list of lists of str of different lengths, such as texts that are split into words."""
    rows = isinstance(X, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in X)
    return rows and len({len(row) for row in X}) > 1 and all(isinstance(one, str) for row in X for one in row)


def _unwrap(X: Any) -> Any:
    """Move a tensor to the CPU; refuse what numpy would silently treat as numbers."""
    if isinstance(X, torch.Tensor):
        X = _from_torch(X)
    if isinstance(X, (list, tuple)) and len(X) and isinstance(X[0], torch.Tensor):
        X = [_from_torch(x).numpy() if isinstance(x, torch.Tensor) else x for x in X]
    if isinstance(X, Mapping) and not isinstance(X, dict):
        raise TypeError(
            f"X is {type(X).__name__}, in which names stand for arrays. Pass a DataFrame: X.to_dataframe()."
        )
    if is_picture(X):
        raise TypeError("X is one picture. Pass a list of pictures: [X].")
    if getattr(getattr(X, "dtype", None), "name", "").startswith(SHORT_FLOATS):
        X = X.astype(np.float32)
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            "X is a masked array with values hidden. Fill them first, for example with X.filled()."
        )
    if getattr(getattr(X, "dtype", None), "kind", "") in ("m", "M"):
        raise ValueError(
            "X holds dates or time spans. Turn them into numbers first, such as days since a start."
        )
    return X


def _from_torch(X: torch.Tensor) -> torch.Tensor:
    """Return a tensor on the CPU, in a dtype that numpy has."""
    short = str(X.dtype).removeprefix("torch.").startswith(SHORT_FLOATS)
    return (X.float() if short else X).detach().cpu()


def stack_rows(X: Any, pool: Any, modality: Any = None) -> Any:
    """Append the rows of `pool` to those of `X`; named columns are matched by name.

    Parameters
    ----------
    X, pool : array, DataFrame, sparse matrix or list
        If both have column names, `pool` may have further columns; it must have all those of `X`.
    modality : Modality or str, optional
        The parameter of an estimator; None if it takes no tables.

    Raises
    ------
    ValueError
        If the two do not match.
    """
    if X is None:
        raise ValueError(
            "X is None. To train on unlabeled rows alone, pass them as X: fit(pool), without X_unlabeled."
        )
    if is_texts(X):
        pool = _texts_of(pool, getattr(X, "name", None))
        if is_frame(pool):
            raise ValueError(
                f"X holds texts, and X_unlabeled is {_container(pool)} with columns {list(pool.columns)[:5]}. Pass the "
                f"column of its texts, such as X_unlabeled[{pool.columns[0]!r}]."
            )
    if is_texts(X) and is_texts(pool):
        return [*X, *pool]  # every cell of an array of str is as wide as the longest text
    if _is_listed(X) and _is_listed(pool):
        return [*X, *pool]
    if are_pictures(X) and are_pictures(pool):
        return [*X, *pool]
    frames = [is_frame(X), is_frame(pool)]
    for part, frame in zip((X, pool), frames, strict=True):
        if frame:
            check_frame(part)
    if all(frames):
        if type(pool) is type(X):
            return stack_frames(X, pool)
        pool = same_columns(X, pool)
    _refuse_unlike(X, pool, modality)
    parts = [X if sp.issparse(X) else _as_array(X, "X")]
    parts += [pool if sp.issparse(pool) else _as_array(pool, "X_unlabeled")]
    if parts[0].shape[1:] != parts[1].shape[1:] or parts[1].ndim < 1:
        raise ValueError(
            f"X_unlabeled of shape {parts[1].shape} does not go with X of shape {parts[0].shape}. Both must "
            "be the same kind of data and have the same number of columns."
        )
    if any(sp.issparse(part) for part in parts):
        return sp.vstack([sp.csr_array(part) for part in parts], format="csr")
    return np.concatenate(parts)


def _refuse_unlike(X: Any, pool: Any, modality: Any) -> None:
    """Refuse to stack a frame with columns that are not numbers on something else, which would lose their types.

    Positions in ``Tabular(categorical_features=...)`` say what columns of an array are.
    """
    named = not isinstance(getattr(modality, "categorical_features", ""), str)
    if modality is None or named or type(X) is type(pool):
        return
    odd = [name for part in (X, pool) if is_frame(part) for name in other_than_numbers(part)]
    if odd:
        raise ValueError(
            f"X is {_container(X)} and X_unlabeled is {_container(pool)}. Columns that are not numbers, such as "
            f"{odd[0]!r}, keep their names and types only if both are of one kind: pass X_unlabeled as X, for "
            "example in a DataFrame of the same library with the columns of X."
        )


def _is_listed(X: Any) -> bool:
    """Return whether X has one object a row: a list, or an array or Series of arrays."""
    return isinstance(X, (list, tuple)) or (
        getattr(X, "ndim", 0) == 1 and getattr(getattr(X, "dtype", None), "kind", "") == "O"
    )


def _container(X: Any) -> str:
    library = type(X).__module__.split(".")[0]
    return f"a DataFrame of {library}" if is_frame(X) else f"of type {type(X).__name__}"


def is_texts(X: Any) -> bool:
    """Return whether X is a list, array or Series whose first entry that is not missing is a str."""
    listed = hasattr(X, "__len__") and hasattr(X, "__iter__") and not isinstance(X, (str, bytes, Mapping))
    if (
        not listed
        or is_frame(X)
        or sp.issparse(X)
        or getattr(getattr(X, "dtype", None), "kind", "O") in "biufc"
    ):
        return False
    for entry in X:
        if isinstance(entry, str):
            return True
        if hasattr(entry, "__len__") or not is_hole(entry):
            return False
    return False


def _texts_of(pool: Any, name: Any) -> Any:
    """Return the column of a two-dimensional pool that holds the texts; the pool itself if that is unclear."""
    if is_frame(pool):
        check_frame(pool)
        found = name if name in list(pool.columns) else pool.columns[0] if len(pool.columns) == 1 else None
        return pool if found is None else pool[found]
    return pool[:, 0] if getattr(pool, "ndim", 1) == 2 and pool.shape[1] == 1 else pool


def _as_array(X: Any, name: str) -> np.ndarray:
    try:
        return picture_array(X) if are_pictures(X) else np.asarray(_unwrap(X))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(f"{name} must have rows of one length: {error}.") from error


def shape_of(X: Any) -> tuple[int, ...]:
    """Return the shape of X; for a list of texts, or for rows of different lengths, ``(len(X),)``."""
    if are_pictures(X):
        first = next(iter(X))
        return (len(X), first.height, first.width, len(first.getbands()))
    if hasattr(X, "shape"):
        return tuple(X.shape)
    if is_texts(X):
        return (len(X),)
    try:
        return np.asarray(_unwrap(X)).shape
    except ValueError:  # rows of different lengths
        return (len(X),)

"""Checks of raw texts and of the parameters of ``Text``; and example texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

from .._constraints import check_crop_scale, is_count
from .._frames import check_frame, column_of, is_frame, other_than_numbers


def check_params(text: Any) -> None:
    """Check the parameters of a ``Text`` that depend on each other or have several parts."""
    low_high = tuple(text.ngram_range)
    whole = len(low_high) == 2 and all(is_count(size, 1) for size in low_high)
    if not whole or not 1 <= low_high[0] <= low_high[1]:
        raise ValueError(f"ngram_range={text.ngram_range!r} must be two integers, 1 <= smallest <= largest.")
    if text.analyzer == "subword" and low_high != (1, 1):
        raise ValueError("analyzer='subword' learns what a token is. Leave ngram_range=(1, 1).")
    if text.analyzer != "subword" and text.tokenizer is not None:
        raise ValueError(f"analyzer={text.analyzer!r} needs no tokenizer. Pass analyzer='subword'.")
    try:
        pattern = re.compile(text.token_pattern)
    except re.error as error:
        raise ValueError(
            f"token_pattern={text.token_pattern!r} is no regular expression: {error}."
        ) from error
    if pattern.fullmatch(""):
        raise ValueError(
            f"token_pattern={text.token_pattern!r} is a pattern of nothing, too, and a token has at least a letter. "
            "Write + in place of *."
        )
    if pattern.groups > 1:
        raise ValueError(f"token_pattern={text.token_pattern!r} must have one group at most, the word.")
    check_crop_scale(text.crop_scale)


def list_of_texts(X: Any, prompt: str = "") -> list[str]:
    """Return X as a list of str, with a prompt before each; X may also have a single column of texts."""
    if is_frame(X):
        check_frame(X)
    if isinstance(X, (str, bytes)):
        raise TypeError(
            "Text takes a list of texts, and X is one text. Pass [X], or X.splitlines(). If it is the name of a file "
            "or a folder, read what is in it first."
        )
    if is_frame(X) or getattr(X, "ndim", 1) == 2:
        if X.shape[1] != 1:
            raise ValueError(
                f"Text takes one text per row, and X has {X.shape[1]} columns. Pass one of them."
            )
        X = column_of(X, 0)
    listed = all(hasattr(X, name) for name in ("__len__", "__getitem__")) and not isinstance(X, dict)
    if not listed or getattr(X, "ndim", 1) != 1:
        raise TypeError(
            f"Text takes a list, array or Series of str, and X is {type(X).__name__}. Pass list(X) if it yields "
            "texts in their order."
        )
    texts = list(X)
    if not texts:
        raise ValueError("X has no texts. Pass at least one.")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Text takes one str per row, and row {i} of X is {_no_text(text)}")
    return [prompt + text for text in texts] if prompt else texts


def _no_text(row: Any) -> str:
    """Return what a row is that is no text, and what to do about it."""
    kind = type(row).__name__
    # of a list, an array, a set, or a Series, but not of a picture, a file or a dict
    listed = isinstance(row, Collection) and not isinstance(row, (bytes, Mapping))
    tokens = list(row) if listed else []
    if tokens and all(isinstance(token, (int, np.integer)) for token in tokens):
        return (
            f"{kind} with {len(tokens)} numbers of tokens. Write the numbers as words: [' '.join(map(str, row)) for "
            "row in X] with modality=Text(token_pattern=r'\\S+')."
        )
    if listed and all(isinstance(one, str) for one in tokens):
        return (
            f"{kind} with {len(tokens)} tokens. Put them together, and have them split where they were: "
            "[' '.join(tokens) for tokens in X] with modality=Text(token_pattern=r'\\S+', lowercase=False)."
        )
    return f"{kind}: {row!r:.60}. Decode bytes; fill holes, for example with ''."


def how_to_pass(X: Any) -> str:
    """Return how to pass texts that are in a table, or split into tokens, as a list of texts; an empty string else."""
    if is_frame(X):
        columns = [name for name in other_than_numbers(X) if name in list(X.columns)]
        return f"For the texts of a column pass X[{columns[0]!r}]." if columns else ""
    if isinstance(X, np.ndarray):
        texts = X.ndim == 2 and X.size and all(isinstance(cell, str) for cell in X.flat)
        return "For the texts of a column pass X[:, 0]." if texts else ""
    rows = isinstance(X, (list, tuple)) and len(X) and all(isinstance(row, (list, tuple)) for row in X)
    if rows and any(map(len, X)) and all(isinstance(cell, str) for row in X for cell in row):
        return "For texts that are split into parts pass [' '.join(parts) for parts in X]."
    return ""


def are_bytes(X: Any) -> bool:
    """Return whether X is a list or array of bytes."""
    if isinstance(X, np.ndarray):
        return X.ndim == 1 and X.dtype.kind == "S"
    return isinstance(X, (list, tuple)) and len(X) > 0 and isinstance(X[0], bytes)


def example_texts() -> list[str]:
    """Return the lines of scikit-learn's descriptions of its datasets."""
    bunches = (load_breast_cancer(), load_diabetes(), load_iris(), load_wine())
    return [line for bunch in bunches for line in bunch.DESCR.splitlines() if len(line.split()) > 3]

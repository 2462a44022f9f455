"""The preparation of a table as a part of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._drift import constant_categories


def preparation_of(modality: Any) -> TablePreparation:
    """Return the preparation of a table as a module; refuse categories that are texts."""
    kinds = getattr(modality, "types_", None)  # folders saved by earlier versions lack these
    if kinds is None:
        kinds = ["texts" if any(isinstance(v, str) for v in known) else "" for known in modality.categories_]
    wordy = [
        int(j) for j, kind in zip(modality.categorical_, kinds, strict=True) if kind in ("texts", "both")
    ]
    if wordy:
        names = [modality.columns_[j] if modality.columns_ else j for j in wordy]
        raise TypeError(
            f"Columns {names[:5]} have categories that are texts, and a graph of this kind takes numbers. Encode them "
            "before the pretrainer, by a ColumnTransformer with OneHotEncoder in the pipeline, which is exported too. "
            "Or export the network alone: to_onnx(estimator, X, preprocessing=False)."
        )
    return TablePreparation(modality)


class TablePreparation(nn.Module):
    """Scale numbers, mark missing ones, and encode categories that are numbers, as ``Tabular.validate`` does.

    Parameters
    ----------
    modality : Tabular
        Fitted to a table without categories that are texts.

    Attributes
    ----------
    shape : tuple (n_columns,)
        Shape of one row.
    """

    numeric: Tensor
    mean: Tensor
    scale: Tensor
    still: Tensor
    absent: Tensor
    lacking: Tensor

    def __init__(self, modality: Any):
        super().__init__()
        n = len(modality.numeric_)
        missing = modality.missing_[:n]
        constant = getattr(modality, "constant_", np.zeros(n, dtype=bool))  # of an earlier version
        self.shape, self.clip = (modality.n_features_in_,), float(modality.clip)
        self.categorical = modality.categorical_.tolist()
        self.has_rare = modality.has_rare_.tolist()
        # columns with one category, or none, told nothing: they are the same for every row
        one, none = constant_categories(modality), modality.missing_[n:] == 1
        self.fixed = [False if b else True if a else None for a, b in zip(one, none, strict=True)]
        tables = {
            "numeric": modality.numeric_.astype(np.int64),
            "mean": np.nan_to_num(modality.mean_),
            "scale": modality.scale_,
            "still": constant,
            "absent": constant & (missing == 1),
            "lacking": np.flatnonzero(modality.missing_ > 0),
        }
        values = (np.array(known, dtype=np.float64) for known in modality.categories_)
        tables |= {f"categories_{j}": known for j, known in enumerate(values)}
        for name, table in tables.items():
            self.register_buffer(name, torch.from_numpy(np.array(table)))

    def forward(self, x: Tensor) -> Tensor:
        """Map numbers ``(n, n_columns)`` of any type to a batch ``(n, width)``, float32."""
        x = x.double()
        columns = x[:, self.numeric] if self.categorical else x
        lost = columns.isnan()
        scaled = (torch.where(lost, self.mean, columns) - self.mean) / self.scale
        # float64 up to here: a date in seconds has more digits than float32
        numbers = torch.asinh(scaled.clamp(-self.clip, self.clip).float())
        parts, holes = [torch.where(self.still, 0.0, numbers)], [lost | self.absent]
        hot = [self._hot(x[:, [j]], place) for place, j in enumerate(self.categorical)]
        if len(self.lacking):
            holes += [~block.any(1, keepdim=True) for block in hot]
            parts.append(torch.cat(holes, dim=1)[:, self.lacking].float())
        return torch.cat([*parts, *(block.float() for block in hot)], dim=1)

    def _hot(self, cells: Tensor, place: int) -> Tensor:
        """Return which category the cells ``(n, 1)`` of a categorical column are of, bool ``(n, n_categories)``."""
        known = cells == self.get_buffer(f"categories_{place}")
        if self.has_rare[place]:
            other = ~(known.any(1, keepdim=True) | cells.isnan())
            known = torch.cat([known, other], dim=1)
        fixed = self.fixed[place]
        return known if fixed is None else torch.full_like(known, fixed)

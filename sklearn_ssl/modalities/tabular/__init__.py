"""Tables: numbers, categories and missing values."""

from ._tabular import Tabular

__all__ = ["Tabular"]

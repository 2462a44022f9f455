"""Tables: numbers, categories and holes."""

from ._tabular import Tabular

__all__ = ["Tabular"]

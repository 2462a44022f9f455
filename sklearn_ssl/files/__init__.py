"""Rows in files that are larger than memory: tables in Parquet files, and arrays on disk."""

from ..naming import publish
from ._blocks import Blocks, DiskArray, Survey, head_of, on_disk
from ._parquet import ParquetTable
from ._sink import sink_of

__all__ = ["DiskArray", "ParquetTable"]

publish(__name__)

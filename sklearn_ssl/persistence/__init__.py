"""Save and load without pickle: tensors as safetensors, everything else as JSON."""

from ..naming import publish
from ._load import load
from ._save import SaveMixin

__all__ = ["SaveMixin", "load"]

publish(__name__)

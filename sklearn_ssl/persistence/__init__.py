"""Save and load without pickle: tensors as safetensors, everything else as JSON."""

from ..naming import publish
from ._checkpoint import digest_of, read_checkpoint, write_checkpoint
from ._files import folder_of
from ._load import load
from ._save import SaveMixin, fitted_of

__all__ = ["SaveMixin", "digest_of", "fitted_of", "folder_of", "load", "read_checkpoint", "write_checkpoint"]

publish(__name__)

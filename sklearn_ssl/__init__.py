"""Self-supervised learning for scikit-learn users."""

from ._contrastive import ContrastivePretrainer
from ._som import SelfOrganizingMap
from .persistence import load

__version__ = "0.1.0.dev0"

__all__ = ["ContrastivePretrainer", "SelfOrganizingMap", "load"]

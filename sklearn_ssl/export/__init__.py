"""Deploying: fitted estimators and pipelines as ONNX models, which need neither torch nor this package."""

from ..naming import publish
from ._to_onnx import network_inputs, to_onnx

__all__ = ["network_inputs", "to_onnx"]

publish(__name__)

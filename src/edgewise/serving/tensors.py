"""Named tensors of the Open Inference Protocol v2: in JSON, or as bytes behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from edgewise.common.errors import ConfigurationError

DATATYPES: dict[str, Any] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}
NAMES = {np.dtype(kind): name for name, kind in DATATYPES.items()}
MOST_AXES = 8
"""Most axes of a tensor."""


class TensorParameters(BaseModel):
    """How a tensor is told."""

    binary_data_size: int | None = Field(default=None, ge=0, description="bytes that follow the JSON text")
    binary_data: bool = Field(default=False, description="of an output: whether it shall follow the JSON text")


class TensorIn(BaseModel):
    """An input."""

    name: str
    shape: list[int] = Field(max_length=MOST_AXES)
    datatype: str
    parameters: TensorParameters = TensorParameters()
    data: list[Any] | None = Field(default=None, description="flat or nested; left out if bytes follow")


class TensorOut(BaseModel):
    """An output."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, int] | None = None
    data: list[Any] | None = None


def read_tensors(told: Sequence[TensorIn], behind: bytes) -> dict[str, np.ndarray]:
    """Arrays by name.

    Args:
        told: tensors in their order.
        behind: the bytes after the JSON text.

    Raises:
        ConfigurationError: naming the tensor.
    """
    arrays: dict[str, np.ndarray] = {}
    for each in told:
        if each.name in arrays:
            raise ConfigurationError("inputs", each.name, "of another name than the other inputs")
        size = each.parameters.binary_data_size
        content = None if size is None else behind[:size]
        behind = behind[size or 0 :]
        arrays[each.name] = _read(each, content)
    if behind:
        raise ConfigurationError("body", f"{len(behind)} bytes", "no longer than its tensors")
    return arrays


def write_tensors(arrays: dict[str, np.ndarray], binary: Sequence[str]) -> tuple[list[TensorOut], bytes]:
    """Outputs, and the bytes after the JSON text.

    Args:
        arrays: by name.
        binary: names of those that are told in bytes.
    """
    told, behind = [], []
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        out = TensorOut(name=name, shape=list(np.shape(arrays[name])), datatype=NAMES[array.dtype])
        if name in binary:
            behind.append(array.tobytes())
            out.parameters = {"binary_data_size": len(behind[-1])}
        else:
            out.data = array.ravel().tolist()
        told.append(out)
    return told, b"".join(behind)


def _read(told: TensorIn, content: bytes | None) -> np.ndarray:
    field = f"inputs.{told.name}"
    if told.datatype not in DATATYPES:
        raise ConfigurationError(f"{field}.datatype", told.datatype, f"one of {', '.join(DATATYPES)}")
    if any(axis < 0 for axis in told.shape):
        raise ConfigurationError(f"{field}.shape", told.shape, "of sizes of at least 0")
    kind, wanted = np.dtype(DATATYPES[told.datatype]), math.prod(told.shape)
    if content is not None:
        if len(content) != wanted * kind.itemsize:
            raise ConfigurationError(
                f"{field}.parameters.binary_data_size", len(content), f"{wanted * kind.itemsize}, of its shape"
            )
        return np.frombuffer(content, kind).reshape(told.shape)
    if told.data is None:
        raise ConfigurationError(f"{field}.data", None, f"{wanted} values")
    try:
        array = np.asarray(told.data)
        numbers = array.astype(kind)
    except (TypeError, ValueError, OverflowError):
        raise ConfigurationError(f"{field}.data", "values", f"{wanted} values of {told.datatype}") from None
    if (array.dtype.kind not in "biuf" and array.size) or numbers.size != wanted:
        raise ConfigurationError(f"{field}.data", f"{array.size} values", f"{wanted} values of {told.datatype}")
    return numbers.reshape(told.shape)

"""Writes the file in which MXNet saves arrays, as SageMaker's K-means does with its centroids, and reads it back.

The layout is that of NDArray::Save (version 2) in Apache MXNet's src/ndarray/ndarray.cc; all little-endian.
"""

# pyright: reportMissingImports=false

import struct
from pathlib import Path

import numpy as np

LIST_MAGIC = 0x112
V2_MAGIC = 0xF993FAC9
DENSE = 0
CPU, FIRST_DEVICE = 1, 0
FLOAT32 = 0
# List magic, reserved, entries; then, of the one entry: magic, storage type, dimensions.
HEAD = struct.Struct("<QQQIiI")
# Device type, device, type flag.
CONTEXT = struct.Struct("<iii")


def write_ndarray(path: Path, array: np.ndarray, name: str = "") -> None:
    """Writes `array` as float32, the one entry of the file; without a name the file holds a list of one."""
    data = np.ascontiguousarray(array, dtype="<f4")
    names = [name.encode()] if name else []
    path.write_bytes(
        HEAD.pack(LIST_MAGIC, 0, 1, V2_MAGIC, DENSE, data.ndim)
        + struct.pack(f"<{data.ndim}q", *data.shape)
        + CONTEXT.pack(CPU, FIRST_DEVICE, FLOAT32)
        + data.tobytes()
        + struct.pack("<Q", len(names))
        + b"".join(struct.pack("<Q", len(text)) + text for text in names)
    )


def read_ndarray(path: Path) -> np.ndarray:
    """The array that `write_ndarray` wrote; raises ValueError for any other file."""
    content = path.read_bytes()
    *head, dimensions = HEAD.unpack_from(content)
    shape = struct.unpack_from(f"<{dimensions}q", content, HEAD.size)
    start = HEAD.size + 8 * dimensions
    if head != [LIST_MAGIC, 0, 1, V2_MAGIC, DENSE] or CONTEXT.unpack_from(content, start)[2] != FLOAT32:
        raise ValueError(f"{path} is no file of one dense float32 array")
    return np.frombuffer(content, "<f4", int(np.prod(shape)), start + CONTEXT.size).reshape(shape)

"""Reads the file in which MXNet saves arrays, which is what SageMaker's K-means leaves as its model.

The layout, all little-endian, is that of NDArray::Save in Apache MXNet's src/ndarray/ndarray.cc:
u64 0x112, u64 reserved, u64 count, the arrays, u64 count of names (0 or one for each array), the names.
"""

# pyright: reportMissingImports=false

import struct

import numpy as np

LIST_MAGIC = 0x112
V1_MAGIC, V2_MAGIC, V3_MAGIC = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DENSE = 0
# By mshadow's type flag.
DTYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8"}


def read_ndarrays(data):
    """The arrays in the bytes of a file, in order, without their names; raises ValueError when they are no arrays."""
    reader = _Reader(data)
    magic, _reserved, count = reader.unpack("<QQQ")
    if magic != LIST_MAGIC:
        raise ValueError(f"not a file of MXNet arrays: it starts with {magic:#x}, not {LIST_MAGIC:#x}")
    return [_array(reader) for _ in range(count)]


def _array(reader):
    magic = reader.unpack("<I")[0]
    if magic in (V2_MAGIC, V3_MAGIC):
        storage = reader.unpack("<i")[0]
        if storage != DENSE:
            raise ValueError(f"the array has storage type {storage}; only dense arrays (0) are read")
        shape = _shape(reader)
    elif magic == V1_MAGIC:
        shape = _shape(reader)
    else:
        # Before there was a magic number, an array began with its number of dimensions, of 32 bits each.
        shape = reader.unpack(f"<{_dimensions(magic)}I")
    _device_type, _device, flag = reader.unpack("<iii")
    if flag not in DTYPES:
        raise ValueError(f"the array has type flag {flag}; these are read: {sorted(DTYPES)}")
    dtype = np.dtype(DTYPES[flag])
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return np.frombuffer(reader.take(size), dtype=dtype).reshape(shape)


def _shape(reader):
    return reader.unpack(f"<{_dimensions(reader.unpack('<I')[0])}q")


def _dimensions(count):
    # MXNet has no array of more; a larger number means that something else is read.
    if not 1 <= count <= 32:
        raise ValueError(f"the array has {count} dimensions; 1 to 32 are read")
    return count


class _Reader:
    def __init__(self, data):
        self._data, self._at = data, 0

    def take(self, size):
        part = self._data[self._at : self._at + size]
        if size < 0 or len(part) < size:
            raise ValueError(f"the file ends after {len(self._data)} bytes, in the middle of an array")
        self._at += size
        return part

    def unpack(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

#!/usr/bin/env python3
"""Another implementation of safetensors, in the standard library alone, to test reel's against.

  make_safetensors.py FOLDER       writes the files that nn_state_test reads
  make_safetensors.py --check FILE reads what nn_state_test wrote and compares it with CONTENTS
"""
import json
import struct
import sys

SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "U8": 1, "BOOL": 1}
CODES = {"F64": "d", "I64": "q", "F32": "f", "I32": "i", "F16": "e", "U8": "B", "BOOL": "?"}

# name: dtype, shape, values
CONTENTS = {
    "fc.weight": ("F32", [2, 3], [0.5, -1.25, 3.0, 1e-30, 65504.0, -0.0]),
    "fc.bias": ("F32", [2], [1.0, -2.0]),
    "double": ("F64", [3], [0.1, -1e300, 5e-324]),
    "num_batches_tracked": ("I64", [], [2**62 + 1]),
    "ids": ("I32", [2, 2], [1, -2, 2147483647, -2147483648]),
    "bytes": ("U8", [3], [0, 128, 255]),
    "mask": ("BOOL", [5], [True, False, True, True, False]),
    "nothing": ("F32", [0, 4], []),
}
# Every kind of number there is: subnormal, largest, infinite, negative zero. Exact in float32.
HALVES = {
    "half": ("F16", [2, 4], [1.0, -2.5, 65504.0, 2.0**-24, -(2.0**-14), 1023 * 2.0**-24, float("-inf"), -0.0]),
    "brain": ("BF16", [5], [1.0, -3.140625, 2.0**127, 2.0**-133, float("inf")]),
}


def encode(dtype, values):
    if dtype == "BF16":
        return b"".join(struct.pack("<f", value)[2:] for value in values)
    return struct.pack(f"<{len(values)}{CODES[dtype]}", *values)


def decode(dtype, data):
    return list(struct.unpack(f"<{len(data) // SIZES[dtype]}{CODES[dtype]}", data))


def write(path, tensors, metadata=None, padding=0):
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, values) in tensors.items():
        chunk = encode(dtype, values)
        # Members in another order than reel writes them.
        header[name] = {"data_offsets": [len(data), len(data) + len(chunk)], "shape": shape, "dtype": dtype}
        data += chunk
    text = json.dumps(header, indent=1 if padding else None).encode() + b" " * padding
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    with open(path, "rb") as file:
        everything = file.read()
    (length,) = struct.unpack("<Q", everything[:8])
    header = json.loads(everything[8 : 8 + length])
    data = everything[8 + length :]
    assert length % 8 == 0, "the data is not aligned"
    metadata = header.pop("__metadata__", {})
    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = entry["data_offsets"]
        assert begin == end, f"{name} begins at {begin}, not at {end}"
        assert begin % SIZES[entry["dtype"]] == 0, f"{name} is not aligned"
        tensors[name] = (entry["dtype"], entry["shape"], decode(entry["dtype"], data[begin:stop]))
        end = stop
    assert end == len(data), "bytes are left over"
    # As the reference implementation orders them: by dtype, large ones first, then by name.
    order = ["I64", "F64", "F32", "I32", "U8", "BOOL"]
    assert list(header) == list(tensors), "header and data are in different orders"
    assert list(header) == sorted(header, key=lambda name: (order.index(header[name]["dtype"]), name))
    return tensors, metadata


def main():
    if sys.argv[1] == "--check":
        tensors, metadata = read(sys.argv[2])
        assert metadata == {"format": "pt"}, metadata
        # repr() tells 0.0 from -0.0.
        expected = {
            name: (dtype, shape, decode(dtype, encode(dtype, values)))
            for name, (dtype, shape, values) in CONTENTS.items()
        }
        assert repr(sorted(tensors.items())) == repr(sorted(expected.items())), tensors
    else:
        folder = sys.argv[1]
        write(f"{folder}/all.safetensors", CONTENTS, {"format": "pt", "note": "Grüße"})
        # Not aligned, indented, without metadata.
        write(f"{folder}/halves.safetensors", HALVES, padding=3)
        write(f"{folder}/empty.safetensors", {})


main()

"""Writes test/golden/files.json and test/fixtures/python.safetensors: what the programs that other people use make of
the package's files, and a file of theirs.

Needs safetensors 0.8 and TensorBoard, and a folder filled by `node test/golden/make/files.mjs FOLDER`:
    python test/golden/make/files.py FOLDER
The SHA-256 of what was read is written down, so a test can tell whether the package still writes the same.
"""
import ctypes
import hashlib
import json
import pathlib
import sys

import safetensors
import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Their names for element types where a file is written, by the names in files.
NAMES = {
    "F64": "float64", "I64": "int64", "U64": "uint64", "C64": "complex64", "F32": "float32", "I32": "int32",
    "U32": "uint32", "F16": "float16", "BF16": "bfloat16", "I16": "int16", "U16": "uint16", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz", "I8": "int8", "U8": "uint8", "BOOL": "bool", "F4": "float4_e2m1fn_x2",
}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read_tensors(data):
    tensors = [
        {"name": name, "dtype": entry["dtype"], "shape": entry["shape"], "sha256": sha256(bytes(entry["data"]))}
        for name, entry in safetensors.deserialize(data)
    ]
    return sorted(tensors, key=lambda tensor: tensor["name"])


def metadata_of(path):
    with safetensors.safe_open(path, framework="numpy") as file:
        return file.metadata()


def write_tensors(path, data):
    """The same tensors, written by them."""
    keep, specs = [], {}
    for name, entry in safetensors.deserialize(data):
        content = bytes(entry["data"])
        buffer = ctypes.create_string_buffer(content, max(len(content), 1))
        keep.append(buffer)
        shape = list(entry["shape"])
        if entry["dtype"] == "F4" and shape:
            shape[-1] //= 2
        specs[name] = safetensors.TensorSpec(
            dtype=NAMES[entry["dtype"]], shape=shape, data_ptr=ctypes.addressof(buffer), data_len=len(content)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(safetensors.serialize(specs, metadata={"by": "python", "k\u00f6ln": "\u65b0\u4f5c"})))


def read_events(path):
    events = EventAccumulator(str(path), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    tags = events.Tags()
    return {
        "scalars": {
            tag: [[event.step, event.value, event.wall_time] for event in events.Scalars(tag)] for tag in tags["scalars"]
        },
        "images": {
            tag: [[event.step, event.width, event.height, sha256(event.encoded_image_string)] for event in events.Images(tag)]
            for tag in tags["images"]
        },
    }


folder = pathlib.Path(sys.argv[1])
ours = (folder / "ours.safetensors").read_bytes()
[event_file] = folder.glob("events.out.tfevents.*")
theirs = ROOT / "test" / "fixtures" / "python.safetensors"
write_tensors(theirs, ours)
golden = {
    "versions": {"safetensors": safetensors.__version__, "tensorboard": tensorboard.__version__},
    "ours": {"sha256": sha256(ours), "tensors": read_tensors(ours), "metadata": metadata_of(folder / "ours.safetensors")},
    "theirs": {"sha256": sha256(theirs.read_bytes()), "tensors": read_tensors(theirs.read_bytes()), "metadata": metadata_of(theirs)},
    "events": {"name": event_file.name, "sha256": sha256(event_file.read_bytes()), **read_events(event_file)},
}
(ROOT / "test" / "golden" / "files.json").write_text(json.dumps(golden, indent=1) + "\n")

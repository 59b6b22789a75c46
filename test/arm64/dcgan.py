"""Prints what the DCGAN of pytorch/examples computes in a small setting on this processor: dcgan.mjs compares.

Needs PyTorch and NumPy: python test/arm64/dcgan.py
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "golden" / "make"))
from dcgan import THREADS, run_example  # noqa: E402

torch.set_num_threads(THREADS)
shared, bits = run_example()
print(json.dumps({"torch": torch.__version__, "numerics": torch.backends.cpu.get_cpu_capability()} | shared | bits))

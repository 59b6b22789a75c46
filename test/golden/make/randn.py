"""Hashes of what PyTorch's CPU generator draws, to test/golden/randn.json: two times n normal values, then 33 uniform ones."""

import hashlib
import json
import pathlib

import torch

draws = {}
for seed in (0, 7, 2**32 + 7, 2**53 - 1):
    for n in (1, 5, 16, 17, 100, 12288):
        generator = torch.Generator().manual_seed(seed)
        parts = [torch.randn(n, generator=generator), torch.randn(n, generator=generator)]
        parts.append(torch.empty(33).uniform_(-1, 1, generator=generator))
        values = b"".join(part.numpy().tobytes() for part in parts)
        draws[f"{seed} {n}"] = hashlib.sha256(values).hexdigest()

path = pathlib.Path(__file__).parents[1] / "randn.json"
path.write_text(json.dumps({"torch": torch.__version__, "draws": draws}, indent=2) + "\n")

"""The Python reference on a GPU: python exact.py CASES.json RESULT.json. Each case is settings of
../peer/programs.py with pictures, a number of updates, and `deterministic`; the result has its losses and a digest of the weights it ends with."""
import json
import os
import pathlib
import sys

import torch
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peer"))
import programs  # noqa: E402
from record import digest  # noqa: E402


def pictures(case):
    raw = torch.frombuffer(bytearray(open(case["pixels"], "rb").read()), dtype=torch.uint8)
    side = case["size"]
    return raw.view(-1, side, side, 3).permute(0, 3, 1, 2).contiguous().float().div(255)


def run(case):
    program = programs.make(case | {"model": "unet", "who": "eager", "tune": True})
    train = program.step("train")
    loader = DataLoader(TensorDataset(pictures(case)), batch_size=case["batch"], shuffle=True)
    losses = []
    while len(losses) < case["updates"]:
        for (batch,) in loader:
            losses.append(train(batch))
            if len(losses) == case["updates"]:
                break
    weights = dict(program.diffusion.named_parameters())
    return {"losses": losses, "weights": {name: digest(weights[name]) for name in sorted(weights)}}


def attempt(case):
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
    try:
        return run(case)
    except Exception as error:
        return {"problem": f"{type(error).__name__}: {error}"}


cases = json.load(open(sys.argv[1]))
if cases[0]["device"] == "cpu":
    torch.set_num_threads(1)
results = []
for case in cases:
    results.append(attempt(case))
    # By rename: whoever ends this program finds whole files.
    with open(sys.argv[2] + ".new", "w") as file:
        json.dump({"torch": torch.__version__, "cases": results}, file)
    os.replace(sys.argv[2] + ".new", sys.argv[2])

"""Shows that the Python packages load what shinsaku exports: python scripts/golden/exported.py FOLDER EXPORT OPTIONS

FOLDER holds denoising-diffusion-pytorch as for imported.py; EXPORT is a file of `shinsaku export`; OPTIONS is JSON:
{"dim": 8, "dimMults": [1, 1], "size": 16, "timesteps": 30, "schedule": "sigmoid", "objective": "v", "channels": 3,
"seed": 11}. load_state_dict is strict. Draws one picture by DDPM and prints the SHA-256 of its bytes, which is that of the
same picture by shinsaku (`exact: true`, the same number of threads, the same kind of processor).
scripts/export-check.mjs does both sides.
"""
import hashlib
import json
import sys

import torch
from imported import load_package

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, path, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    package = load_package(folder)
    from safetensors.torch import load_file

    net = package.Unet(dim=options["dim"], dim_mults=tuple(options["dimMults"]), channels=options["channels"])
    objective = {"noise": "pred_noise", "x0": "pred_x0", "v": "pred_v"}[options["objective"]]
    model = package.GaussianDiffusion(
        net,
        image_size=options["size"],
        timesteps=options["timesteps"],
        beta_schedule=options["schedule"],
        objective=objective,
    )
    print(model.load_state_dict(load_file(path), strict=True))
    torch.manual_seed(options["seed"])
    x = model.p_sample_loop((1, options["channels"], options["size"], options["size"]))
    pixels = x.mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    print(hashlib.sha256(pixels.numpy().tobytes()).hexdigest())

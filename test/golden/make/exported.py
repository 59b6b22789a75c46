"""Shows that the Python programs load what shinsaku exports: python test/golden/make/exported.py EXPORT OPTIONS

EXPORT is a file of `shinsaku export`; OPTIONS is JSON, those that the run was trained with and the seed of a picture. A
diffusion model is loaded by denoising-diffusion-pytorch, found on PYTHONPATH, and drawn from by DDPM; a generator by the
network of the DCGAN example. load_state_dict is strict. Prints what it said and the SHA-256 of the picture's bytes, which
is that of the same picture by shinsaku (`exact: true`, the same number of threads, the same kind of processor).
test/exactness/export-check.mjs does both sides.
"""
import hashlib
import json
import sys

import torch
from imported import load_package, pixels_of
from safetensors.torch import load_file


def draw_diffusion(path, options):
    package = load_package()
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
    return model.p_sample_loop((1, options["channels"], options["size"], options["size"]))


@torch.no_grad()
def draw_dcgan(path, options):
    from dcgan_sources import example_networks

    net = torch.nn.Module()
    net.main, _ = example_networks(options["size"], options["latent"], options["width"])
    print(net.load_state_dict(load_file(path), strict=True))
    torch.manual_seed(options["seed"])
    return (net.main.eval()(torch.randn(1, options["latent"], 1, 1)) + 1) * 0.5


if __name__ == "__main__":
    torch.set_num_threads(1)
    path, options = sys.argv[1], json.loads(sys.argv[2])
    x = (draw_dcgan if options["model"] == "dcgan" else draw_diffusion)(path, options)
    print(hashlib.sha256(pixels_of(x).numpy().tobytes()).hexdigest())

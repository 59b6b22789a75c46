"""Writes test/golden/diffusion.json: what the published packages compute in a small setting.

Needs PyTorch, einops and the unpacked wheels of denoising-diffusion-pytorch 0.26.4 and 2.3.4 and of ema-pytorch
0.0.9 and 0.7.9 in one folder each, named <package>-<version>:
    python test/golden/make/diffusion.py FOLDER_OF_UNPACKED_WHEELS
The networks, losses, samplers and averages are the packages' own; the loop is the Trainer's, without files.
"""
import importlib
import pathlib
import sys
import types

import torch
from goldens import digest, numbers, write
from torch.utils.data import DataLoader, Dataset

COUNT, SIZE, STEPS_T, SEED, THREADS = 10, 16, 30, 3407, 1
OBJECTIVES = {"noise": "pred_noise", "x0": "pred_x0", "v": "pred_v"}
CASES = [
    dict(variant="0.26", objective="noise", schedule="cosine", loss="l1", updates=112),
    dict(variant="0.26", objective="x0", schedule="linear", loss="l2", accumulate=2, loaderWorkers=2, updates=6),
    dict(variant="0.26", objective="noise", schedule="cosine", loss="l1", dimMults=[1, 4, 16], dim=8, channels=1, updates=4),
    dict(variant="2.3", objective="v", schedule="sigmoid", loss="l2", clipGradNorm=1, updates=112),
    dict(variant="2.3", objective="noise", schedule="cosine", loss="l2", clipGradNorm=1, accumulate=2, loaderWorkers=3, updates=6),
    dict(variant="2.3", objective="x0", schedule="linear", loss="l2", clipGradNorm=1, lossWeight="min-snr", updates=4),
    dict(variant="2.3", objective="v", schedule="sigmoid", loss="l2", clipGradNorm=1, offsetNoise=0.1, channels=4, updates=4),
]


def load(folder, package, version, file):
    """One file of an unpacked wheel, without its package's own imports of things a CPU run does not use."""
    for name in [n for n in sys.modules if n.startswith((package, "torchvision", "accelerate", "scipy"))]:
        del sys.modules[name]
    for name in ["torchvision", "torchvision.transforms", "torchvision.utils", "accelerate", "scipy", "scipy.optimize"]:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    sys.modules["torchvision"].utils = sys.modules["torchvision.utils"]
    sys.modules["accelerate"].Accelerator = sys.modules["scipy.optimize"].linear_sum_assignment = None
    sys.modules["ema_pytorch"] = types.ModuleType("ema_pytorch")
    sys.modules["ema_pytorch"].EMA = None
    root = pathlib.Path(folder) / f"{package}-{version}" / package
    sys.modules[package] = types.ModuleType(package)
    sys.modules[package].__path__ = [str(root)]
    return importlib.import_module(f"{package}.{file}")


class Pictures(Dataset):
    """The numbers of test/native/diffusion.test.ts; mirrored as torchvision's RandomHorizontalFlip does."""

    def __init__(self, channels):
        self.pixels = numbers(COUNT, SIZE, channels)

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        x = self.pixels[index].permute(2, 0, 1)
        if torch.rand(1) < 0.5:
            x = x.flip(2)
        return x.contiguous().to(torch.float32).div(255)


def draw(sample, channels):
    torch.manual_seed(11)
    x = sample((1, channels, SIZE, SIZE))
    pixels = x.mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
    return digest([pixels])


def run(folder, case):
    spec = dict(dim=16, dimMults=[1, 2], channels=3, batch=4, accumulate=1, loaderWorkers=1, lossWeight="none", offsetNoise=0) | case
    old = spec["variant"] == "0.26"
    package = load(folder, "denoising_diffusion_pytorch", "0.26.4" if old else "2.3.4", "denoising_diffusion_pytorch")
    ema_package = load(folder, "ema_pytorch", "0.0.9" if old else "0.7.9", "ema_pytorch")
    torch.manual_seed(SEED)
    net = package.Unet(dim=spec["dim"], dim_mults=tuple(spec["dimMults"]), channels=spec["channels"])
    options = dict(image_size=SIZE, timesteps=STEPS_T, objective=OBJECTIVES[spec["objective"]], beta_schedule=spec["schedule"])
    options |= (
        dict(loss_type=spec["loss"], channels=spec["channels"])
        if old
        else dict(min_snr_loss_weight=spec["lossWeight"] == "min-snr", offset_noise_strength=spec["offsetNoise"])
    )
    diffusion = package.GaussianDiffusion(net, **options)
    loader = DataLoader(Pictures(spec["channels"]), batch_size=spec["batch"], shuffle=True, num_workers=spec["loaderWorkers"])
    batches = package.cycle(loader)
    adam = torch.optim.Adam(diffusion.parameters(), lr=1e-3, betas=(0.9, 0.99))
    ema = ema_package.EMA(diffusion, beta=0.995, update_every=10)
    initial, losses = digest(diffusion.parameters()), []
    for _ in range(spec["updates"]):
        total = 0.0
        for _ in range(spec["accumulate"]):
            loss = diffusion(next(batches)) / spec["accumulate"]
            total += loss.item()
            loss.backward()
        if "clipGradNorm" in spec:
            torch.nn.utils.clip_grad_norm_(diffusion.parameters(), spec["clipGradNorm"])
        adam.step()
        adam.zero_grad()
        ema.update()
        losses.append(total)
    model = ema.ema_model
    samples = {"ddpm": draw(model.p_sample_loop, spec["channels"])}
    if not old:  # the DDIM of 0.26.4 is wrong; shinsaku has the correct one only
        for steps, eta in [(7, 0.0), (10, 1.0)]:
            model.sampling_timesteps, model.ddim_sampling_eta = steps, eta
            samples[f"ddim {steps} {eta:g}"] = draw(model.ddim_sample, spec["channels"])
    print(case, losses[-1])
    bits = dict(losses=losses, weights=digest(diffusion.parameters()), ema=digest(model.parameters()), samples=samples)
    return dict(options=case, initial=initial), bits


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    cases, bits = zip(*(run(sys.argv[1], case) for case in CASES))
    write("diffusion.json", {"cases": cases}, {"cases": bits}, THREADS)

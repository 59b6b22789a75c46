"""Writes test/golden/guidance.json: what the published classifier_free_guidance.py computes in a small setting.

Needs PyTorch, einops and the unpacked wheel of denoising-diffusion-pytorch 2.3.4 in a folder that is named
denoising_diffusion_pytorch-2.3.4:
    python test/golden/make/guidance.py FOLDER_OF_UNPACKED_WHEELS
Network, loss and samplers are the package's own; it has no Trainer for them, so the loop is that of its other file.
"""
import sys

import torch
from diffusion import COUNT, OBJECTIVES, SEED, SIZE, STEPS_T, THREADS, Pictures, load
from goldens import digest, write
from torch.utils.data import DataLoader

CLASSES = 3
CASES = [
    dict(objective="noise", schedule="cosine", labelDropout=0.5, updates=20),
    dict(objective="v", schedule="linear", labelDropout=0.1, clipGradNorm=1, lossWeight="min-snr", updates=6),
    dict(objective="x0", schedule="cosine", labelDropout=0, accumulate=2, loaderWorkers=2, offsetNoise=0.1, channels=1, updates=4),
]
# Sampler, guidance, rescale.
SAMPLES = [("ddpm", 6.0, 0.7), ("ddim 7 0", 3.0, 0.0), ("ddim 10 1", 6.0, 0.7)]


class Classes(Pictures):
    """Picture i is of class i modulo CLASSES."""

    def __getitem__(self, index):
        return super().__getitem__(index), index % CLASSES


def cycle(loader):
    while True:
        yield from loader


def draw(model, sampler, scale, rescale, channels):
    name, *rest = sampler.split(" ")
    shape, classes = (1, channels, SIZE, SIZE), torch.tensor([1])
    torch.manual_seed(11)
    if name == "ddpm":
        x = model.p_sample_loop(classes, shape, scale, rescale)
    else:
        model.sampling_timesteps, model.ddim_sampling_eta = int(rest[0]), float(rest[1])
        x = model.ddim_sample(classes, shape, scale, rescale)
    return digest([x.mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)])


def run(folder, case):
    spec = dict(dim=16, dimMults=[1, 2], channels=3, batch=4, accumulate=1, loaderWorkers=1, lossWeight="none", offsetNoise=0) | case
    package = load(folder, "denoising_diffusion_pytorch", "2.3.4", "classifier_free_guidance")
    torch.manual_seed(SEED)
    net = package.Unet(dim=spec["dim"], dim_mults=tuple(spec["dimMults"]), channels=spec["channels"], num_classes=CLASSES, cond_drop_prob=spec["labelDropout"])
    diffusion = package.GaussianDiffusion(
        net,
        image_size=SIZE,
        timesteps=STEPS_T,
        objective=OBJECTIVES[spec["objective"]],
        beta_schedule=spec["schedule"],
        min_snr_loss_weight=spec["lossWeight"] == "min-snr",
        offset_noise_strength=spec["offsetNoise"],
    )
    data = Classes(spec["channels"])
    assert len(data) == COUNT
    batches = cycle(DataLoader(data, batch_size=spec["batch"], shuffle=True, num_workers=spec["loaderWorkers"]))
    adam = torch.optim.Adam(diffusion.parameters(), lr=1e-3, betas=(0.9, 0.99))
    initial, losses = digest(diffusion.parameters()), []
    for _ in range(spec["updates"]):
        total = 0.0
        for _ in range(spec["accumulate"]):
            x, classes = next(batches)
            loss = diffusion(x, classes=classes) / spec["accumulate"]
            total += loss.item()
            loss.backward()
        if "clipGradNorm" in spec:
            torch.nn.utils.clip_grad_norm_(diffusion.parameters(), spec["clipGradNorm"])
        adam.step()
        adam.zero_grad()
        losses.append(total)
    names = [name.removeprefix("model.") for name, _ in diffusion.named_parameters()]
    samples = {} if spec["labelDropout"] == 0 else {" ".join(map(str, [s, g, r])): draw(diffusion, s, g, r, spec["channels"]) for s, g, r in SAMPLES}
    print(case, losses[-1])
    return dict(options=case, initial=initial, names=names), dict(losses=losses, weights=digest(diffusion.parameters()), samples=samples)


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    cases, bits = zip(*(run(sys.argv[1], case) for case in CASES))
    write("guidance.json", {"classes": CLASSES, "cases": cases}, {"cases": bits}, THREADS)

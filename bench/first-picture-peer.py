"""denoising-diffusion-pytorch as it comes, trained for so much processor time of one thread; then its samples.

Usage: first-picture-peer.py SIZE DIM MULTS SECONDS COUNT STEPS TRAIN SAMPLES. TRAIN and SAMPLES are files of uint8 pixels
[n, SIZE, SIZE, 3]. The training step, its batch, learning rate, averages and flips are those of the package's Trainer by
default. Prints JSON: images, updates, seconds.
"""

import contextlib
import json
import sys
import time

import numpy as np
import torch

from peer.programs import load_package

BATCH, LR, BETAS, CLIP, EMA_BETA, EMA_EVERY = 16, 1e-4, (0.9, 0.99), 1.0, 0.995, 10


def main():
    size, dim, mults, seconds, count, steps = sys.argv[1:7]
    size, steps, count = int(size), int(steps), int(count)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    package = load_package()
    from ema_pytorch import EMA

    unet = package.Unet(dim=int(dim), dim_mults=tuple(map(int, mults.split(","))))
    model = package.GaussianDiffusion(unet, image_size=size, timesteps=1000, sampling_timesteps=steps)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, betas=BETAS)
    ema = EMA(model, beta=EMA_BETA, update_every=EMA_EVERY)
    pixels = torch.from_numpy(np.fromfile(sys.argv[7], np.uint8).reshape(-1, size, size, 3)).permute(0, 3, 1, 2)
    images = updates = 0
    begun = time.process_time()
    while time.process_time() - begun < float(seconds):
        for rows in torch.randperm(len(pixels)).split(BATCH):
            batch = pixels[rows].float() / 255
            flipped = torch.rand(len(batch)) < 0.5
            batch[flipped] = batch[flipped].flip(3)
            model(batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            optimizer.zero_grad()
            ema.update()
            images, updates = images + len(batch), updates + 1
            if time.process_time() - begun >= float(seconds):
                break
    spent = time.process_time() - begun
    ema.ema_model.eval()
    samples = []
    with torch.inference_mode():
        for first in range(0, count, 32):
            sampled = ema.ema_model.sample(batch_size=min(32, count - first))
            samples.append((sampled.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy())
    np.concatenate(samples).tofile(sys.argv[8])
    return {"images": images, "updates": updates, "seconds": spent}


if __name__ == "__main__":
    # Progress bars and warnings of the package are no result.
    with contextlib.redirect_stdout(sys.stderr):
        result = main()
    print(json.dumps(result))

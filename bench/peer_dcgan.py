"""A Python side of the benchmark: the DCGAN example of PyTorch, its networks and statements, on pictures in memory."""

import json
import sys

import torch
from dcgan_sources import example_networks, example_update
from side import compiled, serve


def works(who, settings):
    size, batch = settings["size"], settings["batch"]
    torch.manual_seed(3407)  # the weights of the other side
    case = (size, 100, 64)  # its size, latent vector and width
    g, d = example_networks(*case)
    adam_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    run_g, run_d = compiled(g, who), compiled(d, who)
    drawing = example_networks(*case)[0].eval()
    draw = compiled(drawing, who)
    pixels = torch.randint(0, 256, (2 * batch, 3, size, size), dtype=torch.uint8)

    def train():
        real = pixels[torch.randint(0, len(pixels), (batch,))].float() / 127.5 - 1
        if who == "channels_last":
            real = real.contiguous(memory_format=torch.channels_last)
        example_update(run_g, run_d, adam_g, adam_d, real, case[1])

    def sample():
        with torch.no_grad():
            draw(torch.randn(batch, 100, 1, 1))

    return {"dcgan-train": train, "dcgan-draw": sample}


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    serve(works(settings["who"], settings))

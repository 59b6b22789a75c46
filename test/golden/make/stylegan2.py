"""Writes test/golden/stylegan2.json: what StyleGAN2 computes, as stylegan2_source.py states it, in a small setting.

Needs PyTorch and NumPy, and runs on a CPU: python test/golden/make/stylegan2.py
"""
import numpy
import torch
from ada_source import Adaptive
from goldens import digest, numbers, write
from stylegan2_source import FILTER, Game, Networks, diff_augment, resample

SEED, COUNT, THREADS, UPDATES, BATCH, SIZE = 3407, 22, 1, 20, 8, 32
SMALL = {"size": SIZE, "latent": 16, "base": 256, "most": 16, "layers": 2, "group": 4}
SERIES = ("lossG", "lossD", "dReal", "dFake", "r1", "pathLength", "augmentP")

GAMES = {
    "non-saturating": {"gamma": 0.0002 * SIZE**2 / BATCH},
    "non-saturating, diffaugment": {"gamma": 0.5, "augment": diff_augment, "path_every": 1, "ema_ramp": None},
    "non-saturating, ada for drawings": {"gamma": 0.5, "augment": Adaptive(False), "augment_images": 60, "target": 0.2},
    "non-saturating, ada as published": {"gamma": 0.5, "augment": Adaptive(True), "p": 0.7},
    "non-saturating, three classes": {"gamma": 0.5, "classes": 3},
    "relativistic": {"gamma": 1.0, "relativistic": True, "r1_every": 1, "path_weight": 0, "mixing": 0},
}


def batches(classes):
    """Pictures and rows of labels: picture i is of class i % classes, and no class is unknown."""
    data = numbers(COUNT, SIZE).permute(0, 3, 1, 2).contiguous()
    rows = torch.eye(classes + 1)[torch.arange(COUNT) % classes] if classes else None
    while True:  # a DataLoader's epochs
        torch.empty((), dtype=torch.int64).random_()
        seed = torch.empty((), dtype=torch.int64).random_().item()
        order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(seed))
        for i in range(0, COUNT, BATCH):
            chosen = order[i : i + BATCH]
            yield (data[chosen].float() / 255 - 0.5) / 0.5, None if rows is None else rows[chosen]


def digest_of(tensors):
    return digest(tensors[name] for name in sorted(tensors))


def play(options):
    classes = options.pop("classes", 0)
    torch.manual_seed(SEED)
    networks = Networks(**SMALL, labels=classes and classes + 1)
    initial = digest_of(networks.state())
    game, feed, log = Game(networks, lr=2.5e-3, betas=(0.0, 0.99), **options), batches(classes), []
    for _ in range(UPDATES):
        game.draw_seed()
        losses = game.update(*(next(feed) for _ in range(2 if game.relativistic else 1)))
        log.append([losses[name] for name in SERIES])
    return classes or initial, {"log": log, "final": digest_of(networks.state()), "ema": digest_of(game.ema)}


def parameters():
    count = lambda tensors: sum(x.numel() for x in tensors.values())
    table = {}
    for size in (32, 64, 128, 256):
        n = Networks(size=size, latent=512, base=16384, most=512, layers=2, group=4)
        table[size] = [count(n.g), count(n.d)]
    return table


def check():
    """The statement against the paper's own terms, in double: scaled weights, and the known rows of a filtered ramp."""
    torch.manual_seed(1)
    n = Networks(**SMALL, dtype=torch.float64)
    x, w = torch.randn(3, 16, 8, 8, dtype=torch.float64), torch.randn(3, 16, dtype=torch.float64)
    name = "synthesis.b16.conv1"
    scaled = n.affine(name, w)[:, None, :, None, None] * n.g[f"{name}.weight"][None]
    scaled = scaled * torch.rsqrt(scaled.square().sum((2, 3, 4), keepdim=True) + 1e-8)
    expected = torch.stack([torch.conv2d(x[i : i + 1], scaled[i], padding=1)[0] for i in range(3)])
    expected = torch.nn.functional.leaky_relu(expected, 0.2) * 2**0.5
    assert torch.allclose(n.styled(name, x, w, None, False), expected, atol=1e-12)
    ramp = torch.arange(16, dtype=torch.float64).view(1, 1, 4, 4)
    assert resample(ramp, FILTER * 4, 2, 1, (2, 1))[0, 0, 1, :4].tolist() == [0.75, 1.25, 1.75, 2.25]
    assert resample(ramp, FILTER, 1, 2, (1, 1))[0, 0].tolist() == [[2.734375, 3.9375], [7.546875, 8.75]]


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    check()
    runs = {name: play(options) for name, options in GAMES.items()}
    (initial,) = {first for first, _ in runs.values() if isinstance(first, str)}
    shared = {
        "parameters": parameters(),
        "initial": initial,
        "numpy": {seed: numpy.random.RandomState(seed).randn(1, 9)[0].tolist() for seed in (0, 1, 4294967295)},
    }
    write("stylegan2.json", shared, {"games": {name: rest for name, (_, rest) in runs.items()}}, THREADS)

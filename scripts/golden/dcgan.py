"""Writes test/golden/dcgan.json: what the DCGAN's three sources compute in a small setting.

Needs PyTorch, and runs on a CPU: python scripts/golden/dcgan.py
pytorch: the program of pytorch/examples, with its modules and optimisers in float32; bits are recorded.
chainer, radford: the equations of mattya/chainer-DCGAN and of Radford 2015 / Newmu, in float64; losses are recorded.
First values, data order and latents of the last two are drawn as shinsaku draws them: they have no seed to follow.
"""
import hashlib
import json
import pathlib

import cpu
import torch
import torch.nn.functional as F
from torch import nn

SEED, LR, BETAS, LATENT, WIDTH, COUNT = 3407, 2e-4, (0.5, 0.999), 20, 8, 22
STAGES = {32: 3, 64: 4, 96: 4, 128: 5}
stem_of = lambda size: 6 if size == 96 else 4


def pictures(size):  # uint8 [N,3,H,W]; the same numbers as in test/native/dcgan.test.ts, which has them NHWC
    i = torch.arange(COUNT * size * size * 3, dtype=torch.int64)
    return (((i * 2654435761) & 0xFFFFFFFF) >> 24).to(torch.uint8).view(COUNT, size, size, 3).permute(0, 3, 1, 2)


# ---- pytorch/examples -------------------------------------------------------------------------------------------

def example_networks(size, latent, width):
    stages, stem = STAGES[size], stem_of(size)
    c = width << (stages - 1)
    g = [nn.ConvTranspose2d(latent, c, stem, 1, 0, bias=False), nn.BatchNorm2d(c), nn.ReLU(True)]
    for _ in range(stages - 1):
        g += [nn.ConvTranspose2d(c, c // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(c // 2), nn.ReLU(True)]
        c //= 2
    generator = nn.Sequential(*g, nn.ConvTranspose2d(c, 3, 4, 2, 1, bias=False), nn.Tanh())
    generator.apply(example_init)
    d = [nn.Conv2d(3, c, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for _ in range(stages - 1):
        d += [nn.Conv2d(c, c * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(c * 2), nn.LeakyReLU(0.2, inplace=True)]
        c *= 2
    discriminator = nn.Sequential(*d, nn.Conv2d(c, 1, stem, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten(0))
    discriminator.apply(example_init)
    return generator, discriminator


def example_init(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def digest(generator, discriminator):  # of all tensors in the order of their names
    state = {f"generator.main.{k}": v for k, v in generator.state_dict().items()}
    state |= {f"discriminator.main.{k}": v for k, v in discriminator.state_dict().items()}
    sha = hashlib.sha256()
    for name in sorted(state):
        sha.update(state[name].contiguous().numpy().tobytes())
    return sha.hexdigest()


def run_example(size=32, batch=8, epochs=3):
    torch.manual_seed(SEED)
    g, d = example_networks(size, LATENT, WIDTH)
    initial, log, loss = digest(g, d), [], nn.BCELoss()
    torch.randn(batch, LATENT, 1, 1)
    adam_d = torch.optim.Adam(d.parameters(), lr=LR, betas=BETAS)
    adam_g = torch.optim.Adam(g.parameters(), lr=LR, betas=BETAS)
    data = torch.utils.data.TensorDataset((pictures(size).contiguous().float().div(255) - 0.5) / 0.5)
    loader = torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True)
    for x in (x for _ in range(epochs) for (x,) in loader):
        d.zero_grad()
        real = d(x)
        loss_real = loss(real, torch.ones_like(real))
        loss_real.backward()
        images = g(torch.randn(len(x), LATENT, 1, 1))
        fake = d(images.detach())
        loss_fake = loss(fake, torch.zeros_like(fake))
        loss_fake.backward()
        adam_d.step()
        g.zero_grad()
        again = d(images)
        loss_g = loss(again, torch.ones_like(again))
        loss_g.backward()
        adam_g.step()
        log.append([v.item() for v in (loss_real + loss_fake, loss_g, real.mean(), fake.mean())])
    return {"size": size, "batch": batch, "updates": len(log), "initial": initial, "final": digest(g, d), "log": log}


# ---- chainer-DCGAN and Radford ----------------------------------------------------------------------------------

class Game:
    """One of the two dense-stem presets, from its equations, in float64."""

    def __init__(self, preset, size, latent, width):
        self.chainer, self.stages, self.stem = preset == "chainer", STAGES[size], stem_of(size)
        self.random = torch.Generator().manual_seed(SEED)
        self.top, k = width << (self.stages - 1), 4 if self.chainer else 5
        self.p = {"g": {}, "d": {}}
        for i in range(self.stages + 1):
            c = 3 if i == self.stages else self.top >> i
            units = c * self.stem**2 if i == 0 else c
            self.layer("g", i, (units, latent) if i == 0 else (self.top >> (i - 1), c, k, k), units)
            if i < self.stages:
                self.norm_of("g", i, units)
        for i in range(self.stages):
            c = width << i
            self.layer("d", i, (c, 3 if i == 0 else c // 2, k, k), c)
            if i > 0:
                self.norm_of("d", i, c)
        logits = 2 if self.chainer else 1
        self.layer("d", self.stages, (logits, self.top * self.stem**2), logits)
        self.m = {n: {k: torch.zeros_like(v) for k, v in p.items()} for n, p in self.p.items()}
        self.v = {n: {k: torch.zeros_like(v) for k, v in p.items()} for n, p in self.p.items()}
        self.t = {"g": 0, "d": 0}

    def add(self, net, name, value):
        self.p[net][name] = value.double().requires_grad_()

    def layer(self, net, i, shape, units):
        self.add(net, f"W{i}", torch.empty(shape).normal_(0, 0.02, generator=self.random))
        if self.chainer:
            self.add(net, f"b{i}", torch.zeros(units))

    def norm_of(self, net, i, units):
        gain = torch.empty(units)
        self.add(net, f"gamma{i}", gain.fill_(1) if self.chainer else gain.normal_(1, 0.02, generator=self.random))
        self.add(net, f"beta{i}", torch.zeros(units))

    def norm(self, x, net, i):
        dims = [0, 2, 3][: x.dim() - 1]
        shape = [1, -1, 1, 1][: x.dim()]
        mean = x.mean(dims, keepdim=True)
        variance = (x - mean).square().mean(dims, keepdim=True)
        unit = (x - mean) / (variance + (1e-5 if self.chainer else 1e-8)).sqrt()
        return unit * self.p[net][f"gamma{i}"].view(shape) + self.p[net][f"beta{i}"].view(shape)

    def generate(self, z):
        p = self.p["g"]
        x = F.relu(self.norm(F.linear(z, p["W0"], p.get("b0")), "g", 0)).view(len(z), self.top, self.stem, self.stem)
        for i in range(1, self.stages + 1):
            padding, extra = (1, 0) if self.chainer else (2, 1)
            x = F.conv_transpose2d(x, p[f"W{i}"], p.get(f"b{i}"), 2, padding, extra)
            if i < self.stages:
                x = F.relu(self.norm(x, "g", i))
        return x if self.chainer else x.tanh()

    def judge(self, x):
        p = self.p["d"]
        for i in range(self.stages):
            x = F.conv2d(x, p[f"W{i}"], p.get(f"b{i}"), 2, 1 if self.chainer else 2)
            x = self.norm(x, "d", i) if i > 0 else x
            x = torch.where(x > 0, x, x.clamp(max=0).exp() - 1 if self.chainer else 0.2 * x)
        return F.linear(x.flatten(1), p[f"W{self.stages}"], p.get(f"b{self.stages}"))

    def probability(self, y):
        return y.softmax(1)[:, 0] if self.chainer else y.sigmoid()[:, 0]

    def cross_entropy(self, y, data):
        return -torch.log(self.probability(y) if data else 1 - self.probability(y)).mean()

    def gradients(self, loss, net):
        return torch.autograd.grad(loss, list(self.p[net].values()), retain_graph=True)

    @torch.no_grad()
    def adam(self, net, gradients):
        self.t[net] += 1
        c1, c2 = (1 - b ** self.t[net] for b in BETAS)
        for (name, p), g in zip(self.p[net].items(), gradients):
            g = g + 1e-5 * p
            m = self.m[net][name].mul_(BETAS[0]).add_((1 - BETAS[0]) * g)
            v = self.v[net][name].mul_(BETAS[1]).add_((1 - BETAS[1]) * g * g)
            if self.chainer:
                p -= LR * c2**0.5 / c1 * m / (v.sqrt() + 1e-8)
            else:
                p -= LR * (m / c1) / ((v / c2).sqrt() + 1e-8)

    def latents(self, count):
        return torch.empty(count, LATENT).uniform_(-1, 1, generator=self.random).double()


def batches(game, size, batch):
    data = pictures(size)
    if game.chainer:  # every picture drawn by itself, mirrored by a coin
        while True:
            draws = [[torch.randint(n, (1,), generator=game.random).item() for n in (COUNT, 2)] for _ in range(batch)]
            x = torch.stack([data[i].flip(2) if mirror == 1 else data[i] for i, mirror in draws])
            yield (x.double() - 128) / 128
    while True:  # a DataLoader's epochs
        torch.empty((), dtype=torch.int64).random_(generator=game.random)
        seed = torch.empty((), dtype=torch.int64).random_(generator=game.random).item()
        order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(seed))
        for i in range(0, COUNT, batch):
            yield (data[order[i : i + batch]].double() / 255 - 0.5) / 0.5


def run_game(preset, size=32, batch=6, updates=3, k=1, minimax=False):
    game, log = Game(preset, size, LATENT, WIDTH), []
    feed = batches(game, size, batch)
    generator_loss = lambda y: -game.cross_entropy(y, False) if minimax else game.cross_entropy(y, True)
    for _ in range(updates):
        if not game.chainer:
            loss_g = generator_loss(game.judge(game.generate(game.latents(batch))))
            game.adam("g", game.gradients(loss_g, "g"))
        for i in range(k):
            x = next(feed)
            images = game.generate(game.latents(batch))
            real, fake = game.judge(x), game.judge(images)
            loss_d = game.cross_entropy(real, True) + game.cross_entropy(fake, False)
            gradients = game.gradients(loss_d, "d")
            if game.chainer and i == k - 1:
                loss_g = generator_loss(fake)
                game.adam("g", game.gradients(loss_g, "g"))
            game.adam("d", gradients)
        means = (game.probability(y).mean() for y in (real, fake))
        log.append([v.item() for v in (loss_d, loss_g, *means)])
    return {"size": size, "batch": batch, "updates": updates, "k": k, "minimax": minimax, "log": log}


def counts():
    total = lambda tensors: sum(t.numel() for t in tensors)
    table = {}
    for size in STAGES:
        g, d = example_networks(size, 100, 64)
        table[f"pytorch {size}"] = [total(g.parameters()), total(d.parameters())]
        for preset, width in (("chainer", 64), ("radford", 128)):
            p = Game(preset, size, 100, width).p
            table[f"{preset} {size}"] = [total(p["g"].values()), total(p["d"].values())]
    return table


if __name__ == "__main__":
    torch.set_num_threads(2)
    golden = {
        "torch": torch.__version__.split("+")[0],
        "cpu": cpu.identity(2),
        "parameters": counts(),
        "pytorch": run_example(),
        "chainer": [run_game("chainer"), run_game("chainer", k=2, minimax=True)],
        "radford": [run_game("radford"), run_game("radford", k=2, minimax=True)],
    }
    path = pathlib.Path(__file__).parents[2] / "test" / "golden" / "dcgan.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")

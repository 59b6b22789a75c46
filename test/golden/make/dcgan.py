"""Writes test/golden/dcgan.json: what the DCGAN's three sources compute in a small setting.

Needs PyTorch, and runs on a CPU: python test/golden/make/dcgan.py
pytorch: the program of pytorch/examples in float32, whose bits are those of one kind of processor.
chainer, radford: their equations in float64; losses are recorded, which every processor has.
"""
import torch
from dcgan_sources import STAGES, Game, example_networks, example_state, example_update
from goldens import digest, numbers, write

SEED, LR, BETAS, LATENT, WIDTH, COUNT, THREADS = 3407, 2e-4, (0.5, 0.999), 20, 8, 22, 1

pictures = lambda size: numbers(COUNT, size).permute(0, 3, 1, 2)
listed = lambda losses: [losses[name] for name in ("lossD", "lossG", "dReal", "dFake")]


def digest_of(*networks):  # of all tensors in the order of their names
    state = example_state(*networks)
    return digest(state[name] for name in sorted(state))


def run_example(size=32, batch=8, epochs=3):
    torch.manual_seed(SEED)
    g, d = example_networks(size, LATENT, WIDTH)
    initial, log = digest_of(g, d), []
    torch.randn(batch, LATENT, 1, 1)  # fixed_noise
    adam_d = torch.optim.Adam(d.parameters(), lr=LR, betas=BETAS)
    adam_g = torch.optim.Adam(g.parameters(), lr=LR, betas=BETAS)
    data = torch.utils.data.TensorDataset((pictures(size).contiguous().float().div(255) - 0.5) / 0.5)
    loader = torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True)
    for x in (x for _ in range(epochs) for (x,) in loader):
        _, losses = example_update(g, d, adam_g, adam_d, x, LATENT)
        log.append(listed(losses))
    shared = {"size": size, "batch": batch, "updates": len(log), "initial": initial}
    return shared, {"log": log, "final": digest_of(g, d)}


def batches(game, size, batch):
    data = pictures(size)
    if game.chainer:  # every picture drawn by itself, mirrored by a coin
        while True:
            draws = [[torch.randint(n, (1,)).item() for n in (COUNT, 2)] for _ in range(batch)]
            x = torch.stack([data[i].flip(2) if mirror == 1 else data[i] for i, mirror in draws])
            yield (x.double() - 128) / 128
    while True:  # a DataLoader's epochs
        torch.empty((), dtype=torch.int64).random_()
        seed = torch.empty((), dtype=torch.int64).random_().item()
        order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(seed))
        for i in range(0, COUNT, batch):
            yield (data[order[i : i + batch]].double() / 255 - 0.5) / 0.5


def run_game(variant, size=32, batch=6, updates=3, k=1, minimax=False):
    torch.manual_seed(SEED)
    game, log = Game(variant, size, LATENT, WIDTH, torch.float64), []
    feed = batches(game, size, batch)
    for _ in range(updates):
        if not game.chainer:  # the generator's step comes first, and has latents of its own
            loss_g = game.wish(game.judge(game.generate(game.latents(batch))), minimax)
            game.g.adam(torch.autograd.grad(loss_g, list(game.g.p.values())), LR, BETAS)
        for i in range(k):
            x, both = next(feed), game.chainer and i == k - 1
            _, losses = game.judge_both(x, game.generate(game.latents(batch)), LR, BETAS, minimax, both)
        log.append(listed(losses if game.chainer else losses | {"lossG": loss_g.item()}))
    return {"size": size, "batch": batch, "updates": updates, "k": k, "minimax": minimax, "log": log}


def counts():
    total = lambda tensors: sum(t.numel() for t in tensors)
    table = {}
    for size in STAGES:
        g, d = example_networks(size, 100, 64)
        table[f"pytorch {size}"] = [total(g.parameters()), total(d.parameters())]
        for variant, width in (("chainer", 64), ("radford", 128)):
            game = Game(variant, size, 100, width)
            table[f"{variant} {size}"] = [total(game.g.p.values()), total(game.d.p.values())]
    return table


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    example, bits = run_example()
    shared = {
        "parameters": counts(),
        "pytorch": example,
        "chainer": [run_game("chainer"), run_game("chainer", k=2, minimax=True)],
        "radford": [run_game("radford"), run_game("radford", k=2, minimax=True)],
    }
    write("dcgan.json", shared, bits, THREADS)

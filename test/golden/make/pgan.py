"""Writes test/golden/pgan.json: what the networks and the training of pytorch_GAN_zoo's PGAN compute in a small setting.

Needs PyTorch, and runs on a CPU: python test/golden/make/pgan.py
The networks of pgan_networks.py are first held to numbers that the zoo's own program gave (commit b75dee4, PyTorch 2.13).
"""
import torch
import torch.nn.functional as F
from goldens import digest, numbers, write
from pgan_networks import Game, Pgan

SEED, LATENT, WIDTHS, COUNT, BATCH, THREADS = 3407, 16, (16, 16, 8), 22, 6, 1
# Images at each scale but the first, which has half as many; while a new one is faded in; and in how many steps.
SCALE, FADE, STEPS, UPDATES = 24, 12, 4, 14

of = lambda *networks: digest(value for network in networks for value in network.values())


def near(came, wanted):
    assert all(abs(a - b) < 2e-6 * max(1, abs(b)) for a, b in zip(came, wanted)), (came, wanted)


def hold_to_the_zoo():
    torch.manual_seed(SEED)
    n = Pgan(LATENT, WIDTHS)
    assert (of(n.g)[:16], of(n.d)[:16]) == ("a2e940dd49e5b9ff", "ab9002c1ea9c46cb")
    z, x = torch.randn(4, LATENT), torch.linspace(-1, 1, 3072).view(4, 3, 16, 16)
    with torch.no_grad():
        made = n.generate(z, 2)
        near([made.mean().item(), made.std().item(), *made.flatten()[:3].tolist()], [0.406928, 1.679232, 1.455141, 1.390099, -0.076543])
        near(n.judge(made, 2).tolist(), [-2.385814, -2.819902, -2.134408, -2.019625])
        near(n.judge(x, 2).tolist(), [-0.229905, -0.112322, 0.067758, 0.171509])
        near([n.generate(z, 2, 0.5).mean().item()], [0.023403])
        near(n.judge(x, 2, 0.5).tolist(), [-0.215081, -0.068965, 0.058507, 0.15472])
    torch.manual_seed(1)
    game = Game(n)
    log = [game.update(x, 2) for _ in range(3)]
    near([row[0] for row in log], [7.08274, 11.3448, 8.041342])
    near([row[1] for row in log], [16.627834, 20.553532, 19.74264])
    near([row[2] for row in log], [10.350515, 11.91058, 11.030015])
    return (of(n.g)[:16], of(n.d)[:16]) == ("3d5975512c134f1d", "2979d8ce676713b4")


def stage_at(images):
    first = SCALE / 2
    if images < first:
        return 0, 0.0
    scale = 1 + min(int((images - first) // SCALE), len(WIDTHS) - 2)
    since = images - first - (scale - 1) * SCALE
    return scale, max(0.0, 1 - (since * STEPS // FADE) / STEPS)


def batches():
    data = (numbers(COUNT, 16).permute(0, 3, 1, 2).contiguous().float().div(255) - 0.5) / 0.5
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data), batch_size=BATCH, shuffle=True)
    while True:
        yield from (x for (x,) in loader)


def run():
    torch.manual_seed(SEED)
    n = Pgan(LATENT, WIDTHS)
    initial, game, log, images, before = of(n.g, n.d), Game(n), [], 0, 0
    feed = batches()
    for _ in range(UPDATES):
        scale, alpha = stage_at(images)
        if scale != before:
            game.grow()
        before, x = scale, next(feed)
        images += len(x)
        factor = 1 << (len(WIDTHS) - 1 - scale)
        log.append([*game.update(F.avg_pool2d(x, factor) if factor > 1 else x, scale, alpha), scale, alpha])
    return {"initial": initial}, {"log": log, "final": of(n.g, n.d), "average": of(game.average)}


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    bits_of_zoo = hold_to_the_zoo()
    shared, bits = run()
    setting = {"latent": LATENT, "widths": WIDTHS, "batch": BATCH, "updates": UPDATES}
    write("pgan.json", setting | {"scaleImages": SCALE, "fadeImages": FADE, "fadeSteps": STEPS} | shared, bits | {"zoo": bits_of_zoo}, THREADS)

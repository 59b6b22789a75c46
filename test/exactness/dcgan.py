"""Runs a DCGAN as its source states it (test/golden/make/dcgan_sources.py), and writes down what it does.

    python dcgan.py CASE.json...
"""
import importlib.metadata
import pathlib
import sys

import torch
from dcgan_sources import Game, example_networks, example_state, example_update
from record import Pictures, digest, import_torchvision, noted, write_tensors
from replay import run_cases

class Log:
    """Updates as they come: pictures seen, latents, losses; gradients, moments and weights where asked for."""

    def __init__(self, case):
        self.case, self.out, self.pictures, self.steps = case, pathlib.Path(case["out"]), Pictures(case), []

    def write(self, tensors):
        write_tensors(self.out / f"reference-{len(self.steps)}.safetensors", tensors)

    def initial(self, tensors):
        self.write({f"weights/{name}": tensor for name, tensor in tensors.items()})

    def add(self, pixels, noise, losses, tensors):
        if not self.steps:
            write_tensors(self.out / "reference-noise.safetensors", {"noise": noise})
        self.steps.append({"batches": [self.pictures.seen(pixels) | {"t": None, **noted(noise)}], "losses": losses})
        if len(self.steps) in self.case["snapshots"]:
            self.write(tensors())


def moments_of(net, module, state):
    return {f"moments/{kind}.{net}.{name}": state(name, kind) for name in module for kind in ("exp_avg", "exp_avg_sq")}


def run_example(case):
    vision = import_torchvision()
    torch.manual_seed(case["seed"])
    g, d = networks = example_networks(case["size"], case["latent"], case["width"])
    state = lambda: {name: x for name, x in example_state(*networks).items() if x.is_floating_point()}
    log, gradients = Log(case), {}
    log.initial(state())
    torch.randn(case["batch"], case["latent"], 1, 1)  # fixed_noise
    transforms = vision.transforms
    data = vision.datasets.ImageFolder(case["pictures"], transform=transforms.Compose([
        transforms.Resize(case["size"]),
        transforms.CenterCrop(case["size"]),
        transforms.ToTensor(),
        transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ]))
    loader = torch.utils.data.DataLoader(data, batch_size=case["batch"], shuffle=True, num_workers=2)
    adam_d = torch.optim.Adam(d.parameters(), lr=case["lr"], betas=case["betas"])
    adam_g = torch.optim.Adam(g.parameters(), lr=case["lr"], betas=case["betas"])
    players = (("generator.main", g, adam_g), ("discriminator.main", d, adam_d))
    for net, module, adam in players:
        named = list(module.named_parameters())
        adam.register_step_pre_hook(
            lambda *_, net=net, named=named: gradients.update({f"gradients/{net}.{n}": p.grad.clone() for n, p in named})
        )

    def tensors():
        moments = {}
        for net, module, adam in players:
            own = dict(module.named_parameters())
            moments |= moments_of(net, own, lambda name, kind: adam.state[own[name]][kind])
        return moments | gradients | {f"weights/{n}": x for n, x in state().items()}

    while len(log.steps) < case["steps"]:
        for real, _ in loader:
            noise, losses = example_update(g, d, adam_g, adam_d, real, case["latent"])
            log.add(((real * 0.5 + 0.5) * 255).round().to(torch.uint8), noise, losses, tensors)
            if len(log.steps) == case["steps"]:
                break
    return log.steps, lambda z: (g.eval()(z.view(len(z), -1, 1, 1)) + 1) * 127.5


def run_chainer(case):
    torch.manual_seed(case["seed"])
    game = Game("chainer", case["size"], case["latent"], case["width"])
    nets = game.nets()
    state = lambda: {f"{net}.{name}": x for net, module in nets.items() for name, x in (module.p | module.averages).items()}
    log, gradients = Log(case), {}
    log.initial(state())

    def tensors():
        moments = {}
        for net, module in nets.items():
            kinds = {"exp_avg": module.m, "exp_avg_sq": module.v}
            moments |= moments_of(net, module.p, lambda name, kind: kinds[kind][name])
        return moments | {f"gradients/{n}": x for n, x in gradients.items()} | {f"weights/{n}": x for n, x in state().items()}

    count = len(log.pictures.pixels)
    while len(log.steps) < case["steps"]:
        draws = [(torch.randint(count, (1,)).item(), case["flip"] and torch.randint(2, (1,)).item() == 1)
                 for _ in range(case["batch"])]
        pixels = log.pictures.take(*zip(*draws))
        z = game.latents(case["batch"])
        gradients, losses = game.judge_both((pixels.float() - 128) / 128, game.generate(z), case["lr"], case["betas"])
        log.add(pixels, z, losses, tensors)
    return log.steps, lambda z: game.generate(z, False) * 128 + 128


@torch.no_grad()
def draw(paint, case, seed):
    torch.manual_seed(seed)
    z = torch.empty(1, case["latent"])
    z = torch.randn(1, case["latent"]) if case["variant"] == "pytorch" else z.uniform_(-1, 1)
    return paint(z).add(0.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def run(case):
    steps, paint = (run_example if case["variant"] == "pytorch" else run_chainer)(case)
    generator = digest(torch.get_rng_state())
    samples = {f"running {s['seed']}": draw(paint, case, s["seed"]).flatten().tolist() for s in case["samples"]}
    versions = {"torch": torch.__version__, "torchvision": importlib.metadata.version("torchvision")}
    return {"versions": versions, "steps": steps, "generator": generator, "samples": samples}


if __name__ == "__main__":
    run_cases(sys.argv[1:], run)

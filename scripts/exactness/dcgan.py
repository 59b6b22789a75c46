"""Runs a DCGAN as its source states it, and writes down what it does: python dcgan.py CASE.json...

pytorch: the program of pytorch/examples, statement by statement, on torch.nn and torch.optim.
chainer: the equations of mattya/chainer-DCGAN and of Chainer 1.5.1. That program has no seed: initial values, pictures
and latent vectors are drawn here in the order in which it draws them, from one generator of PyTorch.
"""
import importlib.metadata
import pathlib
import sys

import torch
import torch.nn.functional as F
from record import Pictures, digest, import_torchvision, noted, write_tensors
from replay import run_cases
from torch import nn

EPS, WEIGHT_DECAY = 1e-8, 1e-5
STAGES = {32: 3, 64: 4, 96: 4, 128: 5}
stem_of = lambda size: 6 if size == 96 else 4


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


# ---- pytorch/examples -------------------------------------------------------------------------------------------

def weights_init(module):
    name = module.__class__.__name__
    if name.find("Conv") != -1:
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def example_networks(case):
    stages, stem, width = STAGES[case["size"]], stem_of(case["size"]), case["width"]
    c = width << (stages - 1)
    layers = [nn.ConvTranspose2d(case["latent"], c, stem, 1, 0, bias=False), nn.BatchNorm2d(c), nn.ReLU(True)]
    while c > width:
        layers += [nn.ConvTranspose2d(c, c // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(c // 2), nn.ReLU(True)]
        c //= 2
    generator = nn.Sequential(*layers, nn.ConvTranspose2d(c, 3, 4, 2, 1, bias=False), nn.Tanh())
    generator.apply(weights_init)
    layers = [nn.Conv2d(3, c, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    for _ in range(stages - 1):
        layers += [nn.Conv2d(c, c * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(c * 2), nn.LeakyReLU(0.2, inplace=True)]
        c *= 2
    discriminator = nn.Sequential(*layers, nn.Conv2d(c, 1, stem, 1, 0, bias=False), nn.Sigmoid())
    discriminator.apply(weights_init)
    return generator, discriminator


def run_example(case):
    vision = import_torchvision()
    torch.manual_seed(case["seed"])
    g, d = example_networks(case)
    networks = {"generator.main": g, "discriminator.main": d}
    state = lambda: {f"{net}.{name}": p for net, module in networks.items() for name, p in module.state_dict().items()
                     if p.is_floating_point()}
    log, criterion, gradients = Log(case), nn.BCELoss(), {}
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

    def tensors():
        moments = {}
        for net, module, adam in (("generator", g, adam_g), ("discriminator", d, adam_d)):
            for name, p in module.named_parameters():
                for kind in ("exp_avg", "exp_avg_sq"):
                    moments[f"moments/{kind}.{net}.main.{name}"] = adam.state[p][kind]
        return moments | {f"gradients/{n}": x for n, x in gradients.items()} | {f"weights/{n}": x for n, x in state().items()}

    keep = lambda net: gradients.update({f"{net}.{n}": p.grad.clone() for n, p in networks[net].named_parameters()})
    while len(log.steps) < case["steps"]:
        for real, _ in loader:
            d.zero_grad()
            label = torch.full((len(real),), 1.0)
            output = d(real).view(-1)
            err_real = criterion(output, label)
            err_real.backward()
            d_x = output.mean().item()
            noise = torch.randn(len(real), case["latent"], 1, 1)
            fake = g(noise)
            label.fill_(0.0)
            output = d(fake.detach()).view(-1)
            err_fake = criterion(output, label)
            err_fake.backward()
            d_g_z1 = output.mean().item()
            keep("discriminator.main")
            adam_d.step()
            g.zero_grad()
            label.fill_(1.0)
            output = d(fake).view(-1)
            err_g = criterion(output, label)
            err_g.backward()
            keep("generator.main")
            adam_g.step()
            losses = {"lossD": (err_real + err_fake).item(), "lossG": err_g.item(), "dReal": d_x, "dFake": d_g_z1}
            log.add(((real * 0.5 + 0.5) * 255).round().to(torch.uint8), noise, losses, tensors)
            if len(log.steps) == case["steps"]:
                break
    return log.steps, lambda z: (g.eval()(z.view(len(z), -1, 1, 1)) + 1) * 127.5


# ---- chainer-DCGAN ----------------------------------------------------------------------------------------------

class Net:
    """Parameters and running averages of one network, in the order in which they are drawn."""

    def __init__(self):
        self.p, self.averages, self.m, self.v, self.t = {}, {}, {}, {}, 0

    def layer(self, name, shape, units):
        self.p[f"{name}.weight"] = torch.empty(shape).normal_(0, 0.02).requires_grad_()
        self.p[f"{name}.bias"] = torch.zeros(units).requires_grad_()

    def norm(self, name, units):
        self.p[f"{name}.weight"] = torch.ones(units).requires_grad_()
        self.p[f"{name}.bias"] = torch.zeros(units).requires_grad_()
        self.averages |= {f"{name}.running_mean": torch.zeros(units), f"{name}.running_var": torch.zeros(units)}

    def normalize(self, x, name, training=True):
        """Chainer adds eps to the variance first and averages that: avg += .1 * ((var + eps) * m / (m-1) - avg)."""
        p, mean, var = self.p, self.averages[f"{name}.running_mean"], self.averages[f"{name}.running_var"]
        gain, bias = p[f"{name}.weight"], p[f"{name}.bias"]
        if not training:
            return F.batch_norm(x, mean, var, gain, bias, False, 0.1, 0)
        y = F.batch_norm(x, mean, var, gain, bias, True, 0.1, 1e-5)
        m = x.numel() // x.shape[1]
        var.data.add_(0.1 * 1e-5 * m / (m - 1))
        return y

    @torch.no_grad()
    def adam(self, gradients, lr, betas):
        """p -= lr * sqrt(1-b2^t) / (1-b1^t) * m / (sqrt(v) + eps), after the hook g += decay * p."""
        self.t += 1
        decayed = {}
        for (name, p), g in zip(self.p.items(), gradients):
            g = decayed[name] = g.add(p, alpha=WEIGHT_DECAY)
            m = self.m.setdefault(name, torch.zeros_like(p)).lerp_(g, 1 - betas[0])
            v = self.v.setdefault(name, torch.zeros_like(p)).mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
            rate = lr * (1 - betas[1] ** self.t) ** 0.5 / (1 - betas[0] ** self.t)
            p.addcdiv_(m, v.sqrt().add_(EPS), value=-rate)
        return decayed


class Game:
    def __init__(self, case):
        self.stages, self.stem = STAGES[case["size"]], stem_of(case["size"])
        width, latent, self.g, self.d = case["width"], case["latent"], Net(), Net()
        self.top = width << (self.stages - 1)
        self.g.layer("l0z", (self.top * self.stem**2, latent), self.top * self.stem**2)
        self.g.norm("bn0l", self.top * self.stem**2)
        for i in range(1, self.stages + 1):
            last, c = i == self.stages, 3 if i == self.stages else self.top >> i
            self.g.layer(f"dc{i}", (self.top >> (i - 1), c, 4, 4), c)
            if not last:
                self.g.norm(f"bn{i}", c)
        for i in range(self.stages):
            self.d.layer(f"c{i}", (width << i, 3 if i == 0 else width << (i - 1), 4, 4), width << i)
            if i > 0:
                self.d.norm(f"bn{i}", width << i)
        self.d.layer(f"l{self.stages}l", (2, self.top * self.stem**2), 2)

    def generate(self, z, training=True):
        p, net = self.g.p, self.g
        x = F.relu(net.normalize(F.linear(z, p["l0z.weight"], p["l0z.bias"]), "bn0l", training))
        x = x.view(len(z), self.top, self.stem, self.stem)
        for i in range(1, self.stages + 1):
            x = F.conv_transpose2d(x, p[f"dc{i}.weight"], p[f"dc{i}.bias"], 2, 1)
            if i < self.stages:
                x = F.relu(net.normalize(x, f"bn{i}", training))
        return x

    def judge(self, x):
        p, net = self.d.p, self.d
        for i in range(self.stages):
            x = F.conv2d(x, p[f"c{i}.weight"], p[f"c{i}.bias"], 2, 1)
            x = F.elu(net.normalize(x, f"bn{i}") if i > 0 else x)
        return F.linear(x.flatten(1), p[f"l{self.stages}l.weight"], p[f"l{self.stages}l.bias"])

    def nets(self):
        return {"generator": self.g, "discriminator": self.d}


def run_chainer(case):
    torch.manual_seed(case["seed"])
    game = Game(case)
    nets = game.nets()
    state = lambda: {f"{net}.{name}": x for net, module in nets.items() for name, x in (module.p | module.averages).items()}
    log, gradients = Log(case), {}
    log.initial(state())

    def tensors():
        moments = {f"moments/{kind}.{net}.{name}": x for net, module in nets.items()
                   for kind, group in (("exp_avg", module.m), ("exp_avg_sq", module.v)) for name, x in group.items()}
        return moments | {f"gradients/{n}": x for n, x in gradients.items()} | {f"weights/{n}": x for n, x in state().items()}

    count = len(log.pictures.pixels)
    while len(log.steps) < case["steps"]:
        draws = [(torch.randint(count, (1,)).item(), case["flip"] and torch.randint(2, (1,)).item() == 1)
                 for _ in range(case["batch"])]
        pixels = log.pictures.take(*zip(*draws))
        real = (pixels.float() - 128) / 128
        z = torch.empty(case["batch"], case["latent"]).uniform_(-1, 1)
        fake, wanted = game.generate(z), torch.zeros(case["batch"], dtype=torch.long)
        judged = game.judge(fake)
        loss_g, loss_fake = F.cross_entropy(judged, wanted), F.cross_entropy(judged, wanted + 1)
        judged_real = game.judge(real)
        loss_real = F.cross_entropy(judged_real, wanted)
        # Both gradients at the same weights; then the generator moves first.
        of_g = torch.autograd.grad(loss_g, list(game.g.p.values()), retain_graph=True)
        of_d = torch.autograd.grad(loss_fake + loss_real, list(game.d.p.values()))
        for net, module, of in (("generator", game.g, of_g), ("discriminator", game.d, of_d)):
            gradients |= {f"{net}.{n}": x for n, x in module.adam(of, case["lr"], case["betas"]).items()}
        share = lambda y: y.detach().softmax(1)[:, 0].mean().item()
        losses = {"lossD": (loss_fake + loss_real).item(), "lossG": loss_g.item(), "dReal": share(judged_real), "dFake": share(judged)}
        log.add(pixels, z, losses, tensors)
    return log.steps, lambda z: game.generate(z, False) * 128 + 128


@torch.no_grad()
def draw(paint, case, seed):
    torch.manual_seed(seed)
    z = torch.empty(1, case["latent"])
    z = torch.randn(1, case["latent"]) if case["preset"] == "pytorch" else z.uniform_(-1, 1)
    return paint(z).add(0.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def run(case):
    steps, paint = (run_example if case["preset"] == "pytorch" else run_chainer)(case)
    generator = digest(torch.get_rng_state())
    samples = {f"running {s['seed']}": draw(paint, case, s["seed"]).flatten().tolist() for s in case["samples"]}
    versions = {"torch": torch.__version__, "torchvision": importlib.metadata.version("torchvision")}
    return {"versions": versions, "steps": steps, "generator": generator, "samples": samples}


if __name__ == "__main__":
    run_cases(sys.argv[1:], run)

"""The DCGAN's sources in Python: the program of pytorch/examples, and the equations of chainer-DCGAN and of Radford 2015.

The last two have no seed: initial values, pictures and latent vectors are drawn in the order in which they draw them,
from the default generator of PyTorch. One statement for the golden numbers (float64) and for the comparison (float32).
"""
import torch
import torch.nn.functional as F
from torch import nn

STAGES = {32: 3, 64: 4, 96: 4, 128: 5}
EPS, WEIGHT_DECAY = 1e-8, 1e-5
stem_of = lambda size: 6 if size == 96 else 4


# ---- pytorch/examples -------------------------------------------------------------------------------------------

def weights_init(module):
    name = module.__class__.__name__
    if name.find("Conv") != -1:
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def example_networks(size, latent, width):
    """The generator and the discriminator, drawn in this order."""
    stages, stem = STAGES[size], stem_of(size)
    c = width << (stages - 1)
    layers = [nn.ConvTranspose2d(latent, c, stem, 1, 0, bias=False), nn.BatchNorm2d(c), nn.ReLU(True)]
    for _ in range(stages - 1):
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


def example_state(generator, discriminator):
    """All tensors of both by the names that they have in shinsaku."""
    networks = {"generator.main": generator, "discriminator.main": discriminator}
    return {f"{net}.{name}": x for net, module in networks.items() for name, x in module.state_dict().items()}


def example_update(g, d, adam_g, adam_d, real, latent):
    """One iteration of the program's loop: its noise and the four numbers that it prints."""
    criterion = nn.BCELoss()
    d.zero_grad()
    label = torch.full((len(real),), 1.0, device=real.device)
    output = d(real).view(-1)
    err_real = criterion(output, label)
    err_real.backward()
    d_x = output.mean().item()
    noise = torch.randn(len(real), latent, 1, 1, device=real.device)
    fake = g(noise)
    label.fill_(0.0)
    output = d(fake.detach()).view(-1)
    err_fake = criterion(output, label)
    err_fake.backward()
    d_g_z1 = output.mean().item()
    adam_d.step()
    g.zero_grad()
    label.fill_(1.0)
    output = d(fake).view(-1)
    err_g = criterion(output, label)
    err_g.backward()
    output.mean().item()  # printed too
    adam_g.step()
    return noise, {"lossD": (err_real + err_fake).item(), "lossG": err_g.item(), "dReal": d_x, "dFake": d_g_z1}


# ---- chainer-DCGAN and Radford ----------------------------------------------------------------------------------

class Net:
    """Parameters, running averages and moments of one network, in the order in which they are drawn."""

    def __init__(self, chainer, dtype):
        self.chainer, self.dtype = chainer, dtype
        self.p, self.averages, self.m, self.v, self.t = {}, {}, {}, {}, 0

    def add(self, name, value):
        self.p[name] = value.to(self.dtype).requires_grad_()

    def layer(self, name, shape, units):
        self.add(f"{name}.weight", torch.empty(shape).normal_(0, 0.02))
        if self.chainer:
            self.add(f"{name}.bias", torch.zeros(units))

    def norm(self, name, units):
        gain = torch.ones(units)
        self.add(f"{name}.weight", gain if self.chainer else gain.normal_(1, 0.02))
        self.add(f"{name}.bias", torch.zeros(units))
        for average in ("running_mean", "running_var"):
            self.averages[f"{name}.{average}"] = torch.zeros(units, dtype=self.dtype)

    def normalize(self, x, name, training=True):
        """Chainer adds eps to the variance first and averages that: avg += .1 * ((var + eps) * m / (m-1) - avg)."""
        mean, var = self.averages[f"{name}.running_mean"], self.averages[f"{name}.running_var"]
        gain, bias, eps = self.p[f"{name}.weight"], self.p[f"{name}.bias"], 1e-5 if self.chainer else 1e-8
        if not training:
            return F.batch_norm(x, mean, var, gain, bias, False, 0.1, 0)
        y = F.batch_norm(x, mean, var, gain, bias, True, 0.1, eps)
        m = x.numel() // x.shape[1]
        var.data.add_(0.1 * eps * m / (m - 1))
        return y

    @torch.no_grad()
    def adam(self, gradients, lr, betas):
        """
        After the hook g += decay * p. Chainer: p -= lr * sqrt(1-b2^t) / (1-b1^t) * m / (sqrt(v) + eps).
        Newmu: p -= lr * (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps).
        """
        self.t += 1
        c1, c2 = (1 - beta**self.t for beta in betas)
        decayed = {}
        for (name, p), g in zip(self.p.items(), gradients):
            g = decayed[name] = g.add(p, alpha=WEIGHT_DECAY)
            m = self.m.setdefault(name, torch.zeros_like(p)).lerp_(g, 1 - betas[0])
            v = self.v.setdefault(name, torch.zeros_like(p)).mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
            if self.chainer:
                p.addcdiv_(m, v.sqrt().add_(EPS), value=-lr * c2**0.5 / c1)
            else:
                p.addcdiv_(m, (v / c2).sqrt().add_(EPS), value=-lr / c1)
        return decayed


class Game:
    """Both networks of one of the two; their tensors have the names of chainer-DCGAN."""

    def __init__(self, variant, size, latent, width, dtype=torch.float32):
        self.chainer, self.stages, self.stem, self.latent, self.dtype = variant == "chainer", STAGES[size], stem_of(size), latent, dtype
        self.g, self.d = Net(self.chainer, dtype), Net(self.chainer, dtype)
        self.top, kernel = width << (self.stages - 1), 4 if self.chainer else 5
        units = self.top * self.stem**2
        self.g.layer("l0z", (units, latent), units)
        self.g.norm("bn0l", units)
        for i in range(1, self.stages + 1):
            last, c = i == self.stages, 3 if i == self.stages else self.top >> i
            self.g.layer(f"dc{i}", (self.top >> (i - 1), c, kernel, kernel), c)
            if not last:
                self.g.norm(f"bn{i}", c)
        for i in range(self.stages):
            self.d.layer(f"c{i}", (width << i, 3 if i == 0 else width << (i - 1), kernel, kernel), width << i)
            if i > 0:
                self.d.norm(f"bn{i}", width << i)
        logits = 2 if self.chainer else 1
        self.d.layer(f"l{self.stages}l", (logits, units), logits)

    def nets(self):
        return {"generator": self.g, "discriminator": self.d}

    def generate(self, z, training=True):
        p, net, (padding, extra) = self.g.p, self.g, (1, 0) if self.chainer else (2, 1)
        x = F.relu(net.normalize(F.linear(z, p["l0z.weight"], p.get("l0z.bias")), "bn0l", training))
        x = x.view(len(z), self.top, self.stem, self.stem)
        for i in range(1, self.stages + 1):
            x = F.conv_transpose2d(x, p[f"dc{i}.weight"], p.get(f"dc{i}.bias"), 2, padding, extra)
            if i < self.stages:
                x = F.relu(net.normalize(x, f"bn{i}", training))
        return x if self.chainer else x.tanh()

    def judge(self, x):
        p, net = self.d.p, self.d
        for i in range(self.stages):
            x = F.conv2d(x, p[f"c{i}.weight"], p.get(f"c{i}.bias"), 2, 1 if self.chainer else 2)
            x = net.normalize(x, f"bn{i}") if i > 0 else x
            x = F.elu(x) if self.chainer else F.leaky_relu(x, 0.2)
        return F.linear(x.flatten(1), p[f"l{self.stages}l.weight"], p.get(f"l{self.stages}l.bias"))

    def share(self, judged):
        """Mean probability of being data; class 0 is data."""
        judged = judged.detach()
        return (judged.softmax(1)[:, 0] if self.chainer else judged.sigmoid()[:, 0]).mean().item()

    def entropy(self, judged, data):
        """Of being told apart as data, or as generated."""
        if self.chainer:
            return F.cross_entropy(judged, torch.full((len(judged),), 0 if data else 1))
        return F.binary_cross_entropy_with_logits(judged, torch.full_like(judged, 1.0 if data else 0.0))

    def wish(self, judged, minimax=False):
        """The generator's loss."""
        return -self.entropy(judged, False) if minimax else self.entropy(judged, True)

    def latents(self, count):
        return torch.empty(count, self.latent).uniform_(-1, 1).to(self.dtype)

    def judge_both(self, real, fake, lr, betas, minimax=False, moves_generator=True):
        """
        The discriminator's step, and with it the generator's where asked for: both gradients at the same weights, then
        the generator moves first. The gradients, and four numbers as the program of PyTorch prints them.
        """
        judged = self.judge(fake)
        loss_g, loss_fake = self.wish(judged, minimax), self.entropy(judged, False)
        judged_real = self.judge(real)
        loss_d = loss_fake + self.entropy(judged_real, True)
        moving = [("discriminator", self.d, loss_d)]
        if moves_generator:
            moving.insert(0, ("generator", self.g, loss_g))
        found = [torch.autograd.grad(loss, list(net.p.values()), retain_graph=True) for _, net, loss in moving]
        gradients = {
            f"{name}.{of}": x
            for (name, net, _), own in zip(moving, found)
            for of, x in net.adam(own, lr, betas).items()
        }
        losses = {"lossD": loss_d.item(), "lossG": loss_g.item(), "dReal": self.share(judged_real), "dFake": self.share(judged)}
        return gradients, losses

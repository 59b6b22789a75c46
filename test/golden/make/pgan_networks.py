"""The networks of a PGAN as pytorch_GAN_zoo has them, stated anew in plain functions over tensors by name."""
import math

import torch
import torch.nn.functional as F


def layer(params, name, *shape):
    """A layer's first values: what PyTorch's constructor draws, then the zoo's over it."""
    fan_in = math.prod(shape[1:])
    made = torch.nn.Linear(shape[1], shape[0]) if len(shape) == 2 else torch.nn.Conv2d(shape[1], shape[0], shape[2])
    made.weight.data.normal_(0, 1)
    made.bias.data.fill_(0)
    params[name + ".module.weight"], params[name + ".module.bias"] = made.weight, made.bias
    assert made.weight[0].numel() == fan_in


class Pgan:
    """`widths` are channels at 4 px, 8 px and so on. Pictures are at 4 << scale px, alpha as the zoo counts it."""

    def __init__(self, latent, widths, channels=3):
        self.latent, self.widths, self.g, self.d = latent, widths, {}, {}
        w = widths[0]
        layer(self.d, "decisionLayer", 1, w)
        layer(self.d, "fromRGBLayers.0", w, channels, 1, 1)
        layer(self.d, "groupScaleZero.0", w, w + 1, 3, 3)
        layer(self.d, "groupScaleZero.1", w, 16 * w)
        layer(self.g, "formatLayer", 16 * w, latent)
        layer(self.g, "groupScale0.0", w, w, 3, 3)
        layer(self.g, "toRGBLayers.0", channels, w, 1, 1)
        for i, (below, own) in enumerate(zip(widths, widths[1:])):
            layer(self.g, f"scaleLayers.{i}.0", own, below, 3, 3)
            layer(self.g, f"scaleLayers.{i}.1", own, own, 3, 3)
            layer(self.g, f"toRGBLayers.{i + 1}", channels, own, 1, 1)
            layer(self.d, f"scaleLayers.{i}.0", own, own, 3, 3)
            layer(self.d, f"scaleLayers.{i}.1", below, own, 3, 3)
            layer(self.d, f"fromRGBLayers.{i + 1}", own, channels, 1, 1)
        self.g = in_order(self.g, "scaleLayers", "toRGBLayers", "formatLayer", "groupScale0")
        self.d = in_order(self.d, "scaleLayers", "fromRGBLayers", "decisionLayer", "groupScaleZero")

    def generate(self, z, scale, alpha=0.0):
        p, before = self.g, None
        x = F.leaky_relu(apply(p, "formatLayer", pixel_norm(z)), 0.2).view(len(z), -1, 4, 4)
        x = pixel_norm(F.leaky_relu(apply(p, "groupScale0.0", pixel_norm(x)), 0.2))
        for i in range(scale):
            if i == scale - 1 and alpha > 0:
                before = twice(apply(p, f"toRGBLayers.{scale - 1}", x))
            x = twice(x)
            for j in range(2):
                x = pixel_norm(F.leaky_relu(apply(p, f"scaleLayers.{i}.{j}", x), 0.2))
        x = apply(p, f"toRGBLayers.{scale}", x)
        return x if before is None else alpha * before + (1.0 - alpha) * x

    def judge(self, pictures, scale, alpha=0.0):
        p, before = self.d, None
        if alpha > 0 and scale > 1:
            before = F.leaky_relu(apply(p, f"fromRGBLayers.{scale - 1}", F.avg_pool2d(pictures, 2)), 0.2)
        x = F.leaky_relu(apply(p, f"fromRGBLayers.{scale}", pictures), 0.2)
        for i in reversed(range(scale)):
            for j in range(2):
                x = F.leaky_relu(apply(p, f"scaleLayers.{i}.{j}", x), 0.2)
            x = F.avg_pool2d(x, 2)
            if before is not None and i == scale - 1:
                x = alpha * before + (1.0 - alpha) * x
        x = F.leaky_relu(apply(p, "groupScaleZero.0", with_spread(x)), 0.2)
        x = F.leaky_relu(apply(p, "groupScaleZero.1", x.view(len(x), -1)), 0.2)
        return apply(p, "decisionLayer", x)[:, 0]


def in_order(params, *prefixes):
    return {name: params[name] for prefix in prefixes for name in params if name.startswith(prefix)}


def apply(params, name, x):
    weight, bias = params[name + ".module.weight"], params[name + ".module.bias"]
    y = F.linear(x, weight, bias) if weight.dim() == 2 else F.conv2d(x, weight, bias, padding=weight.shape[2] // 2)
    return y * math.sqrt(2.0 / math.prod(weight.shape[1:]))


pixel_norm = lambda x: x * ((x**2).mean(dim=1, keepdim=True) + 1e-8).rsqrt()
twice = lambda x: F.interpolate(x, scale_factor=2, mode="nearest")


def with_spread(x):
    count, channels, height, width = x.shape
    group = min(count, 4) if count % min(count, 4) == 0 else count
    if group == 1:
        return torch.cat([x, torch.zeros(count, 1, height, width)], 1)
    y = torch.sqrt(torch.var(x.view(-1, group, channels, height, width), 1) + 1e-8).view(count // group, -1)
    y = y.mean(1).view(-1, 1, 1, 1, 1).expand(-1, group, 1, height, width)
    return torch.cat([x, y.contiguous().view(count, 1, height, width)], 1)


class Game:
    """Both networks with their optimizers and the averaged generator; WGAN-GP with sums, as the zoo trains."""

    def __init__(self, networks, lr=1e-3, decay=0.999):
        self.n, self.lr, self.decay, self.average = networks, lr, decay, {}
        self.grow()

    def grow(self):
        adam = lambda params: torch.optim.Adam(list(params.values()), lr=self.lr, betas=(0.0, 0.99), eps=1e-8)
        self.adam_g, self.adam_d = adam(self.n.g), adam(self.n.d)
        self.average = {name: value.detach().clone() for name, value in self.n.g.items()}

    def update(self, real, scale, alpha=0.0):
        n, count = self.n, len(real)
        if alpha > 0:
            real = alpha * twice(F.avg_pool2d(real, 2)) + (1 - alpha) * real
        self.adam_d.zero_grad()
        of_real = n.judge(real, scale, alpha)
        fake = n.generate(torch.randn(count, n.latent), scale, alpha).detach()
        of_fake = n.judge(fake, scale, alpha)
        share = torch.rand(count, 1).view(-1, 1, 1, 1)
        between = (share * real + (1 - share) * fake).requires_grad_(True)
        slopes = torch.autograd.grad(n.judge(between, scale, alpha).sum(), between, create_graph=True)[0].view(count, -1)
        penalty = (((slopes * slopes).sum(1).sqrt() - 1.0) ** 2).sum() * 10
        penalty.backward()
        drift = (of_real**2).sum() * 0.001
        (-of_real.sum() + of_fake.sum() + drift).backward()
        self.step(self.adam_d, n.d)
        loss_d = -of_real.sum().item() + of_fake.sum().item() + penalty.item() + drift.item()
        self.adam_g.zero_grad()
        loss_g = -n.judge(n.generate(torch.randn(count, n.latent), scale, alpha), scale, alpha).sum()
        loss_g.backward()
        self.step(self.adam_g, n.g)
        with torch.no_grad():
            for name, value in n.g.items():
                self.average[name].mul_(self.decay).add_(value, alpha=1 - self.decay)
        return loss_d, penalty.item(), loss_g.item()

    @staticmethod
    def step(adam, params):
        for p in params.values():
            if p.grad is not None:
                p.grad.nan_to_num_(0.0, 0.0, 0.0)
        adam.step()

"""ADA's pipe of augmentations in Python, from appendix B of arXiv 2006.06676: the published set, and that for drawings.

Each operation draws its value, then whether it is done, for each picture, with probability p.
"""
import math

import torch
import torch.nn.functional as F

SYM6 = torch.tensor([0.0154041093, 0.0034907121, -0.1179901111, -0.0483117426, 0.4910559419, 0.7876411410,
                     0.3379294217, -0.0726375228, -0.0210602925, 0.0447249018, 0.0017677119, -0.0078007083])


def matrix(a, b, x, c, d, y):
    none, one = torch.zeros_like(x), torch.ones_like(x)
    return torch.cat([a, b, x, c, d, y, none, none, one], 1).view(-1, 3, 3)


def moved(x, y):
    none, one = torch.zeros_like(x), torch.ones_like(x)
    return matrix(one, none, x, none, one, y)


def scaled(x, y):
    none = torch.zeros_like(x)
    return matrix(x, none, none, none, y, none)


def turned(angle):
    c, s, none = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return matrix(c, -s, none, s, c, none)


def filtered(x, taps, axis, stride):
    """Correlates each channel with a row of taps along one axis."""
    shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
    weight = taps.view(shape).expand(x.shape[1], 1, *taps.view(shape).shape[2:])
    return F.conv2d(x, weight, stride=(stride, 1) if axis == 2 else (1, stride), groups=x.shape[1])


class Adaptive:
    def __init__(self, published):
        self.published, self.taps = published, SYM6 / SYM6.sum()

    def __call__(self, x, generator, p):
        self.n, self.p = len(x), p
        self.uniform = lambda each=1: torch.rand(self.n, each, generator=generator)
        self.normal = lambda each=1: torch.randn(self.n, each, generator=generator)
        return self.cut_out(self.coloured(self.placed(x)))

    def gated(self, value, neutral, chance=None):
        done = self.uniform() < (self.p if chance is None else chance)
        return torch.where(done, value, torch.full_like(value, neutral))

    def geometry(self, side):
        """From places in the result to places in the picture, in pixels from its middle."""
        inverse = torch.eye(3)[None].expand(self.n, 3, 3)
        if self.published:
            flip = self.gated((self.uniform() * 2).floor(), 0)
            inverse = inverse @ scaled(1 - 2 * flip, torch.ones_like(flip))
            inverse = inverse @ turned(self.gated((self.uniform() * 4).floor(), 0) * (math.pi / 2))
        whole = (self.gated((self.uniform(2) * 2 - 1) * 0.125, 0) * side).round()
        inverse = inverse @ moved(-whole[:, :1], -whole[:, 1:])
        scale = self.gated(torch.pow(2.0, self.normal() * (0.2 if self.published else 0.1)), 1)
        inverse = inverse @ scaled(1 / scale, 1 / scale)
        if self.published:
            half = 1 - (1 - self.p).clamp(0, 1).sqrt()
            inverse = inverse @ turned(self.gated((self.uniform() * 2 - 1) * math.pi, 0, half))
            wider = self.gated(torch.pow(2.0, self.normal() * 0.2), 1)
            inverse = inverse @ scaled(1 / wider, wider)
            inverse = inverse @ turned(self.gated((self.uniform() * 2 - 1) * math.pi, 0, half))
        part = self.gated(self.normal(2) * (0.125 if self.published else 0.0625), 0) * side
        return inverse @ moved(-part[:, :1], -part[:, 1:])

    def placed(self, x):
        """Executed at twice the resolution: up by the filter, bilinear, down by the filter."""
        n, c, _, side = x.shape
        inverse, taps, count = self.geometry(float(side)), self.taps, len(self.taps)
        pad, half = count // 4, (side - 1) / 2
        corners = torch.tensor([[-half, -half, 1], [half, -half, 1], [half, half, 1], [-half, half, 1]]).t()
        reached = (inverse[:, :2] @ corners).abs().amax() - half + 2 * pad
        margin = int(min(max(math.ceil(reached.item()), 0), side - 1))
        y = F.pad(x, (margin,) * 4, mode="reflect")
        wide = side + 2 * margin
        y = F.pad(y[:, :, :, None, :, None], (0, 1, 0, 0, 0, 1)).reshape(n, c, 2 * wide, 2 * wide)
        y = F.pad(y, (count // 2, (count - 1) // 2) * 2)
        y = filtered(filtered(y, taps.flip(0) * 2, 3, 1), taps.flip(0) * 2, 2, 1)
        room = side + 2 * pad
        of = lambda a, shift: torch.tensor([[a, 0.0, shift], [0.0, a, shift], [0.0, 0.0, 1.0]])[None]
        grid = of(2, 0) @ (inverse @ of(0.5, 0))
        grid = of(1, -0.5) @ (grid @ of(1, 0.5))
        grid = of(2 / (2 * wide), 0) @ (grid @ of(2 * room / 2, 0))
        places = F.affine_grid(grid[:, :2], (n, c, 2 * room, 2 * room), align_corners=False)
        y = F.grid_sample(y, places, align_corners=False)
        drop, need = 2 * pad - (count - 1) // 2, 2 * side - 2 + count
        y = y[:, :, drop : drop + need, drop : drop + need]
        return filtered(filtered(y, taps, 3, 2), taps, 2, 2)

    def coloured(self, x):
        little = 1.0 if self.published else 0.5
        eye, grey = torch.eye(3)[None], torch.full((3, 3), 1 / 3)[None]
        each = lambda values: values.view(-1, 1, 1)
        power = lambda spread: each(self.gated(torch.pow(2.0, self.normal() * spread), 1))
        shift = torch.zeros(self.n, 3, 1) + each(self.gated(self.normal() * (0.2 * little), 0))
        steps = [eye * power(0.5 * little)]
        if self.published:
            steps.append(eye - each(self.gated((self.uniform() * 2).floor(), 0)) * 2 * grey)
            angle, a = each(self.gated((self.uniform() * 2 - 1) * math.pi, 0)), 1 / math.sqrt(3)
            cross = torch.tensor([[0.0, -a, a], [a, 0.0, -a], [-a, a, 0.0]])[None]
            steps.append(grey + (eye - grey) * angle.cos() + cross * angle.sin())
        steps.append(grey + (eye - grey) * power(little))
        whole = torch.eye(3)[None].expand(self.n, 3, 3)
        for step in steps:
            whole, shift = step @ whole, step @ shift
        return (whole @ x.flatten(2) + shift).view(x.shape)

    def cut_out(self, x):
        if self.published:
            return x
        side = x.shape[3]
        cut, centre = self.gated(torch.full((self.n, 1), 0.25), 0), self.uniform(2)
        middle = ((torch.arange(side) + 0.5) / side)[None]
        out_x = (middle - centre[:, :1]).abs() >= cut
        out_y = (middle - centre[:, 1:]).abs() >= cut
        return x * (out_x[:, None, None, :] | out_y[:, None, :, None]).to(x.dtype)

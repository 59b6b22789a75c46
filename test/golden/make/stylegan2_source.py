"""StyleGAN2 in Python, from the papers: networks, losses, penalties, augmentations, and one update of both players.

arXiv 1912.04958 (StyleGAN2), 2006.06676 (ADA), 2006.10738 (DiffAugment), 2501.05441 (R3GAN). The tensors have the names
of shinsaku, and all draws are in its order: initial values from PyTorch's default generator, those of an update from a
generator that one draw of it seeds.
"""
import math

import torch
import torch.nn.functional as F

EPS = 1e-8
GAIN = math.sqrt(2)
FILTER = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64
lrelu = lambda x: F.leaky_relu(x, 0.2)


def resample(x, taps, up, down, padding):
    """Zeros between pixels, zeros around, a correlation of each channel, every down-th pixel."""
    n, c, h, w = x.shape
    if up > 1:
        x = F.pad(x[:, :, :, None, :, None], (0, up - 1, 0, 0, 0, up - 1)).reshape(n, c, h * up, w * up)
    x = F.pad(x, (padding[0], padding[1], padding[0], padding[1]))
    return F.conv2d(x, taps.to(x.dtype).expand(c, 1, *taps.shape), stride=down, groups=c)


class Networks:
    """`labels`: numbers in a row of labels, 0 for networks without any."""

    def __init__(self, size, latent, base, most, layers, group, labels=0, channels=3, dtype=torch.float32):
        self.size, self.latent, self.layers, self.group, self.dtype = size, latent, layers, group, dtype
        self.labels = labels
        self.width = lambda side: min(base // side, most)
        self.sides = [2**k for k in range(2, size.bit_length())]
        self.g, self.d, self.buffers = {}, {}, {}
        self.draw_generator(channels)
        self.draw_discriminator(channels)
        for p in [*self.g.values(), *self.d.values()]:
            p.requires_grad_(True)

    styles = property(lambda self: 2 * len(self.sides))
    noise_sides = property(lambda self: [4] + [s for s in self.sides[1:] for _ in range(2)])

    def normal(self, *shape, deviation=1.0):
        return torch.empty(shape).normal_(0, deviation).to(self.dtype)

    def draw_mapping(self, tensors, latent, width, layers):
        def layer(name, inputs, deviation):
            tensors[f"mapping.{name}.weight"] = self.normal(width, inputs, deviation=deviation)
            tensors[f"mapping.{name}.bias"] = torch.zeros(width, dtype=self.dtype)

        for i in range(layers):
            layer(f"fc{i}", width if i > 0 else latent + (width if self.labels else 0), 100.0)
        if self.labels:
            layer("label_emb", self.labels, 1.0)

    def draw_generator(self, channels):
        g, zeros = self.g, lambda *shape: torch.zeros(shape, dtype=self.dtype)
        self.draw_mapping(g, self.latent, self.latent, self.layers)
        self.buffers["mapping.w_avg"] = zeros(self.latent)
        g["synthesis.b4.const"] = self.normal(self.width(4), 4, 4)

        def layer(name, i, o, kernel, side):
            g[f"{name}.affine.weight"] = self.normal(i, self.latent)
            g[f"{name}.affine.bias"] = zeros(i) + 1
            g[f"{name}.weight"] = self.normal(o, i, kernel, kernel)
            if side:
                self.buffers[f"{name}.noise_const"] = torch.randn(side, side).to(self.dtype)
                g[f"{name}.noise_strength"] = zeros()
            g[f"{name}.bias"] = zeros(o)

        for side in self.sides:
            block, width = f"synthesis.b{side}", self.width(side)
            if side > 4:
                layer(f"{block}.conv0", self.width(side // 2), width, 3, side)
            layer(f"{block}.conv1", width, width, 3, side)
            layer(f"{block}.torgb", width, channels, 1, 0)

    def draw_discriminator(self, channels):
        d = self.d

        def layer(name, *shape, bias=True):
            d[f"{name}.weight"] = self.normal(*shape)
            if bias:
                d[f"{name}.bias"] = torch.zeros(shape[0], dtype=self.dtype)

        layer(f"b{self.size}.fromrgb", self.width(self.size), channels, 1, 1)
        for side in reversed(self.sides[1:]):
            i, o = self.width(side), self.width(side // 2)
            layer(f"b{side}.conv0", i, i, 3, 3)
            layer(f"b{side}.conv1", o, i, 3, 3)
            layer(f"b{side}.skip", o, i, 1, 1, bias=False)
        width = self.width(4)
        layer("b4.conv", width, width + 1, 3, 3)
        layer("b4.fc", width, width * 16)
        layer("b4.out", width if self.labels else 1, width)
        if self.labels:
            self.draw_mapping(d, 0, width, 8)

    def state(self):
        tensors = {f"generator.{n}": x for n, x in (self.g | self.buffers).items()}
        return tensors | {f"discriminator.{n}": x for n, x in self.d.items()}

    # ---- generator ----

    def mapped(self, tensors, layers, z, labels):
        """ADA's appendix C: an embedding of the labels, normalised, beside the normalised latent."""
        weights = lambda name: (tensors[f"mapping.{name}.weight"], tensors[f"mapping.{name}.bias"])
        normalised = lambda x: x * torch.rsqrt(x.square().mean(1, keepdim=True) + EPS)
        parts = [] if z is None else [normalised(z)]
        if self.labels:
            parts.append(normalised(F.linear(labels * (1 / math.sqrt(self.labels)), *weights("label_emb"))))
        w = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
        for i in range(layers):
            weight, bias = weights(f"fc{i}")
            w = lrelu(F.linear(w * (0.01 * (1 / math.sqrt(w.shape[1]))), weight, bias * 0.01)) * GAIN
        return w

    def map(self, z, labels=None):
        return self.mapped(self.g, self.layers, z, labels)

    def affine(self, name, w):
        return F.linear(w * (1 / math.sqrt(self.latent)), self.g[f"{name}.affine.weight"], self.g[f"{name}.affine.bias"])

    def styled(self, name, x, w, noise, doubled):
        """Modulation, convolution, demodulation; noise, bias, leaky ReLU."""
        style, weight = self.affine(name, w), self.g[f"{name}.weight"]
        y = x * style[:, :, None, None]
        if doubled:
            y = resample(F.conv_transpose2d(y, weight.transpose(0, 1), stride=2), FILTER * 4, 1, 1, (1, 1))
        else:
            y = F.conv2d(y, weight, padding=1)
        y = y * torch.rsqrt(torch.matmul(style.square(), weight.square().sum((2, 3)).t()) + EPS)[:, :, None, None]
        if noise is not None:
            y = y + noise * self.g[f"{name}.noise_strength"]
        return lrelu(y + self.g[f"{name}.bias"].view(1, -1, 1, 1)) * GAIN

    def synthesise(self, ws, noise):
        x, picture, i = self.g["synthesis.b4.const"][None].expand(len(ws), -1, -1, -1), None, 0
        for side in self.sides:
            block = f"synthesis.b{side}"
            for conv in ["conv0", "conv1"] if side > 4 else ["conv1"]:
                x = self.styled(f"{block}.{conv}", x, ws[:, i], noise[i] if noise else None, conv == "conv0")
                i += 1
            style = self.affine(f"{block}.torgb", ws[:, i]) * (1 / math.sqrt(x.shape[1]))
            pixels = F.conv2d(x * style[:, :, None, None], self.g[f"{block}.torgb.weight"], self.g[f"{block}.torgb.bias"])
            picture = pixels if picture is None else resample(picture, FILTER * 4, 2, 1, (2, 1)) + pixels
        return picture

    # ---- discriminator ----

    def scaled(self, name):
        weight = self.d[f"{name}.weight"]
        return weight * (1 / math.sqrt(weight[0].numel()))

    def convolved(self, name, x, gain=1.0):
        y = F.conv2d(x, self.scaled(name), padding=self.d[f"{name}.weight"].shape[2] // 2)
        return lrelu(y + self.d[f"{name}.bias"].view(1, -1, 1, 1)) * (GAIN * gain)

    def judge(self, x, labels=None):
        half = math.sqrt(0.5)
        x = self.convolved(f"b{self.size}.fromrgb", x)
        for side in reversed(self.sides[1:]):
            block = f"b{side}"
            skip = F.conv2d(resample(x, FILTER, 1, 2, (1, 1)), self.scaled(f"{block}.skip")) * half
            y = self.convolved(f"{block}.conv0", x)
            y = F.conv2d(resample(y, FILTER, 1, 1, (2, 2)), self.scaled(f"{block}.conv1"), stride=2)
            x = lrelu(y + self.d[f"{block}.conv1.bias"].view(1, -1, 1, 1)) * (GAIN * half) + skip
        x = self.convolved("b4.conv", self.with_deviation(x))
        x = lrelu(F.linear(x.reshape(len(x), -1), self.scaled("b4.fc"), self.d["b4.fc.bias"])) * GAIN
        x = F.linear(x, self.scaled("b4.out"), self.d["b4.out.bias"])
        if not self.labels:
            return x.reshape(-1)
        known = self.mapped(self.d, 8, None, labels)
        return (x * known).sum(1) * (1 / math.sqrt(known.shape[1]))

    def with_deviation(self, x):
        group = next(g for g in range(min(self.group, len(x)), 0, -1) if len(x) % g == 0)
        members = x.reshape(group, -1, *x.shape[1:])
        centred = members - members.mean(0, keepdim=True)
        deviation = (centred.square().mean(0) + EPS).sqrt().mean((1, 2, 3), keepdim=True)
        return torch.cat([x, deviation.repeat(group, 1, *x.shape[2:])], 1)


def diff_augment(x, generator, p):
    n, c, side, _ = x.shape
    uniform = lambda: torch.rand(n, 1, 1, 1, generator=generator).to(x.dtype)
    whole = lambda first, end: torch.randint(first, end, (n, 1, 1), generator=generator)
    x = x + (uniform() - 0.5)
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (uniform() * 2) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * (uniform() + 0.5) + mean
    most = int(side * 0.125 + 0.5)
    down, right = whole(-most, most + 1), whole(-most, most + 1)
    pixels = torch.arange(side)
    rows = (pixels.view(1, -1, 1) + down + 1).clamp(0, side + 1)
    columns = (pixels.view(1, 1, -1) + right + 1).clamp(0, side + 1)
    places = (rows * (side + 2) + columns).view(n, 1, -1).expand(n, c, -1)
    x = F.pad(x, (1, 1, 1, 1)).flatten(2).gather(2, places).view(n, c, side, side)
    cut = int(side * 0.5 + 0.5)
    top = whole(0, side + (1 - cut % 2)) - cut // 2
    left = whole(0, side + (1 - cut % 2)) - cut // 2
    y, z = pixels.view(1, -1, 1), pixels.view(1, 1, -1)
    hole = (y >= top) & (y < top + cut) & (z >= left) & (z < left + cut)
    return x * (~hole)[:, None].to(x.dtype)


class Player:
    """Adam whose penalty comes every `every` updates: its step and decays are those of every / (every + 1)."""

    def __init__(self, parameters, lr, betas, penalised, every):
        share = every / (every + 1) if penalised and every > 1 else 1.0
        self.parameters = parameters
        self.adam = torch.optim.Adam(parameters.values(), lr=lr * share, betas=[b**share for b in betas], eps=1e-8)

    def add(self, loss):
        found = torch.autograd.grad(loss, list(self.parameters.values()), allow_unused=True)
        for p, g in zip(self.parameters.values(), found):
            if g is not None:
                p.grad = g if p.grad is None else p.grad + g

    def step(self):
        for p in self.parameters.values():
            p.grad = torch.nan_to_num(torch.zeros_like(p) if p.grad is None else p.grad, 0, 1e5, -1e5)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)


def hide(labels, draws):
    """Of rows of one attribute: the labels of a tenth of the pictures, which are unknown then."""
    hidden = (draws[:, :1] < 0.1).float()
    return torch.cat([labels[:, :-1] * (1 - hidden), torch.maximum(labels[:, -1:], hidden)], 1)


class Game:
    """Both networks in training. `reals` of update(): pictures and their labels (or None) of one batch, or of two with
    the relativistic loss."""

    def __init__(self, networks, *, lr, betas, relativistic=False, gamma, r1_every=16, path_weight=2, path_every=4,
                 mixing=0.9, ema_decay=0.9978, ema_ramp=0.05, augment=None, p=None, target=0.6, augment_images=None):
        self.n, self.relativistic, self.gamma, self.mixing, self.augment = networks, relativistic, gamma, mixing, augment
        self.r1_every, self.path_weight, self.path_every = r1_every, path_weight, path_every
        self.ema_decay, self.ema_ramp, self.k = ema_decay, ema_ramp, 0
        self.g = Player(networks.g, lr, betas, path_weight > 0, path_every)
        self.d = Player(networks.d, lr, betas, gamma > 0, r1_every)
        self.ema = {name: x.detach().clone() for name, x in (networks.g | networks.buffers).items()}
        # p is fixed, or starts at 0 and adapts over augment_images, from signs, logits and pictures since it last moved.
        self.p, self.adaptive = torch.zeros(1) + (p or 0), augment_images is not None
        self.target, self.augment_images, self.signs = target, augment_images, torch.zeros(3)
        self.path_mean, self.r1 = torch.zeros(1, dtype=networks.dtype), torch.zeros(1, dtype=networks.dtype)

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.draws).to(self.n.dtype)

    def draw_styles(self, count, labels):
        n = self.n
        w = n.map(self.normal(count, n.latent), labels)
        average = n.buffers["mapping.w_avg"]
        average.copy_(w.detach().mean(0).lerp(average, 0.995))
        ws = w[:, None].expand(-1, n.styles, -1)
        if self.mixing == 0:
            return ws
        cut = torch.randint(1, n.styles, (1,), generator=self.draws).item()
        if not torch.rand(1, generator=self.draws).item() < self.mixing:
            cut = n.styles
        other = n.map(self.normal(count, n.latent), labels)
        return torch.cat([ws[:, :cut], other[:, None].expand(-1, n.styles - cut, -1)], 1)

    def synthesise(self, ws):
        return self.n.synthesise(ws, [self.normal(len(ws), 1, side, side) for side in self.n.noise_sides])

    def judge(self, x, labels):
        return self.n.judge(x if self.augment is None else self.augment(x, self.draws, self.p), labels)

    def update(self, *reals):
        self.draws = torch.Generator().manual_seed(self.seed)
        losses = {}
        if self.n.labels:
            reals = [(x, hide(rows, torch.rand(len(x), 3, generator=self.draws))) for x, rows in reals]
        if self.relativistic:
            losses |= self.discriminator_steps(*reals[0])
        losses |= self.generator_steps(*reals[-1])
        if not self.relativistic:
            losses |= self.discriminator_steps(*reals[0])
        limit = 1.0 if self.ema_ramp is None else 0.0 if self.k == 0 else 0.5 ** (1 / (self.ema_ramp * self.k))
        for name, x in self.n.g.items():
            self.ema[name].lerp_(x.detach(), 1 - min(self.ema_decay, limit))
        for name, x in self.n.buffers.items():
            self.ema[name].copy_(x)
        self.k += 1
        if self.adaptive and self.k % 4 == 0:
            direction = (self.signs[0] / self.signs[1] - self.target).sign()
            self.p = (self.p + direction * (self.signs[2] / self.augment_images)).clamp_min(0)
            self.signs = torch.zeros(3)
        return losses | {"r1": self.r1.item(), "pathLength": self.path_mean.item(), "augmentP": self.p.item()}

    def draw_seed(self):
        """Drawn before the pictures of the update."""
        self.seed = torch.empty((), dtype=torch.int64).random_().item()

    def generator_steps(self, real, labels):
        logits = self.judge(self.synthesise(self.draw_styles(len(real), labels)), labels)
        if self.relativistic:
            logits = logits - self.judge(real, labels)
        loss = F.softplus(-logits).mean()
        self.g.add(loss)
        due = self.path_weight > 0 and self.k % self.path_every == 0
        if not due or self.path_every > 1:
            self.g.step()
        if due:
            half = max(len(real) // 2, 1)
            ws = self.draw_styles(half, None if labels is None else labels[:half])
            fake = self.synthesise(ws)
            directions = self.normal(*fake.shape) / math.sqrt(self.n.size**2)
            (slopes,) = torch.autograd.grad((fake * directions).sum(), ws, create_graph=True)
            lengths = slopes.square().sum(2).mean(1).sqrt()
            mean = self.path_mean.lerp(lengths.mean(), 0.01)
            self.path_mean = mean.detach()
            self.g.add((lengths - mean).square().mean() * (self.path_weight * self.path_every))
            self.g.step()
        return {"lossG": loss.item()}

    def discriminator_steps(self, real, labels):
        with torch.no_grad():
            fake = self.synthesise(self.draw_styles(len(real), labels))
        if self.relativistic:
            of_real, of_fake = self.judge(real, labels), self.judge(fake, labels)
            loss = F.softplus(of_fake - of_real).mean()
            self.d.add(loss)
            losses = {"lossD": loss.item()}
        else:
            of_fake = self.judge(fake, labels)
            on_fake = F.softplus(of_fake).mean()
            self.d.add(on_fake)
            of_real = self.judge(real, labels)
            on_real = F.softplus(-of_real).mean()
            self.d.add(on_real)
            losses = {"lossD": (on_fake.detach() + on_real.detach()).item()}
        self.count_signs(of_real)
        self.signs[2] += len(real)
        due = self.gamma > 0 and self.k % self.r1_every == 0
        if not due or self.r1_every > 1:
            self.d.step()
        if due:
            self.r1 = self.penalise(real, labels, True)
            if self.relativistic:
                with torch.no_grad():
                    fake = self.synthesise(self.draw_styles(len(real), labels))
                self.penalise(fake, labels, False)
            self.d.step()
        means = {"dReal": torch.sigmoid(of_real).mean().item(), "dFake": torch.sigmoid(of_fake).mean().item()}
        return losses | means

    def count_signs(self, of_real):
        self.signs[0] += of_real.detach().sign().sum()
        self.signs[1] += len(of_real)

    def penalise(self, pictures, labels, real):
        x = pictures.detach().requires_grad_(True)
        logits = self.judge(x, labels)
        if real:
            self.count_signs(logits)
        (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
        penalty = slope.square().sum((1, 2, 3)).mean()
        self.d.add(penalty * (self.gamma / 2 * self.r1_every))
        return penalty.detach()

"""One training step, or one evaluation, of each Python program that the GPU benchmark compares with, as its users run it.

Settings (JSON): model "unet" or "dcgan", work "train" or "forward", who, precision, batch, size, dim, dimMults, width,
latent, seed, device; `who` is

  eager    as the program is published
  tuned    channels_last, fused Adam, foreach EMA, cuDNN's own choice of kernels
  compile  the same through torch.compile, but in PyTorch's usual layout: in channels_last, 2.11 fails at the backward pass
  graphs   the same with mode="reduce-overhead", which replays CUDA graphs
"""
import contextlib
import pathlib
import sys
import types

import torch

here = pathlib.Path(__file__).parent
sys.path[:0] = [str(here.parent / "exactness"), str(here.parent / "golden")]

COMPILED = ("compile", "graphs")


def load_package():
    """denoising-diffusion-pytorch; its Trainer wants torchvision, which is not measured here."""
    try:
        import torchvision  # noqa: F401
    except Exception:
        stand_in = types.ModuleType("torchvision")
        stand_in.transforms = stand_in.utils = stand_in.datasets = None
        stand_in.__spec__ = types.SimpleNamespace(name="torchvision", loader=None, submodule_search_locations=None)
        sys.modules["torchvision"] = stand_in
    import denoising_diffusion_pytorch
    from ema_pytorch import EMA

    return denoising_diffusion_pytorch, EMA


def set_precision(precision, deterministic=False):
    tf32 = precision != "fp32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    if deterministic:
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        torch.backends.cudnn.deterministic = True


def compiled(module, who):
    if who not in COMPILED:
        return module
    return torch.compile(module, dynamic=False, mode="reduce-overhead" if who == "graphs" else None)


def begin_step(who):
    if who == "graphs":
        torch.compiler.cudagraph_mark_step_begin()


class Base:
    def __init__(self, settings):
        self.s = types.SimpleNamespace(**settings)
        self.who, self.device = self.s.who, torch.device(self.s.device)
        self.tuned = self.who != "eager"
        self.nhwc = self.tuned and self.who not in COMPILED
        set_precision(self.s.precision, getattr(self.s, "deterministic", False))
        torch.backends.cudnn.benchmark = self.tuned and not getattr(self.s, "deterministic", False)
        torch.manual_seed(self.s.seed)

    def placed(self, module):
        module = module.to(self.device)
        return module.to(memory_format=torch.channels_last) if self.nhwc else module

    def precision(self):
        if self.s.precision != "bf16":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def host_batches(self, low):
        """What a DataLoader hands over: float pictures in pinned memory, in turn."""
        made = torch.Generator().manual_seed(1)
        shape = (self.s.batch, 3, self.s.size, self.s.size)
        batches = [torch.rand(shape, generator=made) * (1 - low) + low for _ in range(4)]
        if self.device.type == "cuda":
            batches = [batch.pin_memory() for batch in batches]
        while True:
            yield from batches

    def to_device(self, batch):
        batch = batch.to(self.device)
        return batch.contiguous(memory_format=torch.channels_last) if self.nhwc else batch

    def adam(self, module, lr, betas):
        return torch.optim.Adam(module.parameters(), lr=lr, betas=betas, fused=True if self.tuned else None)


class Unet(Base):
    """Trainer.train of the package: one step is a batch, loss.item(), backward, clip, Adam, EMA."""

    def __init__(self, settings):
        super().__init__(settings)
        package, EMA = load_package()
        net = package.Unet(dim=self.s.dim, dim_mults=tuple(self.s.dimMults))
        self.net = net
        self.diffusion = package.GaussianDiffusion(net, image_size=self.s.size)
        if self.s.work == "forward":
            self.placed(self.diffusion.eval())
            self.run = compiled(net, self.who)
            shape = (self.s.batch, 3, self.s.size, self.s.size)
            self.x = self.to_device(torch.randn(shape))
            self.t = torch.full((self.s.batch,), 500, dtype=torch.long, device=self.device)
            return
        self.placed(self.diffusion.train())
        self.opt = self.adam(self.diffusion, 1e-4, (0.9, 0.99))
        self.ema = EMA(self.diffusion, beta=0.995, update_every=10, use_foreach=self.tuned).to(self.device)
        self.loss = compiled(self.diffusion, self.who)
        self.batches = self.host_batches(0)

    def forward(self):
        begin_step(self.who)
        with torch.no_grad(), self.precision():
            self.run(self.x, self.t)

    def train(self, batch=None):
        begin_step(self.who)
        data = self.to_device(next(self.batches) if batch is None else batch)
        with self.precision():
            loss = self.loss(data)
        value = loss.item()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.diffusion.parameters(), 1.0)
        self.opt.step()
        self.opt.zero_grad()
        self.ema.update()
        return value


class Dcgan(Base):
    """The inner loop of pytorch/examples' dcgan/main.py."""

    def __init__(self, settings):
        super().__init__(settings)
        from dcgan_sources import example_networks, example_update

        torch.backends.cudnn.benchmark = not getattr(self.s, "deterministic", False)  # as the example sets it
        g, d = example_networks(self.s.size, self.s.latent, self.s.width)
        g, d = self.placed(g), self.placed(d)
        torch.randn(self.s.batch, self.s.latent, 1, 1, device=self.device)  # fixed_noise
        self.adam_d = self.adam(d, 2e-4, (0.5, 0.999))
        self.adam_g = self.adam(g, 2e-4, (0.5, 0.999))
        self.g, self.d = compiled(g, self.who), compiled(d, self.who)
        self.update = example_update
        self.batches = self.host_batches(-1)

    def train(self, batch=None):
        begin_step(self.who)
        real = self.to_device(next(self.batches) if batch is None else batch)
        _, numbers = self.update(self.g, self.d, self.adam_g, self.adam_d, real, self.s.latent)
        return tuple(numbers.values())


def make(settings):
    return {"unet": Unet, "dcgan": Dcgan}[settings["model"]](settings)

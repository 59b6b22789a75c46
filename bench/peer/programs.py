"""The Python programs that the benchmark compares with, as their users run them: one update, or one evaluation.

Settings: model "unet", "dcgan", "stylegan2" or "pgan", who, device, precision, seed, batch, size; dim and dimMults, or width or
widths and latent; `tune`
where every peer but eager has the settings that a careful user of a GPU makes. `who` is

  eager          as the program is published
  channels_last  the same in that layout
  tuned          channels_last, fused Adam, foreach EMA, cuDNN's own choice of kernels
  compile        the same through torch.compile, but in PyTorch's usual layout: in channels_last, 2.11 fails at backward
  freezing       torch.compile with inductor's freezing, for evaluations on a CPU
  graphs         torch.compile with mode="reduce-overhead", which replays CUDA graphs
"""
import contextlib
import os
import pathlib
import sys
import types

import torch

test = pathlib.Path(__file__).resolve().parents[2] / "test"
sys.path[:0] = [str(test / "exactness"), str(test / "golden" / "make")]

COMPILED = ("compile", "freezing", "graphs")


def load_package():
    """denoising-diffusion-pytorch, the version on PYTHONPATH; its Trainer wants torchvision, which is not measured here."""
    try:
        from record import import_torchvision

        import_torchvision()
    except Exception:
        stand_in = types.ModuleType("torchvision")
        stand_in.transforms = stand_in.utils = stand_in.datasets = None
        stand_in.__spec__ = types.SimpleNamespace(name="torchvision", loader=None, submodule_search_locations=None)
        sys.modules["torchvision"] = stand_in
    import denoising_diffusion_pytorch

    return denoising_diffusion_pytorch


def set_precision(precision, deterministic=False):
    tf32 = precision != "fp32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    if deterministic:
        torch.use_deterministic_algorithms(True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        torch.backends.cudnn.deterministic = True


class Program:
    def __init__(self, settings):
        self.s = types.SimpleNamespace(**{"tune": False, "deterministic": False, **settings})
        self.who, self.device = self.s.who, torch.device(self.s.device)
        self.tuned = self.s.tune and self.who != "eager"
        self.nhwc = self.who == "channels_last" or (self.tuned and self.who not in COMPILED)
        set_precision(self.s.precision, self.s.deterministic)
        torch.backends.cudnn.benchmark = self.tuned and not self.s.deterministic
        torch.manual_seed(self.s.seed)

    def placed(self, module):
        module = module.to(self.device)
        return module.to(memory_format=torch.channels_last) if self.nhwc else module

    def compiled(self, module):
        if self.who not in COMPILED:
            return module
        from torch._inductor import config

        if os.environ.get("ATEN_CPU_CAPABILITY") == "avx2":
            config.cpp.simdlen = 256
        config.freezing = self.who == "freezing"
        # Sizes never change here; torch 2.13 fails on the DCGAN where it takes strides to be variable.
        return torch.compile(module, dynamic=False, mode="reduce-overhead" if self.who == "graphs" else None)

    def begin_step(self):
        if self.who == "graphs":
            torch.compiler.cudagraph_mark_step_begin()

    def autocast(self):
        if self.s.precision != "bf16":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def host_batches(self, low):
        """What a DataLoader hands over, in turn: float pictures, in pinned memory for a GPU."""
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

    def step(self, work):
        """The function that does the work once: "train" or "forward"."""
        return {"train": self.make_train, "forward": self.make_forward}[work]()


class Unet(Program):
    """Trainer.train of the package: one step is a batch, loss.item(), backward, clip, Adam, EMA."""

    def __init__(self, settings):
        super().__init__(settings)
        package = load_package()
        self.net = package.Unet(dim=self.s.dim, dim_mults=tuple(self.s.dimMults))
        self.diffusion = package.GaussianDiffusion(self.net, image_size=self.s.size)

    def inputs(self):
        x = self.to_device(torch.randn(self.s.batch, 3, self.s.size, self.s.size))
        return x, torch.full((self.s.batch,), 500, dtype=torch.long, device=self.device)

    def make_forward(self):
        self.placed(self.diffusion.eval())
        net, (x, t) = self.compiled(self.net), self.inputs()

        def work():
            self.begin_step()
            with torch.no_grad(), self.autocast():
                net(x, t)

        return work

    def make_train(self):
        from ema_pytorch import EMA

        self.placed(self.diffusion.train())
        optimizer = self.adam(self.diffusion, 1e-4, (0.9, 0.99))
        foreach = {"use_foreach": True} if self.tuned else {}
        ema = EMA(self.diffusion, beta=0.995, update_every=10, **foreach).to(self.device)
        loss_of = self.diffusion
        if self.device.type == "cuda":
            loss_of = self.compiled(self.diffusion)
        else:  # where all that is beside the network takes no time, and compiles for longer
            self.diffusion.model = self.compiled(self.net)
        batches = self.host_batches(0)

        def work(batch=None):
            self.begin_step()
            data = self.to_device(next(batches) if batch is None else batch)
            with self.autocast():
                loss = loss_of(data)
            value = loss.item()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.diffusion.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            ema.update()
            return value

        return work


class Dcgan(Program):
    """The inner loop of pytorch/examples' dcgan/main.py."""

    def networks(self):
        from dcgan_sources import example_networks

        torch.backends.cudnn.benchmark = not self.s.deterministic  # as the example sets it
        return [self.placed(net) for net in example_networks(self.s.size, self.s.latent, self.s.width)]

    def make_forward(self):
        generator = self.compiled(self.networks()[0].eval())

        def work():
            self.begin_step()
            with torch.no_grad():
                generator(torch.randn(self.s.batch, self.s.latent, 1, 1, device=self.device))

        return work

    def make_train(self):
        from dcgan_sources import example_update

        g, d = self.networks()
        adam_d, adam_g = (self.adam(net, 2e-4, (0.5, 0.999)) for net in (d, g))
        run_g, run_d = self.compiled(g), self.compiled(d)
        batches = self.host_batches(-1)

        def work(batch=None):
            self.begin_step()
            real = self.to_device(next(batches) if batch is None else batch)
            _, numbers = example_update(run_g, run_d, adam_g, adam_d, real, self.s.latent)
            return tuple(numbers.values())

        return work


class Stylegan2(Program):
    """One update as test/golden/make/stylegan2_source.py states it, lazy penalties in their turn."""

    def networks(self):
        from stylegan2_source import Networks

        return Networks(self.s.size, self.s.latent, 16 * self.s.width, self.s.width, layers=2, group=4)

    def make_forward(self):
        n = self.networks()
        noise = [n.buffers[name][None, None] for name in n.buffers if name.endswith("noise_const")]

        def work():
            with torch.no_grad():
                n.synthesise(n.map(torch.randn(self.s.batch, n.latent))[:, None].expand(-1, n.styles, -1), noise)

        return work

    def make_train(self):
        from stylegan2_source import Game, diff_augment

        gamma = 0.0002 * self.s.size**2 / self.s.batch
        game = Game(self.networks(), lr=2.5e-3, betas=(0.0, 0.99), gamma=gamma, augment=diff_augment)
        batches = self.host_batches(-1)

        def work(batch=None):
            game.draw_seed()
            return tuple(game.update((next(batches) if batch is None else batch, None)).values())

        return work


class Pgan(Program):
    """pytorch_GAN_zoo's networks and update, as test/golden/make/pgan_networks.py states them, fully grown."""

    def networks(self):
        from pgan_networks import Pgan

        return Pgan(self.s.latent, self.s.widths)

    def make_forward(self):
        n, scale = self.networks(), len(self.s.widths) - 1

        def work():
            with torch.no_grad():
                n.generate(torch.randn(self.s.batch, n.latent), scale)

        return work

    def make_train(self):
        from pgan_networks import Game

        game, scale = Game(self.networks()), len(self.s.widths) - 1
        batches = self.host_batches(-1)
        return lambda batch=None: game.update(next(batches) if batch is None else batch, scale)


def make(settings):
    return {"unet": Unet, "dcgan": Dcgan, "stylegan2": Stylegan2, "pgan": Pgan}[settings["model"]](settings)

"""Runs the Trainer of a published denoising-diffusion-pytorch, as it is, and writes down what it does.

    python lucidrains.py CASE.json...
The package is found on PYTHONPATH. Nothing in it is replaced: hooks of PyTorch look at what passes by.
"""
import importlib.metadata
import pathlib
import sys

import torch
from record import Pictures, digest, import_torchvision, noted, write_tensors
from replay import run_cases
from torch.overrides import TorchFunctionMode

OBJECTIVES = {"noise": "pred_noise", "x0": "pred_x0", "v": "pred_v"}


class Draws(TorchFunctionMode):
    """Looks at the random tensors that the package draws."""

    def __init__(self):
        super().__init__()
        self.t, self.noise = [], []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.randint:
            self.t.append(result.clone())
        if function is torch.randn_like:
            self.noise.append(result.clone())
        return result


class Watch:
    """Hooks on a Trainer. Batches are those of one update; an update ends in the optimizer."""

    def __init__(self, trainer, case, draws):
        self.trainer, self.case, self.draws, self.pictures = trainer, case, draws, Pictures(case)
        self.out, self.steps, self.batches, self.loss, self.after = pathlib.Path(case["out"]), [], [], 0.0, 0
        trainer.model.register_forward_pre_hook(self.before_forward)
        trainer.model.register_forward_hook(self.after_forward)
        optimizer = trainer.opt.optimizer
        optimizer.register_step_pre_hook(self.before_step)
        optimizer.register_step_post_hook(self.after_step)

    def before_forward(self, _, arguments):
        self.end_update()  # the average of the last update is there only now
        (images,) = arguments
        self.batches.append(self.pictures.seen((images * 255).round().to(torch.uint8)))

    def after_forward(self, _, __, loss):
        self.loss += (loss / self.case["accumulate"]).item()
        self.batches[-1] |= {"t": self.draws.t[-1].tolist(), **noted(self.draws.noise[-1])}
        if self.after == 0 and len(self.batches) == 1:
            self.first_noise = self.draws.noise[-1]

    def before_step(self, *_):
        self.gradients = {name: p.grad.clone() for name, p in self.trainer.model.named_parameters()}

    def after_step(self, *_):
        self.weights = {name: p.detach().clone() for name, p in self.trainer.model.named_parameters()}
        self.after += 1
        self.steps.append({"batches": self.batches, "loss": self.loss})
        self.batches, self.loss, self.ended = [], 0.0, False

    def end_update(self):
        if self.after == 0 or self.ended:
            return
        self.ended = True
        if self.after not in self.case["snapshots"]:
            return
        average = dict(self.trainer.ema.ema_model.named_parameters())
        tensors = {}
        for kind, group in (("gradients", self.gradients), ("weights", self.weights), ("ema", average)):
            tensors |= {f"{kind}/{name}": tensor for name, tensor in group.items()}
        write_tensors(self.out / f"reference-{self.after}.safetensors", tensors)


def make_trainer(package, case):
    old = case["variant"] == "0.26"
    torch.manual_seed(case["seed"])
    net = package.Unet(dim=case["dim"], dim_mults=tuple(case["dimMults"]))
    options = dict(image_size=case["size"], timesteps=case["timesteps"], objective=OBJECTIVES[case["objective"]])
    options |= dict(beta_schedule=case["schedule"])
    if old:
        options |= dict(loss_type=case["loss"])
    diffusion = package.GaussianDiffusion(net, **options)
    trainer = package.Trainer(
        diffusion,
        case["pictures"],
        train_batch_size=case["batch"],
        gradient_accumulate_every=case["accumulate"],
        train_lr=case["lr"],
        train_num_steps=case["steps"],
        augment_horizontal_flip=case["flip"],
        save_and_sample_every=case["steps"] + 1,
        results_folder=str(pathlib.Path(case["out"]) / "results"),
        **({} if old else dict(calculate_fid=False)),
    )
    # The package takes pictures in the order of the directory, which the file system decides.
    trainer.ds.paths.sort()
    return trainer


@torch.no_grad()
def corrected_ddim(model, shape, steps, eta):
    """Song 2021, eq. 12, on the network of 0.26.4, whose own sampler is wrong (its issue 81)."""
    device_t = lambda time: torch.full((shape[0],), time, dtype=torch.long)
    times = list(reversed(torch.linspace(-1, model.num_timesteps - 1, steps=steps + 1).int().tolist()))
    x = torch.randn(shape)
    for time, following in zip(times[:-1], times[1:]):
        _, x0 = model.model_predictions(x, device_t(time))
        x0 = x0.clamp(-1.0, 1.0)
        noise = model.predict_noise_from_start(x, device_t(time), x0)
        if following < 0:
            x = x0
            continue
        alpha, alpha_next = model.alphas_cumprod[time], model.alphas_cumprod[following]
        sigma = eta * ((1 - alpha / alpha_next) * (1 - alpha_next) / (1 - alpha)).sqrt()
        c = (1 - alpha_next - sigma**2).sqrt()
        x = x0 * alpha_next.sqrt() + c * noise + sigma * torch.randn_like(x)
    return (x + 1) * 0.5


def draw(model, case, sampler, steps, eta, seed):
    """One picture, as the bytes that a user gets."""
    model.eval()
    shape = (1, case["channels"], case["size"], case["size"])
    torch.manual_seed(seed)
    if sampler == "ddpm":
        x = model.p_sample_loop(shape)
    elif case["variant"] == "0.26":
        x = corrected_ddim(model, shape, steps, eta)
    else:
        model.sampling_timesteps, model.ddim_sampling_eta = steps, eta
        x = model.ddim_sample(shape)
    return x.mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def run(case):
    import_torchvision()
    import denoising_diffusion_pytorch.denoising_diffusion_pytorch as package

    trainer = make_trainer(package, case)
    out = pathlib.Path(case["out"])
    write_tensors(out / "reference-0.safetensors", {f"weights/{n}": p for n, p in trainer.model.named_parameters()})
    with Draws() as draws:
        watch = Watch(trainer, case, draws)
        trainer.train()
    watch.end_update()
    generator = digest(torch.get_rng_state())
    write_tensors(out / "reference-noise.safetensors", {"noise": watch.first_noise})
    samples = {}
    for sample in case["samples"]:
        pixels = draw(trainer.ema.ema_model, case, **sample)
        name = " ".join(str(sample[key]) for key in ("sampler", "steps", "eta", "seed"))
        samples[name] = pixels.flatten().tolist()
    version = importlib.metadata.version
    return {
        "versions": {name: version(name) for name in ("denoising-diffusion-pytorch", "ema-pytorch", "accelerate", "torchvision")}
        | {"torch": torch.__version__},
        "steps": watch.steps,
        "generator": generator,
        "samples": samples,
    }


if __name__ == "__main__":
    run_cases(sys.argv[1:], run)

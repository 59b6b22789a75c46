"""Writes test/golden/samplers.json: what the schedulers of diffusers make of fixed networks.

Needs PyTorch, einops, diffusers 0.42.1 and the unpacked wheel of denoising-diffusion-pytorch 2.3.4 in a folder
named <package>-<version>:
    python test/golden/make/samplers.py FOLDER_OF_UNPACKED_WHEELS
Networks: "constant" gives the same numbers for any picture and time, so that every difference lies in the sampler;
"unet" is the package's own, with the values it is made with. Each scheduler gets the times and the noise levels of
shinsaku's plan, in float64, and x0 as predicted and clamped; its steps are its own.
"""
import json
import math
import pathlib
import sys

import diffusers
import torch
from diffusers import DPMSolverMultistepScheduler, IPNDMScheduler, UniPCMultistepScheduler
from diffusion import load

SIZE, SEED, PICTURE_SEED = 8, 3407, 11
OUTPUTS = [0.7, -0.3, 0.1]  # of the constant network, by channel
LOWEST, HIGHEST = -5.1, 3.0  # of log(alpha / sigma)
OBJECTIVES = {"noise": "pred_noise", "x0": "pred_x0", "v": "pred_v"}
SAMPLERS = ["unipc", "dpmpp-2m", "dpmpp-3m", "ipndm"]
CASES = [
    dict(network="constant", objective=objective, schedule=schedule, timesteps=1000, steps=steps)
    for objective, schedule in [("v", "sigmoid"), ("noise", "cosine"), ("x0", "linear"), ("noise", "linear")]
    for steps in (1, 2, 5, 10, 20)
] + [
    dict(network="unet", objective=objective, schedule=schedule, timesteps=100, steps=steps)
    for objective, schedule, steps in [("v", "sigmoid", 6), ("v", "cosine", 16), ("x0", "linear", 9), ("noise", "linear", 9)]
]


def signal(package, case):
    """alphas_cumprod in float64, as the package computes it before it rounds."""
    betas = getattr(package, f"{case['schedule']}_beta_schedule")(case["timesteps"])
    return torch.cumprod(1 - betas, 0).tolist()


def even_times(abar, steps):
    """Whole times, even in log(alpha / sigma) from the first that is not below LOWEST; each once."""
    lambdas = [0.5 * math.log(a / (1 - a)) for a in abar]
    first = max(steps - 1, max(t for t, value in enumerate(lambdas) if value >= LOWEST))
    low, high = lambdas[first], max(lambdas[first], min(HIGHEST, lambdas[0]))
    times = []
    for i in range(steps):
        wanted = low + (high - low) * i / steps
        nearest = min(range(first + 1), key=lambda t: (abs(lambdas[t] - wanted), t))
        times.append(max(nearest, steps - 1 - i))
        if i > 0:
            times[i] = min(times[i], times[i - 1] - 1)
    return times


def scheduler_of(sampler, times, levels):
    """The published scheduler over these levels, its coefficients in float64."""
    if sampler == "ipndm":
        scheduler = IPNDMScheduler()
        scheduler.set_timesteps(len(times))
        # Its own names: betas is what sigma is here, alphas what alpha is.
        scheduler.betas = torch.tensor([sigma for _, sigma in levels], dtype=torch.float64)
        scheduler.alphas = torch.tensor([alpha for alpha, _ in levels], dtype=torch.float64)
    else:
        if sampler == "unipc":
            scheduler = UniPCMultistepScheduler(solver_order=3, prediction_type="sample", solver_type="bh2")
        else:
            order = int(sampler[-2])
            scheduler = DPMSolverMultistepScheduler(solver_order=order, prediction_type="sample")
        scheduler.set_timesteps(len(times))
        scheduler.sigmas = torch.tensor([sigma / alpha for alpha, sigma in levels], dtype=torch.float64)
    scheduler.timesteps = torch.tensor(times, dtype=torch.float64)
    return scheduler


def draw(sampler, network, case, abar):
    times = even_times(abar, case["steps"])
    levels = [(math.sqrt(abar[t]), math.sqrt(1 - abar[t])) for t in times] + [(1.0, 0.0)]
    scheduler = scheduler_of(sampler, times, levels)
    scheduler.set_begin_index(0)
    x = torch.randn((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(PICTURE_SEED)).double()
    for i, time in enumerate(times):
        alpha, sigma = levels[i]
        output = network(x, time)
        x0 = {"x0": output, "v": alpha * x - sigma * output, "noise": (x - sigma * output) / alpha}[case["objective"]].clamp(-1, 1)
        if i == 0:  # x belongs to the last time of the model: the step from there to the first evaluation
            last_alpha, last_sigma = math.sqrt(abar[-1]), math.sqrt(1 - abar[-1])
            x = sigma / last_sigma * (x - last_alpha * x0) + alpha * x0
        # IPNDM takes v, from which it makes the noise.
        given = (alpha * (x - alpha * x0) / sigma - sigma * x0) if sampler == "ipndm" else x0
        x = scheduler.step(given, scheduler.timesteps[i], x).prev_sample
    return times, x[0].flatten().tolist()


def run(folder, case):
    package = load(folder, "denoising_diffusion_pytorch", "2.3.4", "denoising_diffusion_pytorch")
    abar = signal(package, case)
    if case["network"] == "constant":
        output = torch.tensor(OUTPUTS, dtype=torch.float32).double().view(1, 3, 1, 1).expand(1, 3, SIZE, SIZE)
        network = lambda x, time: output
    else:
        torch.manual_seed(SEED)
        unet = package.Unet(dim=8, dim_mults=(1, 2), channels=3)
        network = lambda x, time: unet(x.float(), torch.tensor([time])).double()
    drawn = {sampler: draw(sampler, network, case, abar) for sampler in SAMPLERS}
    # All samplers share the times; a picture of the constant network is told by a few of its pixels.
    keep = (lambda values: values[:: 17]) if case["network"] == "constant" else (lambda values: values)
    return case | dict(times=drawn["unipc"][0], pictures={name: [float(f"{v:.9g}") for v in keep(values)] for name, (_, values) in drawn.items()})


if __name__ == "__main__":
    with torch.no_grad():
        cases = [run(sys.argv[1], case) for case in CASES]
    record = dict(diffusers=diffusers.__version__, torch=torch.__version__.split("+")[0], outputs=OUTPUTS, cases=cases)
    target = pathlib.Path(__file__).parents[3] / "test" / "golden" / "samplers.json"
    target.write_text(json.dumps(record) + "\n")

"""A Python peer of the benchmark: does one piece of work for each line it reads, and answers with its time."""

import json
import resource
import sys
import time
import types

import torch

try:
    import torchvision  # noqa: F401
except Exception:
    # The package's trainer wants it, which is not measured here; PyPI's fits torch's CUDA build only.
    stand_in = types.ModuleType("torchvision")
    stand_in.transforms = stand_in.utils = None
    sys.modules["torchvision"] = stand_in
from denoising_diffusion_pytorch import GaussianDiffusion, Unet

settings = json.loads(sys.argv[1])
torch.set_num_threads(settings["threads"])
torch.manual_seed(3407)  # the weights of the other side
began = time.perf_counter()
net = Unet(dim=settings["dim"], dim_mults=tuple(settings["dimMults"]))
diffusion = GaussianDiffusion(net, image_size=settings["size"], sampling_timesteps=settings["steps"]).eval()
x = torch.randn(settings["batch"], 3, settings["size"], settings["size"])
t = torch.full((settings["batch"],), 500, dtype=torch.long)
who = settings["who"]
if who == "channels_last":
    net = net.to(memory_format=torch.channels_last)
    x = x.contiguous(memory_format=torch.channels_last)
if who in ("compile", "freezing"):
    import torch._inductor.config

    torch._inductor.config.freezing = who == "freezing"
    diffusion.model = net = torch.compile(net)


def forward():
    net(x, t)


def sample():
    diffusion.ddim_sample((settings["batch"], 3, settings["size"], settings["size"]))


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


with torch.no_grad():
    forward()
    print(json.dumps({"ready": 1000 * (time.perf_counter() - began), "detail": torch.__version__}), flush=True)
    for line in sys.stdin:
        work = {"forward": forward, "sample": sample}[line.strip()]
        before, start = cpu(), time.perf_counter()
        work()
        ms = 1000 * (time.perf_counter() - start)
        print(json.dumps({"ms": ms, "cpu": 1000 * (cpu() - before)}), flush=True)

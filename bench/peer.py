"""A Python side of the benchmark: the U-Net of denoising-diffusion-pytorch, drawn with or trained as its trainer does."""

import json
import sys

import torch
from record import import_torchvision
from side import compiled, serve

import_torchvision()
from denoising_diffusion_pytorch import GaussianDiffusion, Unet  # noqa: E402

settings = json.loads(sys.argv[1])
who, size, batch = settings["who"], settings["size"], settings.get("batch", 1)
torch.set_num_threads(settings["threads"])
torch.manual_seed(3407)  # the weights of the other side


def make():
    return Unet(dim=settings["dim"], dim_mults=tuple(settings["dimMults"]))


def inputs():
    return torch.randn(batch, 3, size, size), torch.full((batch,), 500, dtype=torch.long)


def forward():
    net, (x, t) = compiled(make().eval(), who), inputs()
    if who == "channels_last":
        x = x.contiguous(memory_format=torch.channels_last)

    def work():
        with torch.no_grad():
            net(x, t)

    return work


def train():
    """The package's Trainer without accelerate, files and worker processes: one update."""
    from ema_pytorch import EMA

    diffusion = GaussianDiffusion(make(), image_size=size)
    optimizer = torch.optim.Adam(diffusion.parameters(), lr=1e-4, betas=(0.9, 0.99))
    ema = EMA(diffusion, beta=0.995, update_every=10)
    diffusion.model = compiled(diffusion.model, who)
    pixels = torch.randint(0, 256, (64, 3, size, size), dtype=torch.uint8)

    def work():
        images = pixels[torch.randint(0, len(pixels), (batch,))].float() / 255
        if who == "channels_last":
            images = images.contiguous(memory_format=torch.channels_last)
        loss = diffusion(images)
        loss.item()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(diffusion.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        ema.update()

    return work


def openvino():
    from openvino import Core

    hints = {"INFERENCE_NUM_THREADS": settings["threads"], "INFERENCE_PRECISION_HINT": "f32"}
    core = Core()
    model, (x, t) = core.compile_model(core.read_model(settings["file"]), "CPU", hints), inputs()
    return lambda: model([x.numpy(), t.numpy()]) and None


def export():
    names = dict(input_names=["x", "t"], output_names=["y"])
    torch.onnx.export(make().eval(), inputs(), settings["file"], dynamo=False, opset_version=17, **names)


def counted(work):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def peak():
    """Two of libtorch's ways to multiply matrices: MKL, and oneDNN through a 1x1 convolution."""
    import time

    n = 1024
    a, b = torch.randn(n, n), torch.randn(n, n)
    x = torch.randn(1, n, 32, 32).contiguous(memory_format=torch.channels_last)
    conv = torch.nn.Conv2d(n, n, 1, bias=False).to(memory_format=torch.channels_last)
    products = [lambda: torch.mm(a, b), lambda: conv(x)]

    def rate(product):
        start = time.perf_counter()
        product()
        return 2 * n**3 / (time.perf_counter() - start) / 1e9

    def work():
        with torch.no_grad():
            return {"gflops": max(rate(product) for product in products for _ in range(4))}

    return work


def flops():
    who_counts = {"forward": lambda: counted(forward()), "train": lambda: counted(train())}
    if settings["group"] == "dcgan":
        from peer_dcgan import works

        who_counts = {name: (lambda work=work: counted(work)) for name, work in works("eager", settings).items()}
    return {name: count() for name, count in who_counts.items() if name in settings["works"]}


if who == "export":
    export()
elif who == "peak":
    counts = flops()
    serve({name: peak() for name in settings["works"]}, flops=counts)
elif who == "openvino":
    serve({"forward": openvino()})
else:
    serve({name: {"forward": forward, "train": train}[name]() for name in settings["works"]})

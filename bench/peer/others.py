"""What else the benchmark asks of Python: the network as an ONNX file, OpenVINO, the floor of the machine, whole pictures."""
import json
import time

import programs
import torch


def eager(settings):
    return programs.make({**settings, "who": "eager"})


def export(settings):
    """Writes the U-Net as an ONNX file, for the runtimes that run it."""
    program = eager(settings)
    names = dict(input_names=["x", "t"], output_names=["y"])
    network = program.net.eval()
    torch.onnx.export(network, program.inputs(), settings["file"], dynamo=False, opset_version=17, **names)


def openvino(settings):
    from openvino import Core

    hints = {"INFERENCE_NUM_THREADS": settings["threads"], "INFERENCE_PRECISION_HINT": "f32"}
    core = Core()
    model = core.compile_model(core.read_model(settings["file"]), "CPU", hints)
    x, t = eager(settings).inputs()
    return lambda: model([x.numpy(), t.numpy()]) and None


def flops(settings):
    """The arithmetic of each work, by PyTorch's own count."""
    from torch.utils.flop_counter import FlopCounterMode

    def counted(work):
        with FlopCounterMode(display=False) as counter:
            work()
        return counter.get_total_flops()

    return {work: counted(eager(settings).step(work)) for work in settings["works"]}


def peak():
    """Two of libtorch's matrix products: MKL, and oneDNN through a 1x1 convolution."""
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


def diffusion(settings):
    package = programs.load_package()
    torch.manual_seed(settings["seed"])
    net = package.Unet(dim=settings["dim"], dim_mults=tuple(settings["dimMults"]))
    return package.GaussianDiffusion(net, image_size=settings["size"], sampling_timesteps=settings["steps"])


def save(settings):
    """Saves a network as the package does."""
    torch.save(diffusion(settings).state_dict(), settings["file"])


def sample(settings, begun):
    """Loads what `save` wrote and samples one picture into a file: milliseconds since `begun`, and of the picture alone."""
    model, file = diffusion(settings), settings["file"]
    from torchvision.utils import save_image

    model.load_state_dict(torch.load(file))
    model.eval()
    sampling = time.perf_counter()
    save_image(model.sample(batch_size=1), f"{file}.png")
    now = time.perf_counter()
    print(json.dumps({"first": 1000 * (now - begun), "next": 1000 * (now - sampling)}))

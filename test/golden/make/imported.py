"""Writes test/fixtures/pytorch/*.br, checkpoints that the published packages saved, and test/golden/imported.json,
what the packages then draw from them and how they train on.

Needs PyTorch, torchvision, accelerate, numpy, einops, tqdm, pillow and brotli, and each package with the ema-pytorch of
its time in a folder of its own:
    pip install --no-deps --target ddp-0.26.4 denoising-diffusion-pytorch==0.26.4 ema-pytorch==0.0.9
    pip install --no-deps --target ddp-2.3.4 denoising-diffusion-pytorch==2.3.4 ema-pytorch==0.7.9
    python test/golden/make/imported.py ddp-0.26.4 ddp-2.3.4

Files that are there already are kept: then only this processor's bits are added to the golden file. Where there are
none, the package's Trainer trains three steps on a hundred pictures and saves. Its numbers are then cut to a few bits,
so that the files compress to what a repository can hold, and are loaded and saved once more by the same Trainer.
"""
import base64
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

from goldens import digest, numbers, write

SEED, SIZE, STEPS_T, COUNT, THREADS = 3407, 16, 30, 10, 1
FIXTURES = pathlib.Path(__file__).parents[3] / "test" / "fixtures" / "pytorch"
CASES = {
    "0.26.4": dict(net=dict(dim=8, dim_mults=(1,)), diffusion=dict(objective="pred_x0", p2_loss_weight_gamma=1.0)),
    "2.3.4": dict(net=dict(dim=8, dim_mults=(1, 1)), diffusion=dict(min_snr_loss_weight=True), clip=1.0),
}
TRAINER = dict(train_batch_size=8, gradient_accumulate_every=2, train_lr=1e-3, train_num_steps=3, save_and_sample_every=1000, num_samples=1)


def cut(tensor, bits):
    """Keeps `bits` of the 23 bits of a float's fraction."""
    import torch

    if tensor.dtype == torch.float32 and tensor.numel() > 1:
        tensor.view(torch.int32).bitwise_and_(-1 << (23 - bits))


packed = lambda name: FIXTURES / f"{name}.br"


def keep(name, data):
    import brotli

    FIXTURES.mkdir(parents=True, exist_ok=True)
    packed(name).write_bytes(brotli.compress(data, quality=11, lgwin=24))


def kept(name):
    import brotli

    return brotli.decompress(packed(name).read_bytes())


def facts(name):
    data = kept(name)
    return {"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def pixels_of(x):  # of [1,C,H,W] in [0,1]
    import torch

    return x.mul(255).add_(0.5).clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def picture(x):
    return base64.b64encode(pixels_of(x).numpy().tobytes()).decode()


def load_package(*folder):
    """The package in that folder, or where Python finds it."""
    import torch

    # torchvision's compiled part may not fit a CPU build of PyTorch; two names are all that is asked of it.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            pass
    sys.path[:0] = folder
    import denoising_diffusion_pytorch.denoising_diffusion_pytorch as package

    load_package.keep = library
    return package


def build(package, case):
    net = package.Unet(**case["net"])
    return package.GaussianDiffusion(net, image_size=SIZE, timesteps=STEPS_T, **case["diffusion"])


def save_checkpoint(package, case, folder):
    """model-1.pt of a short run of the package's own Trainer."""
    import torch
    from PIL import Image

    pictures = folder / "pictures"
    pictures.mkdir()
    for i, pixels in enumerate(numbers(100, SIZE)):
        Image.fromarray(pixels.numpy()).save(pictures / f"{i:03}.png")
    torch.manual_seed(SEED)
    more = dict(calculate_fid=False) if "clip" in case else {}
    trainer = package.Trainer(build(package, case), str(pictures), results_folder=str(folder / "results"), **TRAINER, **more)
    trainer.train()
    trainer.save(1)
    trainer.load(1)
    with torch.no_grad():
        for parameter in (*trainer.model.parameters(), *trainer.ema.ema_model.parameters()):
            cut(parameter, 2)
        for state in trainer.opt.state.values():
            for name in ("exp_avg", "exp_avg_sq"):
                cut(state[name], 1)
    trainer.save(1)
    return (folder / "results" / "model-1.pt").read_bytes()


def draw(package, case, data):
    import torch
    from ema_pytorch import EMA

    average = EMA(build(package, case), beta=0.995, update_every=10)
    average.load_state_dict(data["ema"])
    model = average.ema_model
    shape, samples = (1, 3, SIZE, SIZE), {}
    torch.manual_seed(11)
    samples["ddpm"] = picture(model.p_sample_loop(shape))
    if "clip" in case:  # the DDIM of 0.26.4 is wrong; shinsaku has the correct one only
        torch.manual_seed(11)
        model.sampling_timesteps, model.ddim_sampling_eta = 7, 0.0
        samples["ddim 7 0"] = picture(model.ddim_sample(shape))
    return samples


def go_on(package, case, data, updates=4):
    """What a new process would do that loads the file and trains on: the Trainer's loop over ten pictures."""
    import torch
    from ema_pytorch import EMA
    from torch.utils.data import DataLoader, Dataset

    class Pictures(Dataset):
        pixels = numbers(COUNT, SIZE)

        def __len__(self):
            return COUNT

        def __getitem__(self, index):
            x = self.pixels[index].permute(2, 0, 1)
            if torch.rand(1) < 0.5:
                x = x.flip(2)
            return x.contiguous().to(torch.float32).div(255)

    torch.manual_seed(SEED)
    diffusion = build(package, case)
    adam = torch.optim.Adam(diffusion.parameters(), lr=TRAINER["train_lr"], betas=(0.9, 0.99))
    ema = EMA(diffusion, beta=0.995, update_every=10)
    diffusion.load_state_dict(data["model"])
    adam.load_state_dict(data["opt"])
    ema.load_state_dict(data["ema"])
    batches = package.cycle(DataLoader(Pictures(), batch_size=4, shuffle=True, num_workers=1))
    losses = []
    for _ in range(updates):
        total = 0.0
        for _ in range(2):
            loss = diffusion(next(batches)) / 2
            total += loss.item()
            loss.backward()
        if "clip" in case:
            torch.nn.utils.clip_grad_norm_(diffusion.parameters(), case["clip"])
        adam.step()
        adam.zero_grad()
        ema.update()
        losses.append(total)
    return {"losses": losses, "weights": digest(diffusion.parameters()), "ema": digest(ema.ema_model.parameters())}


def run_diffusion(folder, version):
    """What every processor reads, and the bits of this one."""
    import torch

    torch.set_num_threads(THREADS)
    package, case, name = load_package(folder), CASES[version], f"ddpm-{version}.pt"
    if not packed(name).exists():
        with tempfile.TemporaryDirectory() as temporary:
            keep(name, save_checkpoint(package, case, pathlib.Path(temporary)))
    loaded = torch.load(io.BytesIO(kept(name)), weights_only=True)
    weights = digest(x for key, x in loaded["model"].items() if key.startswith("model."))
    bits = {"samples": draw(package, case, loaded), "continued": go_on(package, case, loaded)}
    return facts(name) | {"step": loaded["step"], "weights": weights}, bits


NETS = {"netG.pth": 0, "netD.pth": 1}
CONTAINERS = {"": True, ".legacy": False}


def wrapped():
    """The example's networks, each Sequential as `main`."""
    import torch
    from dcgan_sources import example_networks

    nets = [torch.nn.Module(), torch.nn.Module()]
    nets[0].main, nets[1].main = example_networks(64, 12, 2)
    return nets


def save_dcgan():
    import torch

    torch.manual_seed(SEED)
    nets = wrapped()
    generator, discriminator = (net.main for net in nets)
    with torch.no_grad():
        generator[-2].weight.mul_(40)  # a picture with contrast, as after training
        for _ in range(60):  # until the running statistics are those of the pictures
            discriminator(generator(torch.randn(16, 12, 1, 1)))
        for net in nets:
            for tensor in net.state_dict().values():
                cut(tensor, 5)
    for name, net in NETS.items():
        for suffix, zipped in CONTAINERS.items():
            file = io.BytesIO()
            torch.save(nets[net].state_dict(), file, _use_new_zipfile_serialization=zipped)
            keep(name + suffix, file.getvalue())


def run_dcgan():
    import torch

    torch.set_num_threads(THREADS)
    if not all(packed(name).exists() for name in NETS):
        save_dcgan()
    generator = wrapped()[0]
    generator.load_state_dict(torch.load(io.BytesIO(kept("netG.pth")), weights_only=True))
    torch.manual_seed(11)
    x = generator.eval().main(torch.randn(1, 12, 1, 1))
    files = {name + suffix: facts(name + suffix) for name in NETS for suffix in CONTAINERS}
    return {"files": files}, {"sample": picture((x + 1) * 0.5)}


if __name__ == "__main__" and sys.argv[1] == "--one":
    print(json.dumps(run_dcgan() if len(sys.argv) == 2 else run_diffusion(*sys.argv[2:])))
elif __name__ == "__main__":

    def one(*arguments):
        # A process for each: both packages have the same name.
        output = subprocess.run([sys.executable, __file__, "--one", *arguments], check=True, stdout=subprocess.PIPE)
        return json.loads(output.stdout.decode().splitlines()[-1])

    diffusion = {version: one(folder, version) for version, folder in zip(CASES, sys.argv[1:])}
    dcgan, dcgan_bits = one()
    shared = {"diffusion": {version: facts for version, (facts, _) in diffusion.items()}, "dcgan": dcgan}
    bits = {"diffusion": {version: bits for version, (_, bits) in diffusion.items()}, "dcgan": dcgan_bits}
    write("imported.json", shared, bits, THREADS)

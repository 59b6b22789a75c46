"""Writes test/fixtures/pytorch/pgan-*.br, test/golden/pgan-files.json and pgan-layers.txt: checkpoints as pytorch_GAN_zoo
saves them, what its networks make of them, and how PyTorch prints these.

Needs PyTorch, runs on a CPU, and calls node to compress: python test/golden/make/pgan_files.py
The classes that the zoo pickles are made here under its module's name; networks and settings are tiny.
"""
import collections
import io
import json
import pathlib
import subprocess
import sys
import types

import torch
from pgan_networks import Pgan

ROOT = pathlib.Path(__file__).resolve().parents[3]
LATENT, WIDTHS, ALPHA = 4, (8, 4), 0.25

config_module = types.ModuleType("models.utils.config")
BaseConfig = type("BaseConfig", (), {"__module__": "models.utils.config"})
config_module.BaseConfig = BaseConfig
sys.modules |= {"models": types.ModuleType("models"), "models.utils": types.ModuleType("models.utils"), "models.utils.config": config_module}


def settings(alpha):
    config = BaseConfig()
    config.__dict__ |= dict(
        depthScale0=WIDTHS[0], initBiasToZero=True, leakyReluLeak=0.2, depthOtherScales=list(WIDTHS[1:]),
        perChannelNormalization=True, alpha=alpha, miniBatchStdDev=True, equalizedlR=True, noiseVectorDim=LATENT,
        dimOutput=3, learningRate=0.001, attribKeysOrder=None, categoryVectorDim=0, weightConditionD=0.0,
        weightConditionG=0.0, GDPP=False, latentVectorDim=LATENT, lossCriterion="WGANGP", lambdaGP=10.0,
        epsilonD=0.001, logisticGradReal=0.0,
    )
    return config


def saved(networks, average, alpha, form, module=True, parameters=False):
    state = lambda params: collections.OrderedDict(
        (name if module else name.replace(".module", ""), value if parameters else value.data) for name, value in params.items()
    )
    content = {"config": settings(alpha), "netG": state(networks.g), "netD": state(networks.d), "avgG": state(average.g)}
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=form == "zip")
    return file.getvalue()


def pixels(networks, alpha, stretch=False):
    made = []
    for seed in (1, 2):
        z = torch.randn(1, LATENT, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            x = networks.generate(z, len(WIDTHS) - 1, alpha)[0].clamp(-1, 1)
        # torchvision's make_grid with normalize and scale_each; its save_image rounds.
        x = (x - x.min()) / max(x.max() - x.min(), 1e-5) if stretch else (x + 1) / 2
        made += x.mul(255).add(0.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).flatten().tolist()
    return made


def printed(channels=3):
    """The modules in the order in which the zoo's classes register them."""
    nn, (w, *more) = torch.nn, WIDTHS
    around = lambda kind, inner=None: add(type(kind, (nn.Module,), {})(), **({} if inner is None else {"module": inner}))
    conv = lambda a, b, side: around("EqualizedConv2d", nn.Conv2d(a, b, side, padding=side // 2))
    linear = lambda a, b: around("EqualizedLinear", nn.Linear(a, b))
    group = lambda *modules: nn.ModuleList(modules)
    pairs = list(zip(WIDTHS, more))
    generator = add(
        around("GNet"),
        scaleLayers=group(*(group(conv(a, b, 3), conv(b, b, 3)) for a, b in pairs)),
        toRGBLayers=group(*(conv(width, channels, 1) for width in WIDTHS)),
        formatLayer=linear(LATENT, 16 * w),
        groupScale0=group(conv(w, w, 3)),
        leakyRelu=nn.LeakyReLU(0.2),
        normalizationLayer=around("NormalizationLayer"),
    )
    discriminator = add(
        around("DNet"),
        scaleLayers=group(*(group(conv(b, b, 3), conv(b, a, 3)) for a, b in pairs)),
        fromRGBLayers=group(*(conv(channels, width, 1) for width in WIDTHS)),
        mergeLayers=group(),
        decisionLayer=linear(w, 1),
        groupScaleZero=group(conv(w + 1, w, 3), linear(16 * w, w)),
        leakyRelu=nn.LeakyReLU(0.2),
    )
    return f"{generator}\n{discriminator}\n"


def add(owner, /, **children):
    for name, child in children.items():
        setattr(owner, name, child)
    return owner


if __name__ == "__main__":
    torch.manual_seed(3407)
    networks, average = Pgan(LATENT, WIDTHS), Pgan(LATENT, WIDTHS)
    files = {
        "pgan-legacy": saved(networks, average, 0.0, "legacy"),
        "pgan-zip": saved(networks, average, 0.0, "zip", module=False, parameters=True),
        "pgan-fading": saved(networks, average, ALPHA, "zip"),
    }
    compress = "require('fs').writeFileSync(process.argv[1], require('zlib').brotliCompressSync(require('fs').readFileSync(0)))"
    for name, content in files.items():
        target = ROOT / "test" / "fixtures" / "pytorch" / f"{name}.br"
        subprocess.run(["node", "-e", compress, str(target)], input=content, check=True)
    golden = {
        "seeds": [1, 2],
        "raw": pixels(networks, 0.0), "average": pixels(average, 0.0), "fading": pixels(average, ALPHA),
        "stretched": pixels(average, 0.0, True),
    }
    (ROOT / "test" / "golden" / "pgan-layers.txt").write_text(printed())
    (ROOT / "test" / "golden" / "pgan-files.json").write_text(json.dumps(golden) + "\n")

"""The published metrics, for test/exactness/metrics.mjs: reads a job from a file, writes what they give to another.

A job is {kind, ...}: "features" compares two sets of rows, "embed" makes features of pictures, "folders" is pytorch-fid
on two folders of pictures, "state" writes a file of weights, "golden" gives the numbers that the suite's tests have.
"""
import json
import os
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as functional


def rows(given):
    return np.fromfile(given["file"], np.float32).reshape(given["shape"])


def pictures(given):
    """uint8 [n,h,w,3]."""
    return torch.from_numpy(np.fromfile(given["file"], np.uint8).reshape(given["shape"]).copy())


def frechet(a, b):
    """pytorch-fid's, with its statistics: features in float64."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    a, b = a.astype(np.float64), b.astype(np.float64)
    statistics = [f(rows) for rows in (a, b) for f in (lambda r: r.mean(0), lambda r: np.cov(r, rowvar=False))]
    return float(calculate_frechet_distance(*statistics))


def kernel_distance(a, b):
    """torch-fidelity's, of one subset that is the whole of both sets; they have to be of one size."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    n = min(len(a), len(b))
    given = dict(kid_subsets=1, kid_subset_size=n, verbose=False)
    first, second = (torch.from_numpy(rows[:n].astype(np.float64)) for rows in (a, b))
    return float(kid_features_to_metric(first, second, **given)["kernel_inception_distance_mean"])


def auth_pct(real, fake):
    """As dgm-eval states it, which is on no registry: a picture is authentic where the nearest real one has a nearer real one."""
    real, fake = torch.from_numpy(real).double(), torch.from_numpy(fake).double()
    own = torch.cdist(real, real, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(float("inf")).min(0).values
    nearest = torch.cdist(real, fake, compute_mode="donot_use_mm_for_euclid_dist").min(0)
    return float((own[nearest.indices] < nearest.values).double().mean() * 100)


def mind(a, b, projections, seed):
    """As torch-fidelity 5e211a9 states it, which is not released yet."""
    a, b = torch.from_numpy(a), torch.from_numpy(b)
    generator = torch.Generator().manual_seed(seed)
    n = min(len(a), len(b))
    if len(a) > n:
        a = a[torch.randperm(len(a), generator=generator)[:n]]
    if len(b) > n:
        b = b[torch.randperm(len(b), generator=generator)[:n]]
    directions = torch.randn(projections, a.shape[1], generator=generator)
    directions = directions / directions.norm(dim=1, keepdim=True).clamp_min(1e-12)
    first, second = ((rows @ directions.t()).sort(0).values for rows in (a, b))
    return float(3 * a.shape[1] * (first - second).square().mean())


def laplacian_pyramid(x):
    """As Karras et al. 2018 make it of pictures [n,h,w,c]: a binomial filter, mirrored at the edges, levels down to 16 pixels."""
    from scipy.ndimage import convolve

    taps = np.float64([1, 4, 6, 4, 1]) / 16
    kernel = np.multiply.outer(taps, taps)[None, :, :, None]
    levels = []
    while x.shape[1] % 2 == 0 and x.shape[1] // 2 >= 16:
        half = convolve(x, kernel, mode="mirror")[:, ::2, ::2]
        spread = np.zeros_like(x)
        spread[:, ::2, ::2] = half
        levels.append(x - convolve(spread, kernel * 4, mode="mirror"))
        x = half
    return [*levels, x]


def patches_of(pixels, per_picture, seed):
    """Patches of 7 x 7 of each level, normalised for each channel; places are drawn picture by picture."""
    generator = torch.Generator().manual_seed(seed)
    pyramid = laplacian_pyramid(pixels.astype(np.float64))
    levels = [[] for _ in pyramid]
    for n in range(len(pixels)):
        for level, x in zip(levels, pyramid, strict=True):
            ys, xs = (torch.randint(side - 6, (per_picture,), generator=generator).tolist() for side in x.shape[1:3])
            level.extend(x[n, i : i + 7, j : j + 7].transpose(2, 0, 1) for i, j in zip(ys, xs, strict=True))
    stacked = [np.stack(level) for level in levels]
    normal = [(p - p.mean((0, 2, 3), keepdims=True)) / p.std((0, 2, 3), keepdims=True) for p in stacked]
    return [p.reshape(len(p), -1) for p in normal]


def sliced_wasserstein(a, b, per_picture, projections, seed):
    """Of each level, times 1,000. Directions are drawn sixteen at a time."""
    from scipy.stats import wasserstein_distance

    generator = torch.Generator().manual_seed(seed)
    levels = []
    for first, second in zip(*(patches_of(pixels, per_picture, seed) for pixels in (a, b)), strict=True):
        total = 0
        for begin in range(0, projections, 16):
            drawn = torch.randn(min(16, projections - begin), first.shape[1], generator=generator).double()
            for direction in (drawn / drawn.norm(dim=1, keepdim=True)).numpy():
                total += wasserstein_distance(first @ direction, second @ direction)
        levels.append(1000 * total / projections)
    return levels


def compare_features(job):
    from prdc import compute_prdc

    a, b = rows(job["a"]), rows(job["b"])
    return {
        "fid": frechet(a, b),
        "kid": kernel_distance(a, b),
        **{name: float(value) for name, value in compute_prdc(a, b, nearest_k=job["k"]).items()},
        "authPct": auth_pct(a, b),
        "mind": mind(a, b, job["projections"], job["seed"]),
    }


def hashed(count, seed):
    """Numbers in [-0.5, 0.5), the same as in test/helpers/hashed.ts."""
    h = np.arange(count, dtype=np.uint32) + np.uint32(seed)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    h ^= h >> np.uint32(16)
    return h / 2.0**32 - 0.5


def seed_of(name):
    """FNV-1a."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    return seed


def made_up(state):
    """A state dict of made-up weights with which features differ from picture to picture, as the tests make them."""
    made = {}
    for name, tensor in state.items():
        values = hashed(tensor.numel(), seed_of(name))
        kind = name.rsplit(".", 1)[1]
        if tensor.dim() == 4:
            values *= np.sqrt(24 / np.prod(tensor.shape[1:]))
        elif kind == "running_var":
            values = 1 + 0.5 * values
        elif kind == "weight":
            values = 1 + 0.2 * values
        else:
            values *= 0.2
        made[name] = torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape).to(tensor.dtype)
    return made


def inception(weights):
    """pytorch-fid's network; it takes the file of its weights from torch's cache."""
    from pytorch_fid import inception as module

    cache = pathlib.Path(os.environ["TORCH_HOME"], "hub", "checkpoints")
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / module.FID_WEIGHTS_URL.rsplit("/", 1)[1]
    if weights == "made-up":
        network = module._inception_v3(num_classes=1008, aux_logits=False, weights=None)
        torch.save(made_up(network.state_dict()), file, _use_new_zipfile_serialization=False)
    elif not file.exists():
        file.symlink_to(weights)
    network = module.InceptionV3([0, 1, 2, 3]).eval()
    return lambda x: {str(y.shape[1]): y.mean((2, 3)) for y in network(x / 255)}


def lite0(weights):
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    state = made_up(network.state_dict()) if weights == "made-up" else torch.load(weights, weights_only=True)
    network.load_state_dict(state)
    network.eval()

    def embed(x):
        x = functional.interpolate(x, size=(224, 224), mode="bilinear", align_corners=False)
        return {"1280": network.extract_features((x - 127) / 128).mean((2, 3))}

    return embed


def embed(job):
    network = {"inception": inception, "efficientnet-lite0": lite0}[job["network"]](job["weights"])
    with torch.no_grad():
        features = network(pictures(job["pictures"]).permute(0, 3, 1, 2).float())
    for width, values in features.items():
        values.numpy().astype(np.float32).tofile(f"{job['out']}-{width}.bin")
    return {"widths": sorted(map(int, features))}


def shapes(network):
    """The convolutions of a network with the batch norm after each: [conv, norm, shape of the weight]."""
    names = [name[: -len(".weight")] for name, tensor in network.items() if tensor.dim() == 4]
    norms = [name[: -len(".running_mean")] for name in network if name.endswith(".running_mean")]
    return [[conv, norm, list(network[f"{conv}.weight"].shape)] for conv, norm in zip(names, norms, strict=True)]


def folders(job):
    from pytorch_fid.fid_score import calculate_fid_given_paths

    inception(job["weights"])
    of_widths = {}
    for width in job["widths"]:
        of_widths[str(width)] = float(calculate_fid_given_paths(job["folders"], 50, "cpu", width, num_workers=0))
    return of_widths


def state(job):
    """Writes tensors as a state dict, in the form that torch.save had before 1.6, as the FID's own file has."""
    values = np.fromfile(job["file"], np.float32)
    tensors, at = {}, 0
    for tensor in job["tensors"]:
        count = int(np.prod(tensor["shape"]))
        tensors[tensor["name"]] = torch.from_numpy(values[at : at + count].copy()).reshape(tensor["shape"])
        at += count
    # torchvision's class wants them; features do not.
    tensors["fc.weight"], tensors["fc.bias"] = torch.zeros(1008, 2048), torch.zeros(1008)
    torch.save(tensors, job["out"], _use_new_zipfile_serialization=False)
    return {}


def golden(job):
    """Numbers for test/golden/metrics.json: of rows and pictures that the tests make themselves."""
    from efficientnet_lite_pytorch import EfficientNet
    from pytorch_fid import inception as module

    def set_of(n, width, seed):
        return (hashed(n * width, seed) * (1 + np.arange(n * width) % width / width)).astype(np.float32).reshape(n, width)

    def pixels_of(shape, seed):
        return np.floor((hashed(int(np.prod(shape)), seed) + 0.5) * 256).astype(np.uint8).reshape(shape)

    sets = []
    for n, m, width in ([20, 20, 8], [30, 18, 64]):
        a, b = set_of(n, width, 1), set_of(m, width, 2)
        files = []
        for name, values in (("a", a), ("b", b)):
            files.append({"file": os.path.join(job["folder"], f"{name}.bin"), "shape": values.shape})
            values.tofile(files[-1]["file"])
        given = {"n": n, "m": m, "width": width, "k": 3, "projections": 50, "seed": 2020}
        found = compare_features({**given, "a": files[0], "b": files[1]})
        sets.append({**given, **found, "kid": found["kid"] if n == m else None})

    patches = []
    for n, m, size in ([4, 4, 32], [5, 3, 40]):
        a, b = (pixels_of([count, size, size, 3], 10 + i) >> i for i, count in enumerate((n, m)))
        given = {"per_picture": 12, "projections": 20, "seed": 5}
        levels = sliced_wasserstein(a, b, **given)
        patches.append({"n": n, "m": m, "size": size, "levels": levels, **given})

    shape = [2, 40, 36, 3]
    file = os.path.join(job["folder"], "pictures.bin")
    pixels_of(shape, 3).tofile(file)
    states = {
        "inception": module._inception_v3(num_classes=1008, aux_logits=False, weights=None).state_dict(),
        "efficientnet-lite0": EfficientNet.from_name("efficientnet-lite0").state_dict(),
    }
    networks = []
    for network, state in states.items():
        out = os.path.join(job["folder"], network)
        widths = embed({"network": network, "weights": "made-up", "pictures": {"file": file, "shape": shape}, "out": out})
        features = {}
        for width in widths["widths"]:
            values = np.fromfile(f"{out}-{width}.bin", np.float32).reshape(shape[0], width)
            features[width] = [[float(value) for value in row[:: width // 16]] for row in values]
        networks.append({"network": network, "layers": shapes(state), "features": features})
    return {"sets": sets, "patches": patches, "pictures": shape, "networks": networks}


if __name__ == "__main__":
    # torchvision's Python asks for operations of its native part, which is not needed here.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            pass
    given, result = sys.argv[1:]
    job = json.loads(pathlib.Path(given).read_text())
    torch.set_num_threads(job.get("threads", 2))
    kinds = {"features": compare_features, "embed": embed, "folders": folders, "golden": golden, "state": state}
    pathlib.Path(result).write_text(json.dumps(kinds[job["kind"]](job)))

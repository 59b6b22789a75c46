"""The peer of bench/ingest.mjs: torchvision's DataLoader and Pillow over the same folder.

    python ingest.py FOLDER SIZE THREADS PASSES
Prints one JSON line a measurement, {"who", "work", "images", "seconds"}: one pass over all pictures by Pillow in one
process, and PASSES passes of a DataLoader with a worker for each thread, as a training loop reads them.
"""
import json
import pathlib
import sys
import time

import torch
from PIL import Image
from record import import_torchvision
from torch.utils.data import DataLoader, Dataset

transforms = import_torchvision().transforms


class Folder(Dataset):
    """As denoising-diffusion-pytorch reads a folder: short side resized, mirrored at random, cut in the middle."""

    def __init__(self, folder, size):
        self.paths = sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix in (".png", ".jpg"))
        self.transform = transforms.Compose([
            transforms.Resize(size), transforms.RandomHorizontalFlip(), transforms.CenterCrop(size), transforms.ToTensor(),
        ])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return self.transform(Image.open(self.paths[index]).convert("RGB"))


def report(who, images, begun):
    print(json.dumps(dict(who=who, images=images, seconds=time.perf_counter() - begun)), flush=True)


if __name__ == "__main__":
    folder, size, threads, passes = sys.argv[1], *map(int, sys.argv[2:5])
    torch.set_num_threads(1)
    data = Folder(folder, size)
    begun = time.perf_counter()
    for index in range(len(data)):
        data[index]
    report("pillow", len(data), begun)
    begun = time.perf_counter()
    # A new pool of workers each pass, as the package's loader has.
    loader = DataLoader(data, batch_size=16, shuffle=True, num_workers=threads)
    for number in range(1, passes + 1):
        for _ in loader:
            pass
        if number in (1, passes):
            report("torchvision" if number == 1 else f"torchvision x{passes}", len(data) * number, begun)

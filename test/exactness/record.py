"""What both sides of a comparison are written down in: digests of exact bytes, and tensors for bounds."""
import json
import struct
import sys

import goldens
import torch


def digest(*tensors):
    """SHA-256 over the bytes of tensors, the first 16 digits."""
    return goldens.digest(tensors)[:16]


def noted(noise):
    """Noise by its digest, and its first values for where bits differ."""
    return {"noise": digest(noise), "head": noise.flatten()[:4].tolist()}


def write_tensors(path, tensors):
    """A safetensors file of float32 tensors."""
    header, offset = {}, 0
    for name, tensor in tensors.items():
        end = offset + tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.detach().contiguous().numpy().tobytes())


def import_torchvision():
    """torchvision; where its compiled part does not fit a CPU torch, with the two operations declared that it misses."""
    try:
        import torchvision
    except (RuntimeError, OSError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision

        torchvision.declared = library  # an operation lives as long as its library
    return torchvision


class Pictures:
    """The training pictures, uint8 [N,C,H,W], and what is seen of them in a batch."""

    def __init__(self, case):
        raw = torch.frombuffer(bytearray(open(case["pixels"], "rb").read()), dtype=torch.uint8)
        side, channels = case["size"], case["channels"]
        self.pixels = raw.view(-1, side, side, channels).permute(0, 3, 1, 2).contiguous()
        self.known = {}
        # The last entry wins: of equal pictures the first one is meant, and not mirrored where that is the same.
        for index in reversed(range(len(self.pixels))):
            for mirrored in (True, False):
                self.known[self.key(self.pixels[index].flip(2) if mirrored else self.pixels[index])] = (index, mirrored)

    @staticmethod
    def key(picture):
        return picture.contiguous().numpy().tobytes()

    def seen(self, batch):
        """Index and mirroring of each picture of a uint8 batch [b,C,H,W]; -1 for one that is not there."""
        found = [self.known.get(self.key(picture), (-1, False)) for picture in batch]
        return {"order": [index for index, _ in found], "flips": [int(mirrored) for _, mirrored in found]}

    def take(self, indices, mirrored):
        return torch.stack([self.pixels[i].flip(2) if m else self.pixels[i] for i, m in zip(indices, mirrored)])

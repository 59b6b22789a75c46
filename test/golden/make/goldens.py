"""What the makers of golden numbers share: the processor's name, as test/helpers/cpu.ts gives it, digests, pictures and files."""
import hashlib
import json
import pathlib


def identity(threads: int) -> dict:
    """Vendor, family/model/stepping, cache, a digest of the flags; and what torch makes of it. Last bits depend on them."""
    import torch

    fields = {}
    for line in open("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if not line.strip():
            break
        fields[name.strip()] = value.strip()
    flags = hashlib.sha256(" ".join(sorted(fields["flags"].split())).encode()).hexdigest()[:12]
    parts = (fields["vendor_id"], f"{fields['cpu family']}/{fields['model']}/{fields['stepping']}", fields["cache size"], flags)
    return {"name": " ".join(parts), "capability": torch.backends.cpu.get_cpu_capability(), "threads": threads}


def digest(tensors) -> str:
    """SHA-256 over the bytes of tensors."""
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(tensor.detach().contiguous().cpu().numpy().tobytes())
    return sha.hexdigest()


def numbers(count, size, channels=3):
    """Pictures of pseudo-random numbers, uint8 [count,size,size,channels]: the same ones as in the tests."""
    import torch

    i = torch.arange(count * size * size * channels, dtype=torch.int64)
    return (((i * 2654435761) & 0xFFFFFFFF) >> 24).to(torch.uint8).view(count, size, size, channels)


def write(file, shared, bits, threads):
    """Writes test/golden/<file>: what every processor gives, and the bits of this one beside those known of others."""
    import torch

    path = pathlib.Path(__file__).parents[3] / "test" / "golden" / file
    made = json.loads(path.read_text())["made"] if path.exists() else []
    kind = lambda entry: (entry["cpu"]["name"], entry["cpu"]["capability"])
    own = {"torch": torch.__version__.split("+")[0], "cpu": identity(threads)} | bits
    others = [entry for entry in made if kind(entry) != kind(own)]
    path.write_text(json.dumps(shared | {"made": [*others, own]}, indent=1) + "\n")

"""Names the processor that golden numbers were made on, as test/helpers/cpu.ts does: last bits depend on it."""
import hashlib


def identity(threads: int) -> dict:
    """Vendor, family/model/stepping, cache, a digest of the flags; and what torch makes of it."""
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

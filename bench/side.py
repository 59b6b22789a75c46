"""The part that all Python sides of the benchmark share: answers each line it reads with the time of that work."""

import json
import os
import resource
import sys
import time

import torch


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def serve(works, **facts):
    """Does each work once, says that it is ready, then works on demand. A work may return facts of its own."""
    for work in works.values():
        work()
    print(json.dumps({"detail": torch.__version__, **facts}), flush=True)
    for line in sys.stdin:
        before, start = cpu(), time.perf_counter()
        more = works[line.strip()]()
        ms = 1000 * (time.perf_counter() - start)
        print(json.dumps({"ms": ms, "cpu": 1000 * (cpu() - before), **(more or {})}), flush=True)


def compiled(module, who):
    """The module as the peer named runs it."""
    if who == "channels_last":
        return module.to(memory_format=torch.channels_last)
    if who in ("compile", "freezing"):
        from torch._inductor import config

        if os.environ.get("ATEN_CPU_CAPABILITY") == "avx2":
            config.cpp.simdlen = 256
        config.freezing = who == "freezing"
        # Sizes never change here; torch 2.13 fails on the DCGAN where it takes strides to be variable.
        return torch.compile(module, dynamic=False)
    return module

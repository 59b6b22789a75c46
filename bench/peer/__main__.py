"""The PyTorch peer of the benchmark: python bench/peer SETTINGS. Says in a line of JSON that it is ready, having done each
of its works once, then answers each line it reads with one:

  WORK WARM COUNT   does the work WARM times untimed and COUNT times timed: { ms, cpu, reserved }
  release           gives cached memory back to the driver: {}

`who` "export", "save" and "sample" do one thing and end; others.py says what.
"""
import json
import resource
import sys
import time

import torch

begun = time.perf_counter()
import others  # noqa: E402
import programs  # noqa: E402

settings = json.loads(sys.argv[1])
who, on_gpu = settings["who"], settings["device"] != "cpu"
if not on_gpu:
    torch.set_num_threads(settings["threads"])


def answer(value):
    print(json.dumps(value), flush=True)


def synchronize():
    if on_gpu:
        torch.cuda.synchronize()


def release():
    if on_gpu:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    return {}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def turn(work, warm, count):
    for _ in range(warm):
        work()
    synchronize()
    cpu, start = cpu_seconds(), time.perf_counter()
    for _ in range(count):
        more = work()
    synchronize()
    ms = 1000 * (time.perf_counter() - start)
    reserved = torch.cuda.max_memory_reserved() if on_gpu else None
    # A work may tell facts of its own.
    facts = more if isinstance(more, dict) else {}
    return {"ms": ms, "cpu": 1000 * (cpu_seconds() - cpu), "reserved": reserved, **facts}


def do_once(work, patience=9):
    """Other sides make themselves ready too, and may hold the memory that this one needs."""
    try:
        turn(work, 0, 1)
    except torch.OutOfMemoryError:
        if patience == 0:
            raise
        release()
        time.sleep(3)
        do_once(work, patience - 1)


def serve(works, **facts):
    for work in works.values():
        do_once(work)
    release()
    answer({"detail": torch.__version__, **facts})
    for line in sys.stdin:
        name, *numbers = line.split()
        answer(release() if name == "release" else turn(works[name], *map(int, numbers)))


if who == "export":
    others.export(settings)
elif who == "save":
    others.save(settings)
elif who == "sample":
    others.sample(settings, begun)
elif who == "peak":
    counts = others.flops(settings)
    serve({name: others.peak() for name in settings["works"]}, flops=counts)
elif who == "openvino":
    serve({"forward": others.openvino(settings)})
else:
    program = programs.make(settings)
    serve({name: program.step(name) for name in settings["works"]})

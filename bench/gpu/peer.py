"""A Python peer of the GPU benchmark: python peer.py SETTINGS. Answers each line it reads with one line of JSON.

  turn WARM COUNT   WARM untimed and COUNT timed steps: { ms, reserved }
  release           gives cached memory back to the driver: {}
"""
import json
import sys
import time

import torch

import steps

began = time.perf_counter()
settings = json.loads(sys.argv[1])
on_gpu = settings["device"] != "cpu"
if not on_gpu:
    torch.set_num_threads(settings["threads"])
program = steps.make(settings)
step = getattr(program, settings["work"])


def synchronize():
    if on_gpu:
        torch.cuda.synchronize()


def release():
    if on_gpu:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
    return {}


def turn(warm, count):
    for _ in range(warm):
        step()
    synchronize()
    start = time.perf_counter()
    for _ in range(count):
        step()
    synchronize()
    ms = 1000 * (time.perf_counter() - start)
    reserved = torch.cuda.max_memory_reserved() if on_gpu else 0
    return {"ms": ms, "reserved": reserved}


def answer(value):
    print(json.dumps(value), flush=True)


built = time.perf_counter()
for patience in range(9, -1, -1):
    try:
        turn(3, 1)
        break
    except torch.OutOfMemoryError:  # other sides make themselves ready too
        if not patience:
            raise
        release()
        time.sleep(3)
ready = time.perf_counter()
release()
answer({"ready": 1000 * (ready - began), "firstSteps": 1000 * (ready - built), "detail": torch.__version__})
for line in sys.stdin:
    word, *numbers = line.split()
    answer({"turn": turn, "release": release}[word](*map(int, numbers)))

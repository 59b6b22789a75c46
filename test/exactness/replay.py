"""What shinsaku drew, from the generator states and data positions that it keeps for its checkpoints.

shinsaku hands out neither time steps nor noise nor flips, so they are drawn again here from its own states, by the rule
that the reference states; the state after each update must be the one that shinsaku has then ("continues").
"""
import json
import pathlib

import torch
from goldens import identity
from record import Pictures, digest, noted, write_tensors

SEEN, EPOCHS, NEXT_INDEX, NEXT_BATCH = range(4)
STATE_BYTES = 5056


def draw_seed(generator):
    return torch.empty((), dtype=torch.int64).random_(generator=generator).item()


class Replay:
    """One run of shinsaku, update by update."""

    def __init__(self, case):
        self.out = pathlib.Path(case["out"])
        folder = self.out / "ours"
        self.case, self.pictures = case, Pictures(case)
        self.states = torch.frombuffer(bytearray((folder / "states.bin").read_bytes()), dtype=torch.uint8)
        self.states = self.states.view(-1, STATE_BYTES)
        self.log = json.loads((folder / "log.json").read_text())
        self.generator, self.loaderWorkers = torch.Generator(), []

    def begin_epoch(self, after):
        """The two draws of an epoch, which must give the seed and the order that shinsaku has after the update."""
        base = draw_seed(self.generator)
        order = torch.randperm(len(self.order), generator=torch.Generator().manual_seed(draw_seed(self.generator)))
        if self.log["epochSeeds"][after] != str(base) or self.log["orders"][after] != order.tolist():
            raise SystemExit(f"update {after}: the epoch of shinsaku is not the one that its generator gives")
        self.order, self.position = self.log["orders"][after], [self.position[SEEN], self.position[EPOCHS] + 1, 0, 0]
        self.loaderWorkers = [torch.Generator().manual_seed((base + lane) % 2**64) for lane in range(self.case["loaderWorkers"])]

    def next_batch(self, after):
        if self.position[NEXT_INDEX] >= len(self.order):
            self.begin_epoch(after)
        begin = self.position[NEXT_INDEX]
        indices = self.order[begin : begin + self.case["batch"]]
        lane = self.loaderWorkers[self.position[NEXT_BATCH] % len(self.loaderWorkers)]
        mirrored = [self.case["flip"] and torch.rand(1, generator=lane).item() < 0.5 for _ in indices]
        self.position = [self.position[SEEN] + len(indices), self.position[EPOCHS], begin + len(indices), self.position[NEXT_BATCH] + 1]
        return indices, mirrored

    def draw_batch(self, _):
        """The Chainer program's draws: every picture by itself, mirrored by a coin."""
        count, indices, mirrored = len(self.order), [], []
        for _ in range(self.case["batch"]):
            indices.append(torch.randint(count, (1,), generator=self.generator).item())
            mirrored.append(self.case["flip"] and torch.randint(2, (1,), generator=self.generator).item() == 1)
        return indices, mirrored

    def noise_of(self, count):
        """Time steps and noise of a batch, or its latent vectors."""
        case = self.case
        if case["model"] == "diffusion":
            t = torch.randint(0, case["timesteps"], (count,), generator=self.generator)
            side = case["size"]
            return t, torch.randn((count, case["channels"], side, side), generator=self.generator)
        if case["variant"] == "pytorch":
            return None, torch.randn((count, case["latent"], 1, 1), generator=self.generator)
        return None, torch.empty(count, case["latent"]).uniform_(-1, 1, generator=self.generator)

    def run(self):
        steps = []
        self.order, self.position = self.log["orders"][0], self.log["positions"][0]
        take = self.draw_batch if self.case.get("variant") == "chainer" else self.next_batch
        for step in range(self.case["steps"]):
            self.generator.set_state(self.states[step].clone())
            batches = []
            for _ in range(self.case["accumulate"]):
                indices, mirrored = take(step + 1)
                t, noise = self.noise_of(len(indices))
                if step == 0 and not batches:
                    write_tensors(self.out / "ours-noise.safetensors", {"noise": noise})
                seen = self.pictures.seen(self.pictures.take(indices, mirrored))
                batches.append(seen | {"t": None if t is None else t.tolist(), **noted(noise)})
            continues = torch.equal(self.generator.get_state(), self.states[step + 1])
            steps.append({"batches": batches, "continues": continues})
        return {"steps": steps, "generator": digest(self.states[-1]), "pictures": len(self.pictures.pixels)}


def run_cases(files, run):
    """Runs the reference on each case that a file describes, and draws again what shinsaku drew there."""
    for file in files:
        case = json.loads(pathlib.Path(file).read_text())
        torch.set_num_threads(case["threads"])
        reference = run(case) | {"cpu": identity(case["threads"])["name"]}
        result = {"reference": reference, "replay": Replay(case).run()}
        (pathlib.Path(case["out"]) / "reference.json").write_text(json.dumps(result))

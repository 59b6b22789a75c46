"""Writes test/golden/classifier.json: what a plain PyTorch program computes with the classifier's two networks.

Needs PyTorch, and runs on a CPU: python test/golden/make/classifier.py
Losses are those of the reference's kernels, whose last bits are those of one kind of processor.
"""
import torch
from goldens import digest, numbers, write
from torch import nn

SEED, COUNT, SIZE, BATCH, EPOCHS, UNITS, WIDTH, CLASSES, THREADS = 3407, 22, 16, 8, 3, 12, 4, 3, 1


def mlp(inputs=SIZE * SIZE):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, CLASSES)
    )


def cnn():
    layers = []
    for i in range(3):
        channels = 1 if i == 0 else WIDTH << (i - 1)
        layers += [nn.Conv2d(channels, WIDTH << i, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    inputs = 4 * WIDTH * (SIZE // 8) ** 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs, UNITS), nn.ReLU(), nn.Linear(UNITS, CLASSES))


GAMES = {
    "mlp adam": (mlp, lambda p: torch.optim.Adam(p, lr=1e-3), None),
    "mlp sgd": (mlp, lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=1e-3), None),
    "cnn sgd": (cnn, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), None),
    "cnn adam": (cnn, lambda p: torch.optim.Adam(p, lr=1e-3), 0.5),
}


def run(make, optimizer_of, clip):
    torch.manual_seed(SEED)
    network = make()
    optimizer = optimizer_of(network.parameters())
    x = (numbers(COUNT, SIZE, 1).permute(0, 3, 1, 2).contiguous().float().div(255) - 0.5) / 0.5
    x = (1 - x) / 2  # white is 0
    data = torch.utils.data.TensorDataset(x, torch.arange(COUNT) % CLASSES)
    loader = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True)
    initial, log = digest(network.state_dict().values()), []
    for pictures, labels in (batch for _ in range(EPOCHS) for batch in loader):
        logits = network(pictures)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
        log.append([loss.item(), (logits.argmax(1) == labels).float().mean().item()])
    with torch.no_grad():
        logits = network(x[:4].flatten(1).view(4, 1, SIZE, SIZE)).flatten().tolist()
    return initial, {"log": log, "final": digest(network.state_dict().values()), "logits": logits}


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    made = {name: run(*game) for name, game in GAMES.items()}
    shared = {"size": SIZE, "batch": BATCH, "count": COUNT, "units": UNITS, "width": WIDTH, "classes": CLASSES}
    shared["initial"] = {name: initial for name, (initial, _) in made.items()}
    write("classifier.json", shared, {"runs": {name: run for name, (_, run) in made.items()}}, THREADS)

"""The reference's side of whole pictures: saves a network, or loads it and draws one with DDIM.

    python picture.py save|draw FILE.pt SETTINGS
"""

import json
import sys
import time

import torch

begun = time.perf_counter()
from record import import_torchvision  # noqa: E402

import_torchvision()
from denoising_diffusion_pytorch import GaussianDiffusion, Unet  # noqa: E402
from torchvision.utils import save_image  # noqa: E402

what, file, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
size = settings["size"]
torch.manual_seed(3407)
torch.set_num_threads(settings["threads"])
net = Unet(dim=settings["dim"], dim_mults=tuple(settings["dimMults"]))
diffusion = GaussianDiffusion(net, image_size=size, sampling_timesteps=settings["steps"])
if what == "save":
    torch.save(diffusion.state_dict(), file)
else:
    diffusion.load_state_dict(torch.load(file))
    diffusion.eval()
    drawing = time.perf_counter()
    picture = diffusion.sample(batch_size=1)
    save_image(picture, f"{file}.png")
    now = time.perf_counter()
    print(json.dumps({"first": 1000 * (now - begun), "next": 1000 * (now - drawing)}))

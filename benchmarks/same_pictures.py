"""Does this checkout make the same pictures, bit for bit, as another commit?

    python benchmarks/same_pictures.py --against COMMIT

makes small pictures on the CPU with random filters, one thread and one seed: with every preset, in tiles, from
noise, with two styles and regions, with each kind of colours, by each optimiser, over two ranks of torchrun.
The other commit makes them in a temporary worktree. A line for each picture says whether the two are the same;
the exit status is 1 where one is not. Without ``--against`` the hashes of the pictures are printed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from neural_style import LBFGS, Adam, Style, StyleTransfer, random_weights, synthesize_texture
from torch_lbfgs import TorchLBFGS

SIZE, ITERATIONS = 64, (3, 3)
ROOT = Path(__file__).parents[1]


def picture(seed: int, size: tuple[int, int] = (96, 128)) -> Tensor:
    """Return smooth noise, shape (3, H, W), in [0, 1]."""
    noise = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise, size, mode="bilinear")[0]


def made(run: dict[str, object] | None = None, style: object = None, **options: object) -> Tensor:
    """Return a transfer's result."""
    transfer = StyleTransfer(weights=random_weights(width=0.25), device="cpu", precision="float32", **options)  # type: ignore[arg-type]
    chosen: dict[str, object] = {"size": SIZE, "iterations": ITERATIONS, "levels": None, **(run or {})}
    return transfer.run(picture(0), picture(1) if style is None else style, **chosen)  # type: ignore[arg-type]


def over_two_ranks() -> Tensor:
    """Return what two processes make together, by the command."""
    from neural_style import load_image, save_image

    with tempfile.TemporaryDirectory() as folder:
        random_weights(width=0.25).save(Path(folder) / "filters.pth")
        for name, seed in (("photo", 0), ("painting", 1)):
            save_image(picture(seed, (192, 128)), Path(folder) / f"{name}.png")
        words = ["stylize", "photo.png", "painting.png", "-o", "out.png", "--weights", "filters.pth", "--quiet"]
        words += ["--size", "192", "--iterations", "2,2", "--device", "cpu", "--precision", "float32"]
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        command = [*torchrun, "-m", "neural_style", *words]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return load_image(Path(folder) / "out.png")


def cases() -> dict[str, Callable[[], Tensor]]:
    """Return what makes each picture, by name."""
    top = torch.linspace(1, 0, 96).view(96, 1).expand(96, 128)
    regions = [Style(picture(1), region=top), Style(picture(2), region=1 - top, scale=0.7)]
    found: dict[str, Callable[[], Tensor]] = {
        f"preset {name}": lambda name=name: made(
            {"iterations": None if name == "default" else 2, "levels": 1}, preset=name
        )  # type: ignore[misc]
        for name in ("default", "paper", "authors", "self-taught")
    }
    found |= {
        "two levels": made,
        "in tiles": lambda: made(tile_size=32),
        "from noise": lambda: made({"init": "noise"}),
        "from a mix": lambda: made({"init": {"content": 1, "colored-noise": 1}}),
        "two styles": lambda: made({"style_weights": [1, 2]}, [picture(1), picture(2)]),
        "regions": lambda: made(style=regions),
        "strength": lambda: made(strength=0.3),
        "the content's colours": lambda: made(color="content"),
        "matched colours": lambda: made(color="match"),
        "tiles the plane": lambda: made(padding="circular"),
        "preview": lambda: made({"iterations": None, "preview": True}),
        "torch's L-BFGS": lambda: made(optimizer=TorchLBFGS()),
        "Adam": lambda: made(optimizer=Adam()),
        "a short history": lambda: made(optimizer=LBFGS(history=1)),
        "a texture": lambda: synthesize_texture(
            picture(1), (48, 64), iterations=2, weights=random_weights(width=0.25), device="cpu"
        ),
        "over two ranks": over_two_ranks,
    }
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Print the pictures' hashes, or compare them with another commit's."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--against", metavar="COMMIT")
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    mine = {}
    for name, make in cases().items():
        mine[name] = hashlib.sha256(make().contiguous().numpy().tobytes()).hexdigest()
        if arguments.against is None:
            print(f"{mine[name]} {name}", flush=True)
    if arguments.against is None:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "other")
        subprocess.run(
            ["git", "worktree", "add", "--detach", place, arguments.against],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        try:
            environment = {**os.environ, "PYTHONPATH": f"{place}/src", "OMP_NUM_THREADS": "1"}
            command = [sys.executable, str(Path(__file__).resolve())]
            said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", place], cwd=ROOT, check=True)
    theirs = {line.partition(" ")[2]: line.partition(" ")[0] for line in said.splitlines()}
    for name, value in mine.items():
        print(f"{'the same' if theirs.get(name) == value else 'DIFFERENT'}: {name}", flush=True)
    return int(mine != theirs)


if __name__ == "__main__":
    raise SystemExit(main())

"""What torchrun starts in tests/test_torchrun.py: cases for several processes, which print a line of JSON.

torchrun --nproc-per-node=3 tests/rank_cases.py exact
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import torch

from narrow import RANDOM
from neural_style import StyleTransfer
from neural_style.device.ranks import Ranks, joined, place
from neural_style.evaluation.share import Stripes
from neural_style.evaluation.tiles import TileGeometry
from tiled import Case, both, difference

CASES = [
    Case((336, 64), 1024, "reflect", "average"),
    Case((331, 70), 64, "zeros", "max"),
    Case((336, 96), 64, "circular", "average"),
]


def exact(ranks: Ranks) -> object:
    """Return how far loss, gradient and a tensor of each dtype are from one process's or the first rank's."""
    differences = []
    for case in CASES:
        whole, tiled, image = both(case)
        share = Stripes(ranks, TileGeometry(80, wraps=case.padding == "circular"))
        rows = share.rows(case.size[0])
        loss, gradient = tiled(share=share).value_and_grad(image[..., rows.start : rows.stop, :])
        expected_loss, expected = whole.value_and_grad(image)
        gathered = ranks.gathered(gradient, share.bounds(case.size[0]))
        differences += [abs((loss / expected_loss).item() - 1), difference(gathered, expected)]
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        given = torch.full((2, 3), 1.5 + ranks.rank, dtype=dtype)
        differences.append((ranks.broadcast(given) - 1.5).abs().max().item())
    return differences


def sleeps(ranks: Ranks) -> object:
    """Return the shape of the result of a small run, for which rank 1 comes too late."""
    generator = torch.Generator().manual_seed(0)
    content, style = (torch.rand(3, *size, generator=generator) for size in ((176, 64), (64, 64)))
    transfer = StyleTransfer(weights=RANDOM, device="cpu", precision="float32", ranks=ranks)
    if ranks.rank == 1:
        time.sleep(30)
    return list(transfer.run(content, style, size=None, iterations=3, levels=1, init="noise").shape)


def levels(ranks: Ranks) -> object:
    """Return how far a run of two levels, the first for one rank alone, is from that of one process."""
    generator = torch.Generator().manual_seed(0)
    content, style = (torch.rand(3, *size, generator=generator) for size in ((256, 64), (64, 64)))
    one, many = (
        StyleTransfer(weights=RANDOM, device="cpu", precision="float32", ranks=group) for group in (None, ranks)
    )
    options: dict[str, Any] = {"size": None, "iterations": (2, 2), "init": "noise"}
    pictures = [transfer.run(content, style, **options) for transfer in (one, many)]
    return (pictures[1] - pictures[0]).abs().max().item()


def main(case: str, seconds: float) -> None:
    """Run a case on this rank, and print its result."""
    here = place()
    began = time.monotonic()
    try:
        with joined(here, seconds) as ranks:
            assert ranks is not None
            result = {"exact": exact, "levels": levels, "sleeps": sleeps}[case](ranks)
    except (ValueError, RuntimeError, ConnectionError) as error:
        result = f"{type(error).__name__}: {error}"
    # In one write, since the ranks share a pipe.
    os.write(1, (json.dumps([here.rank, result, time.monotonic() - began]) + "\n").encode())
    if case == "sleeps":
        os._exit(3)  # and so torchrun ends the other


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

"""What do two ranks of one thread each cost, beside one process with both threads?

    python benchmarks/ranks.py

evaluates one picture by turns: by this process alone, then by two that `torch.distributed` brings together. At
a ratio of 1 sharing a picture costs nothing. ``--smoke`` tries it on a small picture within seconds.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection

import torch
import torch.distributed as dist
from torch import Tensor

from cases import settings_of, weights_of
from measurement import RESULTS, Record, common_parser, run_benchmark, seeded_picture
from neural_style.device.hardware import choose_device, choose_dtype
from neural_style.device.ranks import Ranks
from neural_style.device.settings import set_up
from neural_style.evaluation.objective import Objective
from neural_style.evaluation.share import Share, Stripes
from neural_style.evaluation.tiles import TileGeometry
from neural_style.network.features import VGG19Features
from neural_style.transfer.presets import PRESETS

SIZES = [1024, 1536]  # rows of a 4:3 picture that stands
SMOKE_SIZES = [176]
WORLD = 2
TURNS, REPEATS = 3, 3  # turns of so many evaluations each
ALIGNMENT = 16  # pixels of a position of relu5_1


def objective_of(
    rows: int, arguments: argparse.Namespace, share: Share | None = None
) -> tuple[Objective, Tensor]:
    """Return the default objective of a picture of so many rows, and the picture to evaluate."""
    size, device = (rows, rows * 3 // 4 // ALIGNMENT * ALIGNMENT), choose_device(arguments.device)
    settings = PRESETS["default"]
    network = VGG19Features(weights_of(arguments), settings.layers)
    network.set_precision(choose_dtype(arguments.precision, device))
    content, style, image = (seeded_picture(size, arguments.seed + number) for number in range(3))
    return Objective(network, content, style, settings, share=share), image


def evaluations(objective: Objective, image: Tensor, wait: Callable[[], object]) -> list[float]:
    """Return the seconds of some evaluations, each begun after a wait for the others."""
    samples = []
    for _ in range(REPEATS):
        wait()
        began = time.perf_counter()
        objective.value_and_grad(image)
        wait()
        samples.append(time.perf_counter() - began)
    return samples


def be_a_rank(rank: int, port: int, arguments: argparse.Namespace, orders: Connection) -> None:
    """Evaluate a share of each picture that is asked for, until None is."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    dist.init_process_group("gloo", rank=rank, world_size=WORLD)
    share, kept = Stripes(Ranks(), TileGeometry.of("relu5_1")), {}
    with set_up(torch.device("cpu")):
        while (rows := orders.recv()) is not None:
            if rows not in kept:
                objective, image = objective_of(rows, arguments, share)
                own = share.rows(rows)
                kept = {rows: (objective, image[..., own.start : own.stop, :])}
                objective.value_and_grad(kept[rows][1])  # not counted
            orders.send(evaluations(*kept[rows], dist.barrier))
    dist.destroy_process_group()


def measure(arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield settings and results so far after every result."""
    sizes = arguments.sizes or (SMOKE_SIZES if arguments.smoke else SIZES)
    results: list[Record] = []
    record: Record = {"settings": settings_of(arguments) | {"ranks": WORLD}, "results": results}
    context, (pipes, ends) = (
        get_context("spawn"),
        zip(*(get_context("spawn").Pipe() for _ in range(WORLD)), strict=True),
    )
    port = _free_port()
    processes = [
        context.Process(target=be_a_rank, args=(rank, port, arguments, end), daemon=True)
        for rank, end in enumerate(ends)
    ]
    for process in processes:
        process.start()
    torch.set_num_threads(WORLD)
    for rows in sizes:
        objective, image = objective_of(rows, arguments)
        alone: list[float] = []
        shared: list[float] = []
        with set_up(torch.device("cpu")):
            loss = objective.value_and_grad(image)[0].item()  # and not counted
            for _ in range(TURNS):
                alone += evaluations(objective, image, lambda: None)
                for pipe in pipes:
                    pipe.send(rows)
                shared += [max(times) for times in zip(*(pipe.recv() for pipe in pipes), strict=True)]
        one, many = statistics.median(alone), statistics.median(shared)
        results.append(
            {
                "height": image.shape[-2],
                "width": image.shape[-1],
                "loss": loss,
                "alone_seconds": one,
                "shared_seconds": many,
                "shared_over_alone": many / one,
                "alone_samples_seconds": alone,
                "shared_samples_seconds": shared,
            }
        )
        print(f"{rows} rows: {one:.2f} s alone, {many:.2f} s by {WORLD} ranks: {many / one:.2f}", flush=True)
        yield record
    for pipe in pipes:
        pipe.send(None)
    for process in processes:
        process.join()


def _free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    return common_parser(
        "ranks",
        "Time of an evaluation by two ranks of one thread, beside one process of two.",
        precision="of the network",
        smoke="a small picture and a narrow network",
    )


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the record."""
    run_benchmark("ranks", argument_parser(), words, measure, RESULTS)


if __name__ == "__main__":
    main()

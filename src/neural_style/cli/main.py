"""``neural-style``: people at the door. Arguments, progress and messages; no mathematics.

What can be wrong with what was typed is found out before the run. An error is one line and exit status 2;
Ctrl-C keeps the picture so far, exit status 130.
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.cli.arguments import PICTURE_OPTIONS, parse
from neural_style.cli.batch import Job, Record, read_jobs
from neural_style.cli.build import transfer_from_options
from neural_style.cli.demo import bundled_pictures, sheet
from neural_style.cli.messages import in_a_line, tell, tell_enlarged, tell_estimate, warnings_told
from neural_style.cli.progress import ProgressBar, pixels
from neural_style.cli.style_files import pictures_in, styles_from_options
from neural_style.device.memory import ran_out
from neural_style.device.ranks import Ranks, ending_together, joined, place, rank_device
from neural_style.images.io import check_writable, save_image, to_image_tensor
from neural_style.images.masks import to_mask
from neural_style.images.resizing import fit_within, resize
from neural_style.network.vgg19 import check_layers
from neural_style.network.weights import WeightsUnavailableError, learn_weights
from neural_style.transfer import StyleTransfer
from neural_style.transfer.levels import previewed
from neural_style.transfer.progress import Callback, RunInterrupted
from neural_style.transfer.starts import check_there, is_picture
from neural_style.transfer.styles import Style

ERRORS = (
    *(ValueError, TypeError, OSError, ImportError, MemoryError, FloatingPointError),
    *(WeightsUnavailableError, torch.OutOfMemoryError),
)
# What of a batch's options leaves its pictures as they are, or is in the jobs already.
NOT_SHARED = ("command", "jobs", "quiet", "device", "compile", "tile_size", *PICTURE_OPTIONS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    try:
        options = parse(argv)
        with warnings_told(quiet=options.quiet or place().rank > 0):
            return COMMANDS[options.command](options)
    except KeyboardInterrupt:
        tell("interrupted before there was a picture")
        return 130
    except (*ERRORS, RuntimeError) as error:
        if not isinstance(error, ERRORS) and not ran_out(error):  # torch's, on a CPU without memory
            raise
        tell(f"error: {in_a_line(error)}")
        return 2


# Commands ------------------------------------------------------------------------------------------------


def _stylize(options: argparse.Namespace) -> int:
    """Make a picture, alone or together with the other ranks of torchrun's, for rank 0 to write."""
    here = place()
    if here.rank > 0:
        options.quiet = True
    options.device = rank_device(options.device, here, apart=True)
    with joined(here, options.rank_timeout) as ranks:
        if ranks is None:
            run, save, out = _prepared(options, None)
            return _make(run, save, out, quiet=options.quiet)
        with ranks.preparing():
            run, save, out = _prepared(options, ranks)
        with ending_together(here):  # rank 0 may still be writing
            return _make(run, save, out, quiet=options.quiet, first=here.rank == 0, last=True)


def _prepared(
    options: argparse.Namespace, ranks: Ranks | None
) -> tuple[Callable[..., Tensor], Callable[[Tensor], None], Path]:
    """Return what makes the picture, what writes it, and where: all that can be wrong is found out here."""
    out = options.output or Path(f"{options.content.stem}-{options.style[0].stem}.png")
    pictures = {"content": options.content}
    if is_picture(options.init):
        check_there(options.init)
        pictures["init"] = Path(str(options.init))
    inputs = [*pictures.values(), Path(options.weights), *options.regions, *options.style_maps]
    inputs += [picture for path in options.style for picture in pictures_in(path)]
    _check_not_among("--output", out, inputs)
    given: dict[str, Any] = {name: to_image_tensor(path, name) for name, path in pictures.items()}
    places = {"regions": options.regions, "maps": options.style_maps}
    given["style"] = _typed_styles(options, given["content"], **places)
    size = _result_size(given["content"], options.size)
    check_writable(out, size=size, argument="--output")
    tell_enlarged(given["content"], previewed(size) if options.preview else size, quiet=options.quiet)
    transfer = transfer_from_options(options, ranks=ranks)
    schedule = {name: getattr(options, name) for name in ("iterations", "levels", "init", "preview")}
    chosen = {name: getattr(options, name) for name in ("size", "seed")} | schedule
    save: Callable[[Tensor], None] = partial(save_image, path=out, quality=options.quality)
    if ranks is not None and ranks.rank > 0:
        save = _left_to_the_first
    tell_estimate(transfer, size, quiet=options.quiet, **schedule)
    return partial(transfer.run, **{**chosen, **given}), save, out


def _typed_styles(
    options: argparse.Namespace, content: Tensor | None = None, **places: Sequence[Path]
) -> list[Style]:
    """Return the styles that were typed, their pictures and masks read."""
    styles = styles_from_options(
        options.style, weights=options.style_weights, scales=options.style_scales, **places
    )
    read, masks = dict[Any, Tensor](), dict[Any, Tensor]()  # with maps in colours, a picture serves several
    for number, style in enumerate(styles, 1):
        argument = "style" if len(styles) == 1 else f"style {number}"
        if style.image not in read:
            read[style.image] = to_image_tensor(style.image, argument)
        image, region, mask = read[style.image], style.region, style.mask
        if region is not None and content is not None:
            if region not in masks:
                masks[region] = to_mask(region, f"{argument}'s region", content)
            region = masks[region]
        mask = None if mask is None else to_mask(mask, f"{argument}'s mask", image)
        styles[number - 1] = replace(style, image=image, region=region, mask=mask)
    return styles


def _texture(options: argparse.Namespace) -> int:
    """Make a texture: a transfer without content."""
    out = options.output or Path(f"{options.style[0].stem}-texture.png")
    inputs = [picture for path in options.style for picture in pictures_in(path)]
    return _from_noise(options, out, inputs, torch.full((3, *options.size), 0.5), None, _typed_styles(options))


def _reconstruct(options: argparse.Namespace) -> int:
    """Make a picture of what a layer keeps: a transfer without style."""
    (layer,) = check_layers("LAYER", [options.layer])
    options.content_layers, options.content_weight = [layer], 1.0
    if not isinstance(options.iterations, int):
        options.levels = None  # as many as there are numbers
    out = options.output or Path(f"{options.content.stem}-{layer}.png")
    content = to_image_tensor(options.content, "content")
    return _from_noise(options, out, [options.content], content, options.size, content)


def _from_noise(
    options: argparse.Namespace,
    out: Path,
    inputs: Sequence[Path],
    content: Tensor,
    size: int | None,
    style: Any,
) -> int:
    """Make and save a picture from noise."""
    _check_not_among("--output", out, [*inputs, Path(options.weights)])
    if place().world > 1:
        advice = "Start it without torchrun."
        raise ValueError(_checks.message(f"the ranks of {options.command}", "be one", place().world, advice))
    result = _result_size(content, size)
    check_writable(out, size=result, argument="--output")
    transfer = transfer_from_options(options)
    tell_estimate(transfer, result, quiet=options.quiet, iterations=options.iterations, levels=options.levels)
    chosen = {name: getattr(options, name) for name in ("iterations", "levels", "init", "seed")}
    run = partial(transfer.run, content, style, size=size, **chosen)
    return _make(run, partial(save_image, path=out, quality=options.quality), out, quiet=options.quiet)


def _left_to_the_first(_image: Tensor) -> None:
    """Write nothing: rank 0 does."""


def _batch(options: argparse.Namespace) -> int:
    here = place()
    rank = f"[rank {here.rank}] " if here.world > 1 else ""
    jobs = read_jobs(options.jobs, {name: getattr(options, name) for name in PICTURE_OPTIONS})
    shared = {name: value for name, value in vars(options).items() if name not in NOT_SHARED}
    record, share = Record(options.jobs, shared), here.share(jobs)
    to_do = [job for job in share if job not in record]
    there = len(share) - len(to_do)
    count = f"of {len(share)} picture{'' if len(share) == 1 else 's'}"
    made = failed = 0
    try:
        with ending_together(here):
            if to_do:
                once = {"quiet": options.quiet or here.rank > 0, "device": rank_device(options.device, here)}
                transfer = transfer_from_options(argparse.Namespace(**{**vars(options), **once}))
            for number, job in enumerate(to_do, there + 1):
                title = f"picture {number} of {len(share)}"
                with warnings_told(quiet=options.quiet, rank=rank):
                    if _make_job(transfer, job, record, title, rank, quiet=options.quiet):
                        made += 1
                    else:
                        failed += 1
            parts = [f"{made} {count} made"]
            parts += [f"{failed} failed"] if failed else []
            parts += [f"{there} {'was' if there == 1 else 'were'} there before"] if there else []
            tell(", ".join(parts), rank=rank, quiet=options.quiet and not failed)
    except KeyboardInterrupt:
        text = f"interrupted; {there + made} {count} done, and the same command goes on with the rest"
        tell(text, rank=rank)
        return 130
    return 1 if failed else 0


def _make_job(transfer: StyleTransfer, job: Job, record: Record, title: str, rank: str, *, quiet: bool) -> bool:
    """Make and record a picture of a batch, and say so; return whether it worked."""
    began = time.monotonic()
    try:
        given = {name: to_image_tensor(path, name) for name, path in job.inputs.items()}
        chosen = {name: value for name, value in job.options.items() if name != "quality"}
        check_writable(job.output, size=_result_size(given["content"], chosen["size"]))
        with ProgressBar(sys.stderr, quiet=quiet or bool(rank), title=title) as bar:
            image = transfer.run(**{**chosen, **given}, callback=bar.show)
        save_image(image, job.output, quality=job.options["quality"])
        record.add(job)
    except (*ERRORS, RuntimeError) as error:  # a RuntimeError is what torch raises on a CPU without memory
        tell(f"{title}, line {job.line}: {job.output} failed: {in_a_line(error)}", rank=rank)
        return False
    if not quiet:
        size, seconds = pixels(image.shape[-2:]), time.monotonic() - began
        print(f"{rank}{title}: {job.output}: {size} pixels in {seconds:.1f} s", flush=True)
    return True


def _learn(options: argparse.Namespace) -> int:
    """Learn filters from paintings and write them."""
    began, out = time.monotonic(), options.output
    paths = [picture for path in options.painting for picture in pictures_in(path)]
    _check_not_among("--output", out, paths)
    _checks.file_to_write("--output", out)
    if out.suffix == ".safetensors" and importlib.util.find_spec("safetensors") is None:
        rule, advice = "end in .pth where safetensors is not installed", "Choose .pth, or install safetensors."
        raise ImportError(_checks.message("--output", rule, f"'{out}'", advice))
    pictures = []
    for number, path in enumerate(paths, 1):
        picture = to_image_tensor(path, "painting" if len(paths) == 1 else f"painting {number}")
        size = _result_size(picture, options.size)
        pictures.append(resize(picture, size) if max(size) < max(picture.shape) else picture)
    learn_weights(pictures, seed=options.seed).save(out)
    if not options.quiet:
        print(
            f"{out}: filters of {len(paths)} picture{'' if len(paths) == 1 else 's'} "
            f"in {time.monotonic() - began:.1f} s"
        )
    return 0


def _demo(options: argparse.Namespace) -> int:
    out = options.output
    sheet_path = out.with_name(f"{out.stem}-sheet{out.suffix}")
    for path in (out, sheet_path):
        check_writable(path, argument="--output")
    content, style = bundled_pictures()

    def save(image: Tensor) -> None:
        save_image(image, out)
        save_image(sheet([content, style, image]), sheet_path)

    transfer, size = StyleTransfer(), _result_size(content, options.size)
    tell_enlarged(content, size, quiet=options.quiet)
    tell_estimate(transfer, size, quiet=options.quiet)
    run = partial(transfer.run, content, style, size=options.size, seed=options.seed)
    status = _make(run, save, out, quiet=options.quiet)
    if not options.quiet:
        print(f"{sheet_path}: the photograph, the painting and the result")
    return status


def _result_size(content: Tensor, size: int | None) -> tuple[int, int]:
    """Return (height, width) of the result: of that longer side, or the content's own."""
    own = (content.shape[-2], content.shape[-1])
    return own if size is None else fit_within(own, size)


def _make(
    run: Callable[..., Tensor],
    save: Callable[[Tensor], None],
    out: Path,
    *,
    quiet: bool,
    first: bool = True,
    last: bool = False,
) -> int:
    """Run with progress, save the picture, or on Ctrl-C the picture so far, and say so.

    Args:
        run: makes the picture.
        save: writes it.
        out: where to.
        quiet: whether to say nothing but errors and the interrupt.
        first: whether this is the rank that speaks of it.
        last: whether the process ends after it: then a second Ctrl-C, such as torchrun's own, is ignored.
    """
    began = time.monotonic()
    try:
        with ProgressBar(sys.stderr, quiet=quiet) as bar:
            callback: Callback = bar.show
            image = run(callback=callback)
    except RunInterrupted as interrupt:
        if last:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        save(interrupt.image)
        tell(f"interrupted; the picture so far is in {out}", quiet=not first)
        return 130
    save(image)
    if not quiet:
        print(f"{out}: {pixels(image.shape[-2:])} pixels in {time.monotonic() - began:.1f} s")
    return 0


def _check_not_among(argument: str, path: Path, others: Sequence[Path]) -> None:
    """Check that a file to be written is none of the others."""
    for other in others:
        if path.resolve() == other.resolve() or (path.exists() and other.exists() and path.samefile(other)):
            advice = "Give it a name of its own."
            raise ValueError(_checks.message(argument, "leave the other files alone", f"'{path}'", advice))


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "stylize": _stylize,
    "batch": _batch,
    "texture": _texture,
    "reconstruct": _reconstruct,
    "learn": _learn,
    "demo": _demo,
}

"""Texture transfer by image quilting: a picture made of blocks of another that resemble it in their places."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.device.hardware import choose_device
from neural_style.images.io import ImageSource, to_image_tensor
from neural_style.images.resizing import fit_within, resize, size_of
from neural_style.quilting.correspondence import correspondence_maps
from neural_style.quilting.laying import Guidance, lay, progress_counter
from neural_style.quilting.layout import Layout, check_block

BLUR = 1 / 9  # of the first pass's block: the standard deviation of the correspondence maps' blur
OVERLAP = 3  # a third of a block
SHRINKAGE = 2 / 3  # of the block from pass to pass
SMALLEST = 2  # pixels of a block's side


def transfer_texture(
    source: ImageSource,
    target: ImageSource,
    block_size: int = 18,
    *,
    size: int | None = 512,
    overlap: int | None = None,
    passes: int = 3,
    tolerance: float = 0.1,
    seed: int = 0,
    device: str | torch.device = "auto",
    callback: Callable[[int, int], object] | None = None,
) -> Tensor:
    """Return a picture that shows a target in the texture of a source: a quilt of blocks of the source.

    The error by which blocks are drawn is α · (overlap + previous) + (1 − α) · correspondence, sums of squared
    differences: over the overlap with the blocks before; between the block and what the pass before has laid in
    its place, from the second pass on; and between the blurred luminance of block and target. Pass i of N takes
    α = 0.8 (i − 1) / (N − 1) + 0.1, and blocks two thirds as large as the pass before: the first one places
    what is light and dark, later ones mend the texture.

    Departs from the paper: the target's luminance is first given the source's distribution (see
    `correspondence_maps`). Blocks overlap by a third instead of a sixth: neighbours are less alike than in a
    texture, and narrow seams between them show as a mosaic. A single pass takes α = 0.1.

    Args:
        source: whose texture it is: a path, a PIL picture, an array of uint8 or a float tensor (3, H, W) in
            [0, 1]. It is reduced to the longer side of the result, if it is larger.
        target: what it shows, likewise.
        block_size: side of the first pass's blocks in pixels, from 2 to the source's shorter side: smaller
            shows more of the target, larger keeps more of the texture.
        size: longer side of the result in pixels; None keeps the target's size.
        overlap: of the first pass's blocks in pixels, from 1 to half a block, in later passes in proportion;
            None takes a third of a block.
        passes: N, at least 1. The last one's blocks have to be at least 2 pixels wide.
        tolerance: how much larger than the least a candidate's error may be, as a fraction of it, at least 0:
            larger is more varied, with worse seams.
        seed: same seed, same picture.
        device: where to compute; ``"auto"`` takes the best that this machine has.
        callback: called with the number of blocks that are laid and of all passes' blocks, as they are laid.

    Returns:
        Tensor (3, h, w), float32, RGB in [0, 1], on the device. Every pixel is one of the source's.

    Raises:
        OSError, TypeError, ValueError: if an argument is invalid.

    Reference:
        Efros & Freeman, "Image Quilting for Texture Synthesis and Transfer" (SIGGRAPH 2001), section 3.

    >>> source, target = torch.rand(2, 3, 24, 32, generator=torch.Generator().manual_seed(0))
    >>> transfer_texture(source, target, 9, size=20).shape
    torch.Size([3, 15, 20])
    """
    _checks.whole_number("passes", passes, minimum=1)
    _checks.number("tolerance", tolerance)
    generator = torch.Generator("cpu").manual_seed(_checks.seed(seed))
    place = choose_device(device)
    content = to_image_tensor(target, "target", lambda own: fit_within(own, size)).to(place)
    content = content if size is None else resize(content, fit_within(size_of(content), size))
    longer, called = max(size_of(content)), "the source"
    style = to_image_tensor(source, "source", lambda own: fit_within(own, longer)).to(place)
    if max(size_of(style)) > longer:
        style = resize(style, fit_within(size_of(style), longer))
        called += f" as reduced to {longer} pixels"
    block, width = check_block(block_size, overlap, min(size_of(style)), called, share=OVERLAP)
    layouts = shrinking(Layout(size_of(content), block, width), passes)
    progress = progress_counter(callback, sum(layout.count for layout in layouts))
    with torch.no_grad():
        maps = correspondence_maps(style[0], content[0], BLUR * block)
        positions: Tensor | None = None
        for number, layout in enumerate(layouts):
            guidance = Guidance(*maps, texture_weight(number, passes), positions)
            positions = lay(
                style[0],
                layout,
                tolerance=tolerance,
                generator=generator,
                guidance=guidance,
                progress=progress,
            )
        return style[0].flatten(1)[:, positions]


def texture_weight(number: int, passes: int) -> float:
    """Return α of a pass, counted from 0: from 0.1 in the first to 0.9 in the last.

    >>> [round(texture_weight(number, 3), 2) for number in range(3)]
    [0.1, 0.5, 0.9]
    """
    return 0.8 * number / max(1, passes - 1) + 0.1


def shrinking(first: Layout, passes: int) -> list[Layout]:
    """Return the blocks of each pass: their sides and overlaps shrink by a third from one to the next.

    Raises:
        ValueError: if the last ones would be narrower than 2 pixels.

    >>> [(layout.block, layout.overlap) for layout in shrinking(Layout((64, 64), 18, 3), 3)]
    [(18, 3), (12, 2), (8, 1)]
    >>> [(layout.block, layout.overlap) for layout in shrinking(Layout((64, 64), 10, 5), 2)]
    [(10, 5), (7, 3)]
    """
    blocks: list[int] = []
    for number in range(passes):
        blocks.append(round(first.block * SHRINKAGE**number))
        if blocks[-1] < SMALLEST:
            rule = f"leave the last pass blocks of at least {SMALLEST} pixels"
            advice = f"Blocks of {first.block} pixels allow {number}."
            raise ValueError(_checks.message("passes", rule, passes, advice))
    overlaps = [round(first.overlap * block / first.block) for block in blocks]
    return [
        Layout(first.size, block, min(max(1, overlap), block // 2))
        for block, overlap in zip(blocks, overlaps, strict=True)
    ]

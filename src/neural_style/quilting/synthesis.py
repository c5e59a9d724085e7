"""Texture synthesis by image quilting: more of a picture, made of blocks of it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.device.hardware import choose_device
from neural_style.images.io import ImageSource, to_image_tensor
from neural_style.quilting.laying import lay, progress_counter
from neural_style.quilting.layout import Layout, check_block


def synthesize(
    texture: ImageSource,
    height: int,
    width: int,
    block_size: int = 36,
    *,
    overlap: int | None = None,
    tolerance: float = 0.1,
    seed: int = 0,
    device: str | torch.device = "auto",
    callback: Callable[[int, int], object] | None = None,
) -> Tensor:
    """Return a texture of any size, quilted from blocks of a picture.

    Blocks are laid in raster order. Each is drawn at random from the source's blocks whose squared error over
    the overlap with the blocks before is within a tenth of the least, and cut to them along the path of least
    error.

    Departs from the paper, whose rule takes all blocks within a tenth of the least error. The block that
    continues a neighbour in the source has an error of 0, so that it would be the only one, and the result a
    copy of the source up to its border. Here that block is left out.

    Args:
        texture: a path, a PIL picture, an array of uint8 or a float tensor (3, H, W) in [0, 1]. It keeps its
            size: more of it is made, not a larger one.
        height: of the result in pixels.
        width: of the result in pixels.
        block_size: side of a block in pixels, from 2 to the picture's shorter side: large enough for what
            repeats in the texture, and no larger.
        overlap: of neighbouring blocks in pixels, from 1 to half a block; None takes a sixth of a block.
        tolerance: how much larger than the least a candidate's error may be, as a fraction of it, at least 0:
            larger is more varied, with worse seams.
        seed: another seed, another texture.
        device: where to compute; ``"auto"`` takes the best that this machine has.
        callback: called with the number of blocks that are laid and of all blocks, as they are laid.

    Returns:
        Tensor (3, height, width), float32, RGB in [0, 1], on the device. Every pixel is one of the picture's.

    Raises:
        OSError, TypeError, ValueError: if an argument is invalid.

    Reference:
        Efros & Freeman, "Image Quilting for Texture Synthesis and Transfer" (SIGGRAPH 2001), section 2.

    >>> picture = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0))
    >>> synthesize(picture, 30, 40, block_size=12).shape
    torch.Size([3, 30, 40])
    """
    size = (_checks.whole_number("height", height, minimum=1), _checks.whole_number("width", width, minimum=1))
    generator = torch.Generator("cpu").manual_seed(_checks.seed(seed))
    _checks.number("tolerance", tolerance)
    place = choose_device(device)
    source = to_image_tensor(texture, "texture")[0].to(place)
    layout = Layout(size, *check_block(block_size, overlap, min(source.shape[1:]), "the texture"))
    progress = progress_counter(callback, layout.count)
    with torch.no_grad():
        positions = lay(source, layout, tolerance=tolerance, generator=generator, progress=progress)
        return source.flatten(1)[:, positions]

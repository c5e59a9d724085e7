"""The paper's other pictures: what of an image a layer keeps, and what of it is texture.

Both are the transfer with one of its two losses, from noise.

Reference:
    Gatys, Ecker & Bethge (CVPR 2016), figure 1; "Texture Synthesis Using Convolutional Neural Networks" (NIPS
    2015); Mahendran & Vedaldi, "Understanding Deep Image Representations by Inverting Them" (CVPR 2015).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.images.io import ImageSource
from neural_style.network.vgg19 import check_layers
from neural_style.transfer.callback import Callback
from neural_style.transfer.levels import DEFAULT_SIZE, sides_of
from neural_style.transfer.starts import InitSource
from neural_style.transfer.style_transfer import StyleTransfer
from neural_style.transfer.styles import Style, StyleSource, sources_of

# The options of a transfer in which only one of its losses is left.
RECONSTRUCTION: Mapping[str, Any] = {"style_weight": 0.0, "variation_weight": 0.0, "match_colors": False}
TEXTURE: Mapping[str, Any] = {"content_weight": 0.0, "match_colors": False}
OF_COLOR = ("color", "match_colors")
OF_CONTENT = ("content_layers", "content_weight", "match_colors")  # a texture has none
RECONSTRUCTED_ITERATIONS = 300
TEXTURE_ITERATIONS = 100


def reconstruct_content(
    image: ImageSource,
    layer: str,
    *,
    size: int | None = 256,
    iterations: int | Sequence[int] = RECONSTRUCTED_ITERATIONS,
    levels: int | None = None,
    seed: int = 0,
    callback: Callback | None = None,
    **options: Any,
) -> Tensor:
    """Return a picture whose features in one layer are an image's: what that layer knows of it, from noise.

    Early layers keep the very pixels, late ones the things and their places: that is why content is taken from
    a late one.

    Args:
        image: see `StyleTransfer.run`.
        layer: a name, such as ``"relu4_2"``.
        size: see `StyleTransfer.run`.
        iterations: likewise.
        levels: how many sizes. None takes one, where a reconstruction owes nothing to a coarser one, or as many
            as there are numbers of iterations.
        seed: likewise.
        callback: likewise.
        options: of `StyleTransfer`: weights, device, pooling, … A ``variation_weight`` of more than 0 makes it
            smoother.

    Raises:
        TypeError, ValueError: see `StyleTransfer`; or if an option has nothing to do here.

    >>> photo = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> reconstruct_content(photo, "relu2_1", size=32, iterations=1, weights="random").shape
    torch.Size([3, 32, 32])
    """
    for option in ("content_layers", "style_layers", "style_weight", "statistic", "strength", *OF_COLOR):
        if options.get(option) is not None and options[option] is not False:
            rule, advice = "be left out of a reconstruction", "It has one layer of content, and no style."
            raise ValueError(_checks.message(option, rule, repr(options[option]), advice))
    (name,) = check_layers("layer", [layer])
    if levels is None and not isinstance(iterations, Sequence):
        levels = 1
    chosen = {**RECONSTRUCTION, "content_layers": [name], "content_weight": 1.0, **options}
    schedule = {"size": size, "iterations": iterations, "levels": levels}
    return StyleTransfer(**chosen).run(image, image, **schedule, init="noise", seed=seed, callback=callback)  # type: ignore[arg-type]


def synthesize_texture(
    style: StyleSource | Sequence[StyleSource],
    size: int | tuple[int, int] = DEFAULT_SIZE,
    *,
    iterations: int | Sequence[int] = TEXTURE_ITERATIONS,
    levels: int | None = None,
    init: InitSource = "colored-noise",
    seed: int = 0,
    callback: Callback | None = None,
    **options: Any,
) -> Tensor:
    """Return a texture: a picture of a style's statistics and of no content, of any size, from noise.

    Args:
        style: see `StyleTransfer.run`: one picture, or several.
        size: (height, width) in pixels, or the side of a square. The style keeps its own size where the texture
            is larger: more of it is made, not a larger one. (``preset="paper"`` stretches it to the texture's.)
        iterations: see `StyleTransfer.run`.
        levels: likewise.
        init: likewise.
        seed: likewise: another seed, another texture.
        callback: likewise.
        options: of `StyleTransfer`. With ``padding="circular"`` copies of the texture meet without a seam. As
            in a transfer, the default's finest level of several goes without relu5_1.

    Raises:
        TypeError, ValueError: see `StyleTransfer`; or if an option has nothing to do here.

    >>> painting = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> synthesize_texture(painting, (32, 48), iterations=1, weights="random").shape
    torch.Size([3, 32, 48])
    """
    if options.get("color") not in (None, "style"):
        advice = "A texture has no content whose colours it could have."
        raise ValueError(_checks.message("color", "be 'style' for a texture", repr(options["color"]), advice))
    unused = {name: repr(options[name]) for name in OF_CONTENT if options.get(name)}
    if options.get("strength") is not None:
        unused["strength"] = repr(options["strength"])
    if init.get("content") if isinstance(init, Mapping) else isinstance(init, str) and init == "content":
        unused["init"] = repr(init)
    if any(isinstance(source, Style) and source.region is not None for source in sources_of(style)):
        unused["a style's region"] = "a mask"
    for name, got in unused.items():
        advice = "A texture has no content, and all of the style."
        raise ValueError(_checks.message(name, "be left out of a texture", got, advice))
    blank = torch.full((3, *sides_of(size)), 0.5, dtype=torch.float32, device="cpu")
    schedule = {"iterations": iterations, "levels": levels, "init": init, "seed": seed}
    transfer = StyleTransfer(**{**TEXTURE, **options})
    return transfer.run(blank, style, size=None, **schedule, callback=callback)  # type: ignore[arg-type]

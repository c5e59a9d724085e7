"""3×3 convolutions with frozen filters by minimal filtering: a quarter of the multiplications, little kept.

Winograd's F(4×4, 3×3) computes a tile of 4×4 outputs from 6×6 inputs with 36 multiplications per pair of
channels, where the definition takes 144. Tile d, filter g and output y meet as

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

and the products ⊙, summed over the input channels, are 36 matrix products. The matrices follow from the points
at which the polynomials behind a convolution are evaluated. 0, ±⅔, ±1½ and ∞ lose fewer digits than the usual
0, ±1, ±2 and ∞: in float32 the responses err by 10⁻⁶ of their size.

The gradient with respect to the input is again such a convolution, with the filters turned by 180°. Turning a
filter replaces each point by its inverse, so that the same transformed filters serve both ways, each with a
factor. The gradient needs no input: nothing of the forward pass is kept for it.

Reference:
    Winograd, "Arithmetic complexity of computations" (1980); Lavin & Gray, "Fast algorithms for convolutional
    neural networks" (CVPR 2016). The shared filters are our own arrangement.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

OUT, TAPS = 4, 3  # a tile's outputs and a filter's taps, along each side
TILE = OUT + TAPS - 1  # a tile's inputs
POINTS = (0.0, 2 / 3, -2 / 3, 3 / 2, -3 / 2, math.inf)
FEWEST_CHANNELS = 128  # below, on either side, moving the tiles costs more than is saved
LEAST_WORK = 12 * 512  # tiles · channels; below, the transformed filters are read for too little
AT_A_TIME = 256  # tiles: fewer would read the filters too often, more would not stay in the cache


def pays(features: Tensor, weight: Tensor) -> bool:
    """Return whether minimal filtering is faster: in float32 on a CPU, for wide layers.

    Args:
        features: shape (B, C, H + 2, W + 2).
        weight: shape (K, C, 3, 3).
    """
    if features.device.type != "cpu" or features.dtype != torch.float32 or weight.is_inference():
        return False
    tiles = features.shape[0] * _tiles(features.shape[-2] - 2) * _tiles(features.shape[-1] - 2)
    channels = min(weight.shape[:2])
    return channels >= FEWEST_CHANNELS and tiles * channels >= LEAST_WORK


def transformed(weight: Tensor) -> Tensor:
    """Return the filters in the form that `convolve` takes, G g Gᵀ by tile position, shape (36, C, K).

    Args:
        weight: shape (K, C, 3, 3).
    """
    taps = weight.detach().permute(2, 3, 1, 0).reshape(TAPS * TAPS, -1)  # (9, C · K)
    return (_EVALUATE.to(taps) @ taps).view(TILE * TILE, weight.shape[1], weight.shape[0])


def convolve(features: Tensor, filters: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the correlation of features with 3×3 filters, plus a bias, shape (B, K, H, W), channels last.

    Gradients reach the features and nothing else.

    Args:
        features: shape (B, C, H + 2, W + 2).
        filters: shape (36, C, K), of `transformed`.
        bias: shape (K,).
    """
    result: Tensor = _Convolution.apply(features, filters, bias, False, 0)
    return result


class _Convolution(torch.autograd.Function):
    """The correlation; its gradient is one too, with the filters turned, and needs only them."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, filters: Tensor, bias: Tensor | None, turned: bool, border: int
    ) -> Tensor:
        ctx.save_for_backward(filters)
        ctx.turned, ctx.border = turned, border
        return _filtered(features, filters, bias, border, *(_TURNED if turned else _UPRIGHT))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (filters,) = ctx.saved_tensors
        border = 2 - ctx.border  # of zeros, so that the result has the size of what entered
        turned = filters.transpose(1, 2)
        with torch.autocast(filters.device.type, enabled=False):  # one around the backward pass would round
            gradient: Tensor = _Convolution.apply(gradients[0], turned, None, not ctx.turned, border)
        return gradient, None, None, None, None


def _filtered(
    features: Tensor, filters: Tensor, bias: Tensor | None, border: int, gather: Tensor, scatter: Tensor
) -> Tensor:
    """Return Aᵀ [filters ⊙ (Bᵀ d B)] A + bias over all tiles d of the features.

    A few rows of tiles are computed at a time, so that intermediate values stay in the cache. Every tile is
    transformed by a product of its own, which is faster than one product over all of them. Around the features,
    (B, C, H, W), come `border` positions of zeros; `gather` is Bᵀ ⊗ Bᵀ, (36, 36), `scatter` Aᵀ ⊗ Aᵀ, (16, 36).
    """
    batch = len(features)
    height, width = (side + 2 * border - 2 for side in features.shape[2:])  # of the result
    down, across, out_channels = _tiles(height), _tiles(width), filters.shape[2]
    inputs = features.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)  # (B, H, W, C)
    outputs = features.new_empty(batch, down, OUT, across, OUT, out_channels)
    offset = features.new_zeros(out_channels) if bias is None else bias
    gather, scatter = gather.to(features), scatter.to(features)
    rows = max(1, AT_A_TIME // across)
    for image in range(batch):
        for top in range(0, down, rows):
            count = min(rows, down - top)
            tiles = _cut(inputs[image], top * OUT - border, count, across, border)  # (tiles, 36, C)
            spectra = torch.bmm(gather.expand(len(tiles), -1, -1), tiles)
            products = torch.bmm(spectra.transpose(0, 1), filters)  # (36, tiles, K)
            values = torch.bmm(scatter.expand(len(tiles), -1, -1), products.transpose(0, 1))  # (tiles, 16, K)
            values = values.view(count, across, OUT, OUT, out_channels).transpose(1, 2)
            torch.add(values, offset, out=outputs[image, top : top + count])
    whole = outputs.view(batch, down * OUT, across * OUT, out_channels)
    return whole[:, :height, :width].permute(0, 3, 1, 2)


def _cut(inputs: Tensor, top: int, down: int, across: int, border: int) -> Tensor:
    """Return tiles of 6×6 positions, four apart, (down · across, 36, C), with zeros outside of (H, W, C).

    Their first row, `top`, may be negative; each row of tiles begins `border` positions to the left.
    """
    height, width, channels = inputs.shape
    bottom = top + down * OUT + TILE - OUT
    right = across * OUT + TILE - OUT - border
    slab = inputs[max(top, 0) : min(bottom, height)]
    missing = (0, 0, border, right - width, max(-top, 0), max(bottom - height, 0))
    slab = F.pad(slab, missing) if any(missing) else slab
    along, aside = slab.stride()[:2]
    steps = (OUT * along, OUT * aside, along, aside, 1)
    tiles = slab.as_strided((down, across, TILE, TILE, channels), steps, slab.storage_offset())
    return tiles.reshape(down * across, TILE * TILE, channels)


def _tiles(side: int) -> int:
    """Return how many tiles cover a side."""
    return -(-side // OUT)


def _matrices(points: tuple[float, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return Aᵀ (4, 6), G (6, 3) and Bᵀ (6, 6) of Toom and Cook's construction, float64; ∞ may be anywhere."""
    finite = [point for point in points if math.isfinite(point)]
    scatter, evaluate, gather = (torch.zeros(r, c, dtype=torch.float64, device="cpu") for r, c in
                                 ((OUT, TILE), (TILE, TAPS), (TILE, TILE)))  # fmt: skip
    for row, point in enumerate(points):
        others = [other for other in finite if other != point]
        gather[row, : len(others) + 1] = _coefficients(others)
        if math.isfinite(point):
            scale = math.prod(point - other for other in others)
            scatter[:, row] = point ** torch.arange(OUT, dtype=torch.float64, device="cpu")
            evaluate[row] = point ** torch.arange(TAPS, dtype=torch.float64, device="cpu") / scale
        else:
            scatter[-1, row] = evaluate[row, -1] = 1
    return scatter, evaluate, gather


def _coefficients(roots: list[float]) -> Tensor:
    """Return the coefficients of Π (x − root), lowest power first, float64."""
    coefficients = torch.ones(1, dtype=torch.float64, device="cpu")
    for root in roots:
        coefficients = F.pad(coefficients, (1, 0)) - root * F.pad(coefficients, (0, 1))
    return coefficients


def _both_ways() -> tuple[Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return G ⊗ G, and (Bᵀ ⊗ Bᵀ, Aᵀ ⊗ Aᵀ) for the filters as they are and for those turned by 180°.

    The turned filter's value at 1/p is the filter's own at p, but for a factor that Bᵀ takes.
    """
    scatter, evaluate, gather = _matrices(POINTS)
    inverses = tuple(math.inf if point == 0 else 1 / point for point in POINTS)
    turned_scatter, turned_evaluate, turned_gather = _matrices(inverses)
    factors = (turned_evaluate.flip(1) * evaluate).sum(1) / evaluate.square().sum(1)  # rows are parallel
    turned_gather = factors.unsqueeze(1) * turned_gather
    on_tiles, gathers, scatters, turned_gathers, turned_scatters = (
        torch.kron(matrix, matrix) for matrix in (evaluate, gather, scatter, turned_gather, turned_scatter)
    )
    return on_tiles, (gathers, scatters), (turned_gathers, turned_scatters)


_EVALUATE, _UPRIGHT, _TURNED = _both_ways()

"""Convolution filters learned from pictures alone: without labels or a training set, in seconds on a CPU.

Layer by layer, the filters of a convolution are the centroids of a spherical k-means over whitened patches of
the layer below, scaled to zero mean and unit variance before the rectifier. This module knows tensors and
numbers of channels, not VGG-19.

Departs from the references: they learn for classification; here the filters serve style transfer, learned from
the style picture itself. Constants that were tuned by eye say so.

Reference:
    Coates, Lee & Ng, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning" (AISTATS 2011);
    Coates & Ng, "Learning Feature Representations with K-means" (2012); Halko, Martinsson & Tropp, "Finding
    Structure with Randomness" (2011) for the randomised eigenvectors.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

PATCHES = 1500  # drawn per convolution
RANK = 256  # most eigenvectors kept by the whitening
OVERSAMPLING = 32  # further directions in the randomised decomposition
KMEANS_ITERATIONS = 2  # by eye: more look no better; none leaves a noisy photograph
# The share of the largest eigenvalue that whitening adds to every eigenvalue. By eye: of all constants this one
# matters most; a tenth of it leaves a photograph, from 0.01 on dots appear in flat skies.
FIRST_REGULARISATION, REGULARISATION = 1e-3, 3e-3
_FLOOR = 1e-4  # added to every eigenvalue, as those of a constant picture are zero
_CONSTANT = 1e-5  # nothing is learned from patches of a smaller summed variance
_EXACT_UP_TO = 600  # side of the largest matrix whose eigenvectors are computed exactly


def learn_filters(
    images: Sequence[Tensor], blocks: Sequence[Sequence[int]], generator: torch.Generator
) -> list[tuple[Tensor, Tensor]]:
    """Return the weight and bias of every convolution, learned one after another from the features below.

    Args:
        images: normalised pictures of shape (1, 3, H, W), of any sizes, with equal influence.
        blocks: output channels of the convolutions, block by block; 2×2 average pooling between the blocks.
        generator: the only source of randomness, on the CPU.

    Returns:
        Per convolution the weight (K, C, 3, 3) and bias (K,), float32, on the images' device.

    >>> noise = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    >>> filters = learn_filters([noise], [[8, 8], [16]], torch.Generator().manual_seed(0))
    >>> [tuple(weight.shape) for weight, bias in filters]
    [(8, 3, 3, 3), (8, 8, 3, 3), (16, 8, 3, 3)]
    """
    filters: list[tuple[Tensor, Tensor]] = []
    features = [image.float() for image in images]
    for number, block in enumerate(blocks):
        if number > 0:
            features = [F.avg_pool2d(f, 2) if min(f.shape[-2:]) > 1 else f for f in features]
        for out_channels in block:
            weight, bias = learn_convolution(features, out_channels, generator, first=not filters)
            filters.append((weight, bias))
            features = [F.relu(F.conv2d(_pad(f), weight, bias)) for f in features]
    return filters


def learn_convolution(
    features: Sequence[Tensor], out_channels: int, generator: torch.Generator, *, first: bool
) -> tuple[Tensor, Tensor]:
    """Return the weight (K, C, 3, 3) and bias (K,) of one convolution, learned from the features it will read.

    Args:
        features: what the convolution reads, of shape (1, C, H, W).
        out_channels: K, the number of filters.
        generator: source of randomness, on the CPU.
        first: whether `features` are the pictures. The last six filters are then plus and minus the mean of
            each colour over 3×3 pixels, so that colour passes. Without them a grey content turns magenta and
            green.
    """
    channels = features[0].shape[1]
    patches = sample_patches(features, PATCHES, generator)  # (N, D) with D = 9 C
    mean = patches.mean(0)
    centred = patches - mean
    if centred.square().mean(0).sum() < _CONSTANT:
        weight = random_orthogonal(out_channels, patches.shape[1], generator).to(patches.device)
        return weight.reshape(out_channels, channels, 3, 3), torch.zeros_like(weight[:, 0])
    regularisation = FIRST_REGULARISATION if first else REGULARISATION
    transform = whitening(centred, RANK, regularisation, generator)  # (D, r)
    whitened = centred @ transform  # (N, r)
    centroids = spherical_kmeans(whitened, out_channels, KMEANS_ITERATIONS, generator)  # (K, r)
    weight = centroids @ transform.T  # (K, D)
    responses = whitened @ centroids.T  # (N, K), equal to centred @ weight.T and cheaper
    if first and out_channels > 6:
        colour = torch.eye(channels, device="cpu", dtype=torch.float32).repeat_interleave(9, dim=1) / 9
        weight[-6:] = torch.cat([colour, -colour]).to(weight)
        responses[:, -6:] = centred @ weight[-6:].T
    deviation = responses.square().mean(0).sqrt()  # (K,)
    scale = deviation.clamp(min=max(0.01 * deviation.max().item(), 1e-3))
    weight = weight / scale.unsqueeze(1)
    return weight.reshape(out_channels, channels, 3, 3).contiguous(), -(weight @ mean)


def sample_patches(features: Sequence[Tensor], count: int, generator: torch.Generator) -> Tensor:
    """Return up to `count` 3×3 patches, drawn without replacement, as rows of shape (N, 9 C).

    The values of a row are in the order of a convolution's weight: channel, row, column. All feature maps give
    the same number of patches, or all they have.
    """
    rows = []
    for feature in features:
        padded = _pad(feature)[0]  # (C, H + 2, W + 2)
        height, width = feature.shape[-2:]
        wanted = min(math.ceil(count / len(features)), height * width)
        chosen = torch.randperm(height * width, generator=generator, device="cpu")[:wanted].to(padded.device)
        y, x = chosen // width, chosen % width
        offsets = [(dy, dx) for dy in range(3) for dx in range(3)]
        patch = torch.stack([padded[:, y + dy, x + dx] for dy, dx in offsets], dim=1)  # (C, 9, n)
        rows.append(patch.flatten(0, 1).T)
    return torch.cat(rows)


def whitening(centred: Tensor, rank: int, regularisation: float, generator: torch.Generator) -> Tensor:
    """Return the matrix A (D, r) that whitens: the leading eigenvectors over √(w + e w_max + 10⁻⁴).

    Args:
        centred: patches of mean zero, shape (N, D).
        rank: the most eigenvectors to keep; r = min(rank, D, N − 1).
        regularisation: e, relative to the largest eigenvalue of the covariance. Larger leaves weak directions
            weak; 0 makes every kept direction count alike.
        generator: used where the matrix is too large for an exact decomposition.
    """
    count, dimension = centred.shape
    rank = max(1, min(rank, dimension, count - 1))
    eigenvalues, eigenvectors = leading_eigenpairs(centred, rank, generator)
    shift = regularisation * eigenvalues.max() + _FLOOR
    return eigenvectors / (eigenvalues + shift).sqrt()


def leading_eigenpairs(centred: Tensor, rank: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the `rank` largest eigenvalues (r,) and eigenvectors (D, r) of the covariance XᵀX / N.

    Exact where a side of X is at most 600, else by randomised subspace iteration with `rank` + 32 directions
    and one pass. That gives 98–99 % of the exact variance; a second pass gives 99.6 % and costs a tenth of the
    whole learning. torch.pca_lowrank would use the global generator. The CPU decomposes, with the same result
    for every device.
    """
    device, centred = centred.device, centred.cpu()
    count, dimension = centred.shape
    if dimension <= min(count, _EXACT_UP_TO):
        eigenvalues, eigenvectors = torch.linalg.eigh(centred.T @ centred / count)
        return eigenvalues[-rank:].clamp(min=0).to(device), eigenvectors[:, -rank:].to(device)
    if count <= _EXACT_UP_TO:
        basis = centred
    else:
        shape = (dimension, rank + OVERSAMPLING)
        start = torch.randn(shape, generator=generator, device="cpu", dtype=torch.float32)
        span, _ = torch.linalg.qr(centred @ start)  # (N, q)
        span, _ = torch.linalg.qr(centred @ (centred.T @ span))
        basis = span.T @ centred  # (q, D): the rows of X as that span sees them
    eigenvalues, left = torch.linalg.eigh(basis @ basis.T / count)
    eigenvalues = eigenvalues[-rank:].clamp(min=0)
    eigenvectors = basis.T @ left[:, -rank:]  # (D, r), of length √(N w)
    return eigenvalues.to(device), F.normalize(eigenvectors, dim=0).to(device)


def spherical_kmeans(points: Tensor, clusters: int, iterations: int, generator: torch.Generator) -> Tensor:
    """Return unit centroids (K, r) of the directions of `points`: the mean directions of their clusters.

    A point belongs to the centroid with the largest inner product. The start is K distinct points. Random
    directions replace those that are missing or shorter than 0.5. An empty cluster keeps its centroid.

    Args:
        points: shape (N, r).
        clusters: K.
        iterations: rounds of assignment and averaging.
        generator: source of randomness, on the CPU.
    """
    count, rank = points.shape
    chosen = torch.randperm(count, generator=generator, device="cpu")[:clusters].to(points.device)
    fill = torch.randn(clusters, rank, generator=generator, device="cpu", dtype=torch.float32).to(points)
    start = fill.clone()
    start[: len(chosen)] = points[chosen]
    weak = start.norm(dim=1, keepdim=True) < 0.5
    centroids = F.normalize(torch.where(weak, fill, start), dim=1)
    directions = F.normalize(points, dim=1)
    for _ in range(iterations):
        nearest = (directions @ centroids.T).argmax(1)  # (N,)
        membership = F.one_hot(nearest, clusters).to(directions)  # (N, K)
        sums = membership.T @ directions  # (K, r)
        vanished = sums.norm(dim=1, keepdim=True) < 1e-6
        centroids = torch.where(vanished, centroids, F.normalize(sums, dim=1))
    return centroids


def random_orthogonal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Return √2 times a random (semi-)orthogonal matrix, which keeps the variance through a rectifier."""
    matrix = torch.empty(rows, columns, device="cpu", dtype=torch.float32)
    return torch.nn.init.orthogonal_(matrix, gain=math.sqrt(2), generator=generator)


def _pad(features: Tensor) -> Tensor:
    """Return the features with their border repeated once, for a 3×3 convolution that keeps the size."""
    return F.pad(features, (1, 1, 1, 1), mode="replicate")

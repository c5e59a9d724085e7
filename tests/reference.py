"""The independent witness: the paper's definitions in plain NumPy loops and float64, not the package's.

Features are arrays of shape (N, H, W) of one picture; N and M = H · W are the paper's. Every function is its
formula, with the sums written as loops: slow on purpose.

Reference:
    Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016), eqs. 1-7.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _flat(features: Array) -> Array:
    """Return features (N, H, W) as F_ik, one row for each channel: (N, M)."""
    N, H, W = features.shape
    F = np.zeros((N, H * W))
    for y in range(H):
        for x in range(W):
            F[:, y * W + x] = features[:, y, x]
    return F


def _sizes(features: Array, style_features: Array) -> tuple[int, int, int]:
    """Return N, M and the style's own number of positions M'."""
    N, H, W = features.shape
    _, H_style, W_style = style_features.shape
    return N, H * W, H_style * W_style


def _sum_of_squared_differences(first: Array, second: Array) -> float:
    total = 0.0
    for one, other in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
        total += (one - other) ** 2
    return total


def _sum_of_squares(values: Array) -> float:
    return _sum_of_squared_differences(values, np.zeros_like(values))


# The paper


def gram(features: Array) -> Array:
    """G_ij = Σ_k F_ik F_jk, eq. 3, as one loop over positions: G = Σ_k f_k f_kᵀ."""
    F = _flat(features)
    N, M = F.shape
    G = np.zeros((N, N))
    for k in range(M):
        G += np.outer(F[:, k], F[:, k])
    return G


def content_loss(features: Array, target_features: Array) -> float:
    """½ Σ_ij (F_ij − P_ij)², eq. 1."""
    return 0.5 * _sum_of_squared_differences(features, target_features)


def content_loss_gradient(features: Array, target_features: Array) -> Array:
    """F_ij − P_ij where F_ij > 0, else 0, eq. 2."""
    gradient = np.zeros(features.shape)
    for place in np.ndindex(*features.shape):
        if features[place] > 0:
            gradient[place] = features[place] - target_features[place]
    return gradient


def layer_style_loss(features: Array, style_features: Array) -> float:
    """E = 1 / (4 N² M²) Σ_ij (G_ij − A_ij)², eq. 4; where M' ≠ M, 1 / (4 N²) Σ_ij (G_ij / M − A_ij / M')²."""
    N, M, M_style = _sizes(features, style_features)
    G, A = gram(features), gram(style_features)
    if M_style == M:
        return _sum_of_squared_differences(G, A) / (4 * N**2 * M**2)
    return _sum_of_squared_differences(G / M, A / M_style) / (4 * N**2)


def layer_style_loss_gradient(features: Array, style_features: Array) -> Array:
    """(1 / (N² M²)) Σ_i F_ik (G_ij − A_ij) at channel j, position k where F_jk > 0, else 0, eq. 6.

    Where M' ≠ M, (1 / (N² M)) Σ_i F_ik (G_ij / M − A_ij / M').
    """
    F = _flat(features)
    N, M, M_style = _sizes(features, style_features)
    G, A = gram(features), gram(style_features)
    gradient = np.zeros((N, M))
    for j in range(N):
        for k in range(M):
            if F[j, k] > 0:
                for i in range(N):
                    if M_style == M:
                        gradient[j, k] += F[i, k] * (G[i, j] - A[i, j]) / (N**2 * M**2)
                    else:
                        gradient[j, k] += F[i, k] * (G[i, j] / M - A[i, j] / M_style) / (N**2 * M)
    return gradient.reshape(features.shape)


def style_loss(layer_losses: Mapping[str, float], layer_weights: Mapping[str, float]) -> float:
    """Σ_l w_l E_l, eq. 5."""
    total = 0.0
    for layer in layer_losses:
        total += layer_weights[layer] * layer_losses[layer]
    return total


def total_loss(content: float, style: float, content_weight: float, style_weight: float) -> float:
    """α L_content + β L_style, eq. 7."""
    return content_weight * content + style_weight * style


# The authors' published code


def mean_content_loss(features: Array, target_features: Array) -> float:
    """1 / (N M) Σ (F − P)²: a mean, without the ½."""
    return _sum_of_squared_differences(features, target_features) / features.size


def mean_style_loss(features: Array, style_features: Array) -> float:
    """(10³ / N²) · 1 / N² Σ_ij (G_ij / M − A_ij / M')²."""
    N, M, M_style = _sizes(features, style_features)
    squares = _sum_of_squared_differences(gram(features) / M, gram(style_features) / M_style)
    return 1000.0 / N**2 * (squares / N**2)


# The scale-free forms


def relative_content_loss(features: Array, target_features: Array) -> float:
    """Σ (F − P)² / Σ P²; where P is zero throughout, the mean of (F − P)²."""
    squares, energy = _sum_of_squared_differences(features, target_features), _sum_of_squares(target_features)
    return squares / energy if energy > 0 else squares / features.size


def relative_style_loss(features: Array, style_features: Array) -> float:
    """‖G/M − A/M'‖² / ‖A/M'‖²; where A is zero throughout, the mean of (G/M − A/M')²."""
    N, M, M_style = _sizes(features, style_features)
    target = gram(style_features) / M_style
    squares, energy = _sum_of_squared_differences(gram(features) / M, target), _sum_of_squares(target)
    return squares / energy if energy > 0 else squares / N**2


def covariance(features: Array) -> Array:
    """Σ = (1/M) Σ_k (f_k − µ)(f_k − µ)ᵀ, about the mean µ over the positions."""
    F = _flat(features)
    mean = np.zeros(len(F))
    for k in range(F.shape[1]):
        mean += F[:, k] / F.shape[1]
    centred: Array = features - mean[:, None, None]
    return np.asarray(gram(centred) / F.shape[1])


def relative_covariance_loss(features: Array, style_features: Array) -> float:
    """‖Σ − Σ'‖² / max(‖Σ'‖, ‖A/M'‖ / 100)²."""
    target = covariance(style_features)
    floor = 1e-4 * _sum_of_squares(gram(style_features) / _flat(style_features).shape[1])
    squares = _sum_of_squared_differences(covariance(features), target)
    return squares / max(_sum_of_squares(target), floor)


def total_variation(image: Array) -> float:
    """Mean of (x_{i,j+1} − x_{i,j})² + mean of (x_{i+1,j} − x_{i,j})², a side of one pixel adding nothing."""
    C, H, W = image.shape
    across, down = 0.0, 0.0
    for c in range(C):
        for i in range(H):
            for j in range(W):
                if j + 1 < W:
                    across += float(image[c, i, j + 1] - image[c, i, j]) ** 2
                if i + 1 < H:
                    down += float(image[c, i + 1, j] - image[c, i, j]) ** 2
    mean_across = across / (C * H * (W - 1)) if W > 1 else 0.0
    mean_down = down / (C * (H - 1) * W) if H > 1 else 0.0
    return mean_across + mean_down


def isotropic_variation(image: Array, edge: float = 0.1) -> float:
    """Mean of √(dx² + dy² + ε²) − ε over the pixels, dx and dy being 0 beyond the last column and row."""
    C, H, W = image.shape
    total = 0.0
    for c in range(C):
        for i in range(H):
            for j in range(W):
                across = float(image[c, i, j + 1] - image[c, i, j]) if j + 1 < W else 0.0
                down = float(image[c, i + 1, j] - image[c, i, j]) if i + 1 < H else 0.0
                total += math.sqrt(across**2 + down**2 + edge**2) - edge
    return float(total / (C * H * W))

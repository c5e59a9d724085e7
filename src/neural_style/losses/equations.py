"""Features and pictures to numbers: the paper's equations, and the losses of its authors' code and the default.

Every function is a pure function of tensors. Sums run over the batch too, and means average over it: a batch of
one is one picture.

The paper's letters: F^l are the generated image's features in layer l and P^l the content image's, both with
N_l channels and M_l = height · width positions; G^l and A^l are the Gram matrices of the generated and the
style image; w_l weighs a layer, α the content and β the style.

Reference:
    Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks" (CVPR 2016), eqs. 1–7.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from neural_style import _checks
from neural_style.losses.sums import Discrepancy, Moments, Variation, at_least_float32, difference
from neural_style.losses.variation import VARIATIONS

# -- The paper's equations ------------------------------------------------------------------------------


def gram_matrix(features: Tensor) -> Tensor:
    """Return the Gram matrix G_ij = Σ_k F_ik F_jk over the positions k, unnormalised.

    Args:
        features: activations of shape (B, C, H, W), any floating dtype.

    Returns:
        Tensor of shape (B, C, C), float32 or wider. A larger value on the diagonal means that a channel
        responds more; off the diagonal, that two channels respond together. The sum leaves out where they
        respond, which makes it a measure of style.

    Raises:
        ValueError: if `features` does not have four dimensions.

    Reference: eq. 3.

    >>> gram_matrix(torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]]))
    tensor([[[ 5., 11.],
             [11., 25.]]])
    """
    return Moments.of(features).second


def content_loss(features: Tensor, target_features: Tensor) -> Tensor:
    """Return ½ Σ (F − P)², a scalar; larger means further from the content.

    Args:
        features: F^l of the generated image, shape (B, C, H, W).
        target_features: P^l of the content image, the same shape.

    Reference: eq. 1.

    >>> content_loss(torch.tensor([[[[1.0, 5.0]]]]), torch.tensor([[[[1.0, 2.0]]]]))
    tensor(4.5000)
    """
    return half_squares(Discrepancy.of(features, target_features))


def half_squares(discrepancy: Discrepancy) -> Tensor:
    """Return ½ Σ (F − P)², a scalar: `content_loss` as `Terms` takes it, a function of the sums.

    Reference: eq. 1.
    """
    return 0.5 * discrepancy.squares


def content_loss_gradient(features: Tensor, target_features: Tensor) -> Tensor:
    """Return ∂L_content / ∂F, which is F − P where F > 0 and 0 elsewhere (the rectifier's own derivative).

    The features are those after the rectifier. Autograd gives the same numbers.

    Reference: eq. 2.

    >>> content_loss_gradient(torch.tensor([[[[0.0, 5.0]]]]), torch.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[0., 3.]]]])
    """
    return torch.where(features > 0, difference(features, target_features), 0)


def layer_style_loss(moments: Moments, target: Moments) -> Tensor:
    """Return E_l = 1 / (4 N_l² M_l²) Σ_ij (G_ij − A_ij)², a scalar; larger means further from the style.

    Departs from the paper: where the style image has another number of positions M' than the generated one,
    each Gram matrix is divided by its own number, 1 / (4 N²) Σ (G / M − A / M')². The paper resizes the style
    image to the content's size, so that M' = M, and then both are the same number.

    Reference: eqs. 3 and 4.

    >>> ones = torch.ones(1, 2, 1, 3)  # N = 2 channels, M = 3 positions: G = 3 everywhere, A = 12
    >>> layer_style_loss(Moments.of(ones), Moments.of(2 * ones))
    tensor(2.2500)
    """
    num_channels = target.first.shape[1]
    return _gram_difference(moments, target).square().sum() / (4 * num_channels**2)


def layer_style_loss_gradient(features: Tensor, target: Moments) -> Tensor:
    """Return ∂E_l / ∂F = 1 / (N_l² M_l²) (Fᵀ (G − A))ᵀ where F > 0 and 0 elsewhere, shape (B, C, H, W).

    Where the numbers of positions differ it is 1 / (N² M) (G / M − A / M') F, see `layer_style_loss`.

    Reference: eq. 6.

    >>> layer_style_loss_gradient(torch.ones(1, 2, 1, 3), Moments.of(2 * torch.ones(1, 2, 1, 3)))[0, 0]
    tensor([[-0.5000, -0.5000, -0.5000]])
    """
    moments = Moments.of(features)
    num_channels = features.shape[1]
    values = at_least_float32(features).flatten(2)  # (B, C, M)
    gradient = (_gram_difference(moments, target) @ values).reshape(features.shape)  # (B, C, H, W)
    return torch.where(features > 0, gradient / (num_channels**2 * moments.count), 0)


def style_loss(layer_losses: Mapping[str, Tensor], layer_weights: Mapping[str, float]) -> Tensor:
    """Return L_style = Σ_l w_l E_l, a scalar.

    Args:
        layer_losses: E_l by the layer's name.
        layer_weights: w_l by the layer's name, for the same layers. The paper's are 1/5 each.

    Raises:
        ValueError: if they do not name the same layers, or none.

    Reference: eq. 5.

    >>> losses = {"relu1_1": torch.tensor(2.0), "relu2_1": torch.tensor(4.0)}
    >>> style_loss(losses, {"relu1_1": 0.5, "relu2_1": 0.25})
    tensor(2.)
    """
    return weighted_sum(layer_losses, layer_weights)


def weighted_sum(layer_losses: Mapping[str, Tensor], layer_weights: Mapping[str, float]) -> Tensor:
    """Return Σ_l weight_l · loss_l, a scalar; see `style_loss`."""
    if not layer_losses or layer_losses.keys() != layer_weights.keys():
        rule, got = f"name the layers {', '.join(layer_losses) or '(none)'}", ", ".join(layer_weights) or "none"
        raise ValueError(_checks.message("layer_weights", rule, got, "Give one weight for each loss."))
    return torch.stack([layer_weights[name] * loss for name, loss in layer_losses.items()]).sum()


def total_loss(content: Tensor, style: Tensor, content_weight: float, style_weight: float) -> Tensor:
    """Return L_total = α L_content + β L_style, a scalar.

    Reference: eq. 7.

    >>> total_loss(torch.tensor(2.0), torch.tensor(3.0), content_weight=1.0, style_weight=10.0)
    tensor(32.)
    """
    return content_weight * content + style_weight * style


# -- The authors' published code ------------------------------------------------------------------------


def mean_squares(discrepancy: Discrepancy) -> Tensor:
    """Return the mean of (F − P)², a scalar: the content loss of the authors' published code, without the ½.

    >>> mean_squares(Discrepancy.of(torch.tensor([[[[1.0, 5.0]]]]), torch.tensor([[[[1.0, 2.0]]]])))
    tensor(4.5000)
    """
    return discrepancy.squares / discrepancy.count


def mean_style_loss(moments: Moments, target: Moments) -> Tensor:
    """Return (10³ / C²) · mean_ij (G_ij / M − A_ij / M')², a scalar: the style loss of a layer in that code.

    >>> ones = torch.ones(1, 2, 1, 3)
    >>> mean_style_loss(Moments.of(ones), Moments.of(2 * ones))
    tensor(2250.)
    """
    num_channels = target.first.shape[1]
    return 1e3 / num_channels**2 * _gram_difference(moments, target).square().mean()


# -- Relative to the target, so that a weight means the same at every size and layer --------------------


def relative_squares(discrepancy: Discrepancy) -> Tensor:
    """Return Σ (F − P)² / Σ P², a scalar: 0 on the content itself, 1 for features of 0.

    Departs from the paper: relative to the energy of the target, so that a content weight means the same for
    every image size, layer and weight file. Where the target is zero throughout, the plain mean.

    >>> relative_squares(Discrepancy.of(torch.tensor([[[[1.0, 5.0]]]]), torch.tensor([[[[1.0, 2.0]]]])))
    tensor(1.8000)
    """
    return relative(mean_squares(discrepancy), discrepancy.energy / discrepancy.count)


def relative_style_loss(moments: Moments, target: Moments) -> Tensor:
    """Return ‖G / M − A / M'‖² / ‖A / M'‖², a scalar: 0 on the style itself, 1 for a black picture.

    Departs from the paper: relative to the size of the target, so that a layer counts as much as its weight
    says, whatever the size of its activations. Where the target is zero throughout, the plain mean square.

    >>> ones = torch.ones(1, 2, 1, 3)
    >>> relative_style_loss(Moments.of(ones), Moments.of(2 * ones))
    tensor(0.5625)
    """
    return relative(_gram_difference(moments, target).square().mean(), target.normalized_gram.square().mean())


def total_variation(image: Tensor, form: str = "squares") -> Tensor:
    """Return how rough a picture is, a scalar; larger means rougher. A side of one pixel adds nothing.

    The squared (L2) form is mean (x_{i,j+1} − x_{i,j})² + mean (x_{i+1,j} − x_{i,j})², across and down.

    Args:
        image: shape (B, 3, H, W).
        form: ``"squares"``; or ``"isotropic"``, the length of the gradient where it is steep. See
            `losses.variation`.

    Raises:
        ValueError: if the form is unknown.

    >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))
    tensor(1.)
    """
    return Variation.of(image, _checks.choice("form", form, VARIATIONS)).mean


def relative(value: Tensor, energy: Tensor) -> Tensor:
    """Return value / energy, or the value itself where the energy is 0."""
    return value / torch.where(energy > torch.finfo(energy.dtype).tiny, energy, torch.ones_like(energy))


def _gram_difference(moments: Moments, target: Moments) -> Tensor:
    """Return G / M − A / M', shape (B, C, C)."""
    check_alike(moments, target)
    return moments.normalized_gram - target.normalized_gram


def check_alike(moments: Moments, target: Moments) -> None:
    """Check that moments and their target have one shape: broadcasting would compare different things."""
    if moments.second.shape != target.second.shape:
        rule = f"have the target's shape {tuple(target.second.shape)}"
        advice = "Compare moments of the same layer of the same network."
        raise ValueError(_checks.message("moments", rule, tuple(moments.second.shape), advice))

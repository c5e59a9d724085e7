"""3×3 convolutions with frozen filters and any border, which keep only the filters for the gradient.

torch keeps a convolution's input for the gradient of its filters, which frozen filters do not have. That is
half of all that an evaluation keeps. torch also fills a new tensor to undo a border; here the gradient of the
border is added in place to the positions that its values came from.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neural_style.network import winograd


class FrozenConvolution(nn.Module):
    """The correlation with 3×3 filters, plus a bias, of the same height and width as the features.

    Gradients reach the features only, unless the filters require them. Wide layers in float32 on a CPU use
    `network.winograd`. The precision is that of the filters, under autocast too.

    Args:
        weight: shape (K, C, 3, 3).
        bias: shape (K,).
        padding: what surrounds the features: ``"reflect"``, ``"replicate"``, ``"zeros"`` or ``"circular"``.

    Attributes:
        output_dtype: dtype of the responses; None for that of the filters.
    """

    def __init__(self, weight: Tensor, bias: Tensor, padding: str) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())
        self.padding = padding
        self.output_dtype: torch.dtype | None = None
        self._forms: dict[Callable[[Tensor], Tensor], tuple[Tensor, int, Tensor]] = {}

    def forward(self, features: Tensor) -> Tensor:
        """Return the responses to features of shape (B, C, H, W), shape (B, K, H, W)."""
        with torch.autocast(features.device.type, enabled=False):
            responses = self._responses(features)
        return responses if self.output_dtype is None else responses.to(self.output_dtype)

    def _responses(self, features: Tensor) -> Tensor:
        if torch.is_grad_enabled() and (self.weight.requires_grad or self.bias.requires_grad):
            return F.conv2d(_padded(features, self.padding), self.weight, self.bias)
        bordered: Tensor = _Border.apply(features, self.padding)  # (B, C, H + 2, W + 2)
        if winograd.pays(bordered, self.weight):
            return winograd.convolve(bordered, self._form(winograd.transformed), self.bias)
        if not bordered.requires_grad:
            return F.conv2d(bordered, self.weight, self.bias)
        result: Tensor = _Direct.apply(bordered, self.weight, self._form(_turned), self.bias)
        return result

    def _form(self, make: Callable[[Tensor], Tensor]) -> Tensor:
        """Return a form of the weight, made again when the weight is another or has changed.

        The weight's address and torch's count of its changes identify it. It is kept beside its form, so that
        no other weight takes its address. torch does not count changes through `weight.data`.
        """
        if self.weight.is_inference():  # keeps no count of its changes
            return make(self.weight.detach())
        version, cached = self.weight._version, self._forms.get(make)
        if cached is None or cached[1] != version or cached[0].data_ptr() != self.weight.data_ptr():
            with torch.inference_mode(False), torch.no_grad():  # a gradient may need it later
                held = self.weight.detach()
                cached = self._forms[make] = held, version, make(held)
        return cached[2]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_forms": {}}  # a copy's weight starts a count of its own

    def _apply(self, *arguments: Any, **options: Any) -> Any:  # to another device or dtype
        self._forms = {}
        return super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]


class _Direct(torch.autograd.Function):
    """torch's convolution; the gradient is one too, with the filters turned by 180°, and needs only them."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, turned: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(turned)
        return F.conv2d(features, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (turned,) = ctx.saved_tensors
        with torch.autocast(turned.device.type, enabled=False):  # one around the backward pass would round
            return F.conv2d(gradients[0], turned, padding=2), None, None, None


def _turned(weight: Tensor) -> Tensor:
    """Return the filters turned by 180°, from the channels that leave to those that enter."""
    return weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)


class _Border(torch.autograd.Function):
    """One more position on every side."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, padding: str) -> Tensor:
        ctx.padding = padding
        return _padded(features, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Add the border's gradient where its values came from: in place, as no one else has the tensor."""
        gradient = gradients[0].clone() if torch.is_grad_enabled() else gradients[0]
        for side in (-2, -1):
            length = gradient.shape[side] - 2
            inner = gradient.narrow(side, 1, length)
            if ctx.padding != "zeros":
                before, after = _sources(length, ctx.padding)
                inner.narrow(side, before, 1).add_(gradient.narrow(side, 0, 1))
                inner.narrow(side, after, 1).add_(gradient.narrow(side, length + 1, 1))
            gradient = inner
        return gradient, None


def _sources(length: int, padding: str) -> tuple[int, int]:
    """Return which of a side's positions stand before its first and after its last."""
    if padding == "circular":
        return length - 1, 0
    if padding == "reflect" and length > 1:
        return 1, length - 2
    return 0, length - 1  # a side of one cannot reflect, so it repeats


def _padded(features: Tensor, padding: str) -> Tensor:
    """Return the features with one more position on every side."""
    if padding == "zeros":
        return F.pad(features, (1, 1, 1, 1))
    if padding == "reflect" and min(features.shape[-2:]) < 2:
        height, width = features.shape[-2:]
        features = F.pad(features, (1, 1, 0, 0), mode="reflect" if width > 1 else "replicate")
        return F.pad(features, (0, 0, 1, 1), mode="reflect" if height > 1 else "replicate")
    return F.pad(features, (1, 1, 1, 1), mode=padding)

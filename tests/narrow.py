"""Networks of a quarter of VGG-19's channels, made once for all tests: a sixteenth of the work."""

from __future__ import annotations

import torch

from neural_style.network.source import learn_weights, random_weights

_PICTURE = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))

RANDOM = random_weights(width=0.25)
TAUGHT = learn_weights([_PICTURE], width=0.25)

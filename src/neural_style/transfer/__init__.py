"""`StyleTransfer`, and what a run is made of: inputs, styles, starts, levels, presets, an estimate."""

from neural_style.transfer.style_transfer import StyleTransfer as StyleTransfer

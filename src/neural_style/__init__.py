"""neural_style: image style transfer after Gatys, Ecker and Bethge (CVPR 2016)."""

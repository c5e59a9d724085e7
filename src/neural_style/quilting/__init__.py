"""Image quilting, the method before the paper: textures and their transfer from blocks of a picture.

Reference:
    Efros & Freeman, "Image Quilting for Texture Synthesis and Transfer" (SIGGRAPH 2001).
"""

from neural_style.quilting.synthesis import synthesize as synthesize
from neural_style.quilting.transfer import transfer_texture as transfer_texture

"""Draw the demo's painting, stroke by stroke, and prepare its photograph.

    python docs/draw_demo_pictures.py

writes both pictures of ``neural_style demo`` into the package; it needs scikit-image for the photograph. The
painting is a night over lit fields: layers of curved strokes, broad to fine, each of several bristles, follow a
field of directions over a composition of colours; light from the upper left then falls on the paint's relief.
Coordinates are in heights of the picture: x from 0 to 1.25, y down from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Array = npt.NDArray[np.float64]
Colour = tuple[int, int, int]

SEED = 7
WIDTH, HEIGHT = 640, 512
ASPECT = WIDTH / HEIGHT
OVERSAMPLING = 3  # drawn so many times larger, for smooth bristles
PICTURES = Path(__file__).parent.parent / "src" / "neural_style" / "cli" / "demo_pictures"

# x, y, radius, turn (+1 clockwise)
EDDIES = (
    (0.47, 0.27, 0.170, 1.0),
    (0.80, 0.37, 0.110, -1.0),
    (0.13, 0.40, 0.100, 1.0),
    (1.17, 0.47, 0.090, -1.0),
)
# x, y, radius of the disc
STARS = (
    (1.03, 0.17, 0.062),
    (0.15, 0.13, 0.034),
    (0.74, 0.11, 0.024),
    (0.30, 0.49, 0.020),
    (0.63, 0.49, 0.024),
    (0.98, 0.45, 0.017),
    (0.31, 0.07, 0.015),
    (0.04, 0.27, 0.016),
)

MIDNIGHT, ULTRAMARINE, COBALT = (16, 26, 66), (24, 48, 130), (40, 92, 178)
AZURE, TURQUOISE, FOAM = (98, 156, 204), (92, 168, 172), (206, 224, 206)
CREAM, LEMON, OCHRE = (252, 240, 190), (248, 214, 96), (228, 162, 48)
ORANGE, RUST, UMBER = (226, 112, 36), (152, 62, 32), (66, 40, 40)
MOSS, OLIVE, PLUM, SLATE = (52, 88, 62), (128, 130, 54), (74, 52, 96), (40, 66, 96)


@dataclass(frozen=True)
class Layer:
    """One pass over the canvas.

    Attributes:
        strokes: how many.
        length: of a stroke, in heights of the picture.
        width: of a stroke, likewise.
        bristles: hairs across the stroke.
        jitter: spread of the colour from stroke to stroke, in levels of 255.
        thickness: of the paint; larger gives more relief.
    """

    strokes: int
    length: float
    width: float
    bristles: int
    jitter: float
    thickness: float


LAYERS = (
    Layer(strokes=1500, length=0.190, width=0.0400, bristles=15, jitter=9, thickness=0.5),
    Layer(strokes=2600, length=0.130, width=0.0240, bristles=11, jitter=11, thickness=0.9),
    Layer(strokes=2300, length=0.085, width=0.0135, bristles=7, jitter=13, thickness=1.0),
    Layer(strokes=1500, length=0.050, width=0.0080, bristles=5, jitter=15, thickness=1.0),
)


class Palette:
    """Lays one colour beside another instead of mixing them: blue and yellow side by side never turn grey."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def over(self, first: Array, second: Array | Colour, share: Array) -> Array:
        """Return colours (n, 3) of which about a share (n,) are the second's, and few between the two."""
        chance = self.random.uniform(0.12, 0.88, len(share))
        weight = np.clip(3.0 * (np.clip(share, 0, 1) - chance) + 0.5, 0, 1)[:, None]
        return first * (1 - weight) + np.asarray(second, dtype=float) * weight


def smooth_step(low: float, high: float, x: Array) -> Array:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def far_hills(x: Array) -> Array:
    """Return the height of the skyline."""
    peak = np.exp(-(((x - 0.2) / 0.16) ** 2))
    return 0.60 + 0.035 * np.sin(4.1 * x + 0.6) + 0.022 * np.sin(9.7 * x) - 0.07 * peak


def near_hills(x: Array) -> Array:
    """Return the upper edge of the darker hills in front."""
    peak = np.exp(-(((x - 1.0) / 0.2) ** 2))
    return 0.69 + 0.03 * np.sin(5.2 * x + 2.4) + 0.012 * np.sin(13 * x) - 0.05 * peak


def fields(x: Array) -> Array:
    """Return the upper edge of the lit fields."""
    return 0.775 + 0.018 * np.sin(3.3 * x + 1.0)


def furrow_angle(x: Array, y: Array) -> Array:
    """Return the angle from the vertical of the furrow at each point; they meet behind the hills."""
    return np.arctan2(x - 0.72 + 0.10 * np.sin(11 * y), y - 0.57)


def directions(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the unit vector along which the brush moves at each point."""
    u = np.ones_like(x)
    v = 0.42 * np.cos(6.2 * x + 0.8) + 0.16 * np.sin(9 * y + 3 * x)
    for cx, cy, radius, turn in EDDIES:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-6
        pull = 3.2 * np.exp(-((r / radius) ** 2) / 1.3)
        u = u + pull * (-turn * dy / r - 0.22 * dx / r)
        v = v + pull * (turn * dx / r - 0.22 * dy / r)
    for cx, cy, radius in STARS:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-6
        pull = 5.0 * np.exp(-((r / (2.4 * radius)) ** 2))
        u, v = u - pull * dy / r, v + pull * dx / r
    # on land the brush goes along the slopes, and in the fields along the furrows
    for edge, ripple in ((far_hills, 0.45), (near_hills, 0.75)):
        slope = (edge(x + 1e-3) - edge(x - 1e-3)) / 2e-3
        land = y > edge(x)
        u, v = np.where(land, 1.0, u), np.where(land, slope + ripple * np.sin(14 * x + 9 * y), v)
    angle = furrow_angle(x, y)
    u, v = np.where(y > fields(x), np.sin(angle), u), np.where(y > fields(x), np.cos(angle), v)
    norm = np.hypot(u, v) + 1e-9
    return u / norm, v / norm


def plain(colour: Colour, like: Array) -> Array:
    """Return one colour (n, 3) for each of the points."""
    return np.tile(np.asarray(colour, dtype=float), (len(like), 1))


def sky_colour(x: Array, y: Array, palette: Palette) -> Array:
    """Return the sky's colours (n, 3): bands of blue that wind into the eddies, and glowing stars."""
    above = far_hills(x) - y
    over = palette.over
    colour = over(plain(MIDNIGHT, x), ULTRAMARINE, 0.40 + 1.0 * y)
    colour = over(colour, COBALT, smooth_step(0.05, 0.6, y) * 0.65)
    drift = np.sin(22 * (y + 0.068 * np.sin(6.2 * x + 2.4)) + 3.0 * x)
    colour = over(colour, AZURE, 0.38 * smooth_step(0.25, 1.0, drift))
    colour = over(colour, MIDNIGHT, 0.6 * smooth_step(0.2, 1.0, -drift))
    colour = over(colour, TURQUOISE, 0.75 * smooth_step(0.15, 0.02, above))
    colour = over(colour, CREAM, 0.55 * smooth_step(0.06, 0.0, above))
    for cx, cy, radius, turn in EDDIES:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) / radius
        winding = np.sin(2 * turn * np.arctan2(dy, dx) - 9.3 * r)
        near = np.exp(-(r**2) / 1.1)
        colour = over(colour, MIDNIGHT, 0.9 * near * smooth_step(0.0, 0.9, -winding))
        colour = over(colour, AZURE, near * smooth_step(-0.1, 0.6, winding))
        colour = over(colour, FOAM, 1.2 * near * smooth_step(0.4, 0.9, winding))
        colour = over(colour, OCHRE, 1.2 * np.exp(-((r / 0.26) ** 2)))
    for cx, cy, radius in STARS:
        r = np.hypot(x - cx, y - cy) / radius
        ripple = 0.5 + 0.5 * np.cos(5.2 * r)
        colour = over(colour, COBALT, 0.9 * np.exp(-((r / 3.4) ** 2)))
        colour = over(colour, TURQUOISE, 0.7 * np.exp(-((r / 2.6) ** 2)) * (1 - ripple))
        colour = over(colour, OCHRE, 1.1 * np.exp(-((r / 2.1) ** 2)) * (0.35 + 0.65 * ripple))
        colour = over(colour, LEMON, 1.3 * np.exp(-((r / 1.3) ** 2)))
        colour = over(colour, ORANGE, 0.9 * np.exp(-(((r - 1.25) / 0.22) ** 2)))
        colour = over(colour, CREAM, 1.5 * np.exp(-((r / 0.72) ** 2)))
    return colour


def land_colour(x: Array, y: Array, palette: Palette) -> Array:
    """Return the land's colours (n, 3): violet hills, autumn woods, furrowed fields."""
    over = palette.over
    depth = y - far_hills(x)
    hills = over(plain(PLUM, x), SLATE, 0.35 + 0 * x)
    hills = over(hills, COBALT, 0.75 * smooth_step(0.1, 0.9, np.sin(21 * x + 34 * y)))
    hills = over(hills, MIDNIGHT, 0.8 * smooth_step(0.03, 0.0, near_hills(x) - y))
    hills = over(hills, AZURE, 0.85 * smooth_step(0.02, 0.0, depth))

    woods = over(plain(MOSS, x), OLIVE, 0.8 * smooth_step(0.1, 0.9, np.sin(23 * x - 40 * y)))
    woods = over(woods, MIDNIGHT, 0.8 * smooth_step(0.035, 0.005, y - near_hills(x)))
    woods = over(woods, SLATE, 0.5 * smooth_step(0.2, 0.9, np.sin(31 * x + 20 * y)))
    woods = over(woods, RUST, 0.7 * smooth_step(0.5, 1.0, np.sin(19 * x + 55 * y)))
    woods = over(woods, ORANGE, 0.8 * smooth_step(0.75, 1.0, np.sin(19 * x + 55 * y)))

    angle = furrow_angle(x, y)
    ground = over(plain(OCHRE, x), ORANGE, smooth_step(-0.3, 0.9, np.sin(26 * angle)))
    ground = over(ground, LEMON, smooth_step(0.2, 1.0, -np.sin(26 * angle)))
    ground = over(ground, RUST, 0.9 * smooth_step(0.5, 1.0, np.sin(26 * angle + 1.3)))
    ground = over(ground, OLIVE, smooth_step(0.5, 0.95, np.sin(13 * angle + 0.4)))
    ground = over(ground, PLUM, smooth_step(0.8, 0.98, np.sin(13 * angle + 0.7)))
    ground = over(ground, UMBER, 0.8 * smooth_step(0.86, 1.06, y))
    ground = over(ground, MOSS, 0.8 * smooth_step(0.025, 0.0, y - fields(x)))

    colour = np.where((y > near_hills(x))[:, None], woods, hills)
    return np.where((y > fields(x))[:, None], ground, colour)


def composition(x: Array, y: Array, palette: Palette) -> Array:
    """Return the colours (n, 3), 0 … 255, of the picture that the brush fills in."""
    sky = y < far_hills(x)
    return np.where(sky[:, None], sky_colour(x, y, palette), land_colour(x, y, palette))


def paths(x: Array, y: Array, length: Array, steps: int = 9) -> tuple[Array, Array]:
    """Return strokes as points (n, steps), each centred at its (x, y) and following the directions."""
    step = length / (steps - 1)
    forward: list[tuple[Array, Array]] = [(x, y)]
    backward: list[tuple[Array, Array]] = []
    for sign, points in ((1.0, forward), (-1.0, backward)):
        px, py = x, y
        for _ in range(steps // 2):
            u, v = directions(px, py)
            px, py = px + sign * step * u, py + sign * step * v
            points.append((px, py))
    ordered = [*reversed(backward), *forward]
    return np.stack([p[0] for p in ordered], axis=1), np.stack([p[1] for p in ordered], axis=1)


def paint(layer: Layer, canvas: Image.Image, relief: Image.Image, random: np.random.Generator) -> None:
    """Add one layer of strokes to the canvas and to the height of its paint."""
    scale = HEIGHT * OVERSAMPLING
    n = layer.strokes
    x, y = random.uniform(-0.02, ASPECT + 0.02, n), random.uniform(-0.02, 1.02, n)
    lengths = layer.length * random.uniform(0.55, 1.3, n)
    xs, ys = paths(x, y, lengths)
    colours = composition(x, y, Palette(random))
    light = random.normal(0, layer.jitter, (n, 1))
    colours = colours + light + random.normal(0, 0.55 * layer.jitter, (n, 3))
    u, v = np.gradient(xs, axis=1), np.gradient(ys, axis=1)
    norm = np.hypot(u, v) + 1e-9
    across_x, across_y = -v / norm, u / norm
    taper = np.sin(np.linspace(0.18, np.pi - 0.12, xs.shape[1])) ** 0.6
    draw, deep = ImageDraw.Draw(canvas), ImageDraw.Draw(relief)
    hair = max(2, round(1.5 * layer.width / layer.bristles * scale))
    for i in range(n):
        width = layer.width * random.uniform(0.7, 1.25)
        heights = layer.thickness * random.uniform(70, 235, layer.bristles)
        for b, offset in enumerate(np.linspace(-0.5, 0.5, layer.bristles)):
            shift = offset * width * taper
            start, end = random.integers(0, 2), xs.shape[1] - random.integers(0, 2)
            px = (xs[i] + across_x[i] * shift)[start:end] * scale
            py = (ys[i] + across_y[i] * shift)[start:end] * scale
            points = np.stack([px, py], axis=1).ravel().tolist()
            shade = colours[i] + random.normal(0, 0.4 * layer.jitter) + 10 * offset
            draw.line(points, fill=tuple(int(c) for c in np.clip(shade, 0, 255)), width=hair, joint="curve")
            ridge = heights[b] * (1.0 if abs(offset) < 0.45 else 1.25)
            deep.line(points, fill=int(min(255, ridge)), width=hair, joint="curve")


def lit(canvas: Image.Image, relief: Image.Image) -> Image.Image:
    """Return the canvas at its final size, lit from the upper left along the relief of its paint."""
    size = (WIDTH, HEIGHT)
    colour = np.asarray(canvas.resize(size, Image.Resampling.LANCZOS), dtype=float)
    soft = relief.filter(ImageFilter.GaussianBlur(1.5))
    height = np.asarray(soft.resize(size, Image.Resampling.LANCZOS), dtype=float)
    dy, dx = np.gradient(height)
    slope = np.clip(dx + dy, -60, 60) / 60  # rising towards the lower right faces the light
    shaded = colour * (1 + 0.42 * slope[..., None]) + 26 * np.clip(slope, 0, 1)[..., None] ** 2
    return Image.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))


def painting() -> Image.Image:
    """Return the painting; the same one each time."""
    random = np.random.default_rng(SEED)
    size = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
    canvas, relief = Image.new("RGB", size, MIDNIGHT), Image.new("L", size, 60)
    for layer in LAYERS:
        paint(layer, canvas, relief, random)
    return lit(canvas, relief)


def photograph() -> Image.Image:
    """Return the photograph: Chelsea the cat."""
    from skimage import data  # only the photograph needs it

    read: Any = data.chelsea  # which has no types
    return Image.fromarray(read())


def main() -> None:
    """Write both pictures into the package."""
    PICTURES.mkdir(exist_ok=True)
    painting().save(PICTURES / "painting.jpg", quality=84, optimize=True)
    photograph().save(PICTURES / "photograph.jpg", quality=92, optimize=True)


if __name__ == "__main__":
    main()

"""What the scenes are painted with: colours, gradients, light, soft shadows, textures, easing."""

import math
from functools import cache

import numpy as np
import skia

WIDTH, HEIGHT = 540, 960
EVERYTHING = skia.Rect.MakeLTRB(-60, -60, WIDTH + 60, HEIGHT + 60)  # more than the canvas: the camera moves


# --- time


def ease_out(x):
    """0 to 1, fast at first."""
    x = min(max(x, 0.0), 1.0)
    return 1 - (1 - x) ** 3


def smooth(x):
    """0 to 1, slow at both ends."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def pop(x):
    """0 to 1, going a little past it before it settles."""
    x = min(max(x, 0.0), 1.0)
    return 1 + 2.70158 * (x - 1) ** 3 + 1.70158 * (x - 1) ** 2


def sway(at, period=3.0, phase=0.0):
    """-1 to 1 and back, once in `period` seconds."""
    return math.sin(2 * math.pi * (at / period + phase))


def scattered(count, seed):
    """`count` rows of four numbers from 0 to 1, the same each time."""
    return np.random.default_rng(seed).random((count, 4)).tolist()


# --- colour


def parts(name):
    """Red, green and blue of `#rrggbb`, 0 to 255."""
    return [int(name[i : i + 2], 16) for i in (1, 3, 5)]


def colour(name, alpha=1.0):
    """A Skia colour from `#rrggbb`."""
    return skia.Color(*parts(name), round(255 * min(max(alpha, 0), 1)))


def mix(one, other, share):
    """The colour that lies `share` of the way from `one` to `other`, as `#rrggbb`."""
    share = min(max(share, 0), 1)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(parts(one), parts(other), strict=True))


def paint(name="#ffffff", alpha=1.0, blur=0.0, width=0.0, shader=None, blend=None):
    """A Skia paint: filled, or a line of `width`; `blur` is the softness of the edge in pixels."""
    result = skia.Paint(AntiAlias=True, Color=colour(name, alpha))
    if width:
        result.setStyle(skia.Paint.kStroke_Style)
        result.setStrokeWidth(width)
        result.setStrokeCap(skia.Paint.kRound_Cap)
        result.setStrokeJoin(skia.Paint.kRound_Join)
    if blur:
        result.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
    if shader:
        result.setShader(shader)
    if blend:
        result.setBlendMode(blend)
    return result


def linear(start, end, *names, alphas=None, stops=None):
    """A shader that runs through the colours from one point to another."""
    alphas = alphas or [1.0] * len(names)
    return skia.GradientShader.MakeLinear(
        [skia.Point(*start), skia.Point(*end)], [colour(n, a) for n, a in zip(names, alphas, strict=True)], stops
    )


def radial(centre, radius, *names, alphas=None, stops=None):
    """A shader that runs through the colours from a centre outwards."""
    alphas = alphas or [1.0] * len(names)
    return skia.GradientShader.MakeRadial(
        skia.Point(*centre), radius, [colour(n, a) for n, a in zip(names, alphas, strict=True)], stops
    )


# --- shapes


def rounded(x, y, wide, high, radius):
    """A rounded box by its left top corner."""
    return skia.RRect.MakeRectXY(skia.Rect.MakeXYWH(x, y, wide, high), radius, radius)


def path(*points, closed=True):
    """Straight lines through the points."""
    result = skia.Path()
    result.moveTo(*points[0])
    for point in points[1:]:
        result.lineTo(*point)
    if closed:
        result.close()
    return result


def curve(*points, closed=True, tension=0.85):
    """A smooth line through the points (Catmull-Rom)."""
    result, count = skia.Path(), len(points)
    result.moveTo(*points[0])
    for i in range(count if closed else count - 1):
        if closed:
            a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            a, b, c, d = (points[min(max(i + k, 0), count - 1)] for k in (-1, 0, 1, 2))
        first = (b[0] + (c[0] - a[0]) * tension / 5, b[1] + (c[1] - a[1]) * tension / 5)
        second = (c[0] - (d[0] - b[0]) * tension / 5, c[1] - (d[1] - b[1]) * tension / 5)
        result.cubicTo(*first, *second, *c)
    if closed:
        result.close()
    return result


def blob(x, y, radius, seed, rough=0.1, points=9, turn=0.0, flat=1.0):
    """A closed round shape that is not quite a circle."""
    row = np.random.default_rng(seed).random(points)
    around = []
    for i, value in enumerate(row):
        angle, reach = turn + 2 * math.pi * i / points, radius * (1 + rough * (value * 2 - 1))
        around.append((x + reach * math.cos(angle), y + flat * reach * math.sin(angle)))
    return curve(*around, tension=1.0)


# --- light


def backdrop(canvas, *names, stops=None, tilt=0):
    """Fill the picture with a gradient from top to bottom, `tilt` pixels to the side."""
    shader = linear((WIDTH / 2 - tilt, 0), (WIDTH / 2 + tilt, HEIGHT), *names, stops=stops)
    canvas.drawRect(EVERYTHING, paint(shader=shader))


def glow(canvas, x, y, radius, name, alpha=0.6, blend=skia.BlendMode.kScreen):
    """Light that falls off to all sides."""
    shader = radial((x, y), radius, name, name, name, alphas=[alpha, alpha * 0.35, 0], stops=[0, 0.45, 1])
    canvas.drawCircle(x, y, radius, paint(shader=shader, blend=blend))


def shadow(canvas, shape, dx=0, dy=14, blur=18, alpha=0.35, name="#000000"):
    """The soft shadow of a path, or of a rounded box."""
    canvas.save()
    canvas.translate(dx, dy)
    fill(canvas, shape, paint(name, alpha, blur=blur))
    canvas.restore()


def fill(canvas, shape, using):
    """Draw a path or a rounded box."""
    if isinstance(shape, skia.RRect):
        canvas.drawRRect(shape, using)
    else:
        canvas.drawPath(shape, using)


def ball(canvas, x, y, radius, light, dark, shine=0.7):
    """A shaded sphere lit from the left top."""
    spot = (x - radius * 0.35, y - radius * 0.4)
    shader = radial(spot, radius * 1.5, light, mix(light, dark, 0.4), dark, stops=[0, 0.45, 1])
    canvas.drawCircle(x, y, radius, paint(shader=shader))
    canvas.drawCircle(*spot, radius * 0.22, paint("#ffffff", shine, blur=radius * 0.1))


def bokeh(canvas, at, names, count=14, seed=3, alpha=0.25, sizes=(18, 60)):
    """Lights far out of focus that drift slowly."""
    for i, (a, b, c, d) in enumerate(scattered(count, seed)):
        x = -40 + (WIDTH + 80) * a + 14 * sway(at, 5 + 4 * c, d)
        y = (HEIGHT + 120) * ((b - at * (0.008 + 0.02 * c)) % 1) - 60
        radius = sizes[0] + (sizes[1] - sizes[0]) * c
        strength = alpha * (0.5 + 0.5 * d)
        name = names[i % len(names)]
        shader = radial((x, y), radius, name, name, name, alphas=[strength * 0.6, strength, 0], stops=[0, 0.88, 1])
        canvas.drawCircle(x, y, radius, paint(shader=shader, blend=skia.BlendMode.kScreen))


def steam(canvas, at, x, y, high=300, wide=120, strength=0.22, seed=5):
    """Steam that rises from a point, widens and goes."""
    for a, b, c, d in scattered(14, seed):
        life = (at * (0.22 + 0.1 * c) + a) % 1
        px = x + wide * (b - 0.5) * (0.5 + life) + 22 * sway(at, 2.4 + d, a) * life
        radius = 22 + 62 * life
        alpha = strength * math.sin(math.pi * life) ** 1.4
        shader = radial((px, y - high * life), radius, "#ffffff", "#ffffff", alphas=[alpha, 0])
        canvas.drawCircle(px, y - high * life, radius, paint(shader=shader))


# --- texture


def _fractal(wide, high, seed, stretch=(1, 1), octaves=5):
    """Smooth noise of several sizes from 0 to 1, wide x high, that tiles."""
    rng, total = np.random.default_rng(seed), np.zeros((high, wide))
    for octave in range(octaves):
        cells = (max(2, 3 * 2**octave * stretch[1]), max(2, 3 * 2**octave * stretch[0]))
        grid = rng.random((round(cells[0]), round(cells[1])))
        ys, xs = np.arange(high) / high * grid.shape[0], np.arange(wide) / wide * grid.shape[1]
        y0, x0 = ys.astype(int), xs.astype(int)
        fy, fx = ys - y0, xs - x0
        fy, fx = (fy * fy * (3 - 2 * fy))[:, None], (fx * fx * (3 - 2 * fx))[None]
        y1, x1 = (y0 + 1) % grid.shape[0], (x0 + 1) % grid.shape[1]
        top = grid[y0][:, x0] * (1 - fx) + grid[y0][:, x1] * fx
        low = grid[y1][:, x0] * (1 - fx) + grid[y1][:, x1] * fx
        total += (top * (1 - fy) + low * fy) / 2**octave
    return (total - total.min()) / np.ptp(total)


def _image(rgb):
    alpha = np.full((*rgb.shape[:2], 1), 255.0)
    pixels = np.concatenate([np.clip(rgb, 0, 255), alpha], axis=2).astype(np.uint8)
    return skia.Image.fromarray(np.ascontiguousarray(pixels), colorType=skia.kRGBA_8888_ColorType)


def _rgb(name):
    return np.array(parts(name), float)


@cache
def wood(dark="#6b4226", light="#b07d4f", planks=4, seed=2):
    """Planks seen from above, upright, as an image a little larger than the canvas."""
    wide, high = WIDTH + 120, HEIGHT + 120
    grain = _fractal(wide, high, seed, stretch=(6, 0.34), octaves=5)
    rings = 0.5 + 0.5 * np.sin(grain * 34)
    tone = 0.55 * grain + 0.3 * rings
    plank = (np.arange(wide) * planks / wide).astype(int)
    tone = tone + (np.random.default_rng(seed + 1).random(planks + 1)[plank] * 0.25)[None]
    gap = np.abs((np.arange(wide) * planks / wide) % 1 - 0.5) * 2
    seam = np.clip((gap - 0.975) / 0.025, 0, 1)[None, :, None]
    rgb = _rgb(dark) + (_rgb(light) - _rgb(dark)) * np.clip(tone, 0, 1.1)[..., None]
    return _image(rgb * (1 - 0.6 * seam))


@cache
def marble(base="#f3eee9", vein="#b9aaa0", seed=4):
    """A polished stone with soft veins, as an image a little larger than the canvas."""
    wide, high = WIDTH + 120, HEIGHT + 120
    warp = _fractal(wide, high, seed, octaves=6)
    slope = np.linspace(0, 5, wide)[None] + np.linspace(0, 7, high)[:, None]
    vein_at = 1 - np.abs(np.sin(slope + warp * 9))
    share = np.clip(vein_at**7 * 0.75 + 0.18 * _fractal(wide, high, seed + 1), 0, 1)[..., None]
    return _image(_rgb(base) + (_rgb(vein) - _rgb(base)) * share)


@cache
def cloth(base="#d9c9b4", dark="#b8a489", seed=6, step=4):
    """Woven cloth with soft folds, as an image a little larger than the canvas."""
    wide, high = WIDTH + 120, HEIGHT + 120
    xs, ys = np.arange(wide)[None], np.arange(high)[:, None]
    weave = 0.5 + 0.25 * np.sin(2 * np.pi * xs / step) * np.sin(2 * np.pi * ys / step)
    folds = _fractal(wide, high, seed, stretch=(0.8, 0.5), octaves=3)
    share = np.clip(0.25 * weave + 0.85 * folds, 0, 1)[..., None]
    return _image(_rgb(base) + (_rgb(dark) - _rgb(base)) * share)


def lay(canvas, image, dx=0.0, dy=0.0):
    """Put a texture under everything."""
    canvas.drawImage(image, -60 + dx, -60 + dy, skia.SamplingOptions(skia.FilterMode.kLinear))


# --- the last layer


@cache
def _vignette():
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH]
    away = np.hypot(xs - WIDTH / 2, (ys - HEIGHT * 0.48) * 0.8) / (HEIGHT * 0.6)
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 3] = 100 * np.clip((away - 0.5) / 0.5, 0, 1) ** 1.6
    return skia.Image.fromarray(pixels, alphaType=skia.kPremul_AlphaType)


def finish(canvas):
    """Dark corners over the whole picture."""
    canvas.drawImage(_vignette(), 0, 0)

"""Scenes of far places: a sea at sunrise, mountains, a map, a river of lanterns, a market stall, a train window."""

# ruff: noqa: ARG001 - every scene is called with the same arguments

import math
from functools import cache

import numpy as np
import skia

from .brush import (
    EVERYTHING,
    backdrop,
    ball,
    curve,
    fill,
    glow,
    linear,
    mix,
    paint,
    path,
    radial,
    rounded,
    scattered,
    shadow,
    smooth,
    steam,
    sway,
    wood,
)

DAWN = ("#20386e", "#7a5a9a", "#f08a7a", "#ffd08a")
CLEAR = ("#2f8fd0", "#8fd0ee", "#fff0d0", "#ffe2b0")


# --- parts of a landscape


def sky(canvas, names, low=620):
    """A sky down to `low`."""
    canvas.drawRect(EVERYTHING, paint(shader=linear((0, 0), (0, low), *names)))


def sun(canvas, x, y, radius, name="#fff3c8", halo="#ffb060"):
    glow(canvas, x, y, radius * 7, halo, 0.75)
    glow(canvas, x, y, radius * 3, name, 0.8)
    canvas.drawCircle(x, y, radius, paint(name))


def clouds(canvas, at, y, names=("#ffffff", "#f0b0a0"), count=5, seed=3, alpha=0.8):
    """Banks of cloud that drift, lit from above."""
    for a, b, c, d in scattered(count, seed):
        x = ((a * 760 + (8 + 14 * c) * at) % 760) - 110
        top, size = y + 130 * (b - 0.5), 24 + 34 * c
        bank = skia.Path()
        for k in range(6):
            lift = math.sin(math.pi * (k + 0.5) / 6) * size * (0.8 + 0.5 * ((k * 0.37 + d) % 1))
            bank.addCircle(x + (k - 2.5) * size * 0.85, top - lift * 0.5, size * 0.55 + lift * 0.35)
        bank.addRRect(rounded(x - size * 2.9, top - size * 0.3, size * 5.8, size * 0.95, size * 0.45))
        fill(canvas, bank, paint(alpha=alpha, blur=5, shader=linear((0, top - size), (0, top + size * 0.7), *names)))


@cache
def _ridge(seed, rough, points=65):
    """Heights of a ridge from -1 to 1, twice the canvas wide, made by halving (midpoint displacement)."""
    rng, heights, step = np.random.default_rng(seed), np.zeros(points), points - 1
    size = 1.0
    while step > 1:
        for i in range(step // 2, points, step):
            heights[i] = (heights[i - step // 2] + heights[i + step // 2]) / 2 + rng.uniform(-size, size)
        step //= 2
        size *= rough
    return (heights / np.abs(heights).max()).tolist()


def mountains(canvas, y, high, names, seed, shift=0.0, rough=0.55, snow=0.0):
    """A range whose feet are below `y`; `names`: at the top, at the feet. `snow`: how far down it lies, 0 to 1."""
    heights = _ridge(seed, rough)
    points = [(-400 + 22 * i + shift, y - high * (0.5 + 0.5 * h)) for i, h in enumerate(heights)]
    range_ = path((-420, 1100), *points, (1060, 1100))
    fill(canvas, range_, paint(shader=linear((0, y - high), (0, y + high * 0.7), *names)))
    canvas.save()
    canvas.clipPath(range_, True)
    for i in range(1, len(points) - 1):
        (_xa, ya), (xb, yb), (xc, yc) = points[i - 1 : i + 2]
        if yb < ya and yb < yc:  # a top: its side away from the light lies in shade
            far = yb + high * 0.9
            shade = path(
                (xb, yb),
                (xb + 26, yb + high * 0.2),
                (xb + 4, yb + high * 0.38),
                (xb + 34, far),
                (xb + 190, far),
                (xc, yc),
            )
            ink = mix(names[-1], "#0a1030", 0.55)
            fill(canvas, shade, paint(blur=2, shader=linear((0, yb), (0, far), ink, ink, alphas=[0.5, 0])))
            if snow:
                cap = high * snow * (0.6 + 0.5 * ((i * 0.37) % 1))
                white = path(
                    (xb, yb - 2),
                    (xb - cap * 0.75, yb + cap),
                    (xb - cap * 0.3, yb + cap * 0.72),
                    (xb - cap * 0.05, yb + cap * 1.15),
                    (xb + cap * 0.3, yb + cap * 0.75),
                    (xb + cap * 0.7, yb + cap),
                )
                fill(
                    canvas,
                    white,
                    paint(
                        shader=linear(
                            (xb - cap, yb), (xb + cap, yb), "#ffffff", "#dfe9ff", mix(names[0], "#ffffff", 0.35)
                        )
                    ),
                )
    canvas.restore()


def pines(canvas, at, y, count, seed, name, size=60, shift=0.0):
    """A row of pines."""
    for a, b, c, d in scattered(count, seed):
        x = ((a * 700 + shift) % 700) - 80
        high = size * (0.7 + 0.6 * b)
        base = y + 22 * c
        lean = 1.5 * sway(at, 3, d)
        tree = skia.Path()
        for k in range(4):
            top, wide = base - high * (1 - 0.2 * k), high * (0.12 + 0.07 * k)
            tree.addPath(
                path((x + lean * (4 - k) / 4, top), (x - wide, top + high * 0.42), (x + wide, top + high * 0.42))
            )
        fill(
            canvas,
            tree,
            paint(
                shader=linear(
                    (x - high * 0.25, 0),
                    (x + high * 0.25, 0),
                    mix(name, "#ffe0a0", 0.25),
                    name,
                    mix(name, "#000814", 0.5),
                )
            ),
        )


def glitter(canvas, at, x, top, low, name="#fff0c0", seed=9, count=110, wide=1.0):
    """The path of light that the sun lays on water."""
    for a, b, c, d in scattered(count, seed):
        deep = b**1.3
        y = top + (low - top) * deep
        spread = (18 + 190 * deep) * wide
        px = x + spread * (a - 0.5) * 2 * (0.35 + 0.65 * c) + 8 * sway(at, 1.6, d)
        long = (5 + 36 * deep) * (0.4 + 0.6 * abs(sway(at, 1.1 + c, d)))
        canvas.drawLine(
            px - long, y, px + long, y, paint(name, 0.25 + 0.65 * abs(sway(at, 0.9 + c, a)), width=1.2 + 3 * deep)
        )


def waves(canvas, at, top, low, dark, light, count=26):
    """Lines of small waves that grow towards the viewer."""
    for i in range(count):
        deep = ((i + 0.45 * at) % count) / count
        y = top + (low - top) * deep**1.7
        line = curve(
            *[
                (x, y + (1 + 7 * deep) * math.sin(x / (26 + 60 * deep) + i * 1.7 + at * 1.4))
                for x in range(-70, 640, 44)
            ],
            closed=False,
        )
        canvas.drawPath(line, paint(light if i % 2 else dark, 0.16 + 0.2 * deep, width=1 + 6 * deep))


def gulls(canvas, at, x, y, name="#ffffff"):
    for a, b, c, d in scattered(6, 17):
        px, py = x + 200 * (a - 0.5) + 16 * at, y + 130 * (b - 0.5) + 6 * sway(at, 3, d)
        span, lift = 11 + 11 * c, 7 * sway(at, 0.7, d)
        wing = curve(
            (px - span, py - lift),
            (px - span * 0.4, py - 5 - lift * 0.4),
            (px, py),
            (px + span * 0.4, py - 5 - lift * 0.4),
            (px + span, py - lift),
            closed=False,
        )
        canvas.drawPath(wing, paint(name, 0.9, width=2.6))


# --- scenes


def sea(canvas, at, length, of="boat"):
    """The sea at sunrise: with a lighthouse, with a fishing boat, or a bay between cliffs."""
    if of == "cove":
        _cove(canvas, at)
        return
    sky(canvas, DAWN, 560)
    x, y = (400, 500) if of == "lighthouse" else (250, 515)
    for k in range(9):
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate(-90 + 22 * (k - 4) + 1.6 * at)
        fill(
            canvas,
            path((0, 0), (900, -46), (900, 46)),
            paint(shader=radial((0, 0), 800, "#fff0c0", "#fff0c0", alphas=[0.3, 0]), blend=skia.BlendMode.kScreen),
        )
        canvas.restore()
    sun(canvas, x, y - 5 * at, 50)
    clouds(canvas, at, 250, ("#ffd9c0", "#c0708a"), count=5, seed=3, alpha=0.75)
    mountains(canvas, 575, 70, ("#9a6a9a", "#c98a94"), 5, shift=-6 * at, rough=0.5)
    canvas.drawRect(
        skia.Rect.MakeLTRB(-60, 560, 600, 1020),
        paint(shader=linear((0, 560), (0, 960), "#ffbe8a", "#c9708a", "#3f4a86", "#14204a", stops=[0, 0.25, 0.65, 1])),
    )
    waves(canvas, at, 566, 980, "#1a2a5a", "#ffd9b8")
    glitter(canvas, at, x, 566, 960)
    gulls(canvas, at, 200, 330)
    if of == "lighthouse":
        _lighthouse(canvas, at)
    else:
        _boat(canvas, at, 300 - 16 * at, 700)
    glow(canvas, x, y, 420, "#ffcf90", 0.4)


def _lighthouse(canvas, at):
    cliff = curve(
        (-100, 700),
        (-20, 620),
        (90, 604),
        (190, 622),
        (236, 690),
        (262, 770),
        (330, 850),
        (360, 1040),
        (-100, 1040),
        tension=0.8,
    )
    shadow(canvas, cliff, dy=-4, blur=12, alpha=0.3)
    fill(canvas, cliff, paint(shader=linear((0, 610), (320, 960), "#7d9a5a", "#3a5a4a", "#1c2a3f")))
    for a, b, c, d in scattered(70, 23):
        x, y = 250 * a - 30, 640 + 300 * b
        canvas.drawLine(
            x, y, x + 5 * sway(at, 2, d), y - 9 - 9 * c, paint("#cfe08a" if d > 0.5 else "#1f3a30", 0.5, width=2)
        )
    trail = curve((120, 628), (170, 690), (120, 760), (200, 830), (150, 960), closed=False)
    canvas.drawPath(trail, paint("#f0d9a8", 0.8, width=13))
    beam = 200 * math.sin(at * 1.3)
    ray = path((112, 246), (800, 180 + beam), (800, 300 + beam))
    fill(
        canvas,
        ray,
        paint(
            blend=skia.BlendMode.kScreen,
            blur=8,
            shader=linear((112, 0), (600, 0), "#fff6c8", "#fff6c8", alphas=[0.75, 0]),
        ),
    )
    tower = path((78, 290), (142, 290), (166, 628), (54, 628))
    fill(canvas, tower, paint(shader=linear((54, 0), (166, 0), "#c9b9c4", "#ffffff", "#fff0e0", "#8a7a94")))
    canvas.save()
    canvas.clipPath(tower, True)
    for i in range(3):
        canvas.drawRect(
            skia.Rect.MakeXYWH(30, 330 + 104 * i, 160, 50),
            paint(shader=linear((54, 0), (166, 0), "#8a1c24", "#f0524a", "#ff7a5a", "#6a1420")),
        )
    canvas.restore()
    for y in (420, 520):
        fill(canvas, rounded(101, y - 30, 18, 32, 9), paint("#3a3050"))
    fill(canvas, rounded(62, 276, 96, 16, 4), paint("#3a3050"))
    fill(canvas, rounded(84, 218, 52, 58, 4), paint(shader=linear((84, 0), (136, 0), "#ffd05a", "#fffbe0", "#ffc04a")))
    for x in (84, 101, 118, 135):
        canvas.drawLine(x, 218, x, 276, paint("#3a3050", width=3.5))
    fill(
        canvas,
        curve((74, 220), (84, 190), (110, 176), (136, 190), (146, 220), tension=0.7),
        paint(shader=linear((74, 0), (146, 0), "#e0483f", "#7a1424")),
    )
    glow(canvas, 110, 246, 150, "#fff3b0", 0.8)


def _boat(canvas, at, x, y):
    """A fishing boat with its mirror image."""
    bob = 5 * sway(at, 2.4)
    for flip in (True, False):
        canvas.save()
        canvas.translate(x, y + bob)
        if flip:
            canvas.translate(0, 52)
            canvas.scale(1, -0.5)
            canvas.saveLayerAlpha(None, 90)
        canvas.rotate(2.6 * sway(at, 2.9))
        hull = curve((-130, -18), (-110, 32), (-70, 52), (70, 52), (112, 26), (150, -34), (60, -12), tension=0.5)
        fill(canvas, hull, paint(shader=linear((0, -30), (0, 52), "#2f7fae", "#17466e", "#c23b34")))
        canvas.drawPath(curve((-128, -14), (60, -8), (146, -30), closed=False), paint("#fff3d8", width=8))
        fill(canvas, rounded(-70, -92, 86, 82, 8), paint(shader=linear((-70, 0), (16, 0), "#fffaf0", "#e9b98a")))
        fill(canvas, rounded(-80, -104, 106, 18, 7), paint("#c23b34"))
        for wx in (-58, -20):
            fill(canvas, rounded(wx, -78, 28, 28, 5), paint("#ffd98a"))
        canvas.drawLine(40, -10, 40, -178, paint("#4a2f24", width=7))
        canvas.drawLine(40, -170, 140, -30, paint("#4a2f24", width=2.4))
        canvas.drawLine(40, -170, -70, -104, paint("#4a2f24", width=2.4))
        fill(
            canvas,
            curve((42, -176), (74, -168 + 5 * sway(at, 0.9)), (104, -172), (76, -152), (42, -150), tension=0.7),
            paint("#ffb52e"),
        )
        if flip:
            canvas.restore()
        canvas.restore()
    for side in range(4):
        canvas.drawLine(
            x + 140 + 40 * side,
            y + 52 + 5 * side,
            x + 190 + 60 * side,
            y + 54 + 8 * side,
            paint("#ffffff", 0.5 - 0.1 * side, width=4),
        )


def _cove(canvas, at):
    """A quiet bay from above the cliffs: turquoise water, sand, a small cafe's parasols."""
    canvas.drawRect(EVERYTHING, paint(shader=linear((0, 0), (540, 960), "#0b5f9a", "#149fc0", "#4fd6cf", "#b9f2dc")))
    for a, b, c, d in scattered(46, 37):
        x, y, size = 600 * a - 30, 660 * b, 26 + 60 * c
        net = curve(
            *[
                (
                    x + size * math.cos(k * 1.05) * (0.7 + 0.3 * math.sin(k * 2.1 + at + 6 * d)),
                    y + 0.6 * size * math.sin(k * 1.05) * (0.8 + 0.2 * sway(at, 3, d + k / 6)),
                )
                for k in range(6)
            ]
        )
        canvas.drawPath(net, paint("#d9fff6", 0.26, width=3, blur=1.5))
    for k in range(4):
        push = 20 * sway(at, 3.4, k * 0.2)
        edge = [
            (x, 650 + 95 * math.sin(x / 210 + 0.6) - 26 * k + push + 8 * math.sin(x / 37 + k + at))
            for x in range(-80, 641, 60)
        ]
        shape = curve(*edge, (640, 1060), (-80, 1060), tension=0.75)
        if k == 3:
            continue
        fill(canvas, shape, paint("#ffffff", 0.3 + 0.12 * k, blur=3))
        canvas.save()
        canvas.translate(0, 12)
        fill(canvas, shape, paint("#8ff0dc" if k < 2 else "#ffeec2", 0.55))
        canvas.restore()
    sand = curve(
        *[(x, 700 + 95 * math.sin(x / 210 + 0.6) + 12 * sway(at, 3.4)) for x in range(-80, 641, 60)],
        (640, 1060),
        (-80, 1060),
        tension=0.75,
    )
    fill(canvas, sand, paint(shader=linear((0, 640), (0, 960), "#d9b47a", "#ffe9b8", "#f3cf92")))
    for x, y, name in ((110, 850, "#ff5a4d"), (250, 880, "#ffffff"), (400, 800, "#ffb52e"), (470, 900, "#2f7fae")):
        canvas.save()
        canvas.translate(x, y)
        canvas.drawOval(skia.Rect.MakeLTRB(-20, -8, 90, 62), paint("#6a4a1c", 0.4, blur=10))
        canvas.rotate(3 * sway(at, 4, x / 500))
        for k in range(8):
            wedge = skia.Path()
            wedge.moveTo(0, 0)
            wedge.arcTo(skia.Rect.MakeLTRB(-54, -54, 54, 54), 45 * k, 45, False)
            wedge.close()
            fill(canvas, wedge, paint(name if k % 2 else "#fff6e6"))
        canvas.drawCircle(0, 0, 54, paint(shader=radial((-18, -20), 80, "#ffffff", "#000000", alphas=[0.35, 0.22])))
        canvas.drawCircle(0, 0, 5, paint("#ffffff"))
        canvas.restore()
    for side, points in (
        (-1, ((-80, -60), (130, -60), (150, 90), (100, 220), (140, 340), (70, 460), (40, 600), (-80, 700))),
        (1, ((640, -60), (400, -60), (430, 60), (390, 180), (450, 300), (440, 420), (510, 520), (640, 600))),
    ):
        cliff = curve(*points, tension=0.7)
        shadow(canvas, cliff, dx=14, dy=26, blur=20, alpha=0.5, name="#02304a")
        fill(
            canvas,
            cliff,
            paint(shader=linear((270 + side * 250, 0), (270 + side * 90, 400), "#4f7a3f", "#8fae5a", "#d9b98a")),
        )
        canvas.save()
        canvas.clipPath(cliff, True)
        for a, b, c, d in scattered(60, 39 + side):
            x, y = 270 + side * (120 + 240 * a), 700 * b
            ball(canvas, x + 2 * sway(at, 3, d), y, 10 + 22 * c, mix("#b9d96a", "#5a9a4a", d), "#1c4a34", 0)
        canvas.restore()
    _small_boat(canvas, at)


def _small_boat(canvas, at):
    canvas.save()
    canvas.translate(250 + 9 * at, 470 - 10 * at + 3 * sway(at, 2))
    canvas.rotate(-34 + 3 * sway(at, 3))
    fill(canvas, path((-60, -6), (-190, -46), (-190, 46), (-60, 6)), paint("#ffffff", 0.35, blur=8))
    hull = curve((-52, -24), (30, -24), (74, 0), (30, 24), (-52, 24), tension=0.6)
    shadow(canvas, hull, dx=6, dy=20, blur=10, alpha=0.45, name="#02304a")
    fill(canvas, hull, paint(shader=linear((0, -24), (0, 24), "#ffffff", "#f0e4d4", "#c9a98a")))
    fill(canvas, curve((-42, -15), (26, -15), (52, 0), (26, 15), (-42, 15), tension=0.6), paint("#b97a44"))
    for x in (-26, 2):
        fill(canvas, rounded(x, -16, 9, 32, 2), paint("#f3d9a8"))
    canvas.restore()


def peaks(canvas, at, length, of="train"):
    """High mountains: a train that crosses a viaduct, or a lake that mirrors them."""
    sky(canvas, CLEAR if of == "train" else ("#3a4a9a", "#c07ab0", "#ffb08a", "#ffe0a8"), 560)
    sun(canvas, 420, 190 if of == "train" else 380, 40)
    clouds(canvas, at, 220, ("#ffffff", "#cfe0f0") if of == "train" else ("#ffe0d0", "#c080a0"), count=5, seed=43)
    far, near = (
        (("#a9c4e6", "#dfe9f2"), ("#5f86b4", "#a8c4d4"))
        if of == "train"
        else (("#b08ac0", "#f0b8b0"), ("#5a5a9a", "#b08aae"))
    )

    def land():
        mountains(canvas, 560, 270, far, 46, shift=-5 * at, rough=0.52, snow=0.3)
        mountains(canvas, 640, 300, near, 48, shift=60 - 11 * at, rough=0.5, snow=0.22)

    if of == "lake":
        _lake(canvas, at, land)
        return
    land()
    mountains(canvas, 720, 170, ("#4f8a5a", "#7fb46a"), 50, shift=40 - 20 * at, rough=0.42)
    pines(canvas, at, 700, 34, 51, "#2a6a4a", 62, shift=-20 * at)
    _train(canvas, at)
    mountains(canvas, 980, 130, ("#3f8a4a", "#1c5a3a"), 53, shift=80 - 40 * at, rough=0.4)
    pines(canvas, at, 930, 22, 54, "#14503a", 170, shift=-46 * at)
    glow(canvas, 420, 190, 520, "#fff0c0", 0.35)


def _train(canvas, at):
    stone = ("#e0cdb4", "#a38a78")
    for i in range(8):
        x = -90 + 105 * i - (22 * at) % 105
        arch = skia.Path()
        arch.addRect(skia.Rect.MakeLTRB(x, 700, x + 106, 1000))
        hole = skia.Path()
        hole.addRRect(rounded(x + 18, 730, 70, 340, 35))
        pier = skia.Op(arch, hole, skia.PathOp.kDifference_PathOp)
        fill(canvas, pier, paint(shader=linear((x, 0), (x + 105, 0), *stone)))
        canvas.drawLine(x + 19, 766, x + 19, 1000, paint("#5a4438", 0.5, width=5, blur=2))
    canvas.drawRect(
        skia.Rect.MakeLTRB(-60, 692, 600, 714), paint(shader=linear((0, 692), (0, 714), "#f6e8d0", "#b09680"))
    )
    for k in range(4):
        x = 330 - 232 * k + 62 * at
        car = curve((x, 606), (x + 12, 590), (x + 200, 590), (x + 216, 606), (x + 218, 684), (x, 684), tension=0.4)
        if k == 0:
            car = curve((x, 600), (x + 10, 590), (x + 150, 590), (x + 206, 628), (x + 228, 684), (x, 684), tension=0.4)
        shadow(canvas, car, dy=8, blur=8, alpha=0.4)
        fill(canvas, car, paint(shader=linear((0, 590), (0, 686), "#ff7a64", "#e0322e", "#8a1420")))
        fill(canvas, rounded(x + 4, 652, 210, 9, 2), paint("#fff3d8"))
        for i in range(5 if k else 4):
            pane = rounded(x + 16 + 38 * i, 608, 29, 31, 6)
            fill(canvas, pane, paint(shader=linear((x, 608), (x + 40, 640), "#d9f0ff", "#3a6a94")))
        canvas.drawLine(x + 14, 594, x + 190, 594, paint("#ffffff", 0.7, width=3, blur=1))
        for wheel in (40, 66, 150, 176):
            canvas.drawCircle(x + wheel, 686, 9, paint("#2a2430"))


def _lake(canvas, at, land):
    land()
    pines(canvas, at, 640, 40, 55, "#2f4a5a", 70)
    shore = 655
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(-60, shore, 600, 1020))
    canvas.translate(0, 2 * shore + 4)
    canvas.scale(1, -1)
    sky(canvas, ("#3a4a9a", "#c07ab0", "#ffb08a", "#ffe0a8"), 560)
    sun(canvas, 420, 380, 40)
    land()
    pines(canvas, at, 640, 40, 55, "#2f4a5a", 70)
    canvas.restore()
    canvas.drawRect(
        skia.Rect.MakeLTRB(-60, shore, 600, 1020),
        paint(shader=linear((0, shore), (0, 960), "#2a4a8a", "#101c4a", alphas=[0.18, 0.72])),
    )
    waves(canvas, at, shore + 6, 980, "#1a2a5a", "#ffe6d0", count=20)
    glitter(canvas, at, 420, shore + 4, 940, count=60, wide=0.6)
    for i in range(7):
        canvas.drawOval(
            skia.Rect.MakeXYWH(-120 + 110 * i + 12 * sway(at, 6, i / 7) + 6 * at, shore - 22, 190, 30),
            paint("#fff0e8", 0.32, blur=14),
        )
    for i in range(9):
        fill(
            canvas,
            path(
                (214 - 9 * i, 760 + 24 * i),
                (326 + 9 * i, 760 + 24 * i),
                (330 + 9 * i, 778 + 24 * i),
                (210 - 9 * i, 778 + 24 * i),
            ),
            paint(shader=linear((200, 0), (340, 0), "#d9a878", "#8a5a3f")),
        )
    for side in (-1, 1):
        for k in (0, 1):
            x, y = 270 + side * (58 + 66 * k), 770 + 170 * k
            canvas.drawLine(x, y - 34, x, y + 26, paint("#5a3a2c", width=12 + 6 * k))
    for x, high in ((-10, 420), (62, 300), (486, 380), (560, 460)):
        canvas.save()
        canvas.translate(x, 1010)
        canvas.rotate(0.8 * sway(at, 4, x / 500))
        for k in range(7):
            wide, top = high * (0.06 + 0.036 * k), -high * (1 - 0.13 * k)
            fill(
                canvas,
                path((0, top), (-wide, top + high * 0.24), (wide, top + high * 0.24)),
                paint(shader=linear((-wide, 0), (wide, 0), "#12303f", "#1d4a52", "#ffb08a")),
            )
        canvas.restore()


def atlas(canvas, at, length, of="bay"):
    """A map on which a dotted way is drawn to a pin."""
    land, water, road = {
        "bay": ("#f3e6c0", "#79cfd6", "#ffffff"),
        "city": ("#2a2f52", "#24507a", "#f0b45a"),
        "rail": ("#d3e6b4", "#7ac0de", "#ffffff"),
    }[of]
    canvas.drawRect(EVERYTHING, paint(land))
    seed = {"bay": 61, "city": 63, "rail": 65}[of]
    canvas.save()
    canvas.translate(270, 480)
    canvas.rotate(-8)
    canvas.translate(-270, -480)
    for a, b, c, d in scattered(26, seed):
        patch = mix(land, "#6aa84f" if of != "city" else "#3a3f6a", 0.25 + 0.4 * d)
        canvas.drawCircle(760 * a - 110, 1200 * b - 120, 40 + 80 * c, paint(patch, 0.8, blur=6))
    coast = (
        curve((380, -200), (300, 100), (420, 300), (330, 520), (450, 760), (380, 1200), (900, 1200), (900, -200))
        if of == "bay"
        else curve(
            (-120, 150),
            (120, 260),
            (240, 480),
            (430, 600),
            (700, 560),
            (700, 690),
            (410, 730),
            (170, 590),
            (30, 350),
            (-120, 270),
        )
    )
    shadow(canvas, coast, dx=-4, dy=0, blur=12, alpha=0.3)
    fill(
        canvas,
        coast,
        paint(shader=linear((100, 0), (540, 900), mix(water, "#ffffff", 0.35), water, mix(water, "#0a2a5a", 0.3))),
    )
    for k in range(3):
        canvas.drawPath(coast, paint("#ffffff", 0.3 - 0.08 * k, width=6 + 16 * k + 4 * sway(at, 3, k / 3)))
    for i in range(8):
        line = curve(
            *[(x, -40 + 150 * i + 50 * math.sin(x / 170 + i * 1.9)) for x in range(-160, 721, 90)], closed=False
        )
        up = curve(*[(-60 + 96 * i + 36 * math.sin(y / 190 + i * 1.3), y) for y in range(-160, 1121, 90)], closed=False)
        canvas.save()
        canvas.clipPath(coast, skia.ClipOp.kDifference, True)
        for one, size in ((line, 12 if i % 3 == 0 else 6), (up, 10 if i % 3 == 1 else 5)):
            canvas.drawPath(one, paint(mix(road, "#6a4a1c", 0.35), 0.5, width=size + 3))
            canvas.drawPath(one, paint(road, 0.95, width=size))
        canvas.restore()
    way = curve((90, 900), (160, 790), (120, 640), (230, 560), (200, 420), (280, 350), closed=False)
    measure, drawn = skia.PathMeasure(way, False), smooth((at + 0.3) / (length * 0.55))
    steps = int(34 * drawn)
    for k in range(steps):
        spot, _ = measure.getPosTan(measure.getLength() * k / 34)
        canvas.drawCircle(spot.x(), spot.y() + 3, 9, paint("#3a0a10", 0.4, blur=3))
        canvas.drawCircle(spot.x(), spot.y(), 8, paint("#ff4a4a" if of != "city" else "#ffd84a"))
        canvas.drawCircle(spot.x(), spot.y(), 3, paint("#ffffff"))
    canvas.restore()
    _pin(canvas, at, 285, 365, drawn)
    for i in range(3):
        fold = linear((180 * i, 0), (180 * i + 180, 0), "#ffffff", "#000000", alphas=[0.16, 0.1])
        canvas.drawRect(
            skia.Rect.MakeLTRB(180 * i - (60 if i == 0 else 0), -60, 180 * i + (240 if i == 2 else 180), 1020),
            paint(shader=fold),
        )
    clouds(canvas, at * 3, 760, ("#ffffff", "#e6eef6"), count=3, seed=67, alpha=0.5)


def _pin(canvas, at, x, y, drawn):
    for k in range(3):
        ring = (at * 0.7 + k / 3) % 1
        canvas.drawOval(
            skia.Rect.MakeLTRB(x - 120 * ring, y - 60 * ring, x + 120 * ring, y + 60 * ring),
            paint("#ff3b3b", 0.6 * (1 - ring), width=5),
        )
    hop = 26 * abs(sway(at, 1.5)) * drawn
    canvas.drawOval(skia.Rect.MakeLTRB(x - 34, y - 12, x + 44, y + 18), paint("#000000", 0.45, blur=9))
    canvas.save()
    canvas.translate(x, y - hop)
    pin = skia.Path()
    pin.moveTo(0, 0)
    pin.cubicTo(-20, -50, -72, -80, -72, -138)
    pin.arcTo(skia.Rect.MakeLTRB(-72, -210, 72, -66), 180, 180, False)
    pin.cubicTo(72, -80, 20, -50, 0, 0)
    fill(canvas, pin, paint(shader=radial((-24, -166), 170, "#ff9a86", "#f0323c", "#9a0f2a")))
    canvas.drawCircle(0, -138, 29, paint("#ffffff"))
    canvas.drawOval(skia.Rect.MakeLTRB(-46, -194, -8, -164), paint("#ffffff", 0.6, blur=7))
    canvas.restore()


def lantern(canvas, at, x, y, size, name, phase):
    """A paper lantern that glows and swings."""
    flicker = 0.85 + 0.15 * sway(at, 1.3, phase)
    canvas.save()
    canvas.translate(x, y)
    canvas.rotate(5 * sway(at, 2.8, phase))
    glow(canvas, 0, size, size * 3.4, name, 0.55 * flicker)
    canvas.drawLine(0, -size * 0.5, 0, 0, paint("#1a0a14", width=2))
    body = skia.Rect.MakeLTRB(-size * 0.95, size * 0.1, size * 0.95, size * 1.8)
    canvas.drawOval(
        body,
        paint(
            shader=radial(
                (0, size * 1.05),
                size * 1.1,
                "#fffbd0",
                mix(name, "#ffe070", 0.5 * flicker),
                name,
                mix(name, "#5a0a10", 0.4),
                stops=[0, 0.35, 0.75, 1],
            )
        ),
    )
    for k in (-2, -1, 0, 1, 2):
        rib = curve(
            (k * size * 0.12, size * 0.1), (k * size * 0.42, size * 0.95), (k * size * 0.12, size * 1.8), closed=False
        )
        canvas.drawPath(rib, paint("#7a1a0a", 0.35, width=1.6))
    for top in (0.02, 1.74):
        fill(canvas, rounded(-size * 0.4, size * top, size * 0.8, size * 0.16, 3), paint("#2a0f14"))
    canvas.drawLine(0, size * 1.9, 4 * sway(at, 1.6, phase), size * 2.6, paint("#ffb84a", width=3))
    canvas.restore()


def lanterns(canvas, at, length, of="river"):
    """Night: lanterns over a street that goes down to the river, or over the river itself."""
    backdrop(canvas, "#0c0f33", "#2a1a5a", "#8a2f6a", "#ff8a4a", stops=[0, 0.3, 0.52, 0.64])
    for a, b, c, d in scattered(60, 71):
        canvas.drawCircle(540 * a, 380 * b, 0.8 + 1.4 * c, paint("#ffffff", 0.35 + 0.6 * abs(sway(at, 2 + c, d))))
    horizon = 600
    for side in (-1, 1):
        for k in range(6):
            _house(canvas, at, side, k, horizon)
    canvas.drawRect(
        skia.Rect.MakeLTRB(-60, horizon, 600, 1020),
        paint(shader=linear((0, horizon), (0, 960), "#e0704a", "#5a2a6a", "#120c34", stops=[0, 0.3, 1])),
    )
    if of == "river":
        for a, b, c, d in scattered(150, 73):
            deep = b**1.5
            y, x = horizon + 8 + 360 * deep, 540 * a + 6 * sway(at, 1.6, d)
            long = (4 + 26 * deep) * (0.5 + 0.5 * abs(sway(at, 1.2 + c, d)))
            canvas.drawLine(
                x - long,
                y,
                x + long,
                y,
                paint(
                    ("#ffd27a", "#ff8a4a", "#ff5f6a", "#ffe9b0")[int(4 * c)],
                    0.2 + 0.55 * abs(sway(at, 1 + d, a)),
                    width=1.5 + 4 * deep,
                ),
            )
        for k in range(7):
            life = (k * 0.37 + 0.03 * at) % 1
            x, y, size = 60 + 75 * k + 14 * sway(at, 5, k / 7), 660 + 250 * life, 14 + 24 * life
            canvas.drawOval(
                skia.Rect.MakeLTRB(x - size * 2, y + size * 0.6, x + size * 2, y + size * 2.6),
                paint("#ffb04a", 0.4, blur=size * 0.5),
            )
            glow(canvas, x, y, size * 3.4, "#ffb04a", 0.7)
            fill(
                canvas,
                path(
                    (x - size, y + size),
                    (x - size * 0.75, y - size * 0.9),
                    (x + size * 0.75, y - size * 0.9),
                    (x + size, y + size),
                ),
                paint(shader=radial((x, y + size * 0.4), size * 1.5, "#fffbd0", "#ffb04a", "#e0522a")),
            )
    else:
        for k in range(14):
            y = horizon + 8 + 26 * k * (1 + k * 0.03)
            for j in range(-5, 6):
                wet = rounded(270 + (j - 0.5) * (16 + 8 * k) + (k % 2) * 8, y, 13 + 7 * k, 10 + 1.6 * k, 5)
                fill(
                    canvas,
                    wet,
                    paint(
                        mix("#ffb070", "#3a2060", 0.25 + 0.05 * k + 0.2 * abs(j) / 5),
                        0.35 + 0.25 * abs(sway(at, 2.2, k * 0.1 + j * 0.2)),
                    ),
                )
        _walkers(canvas, at)
    for row, (y, sag, count, size) in enumerate(((330, 34, 9, 15), (230, 50, 7, 25), (70, 74, 5, 42))):
        line = [(-40 + 620 * i / (count - 1), y + sag * math.sin(math.pi * i / (count - 1))) for i in range(count)]
        canvas.drawPath(curve(*line, closed=False), paint("#1a0a14", width=2 + row))
        for i, (x, ly) in enumerate(line):
            lantern(canvas, at, x, ly, size, ("#f0382e", "#ff9a2e", "#ff5f4a")[(i + row) % 3], i * 0.21 + row * 0.1)


def _house(canvas, at, side, k, horizon):
    """A house beside the street: nearer ones are larger; windows are lit."""
    near = (k + 1) / 6
    wide, high = 70 + 60 * near, 130 + 330 * near
    x = 270 + side * (30 + 260 * near**1.2)
    left = x if side > 0 else x - wide
    wall = mix("#6a2f6a", "#1a0f34", near)
    canvas.drawRect(
        skia.Rect.MakeXYWH(left, horizon - high, wide, high + 60),
        paint(shader=linear((x, 0), (x + side * wide, 0), mix(wall, "#ff8a4a", 0.4), wall)),
    )
    roof = path(
        (left - 16, horizon - high + 8),
        (left + wide / 2, horizon - high - 34 - 20 * near),
        (left + wide + 16, horizon - high + 8),
    )
    fill(canvas, roof, paint(mix("#3a1440", "#0e0824", near)))
    for row in range(int(high / 70)):
        for column in range(2):
            lit = 0.6 + 0.4 * sway(at, 3 + k, row * 0.31 + column * 0.5)
            pane = rounded(left + wide * (0.16 + 0.4 * column), horizon - high + 26 + 66 * row, wide * 0.26, 34, 3)
            fill(canvas, pane, paint(mix("#7a3a3a", "#ffd27a", lit if (row + column + k) % 3 else 0.1)))


def _walkers(canvas, at):
    """People who walk towards the light."""
    for k, (a, b, _c, d) in enumerate(sorted(scattered(9, 77), key=lambda row: row[1])):
        deep = 0.25 + 0.75 * b
        x, y = 270 + 330 * (a - 0.5) * (0.5 + deep) + 3 * sway(at, 1.2, d), 640 + 270 * deep - 7 * at * deep
        size = 46 + 96 * deep
        step = sway(at, 1.0, d)
        coat = ("#7a2f3f", "#2f4a7a", "#8a5a2f", "#3f2f5a", "#c9783f")[k % 5]
        canvas.drawOval(
            skia.Rect.MakeLTRB(x - size * 0.3, y - 6, x + size * 0.3, y + 10), paint("#0a0420", 0.5, blur=6)
        )
        for leg in (-1, 1):
            canvas.drawLine(
                x + leg * size * 0.07,
                y - size * 0.5,
                x + leg * size * (0.07 + 0.05 * step * leg),
                y,
                paint("#140a24", width=size * 0.13),
            )
        body = curve(
            (x - size * 0.2, y - size * 0.36),
            (x - size * 0.2, y - size * 0.92),
            (x, y - size * 1.05),
            (x + size * 0.2, y - size * 0.92),
            (x + size * 0.2, y - size * 0.36),
            tension=0.7,
        )
        fill(
            canvas,
            body,
            paint(
                shader=linear(
                    (x - size * 0.2, y - size),
                    (x + size * 0.2, y - size * 0.4),
                    mix(coat, "#ffb070", 0.5),
                    coat,
                    mix(coat, "#0a0420", 0.5),
                )
            ),
        )
        ball(canvas, x, y - size * 1.2, size * 0.15, "#8a4a3a", "#1c0c1c", 0)


def stall(canvas, at, length):
    """A market cook's stall at night: a steaming pot, bowls of noodles, a striped roof, lanterns."""
    backdrop(canvas, "#1a0f3a", "#5a2050", "#c9503a", stops=[0, 0.5, 1])
    for a, b, c, d in scattered(20, 81):
        name = ("#ffb04a", "#ff5f6a", "#ffe0a0")[int(3 * c)]
        glow(canvas, 540 * a, 160 + 420 * b, 30 + 50 * d, name, 0.4 + 0.15 * sway(at, 2, a))
    canvas.drawRect(
        skia.Rect.MakeLTRB(-60, 700, 600, 1020), paint(shader=linear((0, 700), (0, 960), "#a85a30", "#4a2014"))
    )
    canvas.save()
    canvas.clipRect(skia.Rect.MakeLTRB(-60, 712, 600, 1020))
    canvas.saveLayerAlpha(None, 120)
    canvas.drawImage(wood("#6a3418", "#b86a34", planks=6, seed=83), -60, 600)
    canvas.restore()
    canvas.restore()
    fill(canvas, rounded(-60, 690, 660, 26, 4), paint(shader=linear((0, 690), (0, 716), "#ffc98a", "#8a4a24")))
    pot = curve((120, 480), (128, 640), (190, 696), (350, 696), (412, 640), (420, 480), tension=0.5)
    shadow(canvas, pot, dy=12, blur=16, alpha=0.5)
    fill(canvas, pot, paint(shader=linear((120, 0), (420, 0), "#3a3f4f", "#d9dfe9", "#8a90a3", "#23262f")))
    canvas.drawOval(skia.Rect.MakeLTRB(112, 446, 428, 516), paint("#cfd6e2"))
    canvas.drawOval(
        skia.Rect.MakeLTRB(126, 454, 414, 508),
        paint(shader=linear((0, 454), (0, 508), "#8a2410", "#f0682a", "#ffb04a")),
    )
    for a, b, c, d in scattered(22, 85):
        life = (at * (0.6 + c) + a) % 1
        canvas.drawOval(
            skia.Rect.MakeXYWH(150 + 230 * b, 462 + 34 * d, 22 * life + 4, 9 * life + 2),
            paint("#ffe0a0", 0.8 * (1 - life), width=2),
        )
    canvas.save()
    canvas.translate(330 + 26 * sway(at, 2.2), 484 + 8 * sway(at, 1.1))
    canvas.rotate(24 + 9 * sway(at, 2.2))
    fill(canvas, rounded(-7, -250, 14, 260, 7), paint(shader=linear((-7, 0), (7, 0), "#f0c48a", "#7a4420")))
    canvas.restore()
    for x, y, size, name in ((120, 800, 104, "#2f6fae"), (400, 830, 118, "#c9323a"), (255, 915, 90, "#2f8a6a")):
        _noodles(canvas, at, x, y, size, name)
    for i in range(9):
        x = -60 + 74 * i
        fold = path((x + 24, -60), (x + 98, -60), (x + 74, 190), (x, 190))
        tone = "#e0383a" if i % 2 else "#fff3dc"
        fill(canvas, fold, paint(shader=linear((0, -60), (0, 190), mix(tone, "#3a0a1a", 0.4), tone)))
        scallop = skia.Rect.MakeLTRB(x, 160 + 3 * sway(at, 2, i / 5), x + 74, 226 + 4 * sway(at, 2, i / 5))
        canvas.drawOval(scallop, paint(shader=linear((0, 160), (0, 226), tone, mix(tone, "#3a0a1a", 0.25))))
    for k, x in enumerate((70, 270, 470)):
        lantern(canvas, at, x, 250 + 12 * (k % 2), 34, ("#ff9a2e", "#f0382e", "#ff9a2e")[k], k * 0.3)
    steam(canvas, at, 270, 490, high=400, wide=220, strength=0.3)
    steam(canvas, at, 400, 800, high=220, wide=110, strength=0.2, seed=8)


def _noodles(canvas, at, x, y, size, name):
    """A bowl of noodle soup."""
    canvas.drawOval(
        skia.Rect.MakeLTRB(x - size, y + size * 0.5, x + size * 1.1, y + size * 0.95), paint("#1a0608", 0.5, blur=12)
    )
    bowl = skia.Path()
    bowl.moveTo(x - size, y)
    bowl.cubicTo(x - size * 0.9, y + size * 0.6, x - size * 0.5, y + size * 0.8, x, y + size * 0.8)
    bowl.cubicTo(x + size * 0.5, y + size * 0.8, x + size * 0.9, y + size * 0.6, x + size, y)
    fill(
        canvas,
        bowl,
        paint(shader=linear((x - size, 0), (x + size, 0), mix(name, "#ffffff", 0.3), name, mix(name, "#0a0420", 0.55))),
    )
    canvas.drawOval(skia.Rect.MakeLTRB(x - size, y - size * 0.34, x + size, y + size * 0.34), paint("#fff6e6"))
    soup = skia.Rect.MakeLTRB(x - size * 0.9, y - size * 0.28, x + size * 0.9, y + size * 0.28)
    canvas.drawOval(soup, paint(shader=linear((0, soup.top()), (0, soup.bottom()), "#a83a14", "#f08a34")))
    canvas.save()
    canvas.clipPath(skia.Path.Oval(soup), True)
    for a, b, c, d in scattered(20, round(size)):
        px, py = x + size * 1.1 * (a - 0.5), y + size * 0.26 * (b - 0.5)
        line = curve((px - 34, py), (px - 12, py - 9 * c), (px + 12, py + 9 * d), (px + 36, py), closed=False)
        canvas.drawPath(line, paint("#7a3a10", 0.5, width=7))
        canvas.drawPath(line, paint("#ffe9a8", width=4.6))
    canvas.restore()
    for side in (-1, 1):
        canvas.drawOval(skia.Rect.MakeXYWH(x + side * size * 0.36 - 20, y - 16, 44, 26), paint("#fffaf0"))
        canvas.drawOval(skia.Rect.MakeXYWH(x + side * size * 0.36 - 9, y - 10, 22, 13), paint("#ffb52e"))
    for a, b, c, d in scattered(10, round(size) + 1):
        canvas.drawCircle(
            x + size * (a - 0.5), y + size * 0.34 * (b - 0.5), 4 + 3 * c, paint("#5fae3a" if d > 0.3 else "#d9302a")
        )


def window(canvas, at, length):
    """The valley through the window of a train."""
    canvas.save()
    canvas.clipRRect(rounded(34, 110, 472, 640, 60), True)
    sky(canvas, CLEAR, 520)
    sun(canvas, 150, 240, 36)
    clouds(canvas, at * 2, 240, ("#ffffff", "#cfe0f0"), count=4, seed=91)
    mountains(canvas, 520, 230, ("#a9c4e6", "#e3ecf4"), 93, shift=-10 * at, rough=0.52, snow=0.3)
    mountains(canvas, 590, 150, ("#6f9ac0", "#a9cdb8"), 95, shift=-24 * at, rough=0.48)
    canvas.drawRect(
        skia.Rect.MakeLTRB(0, 560, 540, 780), paint(shader=linear((0, 560), (0, 750), "#b9d98a", "#5fa04a", "#2f7a3f"))
    )
    canvas.drawPath(
        curve((-50, 690), (120, 640), (280, 656), (420, 610), (620, 600), closed=False), paint("#d9f3ff", width=22)
    )
    for a, b, _c, _d in scattered(13, 97):
        deep = b
        x, y, size = ((a * 900 - (34 + 40 * deep) * at) % 900) - 150, 585 + 80 * deep, 12 + 20 * deep
        canvas.drawRect(
            skia.Rect.MakeXYWH(x, y, size * 1.5, size),
            paint(shader=linear((x, 0), (x + size * 1.5, 0), "#fffaf0", "#e0b48a")),
        )
        fill(
            canvas,
            path((x - 5, y + 1), (x + size * 0.75, y - size * 0.8), (x + size * 1.5 + 5, y + 1)),
            paint("#b9442f"),
        )
    for k in range(3):
        pines(
            canvas,
            at,
            705 + 32 * k,
            12,
            99 + k,
            ("#3f8a5a", "#2a6a4a", "#14503a")[k],
            70 + 50 * k,
            shift=-(90 + 90 * k) * at,
        )
    glow(canvas, 150, 240, 420, "#fff0c0", 0.4)
    for k in (0, 1):
        canvas.drawLine(330 + 110 * k, 90, 130 + 110 * k, 770, paint("#ffffff", 0.13, width=44 - 20 * k, blur=5))
    canvas.restore()
    inside = skia.Path.Rect(EVERYTHING)
    hole = skia.Path()
    hole.addRRect(rounded(34, 110, 472, 640, 60))
    wall = skia.Op(inside, hole, skia.PathOp.kDifference_PathOp)
    fill(canvas, wall, paint(shader=linear((0, 0), (540, 960), "#e9d3b4", "#c99a6a", "#7a4a34")))
    canvas.drawRRect(rounded(34, 110, 472, 640, 60), paint("#5a3426", width=18))
    canvas.drawRRect(rounded(46, 122, 448, 616, 50), paint("#fff3dc", 0.5, width=3))
    for side in (-1, 1):
        x = 270 + side * 262
        drape = curve(
            (x - side * 60, 60),
            (x - side * 10, 60),
            (x + side * 60, 60),
            (x + side * 60, 820),
            (x - side * 4, 800),
            (x - side * (34 + 8 * sway(at, 3)), 560),
            (x - side * 60, 320),
            tension=0.6,
        )
        shadow(canvas, drape, dx=-side * 8, dy=6, blur=12, alpha=0.4)
        fill(canvas, drape, paint(shader=linear((x - 60, 0), (x + 60, 0), "#b9323a", "#e0584a", "#8a1c2c")))
        for k in range(4):
            canvas.drawPath(
                curve(
                    (x - side * (40 - 22 * k), 60),
                    (x - side * (30 - 20 * k), 420),
                    (x - side * (6 - 12 * k), 800),
                    closed=False,
                ),
                paint("#5a0a18", 0.4, width=9, blur=4),
            )
    fill(canvas, rounded(-60, 806, 660, 300, 22), paint(shader=linear((0, 806), (0, 960), "#d99a62", "#7a4426")))
    fill(canvas, rounded(-60, 806, 660, 12, 6), paint("#ffe3b8", 0.8))
    _cup(canvas, at)


def _cup(canvas, at):
    rattle = 1.6 * sway(at, 0.23)
    canvas.save()
    canvas.translate(366 + rattle, 856)
    canvas.drawOval(skia.Rect.MakeLTRB(-92, 14, 112, 56), paint("#3a1408", 0.5, blur=10))
    canvas.drawOval(skia.Rect.MakeLTRB(-92, 2, 92, 44), paint(shader=linear((-92, 0), (92, 0), "#ffffff", "#e0cdb8")))
    cup = curve((-62, -84), (-54, -14), (-28, 20), (28, 20), (54, -14), (62, -84), tension=0.5)
    canvas.drawOval(skia.Rect.MakeLTRB(42, -70, 96, -14), paint("#f6ece0", width=12))
    fill(canvas, cup, paint(shader=linear((-62, 0), (62, 0), "#ffffff", "#fff6ea", "#c9ae98")))
    canvas.drawOval(skia.Rect.MakeLTRB(-62, -98, 62, -70), paint("#fffaf2"))
    canvas.drawOval(
        skia.Rect.MakeLTRB(-54, -95, 54, -73), paint(shader=linear((0, -95), (0, -73), "#3a1c10", "#a8683a"))
    )
    canvas.restore()
    steam(canvas, at, 366, 770, high=210, wide=60, strength=0.24, seed=9)
    fill(canvas, path((90, 850), (230, 838), (244, 900), (100, 914)), paint("#3a1408", 0.35, blur=8))
    fill(
        canvas,
        path((86, 842), (228, 830), (240, 892), (96, 906)),
        paint(shader=linear((86, 830), (240, 906), "#fff6dc", "#e6c894")),
    )
    for k in range(3):
        canvas.drawLine(106, 858 + 14 * k, 196 - 24 * k, 851 + 14 * k, paint("#b98a54", 0.8, width=4))


SCENES = {
    "sea": sea,
    "peaks": peaks,
    "atlas": atlas,
    "lanterns": lanterns,
    "stall": stall,
    "window": window,
}

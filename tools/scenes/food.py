"""Scenes of cooking: garlic, a jar that is shaken, slices, a pan, oil that is poured, a plate."""

# ruff: noqa: ARG001 - every scene is called with the same arguments

import math

import skia

from .brush import (
    EVERYTHING,
    backdrop,
    ball,
    blob,
    bokeh,
    cloth,
    curve,
    ease_out,
    fill,
    glow,
    lay,
    linear,
    marble,
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


def light_from_the_window(canvas, x=90, y=120, strength=0.5):
    """A warm light from one corner and shade in the other."""
    glow(canvas, x, y, 620, "#fff1cf", strength, blend=skia.BlendMode.kSoftLight)
    glow(canvas, x, y, 480, "#ffdf9e", strength * 0.5)
    shade = linear((0, 0), (540, 960), "#000000", "#1a0800", alphas=[0, 0.5])
    canvas.drawRect(EVERYTHING, paint(shader=shade))


# --- things to eat


def clove(canvas, x, y, size, turn, seed=1):
    """A peeled clove of garlic."""
    canvas.save()
    canvas.translate(x, y)
    canvas.rotate(turn)
    shape = curve(
        (-size, size * 0.15),
        (-size * 0.35, -size * 0.42),
        (size * 0.55, -size * 0.3),
        (size * 1.15, size * 0.12),
        (size * 0.4, size * 0.52),
        (-size * 0.5, size * 0.55),
        tension=0.95,
    )
    shadow(canvas, shape, dx=size * 0.1, dy=size * 0.2, blur=size * 0.16, alpha=0.45)
    fill(canvas, shape, paint(shader=radial((-size * 0.2, -size * 0.25), size * 1.5, "#fffdf2", "#f3e6c4", "#c9ab78")))
    for i in (-1, 0, 1):
        line = curve(
            (-size * 0.85, size * 0.15), (0, size * (0.02 + 0.2 * i)), (size * 1.05, size * 0.12), closed=False
        )
        canvas.drawPath(line, paint("#b99a63", 0.35, width=size * 0.025))
    canvas.drawOval(
        skia.Rect.MakeXYWH(-size * 0.5, -size * 0.28, size * 0.6, size * 0.16), paint("#ffffff", 0.75, blur=size * 0.05)
    )
    canvas.restore()


def bulb(canvas, x, y, size, turn=0.0):
    """A whole head of garlic in its paper."""
    canvas.save()
    canvas.translate(x, y)
    canvas.rotate(turn)
    canvas.drawOval(
        skia.Rect.MakeLTRB(-size * 1.05, size * 0.62, size * 1.25, size * 1.12), paint("#1a0a00", 0.5, blur=size * 0.14)
    )
    for lean, wide in ((-0.62, 0.5), (0.62, 0.5), (-0.3, 0.55), (0.3, 0.55), (0, 0.5)):
        middle = lean * size
        part = curve(
            (middle * 0.25, -size * 0.95),
            (middle - wide * size * 0.55, -size * 0.1),
            (middle - wide * size * 0.6, size * 0.6),
            (middle * 0.7, size * 0.98),
            (middle + wide * size * 0.6, size * 0.6),
            (middle + wide * size * 0.55, -size * 0.1),
            tension=0.9,
        )
        tone = 0.5 + 0.5 * lean
        fill(
            canvas,
            part,
            paint(
                shader=radial(
                    (middle - size * 0.15, -size * 0.1),
                    size * 1.2,
                    mix("#fffdf6", "#e7d6c6", tone * 0.6),
                    "#e9dac6",
                    mix("#b794a0", "#8a6273", tone),
                )
            ),
        )
        canvas.drawPath(part, paint("#8d6a72", 0.35, width=2))
        for i in range(-2, 3):
            rib = curve(
                (middle * 0.25, -size * 0.9),
                (middle + i * wide * size * 0.2, size * 0.1),
                (middle * 0.75 + i * size * 0.05, size * 0.93),
                closed=False,
            )
            canvas.drawPath(rib, paint("#a0607e", 0.22, width=1.6))
    stem = curve(
        (-size * 0.12, -size * 0.8),
        (-size * 0.06, -size * 1.25),
        (size * 0.02, -size * 1.5),
        (size * 0.1, -size * 1.46),
        (size * 0.1, -size * 1.1),
        (size * 0.16, -size * 0.8),
    )
    fill(canvas, stem, paint(shader=linear((-size * 0.1, 0), (size * 0.14, 0), "#fff8e4", "#c7a678")))
    canvas.drawOval(
        skia.Rect.MakeLTRB(-size * 0.55, -size * 0.35, -size * 0.2, size * 0.3), paint("#ffffff", 0.6, blur=size * 0.09)
    )
    canvas.restore()


def tomato_slice(canvas, x, y, size, turn):
    """A round slice of tomato with its chambers."""
    canvas.save()
    canvas.translate(x, y)
    canvas.drawCircle(size * 0.08, size * 0.14, size * 1.02, paint("#1a0200", 0.5, blur=size * 0.12))
    canvas.rotate(turn)
    canvas.drawCircle(
        0,
        0,
        size,
        paint(shader=radial((0, 0), size, "#ff7a55", "#f4472f", "#d1220f", "#a3110a", stops=[0, 0.75, 0.93, 1])),
    )
    for i in range(6):
        canvas.save()
        canvas.rotate(60 * i)
        room = curve(
            (size * 0.2, 0),
            (size * 0.42, -size * 0.24),
            (size * 0.76, -size * 0.26),
            (size * 0.84, 0),
            (size * 0.76, size * 0.26),
            (size * 0.42, size * 0.24),
            tension=0.9,
        )
        fill(canvas, room, paint(shader=radial((size * 0.55, 0), size * 0.5, "#ffb357", "#e8431f", "#b81d0c")))
        for a, b, _, d in scattered(6, 60 + i):
            canvas.save()
            canvas.translate(size * (0.4 + 0.36 * a), size * 0.3 * (b - 0.5))
            canvas.rotate(360 * d)
            canvas.drawOval(
                skia.Rect.MakeXYWH(-size * 0.055, -size * 0.03, size * 0.11, size * 0.06), paint("#ffe9b0", 0.95)
            )
            canvas.restore()
        canvas.restore()
    canvas.restore()
    shine = curve(
        (x - size * 0.6, y - size * 0.5),
        (x - size * 0.1, y - size * 0.82),
        (x + size * 0.2, y - size * 0.8),
        (x - size * 0.2, y - size * 0.62),
        tension=1,
    )
    fill(canvas, shine, paint("#ffffff", 0.55, blur=size * 0.04))


def potato(canvas, x, y, size, turn, seed, golden=1.0):
    """A roast potato: golden, with a rough edge."""
    canvas.save()
    canvas.translate(x, y)
    canvas.rotate(turn)
    shape = blob(0, 0, size, seed, rough=0.16, points=8, flat=0.78)
    shadow(canvas, shape, dx=size * 0.08, dy=size * 0.2, blur=size * 0.16, alpha=0.55)
    light, dark = mix("#fff3c4", "#ffcf5e", golden), mix("#d8b878", "#b8641a", golden)
    fill(
        canvas,
        shape,
        paint(
            shader=radial(
                (-size * 0.3, -size * 0.3), size * 1.5, light, mix(light, dark, 0.45), mix(dark, "#5a2606", 0.4)
            )
        ),
    )
    canvas.save()
    canvas.clipPath(shape, True)
    for a, b, c, d in scattered(16, seed + 7):
        angle, reach = 6.28 * a, size * (0.62 + 0.4 * b)
        fill(
            canvas,
            blob(reach * math.cos(angle), reach * 0.78 * math.sin(angle), size * (0.08 + 0.14 * c), seed, 0.3),
            paint("#8a3f0a", 0.35 * golden * d, blur=3),
        )
        canvas.drawCircle(
            size * (a - 0.5), size * (b - 0.5), size * 0.03, paint("#2f7a2a" if d > 0.6 else "#fff7da", 0.85)
        )
    canvas.restore()
    canvas.drawOval(
        skia.Rect.MakeXYWH(-size * 0.55, -size * 0.5, size * 0.6, size * 0.2), paint("#ffffff", 0.55, blur=size * 0.07)
    )
    canvas.restore()


def basil(canvas, x, y, size, turn):
    """A leaf of basil."""
    canvas.save()
    canvas.translate(x, y)
    canvas.rotate(turn)
    leaf = curve(
        (-size, 0),
        (-size * 0.35, -size * 0.5),
        (size * 0.45, -size * 0.42),
        (size * 1.05, 0),
        (size * 0.45, size * 0.42),
        (-size * 0.35, size * 0.5),
        tension=0.9,
    )
    shadow(canvas, leaf, dx=4, dy=9, blur=7, alpha=0.45)
    fill(canvas, leaf, paint(shader=linear((0, -size * 0.5), (0, size * 0.5), "#8fd14f", "#3f9a35", "#1d5f2a")))
    canvas.drawLine(-size, 0, size * 0.9, 0, paint("#c9f08a", 0.7, width=size * 0.05))
    for i in range(4):
        at = size * (-0.55 + 0.36 * i)
        for side in (-1, 1):
            canvas.drawLine(at, 0, at + size * 0.26, side * size * 0.3, paint("#c9f08a", 0.4, width=size * 0.03))
    canvas.restore()


def morsel(canvas, of, x, y, size, turn, seed):
    """One piece of what the clip cooks."""
    if of == "garlic":
        clove(canvas, x, y, size * 0.72, turn, seed)
    elif of == "potatoes":
        potato(canvas, x, y, size, turn, seed)
    else:
        ball(canvas, x, y, size * 0.8, "#ff8a66", "#a01208", shine=0.9)
        canvas.drawCircle(x + size * 0.1, y - size * 0.45, size * 0.1, paint("#3f6b1f"))


# --- scenes


def garlic(canvas, at, length):
    """A head of garlic and its cloves on a board by the window."""
    lay(canvas, wood("#4a2a16", "#9a683c", planks=4))
    light_from_the_window(canvas, strength=0.7)
    canvas.save()
    canvas.translate(270, 520)
    canvas.rotate(-12)
    board = rounded(-215, -290, 430, 580, 46)
    shadow(canvas, board, dx=10, dy=22, blur=22, alpha=0.6)
    canvas.save()
    canvas.clipRRect(board, True)
    canvas.drawImage(wood("#b98550", "#ecc58d", planks=2, seed=9), -330, -540)
    canvas.restore()
    canvas.drawRRect(board, paint("#fff0cf", 0.35, width=4))
    canvas.restore()
    for i, (a, b, c, d) in enumerate(scattered(7, 33)):
        arrived = ease_out((at + 0.2 - 0.16 * i) / 0.7)
        x, y = 130 + 290 * ((i * 0.37) % 1), 640 + 190 * b
        clove(canvas, x + (1 - arrived) * 420, y, 40 + 14 * c, 360 * d + (1 - arrived) * 420 + 4 * sway(at, 3, a), i)
    bulb(canvas, 225, 440 + 5 * sway(at, 3), 125, -9 + 4 * sway(at, 4))
    for a, b, c, d in scattered(12, 35):
        skin = curve((0, 0), (14 + 16 * a, -9), (32 + 16 * a, 2), (15, 9), tension=1)
        canvas.save()
        canvas.translate(540 * a + 30 * sway(at, 3, d), (960 * b + 70 * at) % 1000 - 20)
        canvas.rotate(360 * c + 60 * at)
        fill(canvas, skin, paint("#fff4ea", 0.75))
        canvas.drawPath(skin, paint("#b78a9a", 0.5, width=1))
        canvas.restore()


def jar(canvas, at, length):
    """A jar with cloves that is shaken hard."""
    backdrop(canvas, "#ffd25e", "#ff9a3c", "#e0503a", stops=[0, 0.55, 1], tilt=120)
    canvas.save()
    canvas.translate(270, 500)
    for i in range(24):
        canvas.save()
        canvas.rotate(15 * i + 6 * at)
        fill(canvas, path((0, 0), (-44, 900), (44, 900)), paint("#fff2b8", 0.16 if i % 2 else 0))
        canvas.restore()
    canvas.restore()
    glow(canvas, 270, 500, 420, "#fff6d0", 0.8)
    shake, lean = 22 * sway(at, 0.24), 8 * sway(at, 0.48)
    canvas.drawOval(skia.Rect.MakeLTRB(110, 790, 430, 860), paint("#7a1c10", 0.5, blur=20))
    canvas.save()
    canvas.translate(270 + 0.5 * shake, 520 + shake)
    canvas.rotate(lean)
    glass = curve(
        (-120, -200),
        (-150, -140),
        (-156, 60),
        (-150, 220),
        (-90, 268),
        (90, 268),
        (150, 220),
        (156, 60),
        (150, -140),
        (120, -200),
        tension=0.7,
    )
    fill(
        canvas,
        glass,
        paint(shader=linear((-150, 0), (150, 0), "#fffbe8", "#ffe9c0", "#fffbe8", alphas=[0.75, 0.35, 0.65])),
    )
    for i, (a, b, c, d) in enumerate(scattered(11, 51)):
        phase = at * (2.6 + c) + d
        x = -105 + 210 * abs(((a + 0.31 * phase) % 2) - 1)
        y = 215 - 330 * b * abs(math.sin(math.pi * phase))
        clove(canvas, x, y, 40, 360 * d + 260 * at * (1 if i % 2 else -1), i)
    canvas.drawPath(glass, paint("#ffffff", 0.9, width=5))
    fill(
        canvas,
        curve((-128, -120), (-112, -128), (-118, 120), (-130, 170), (-136, 60), tension=0.6),
        paint("#ffffff", 0.75, blur=3),
    )
    fill(canvas, rounded(112, -110, 10, 250, 5), paint("#ffffff", 0.4, blur=2))
    lid = rounded(-132, -262, 264, 70, 14)
    shadow(canvas, lid, dy=8, blur=8, alpha=0.35)
    fill(canvas, lid, paint(shader=linear((-132, 0), (132, 0), "#8a1c10", "#f2634a", "#ffb39a", "#d63f2a", "#7a140c")))
    for i in range(22):
        canvas.drawLine(-124 + 12 * i, -250, -124 + 12 * i, -204, paint("#5a0d08", 0.25, width=2))
    canvas.restore()
    for side in (-1, 1):
        for i in range(3):
            grow = 0.5 + 0.5 * sway(at, 0.24, 0.25 * side)
            bow = curve(
                (270 + side * (205 + 34 * i), 400),
                (270 + side * (222 + 36 * i + 8 * grow), 500),
                (270 + side * (205 + 34 * i), 600),
                closed=False,
            )
            canvas.drawPath(bow, paint("#ffffff", 0.85 - 0.22 * i, width=9 - 2 * i))


def slices(canvas, at, length, of="tomatoes"):
    """Slices that slide onto a board in a row, with leaves that fall among them."""
    if of == "tomatoes":
        lay(canvas, marble("#f1efe9", "#a9b3ad"))
    elif of == "potatoes":
        lay(canvas, cloth("#38506b", "#1f3048"))
    else:
        lay(canvas, cloth("#5b7a4a", "#34502f"))
    light_from_the_window(canvas, strength=0.55)
    canvas.save()
    canvas.translate(270, 500)
    canvas.rotate(9)
    board = rounded(-200, -400, 400, 800, 60)
    shadow(canvas, board, dx=10, dy=20, blur=22, alpha=0.5)
    canvas.clipRRect(board, True)
    canvas.drawImage(wood("#8a5a30", "#d9a566", planks=3, seed=12), -330, -540)
    canvas.restore()
    for i in range(6):
        come = ease_out((at + 0.35 - 0.28 * i) / 0.6)
        x, y = 225 + 90 * (i % 2) + (1 - come) * 500, 190 + 125 * i
        turn = 25 * i - (1 - come) * 200 + 3 * at
        if of == "tomatoes":
            tomato_slice(canvas, x, y, 108, turn)
        elif of == "garlic":
            for k in range(3):
                clove(canvas, x - 95 + 95 * k, y + 26 * (k % 2), 52, turn + 40 * k, i)
        else:
            potato(canvas, x, y, 100, turn, i + 3, golden=0.25 + 0.5 * smooth(at / length))
    for i, (a, b, c, d) in enumerate(scattered(6, 71)):
        fall = ease_out((at - 0.25 * i) / 1.1)
        basil(
            canvas,
            60 + 420 * a,
            -80 + fall * (200 + 700 * b),
            34 + 18 * c,
            360 * d + 120 * (1 - fall) + 5 * sway(at, 2, d),
        )


def pan(canvas, at, length, of="tomatoes"):
    """A pan from above: oil, what cooks in it, steam."""
    lay(canvas, wood("#2c1c16", "#6a4a34", planks=5, seed=15) if of != "potatoes" else cloth("#7a2f28", "#4c1a1c"))
    light_from_the_window(canvas, 60, 160, 0.5)
    canvas.save()
    canvas.translate(262, 500)
    canvas.rotate(3 * sway(at, 3))
    grip = rounded(-34, 210, 68, 420, 34)
    shadow(canvas, grip, dx=14, dy=22, blur=18, alpha=0.6)
    fill(canvas, grip, paint(shader=linear((-34, 0), (34, 0), "#4a4a50", "#25252a", "#101013")))
    canvas.drawCircle(14, 24, 258, paint("#000000", 0.6, blur=26))
    canvas.drawCircle(0, 0, 255, paint(shader=linear((-200, -200), (200, 200), "#73737c", "#1b1b20", "#3b3b42")))
    canvas.drawCircle(0, 0, 232, paint(shader=radial((-40, -60), 330, "#5a4a32", "#33291e", "#15110e")))
    canvas.drawCircle(0, 0, 232, paint("#000000", 0.6, width=6))
    _oil(canvas, at)
    for i, (a, b, c, d) in enumerate(scattered(15, {"tomatoes": 82, "garlic": 84, "potatoes": 86}[of])):
        angle, reach = i * 2.4, 190 * math.sqrt((i + 0.5) / 15)
        jump = 2.6 * sway(at, 0.3 + 0.2 * c, d)
        morsel(
            canvas,
            of,
            reach * math.cos(angle) + jump,
            reach * math.sin(angle) - jump,
            44 + 12 * a,
            360 * b + 5 * sway(at, 1.1, d),
            i,
        )
    for a, b, c, d in scattered(5, 88):
        if of != "garlic":
            basil(canvas, 320 * (a - 0.5), 320 * (b - 0.5), 24 + 10 * c, 360 * d + 3 * sway(at, 2, a))
    canvas.restore()
    steam(canvas, at, 270, 560, high=520, wide=300, strength=0.2)


def _oil(canvas, at):
    """Warm oil with a shimmer and small bubbles."""
    pool = blob(0, 0, 205, 17, rough=0.08, turn=0.1 * at)
    fill(canvas, pool, paint(shader=radial((-50, -60), 260, "#ffcf4a", "#d88a1a", "#7a4408", alphas=[0.85, 0.7, 0.6])))
    for a, b, c, d in scattered(60, 19):
        life = (at * (0.8 + c) + d) % 1
        angle, reach = 6.28 * a, 205 * math.sqrt(b)
        x, y = reach * math.cos(angle), reach * math.sin(angle)
        canvas.drawCircle(x, y, 2 + 6 * life, paint("#fff0b0", 0.7 * (1 - life), width=1.6))
    for i in range(3):
        arc = skia.Rect.MakeLTRB(-190 + 26 * i, -190 + 26 * i, 190 - 26 * i, 190 - 26 * i)
        canvas.drawArc(
            arc, 195 + 12 * sway(at, 2, i / 3), 40 - 8 * i, False, paint("#fff6d0", 0.5, width=6 - i, blur=2)
        )


def pour(canvas, at, length):
    """Olive oil that runs from above into a bowl, in evening light."""
    backdrop(canvas, "#1e2b12", "#5b6a1c", "#d6a52a", stops=[0, 0.5, 1], tilt=-80)
    bokeh(canvas, at, ["#ffe27a", "#b8d84a", "#fff6c0"], count=18, seed=25, alpha=0.4, sizes=(20, 95))
    glow(canvas, 300, 480, 460, "#ffdc5a", 0.6)
    neck = path((330, -80), (470, -80), (352, 190), (306, 166))
    shadow(canvas, neck, dx=14, dy=10, blur=16, alpha=0.4)
    fill(canvas, neck, paint(shader=linear((320, 40), (440, 90), "#c6e06a", "#4d6b18", "#9bbb3c", "#23360a")))
    canvas.drawLine(392, -40, 330, 150, paint("#ffffff", 0.6, width=7, blur=2))
    left = [(318 + 5 * sway(at, 0.5, y / 300) - 0.02 * (y - 180), y) for y in range(180, 721, 60)]
    right = [(341 + 4 * sway(at, 0.6, y / 260) - 0.045 * (y - 180), y) for y in range(720, 179, -60)]
    stream = curve(*left, *right, tension=0.8)
    fill(canvas, stream, paint(shader=linear((312, 0), (342, 0), "#a86a08", "#ffe880", "#ffc12a", "#b87408")))
    _bowl(canvas, at)
    for a, b, c, d in scattered(16, 27):
        life = (at * (0.7 + 0.5 * c) + a) % 1
        x, y = 318 + 190 * (b - 0.5) * life, 690 - 150 * math.sin(math.pi * life) * (0.4 + d)
        ball(canvas, x, y, 3 + 6 * c * (1 - life), "#fff3a8", "#c98a10", 0.9)


def _bowl(canvas, at):
    canvas.drawOval(skia.Rect.MakeLTRB(60, 850, 500, 930), paint("#2a1604", 0.6, blur=24))
    bowl = skia.Path()
    bowl.moveTo(42, 690)
    bowl.cubicTo(56, 850, 160, 914, 270, 914)
    bowl.cubicTo(380, 914, 484, 850, 498, 690)
    fill(canvas, bowl, paint(shader=linear((42, 0), (498, 0), "#f7efe2", "#ffffff", "#cdbfae", "#7d6c5c")))
    canvas.drawOval(skia.Rect.MakeLTRB(42, 630, 498, 750), paint("#fffaf0"))
    inside = skia.Rect.MakeLTRB(58, 640, 482, 742)
    canvas.drawOval(inside, paint(shader=linear((0, 640), (0, 742), "#8a5a08", "#e2a41c", "#ffd95a")))
    for i in range(4):
        life = (at * 0.7 + i / 4) % 1
        ring = skia.Rect.MakeLTRB(318 - 170 * life, 694 - 42 * life, 318 + 170 * life, 694 + 42 * life)
        canvas.save()
        canvas.clipPath(skia.Path.Oval(inside), True)
        canvas.drawOval(ring, paint("#fff2b0", 0.9 * (1 - life), width=4))
        canvas.restore()
    basil(canvas, 150, 690 + 3 * sway(at, 2), 34, 20 + 5 * sway(at, 3))


def plate(canvas, at, length, of="pasta"):
    """The finished plate from above, turning slowly."""
    lay(
        canvas, cloth("#e9d6bd", "#b98f6a", seed=21) if of == "pasta" else wood("#3a2418", "#845634", planks=4, seed=23)
    )
    light_from_the_window(canvas, 70, 130, 0.6)
    for i, (a, b, c, d) in enumerate(scattered(5, 91)):
        x, y = (70, 480)[i % 2] + 60 * (a - 0.5), (110, 850)[i // 3] + 90 * (b - 0.5)
        if of == "pasta":
            ball(canvas, x, y, 30 + 10 * c, "#ff8a66", "#a01208")
            basil(canvas, x + 44, y + 22, 26, 360 * d)
        else:
            clove(canvas, x, y, 40, 360 * d)
    canvas.save()
    canvas.translate(270, 490)
    canvas.drawCircle(14, 30, 250, paint("#1a0c04", 0.55, blur=28))
    canvas.rotate(14 * at)
    canvas.drawCircle(0, 0, 250, paint(shader=radial((-90, -110), 420, "#ffffff", "#efe9e0", "#b9aa9a")))
    canvas.drawCircle(0, 0, 186, paint(shader=radial((60, 80), 260, "#fffdf8", "#e2d8ca", "#c9bba9")))
    canvas.drawCircle(0, 0, 232, paint("#c98a4a" if of == "pasta" else "#3f6f9a", 0.8, width=4))
    if of == "pasta":
        _pasta(canvas)
    else:
        for i, (a, b, _, _) in enumerate(scattered(17, 95)):
            reach = 158 * math.sqrt((i + 0.5) / 17)
            potato(canvas, reach * math.cos(2.4 * i), reach * math.sin(2.4 * i), 46 + 12 * a, 360 * b, i + 2)
        for a, b, c, d in scattered(5, 96):
            basil(canvas, 240 * (a - 0.5), 240 * (b - 0.5), 22 + 8 * c, 360 * d)
    canvas.restore()
    steam(canvas, at, 270, 470, high=420, wide=220, strength=0.22)


def _pasta(canvas):
    """A nest of noodles under sauce, with tomatoes and leaves."""
    canvas.drawCircle(4, 10, 170, paint("#7a3a10", 0.5, blur=14))
    canvas.drawCircle(0, 0, 164, paint(shader=radial((-40, -50), 230, "#ffb04a", "#e07a24", "#a84412")))
    for a, b, c, d in scattered(90, 97):
        angle, reach, bend = 6.28 * a, 30 + 118 * math.sqrt(b), 0.5 + 1.1 * c
        line = curve(
            *[
                (
                    (reach + 13 * math.sin(3 * k + 9 * d)) * math.cos(angle + bend * k / 3),
                    (reach + 13 * math.sin(3 * k + 9 * d)) * math.sin(angle + bend * k / 3),
                )
                for k in range(4)
            ],
            closed=False,
        )
        canvas.drawPath(line, paint("#8a4a10", 0.35, width=11))
        canvas.drawPath(line, paint(mix("#ffe08a", "#f09a3a", d), width=8))
        canvas.drawPath(line, paint("#fff6cf", 0.55, width=2))
    for i, (a, _, _, _) in enumerate(scattered(9, 98)):
        reach = 125 * math.sqrt((i + 0.4) / 9)
        ball(canvas, reach * math.cos(2.4 * i), reach * math.sin(2.4 * i), 23 + 8 * a, "#ff8a66", "#a01208", 0.9)
    for a, b, c, d in scattered(6, 99):
        basil(canvas, 190 * (a - 0.5), 190 * (b - 0.5), 26 + 10 * c, 360 * d)
    for a, b, c, _ in scattered(40, 100):
        canvas.drawCircle(250 * (a - 0.5), 250 * (b - 0.5), 1.5 + 2.5 * c, paint("#fffbe8", 0.9))


SCENES = {"garlic": garlic, "jar": jar, "slices": slices, "pan": pan, "pour": pour, "plate": plate}

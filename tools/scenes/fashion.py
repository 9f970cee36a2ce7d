"""Scenes of clothes: a rack, a garment, colours, a flat lay, a bag, jewelry."""

# ruff: noqa: ARG001 - every scene is called with the same arguments

import math

import skia

from .brush import (
    EVERYTHING,
    backdrop,
    ball,
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
    pop,
    radial,
    rounded,
    scattered,
    shadow,
    sway,
    wood,
)

NAVY, CREAM, RED, CAMEL, SAGE, BLUSH, BLACK, DENIM = (
    "#22355f",
    "#f3e7d0",
    "#d1263a",
    "#c08a56",
    "#8ba287",
    "#e6a59a",
    "#24222a",
    "#4a6f9e",
)
GOLD = ("#8a5c1c", "#ffe6a0", "#c8933a", "#fff3cc", "#96661f")


# --- things to wear, drawn around their own middle, about 300 wide


def sheen(canvas, shape, name, left=-150, right=150, folds=(), ink="#14060c"):
    """Fill a garment: light from the left, then its folds as soft dark and light lines."""
    fill(
        canvas,
        shape,
        paint(shader=linear((left, -120), (right, 160), mix(name, "#ffffff", 0.28), name, mix(name, ink, 0.38))),
    )
    canvas.save()
    canvas.clipPath(shape, True)
    for points in folds:
        line = curve(*points, closed=False)
        canvas.drawPath(line, paint(mix(name, ink, 0.7), 0.34, width=13, blur=7))
        canvas.translate(-7, -2)
        canvas.drawPath(line, paint("#ffffff", 0.26, width=7, blur=4))
        canvas.translate(7, 2)
    canvas.restore()


def hook(canvas, metal="#d9d4cc"):
    """A hanger: the hook and the wooden shoulders."""
    bow = skia.Path()
    bow.moveTo(0, -148)
    bow.lineTo(0, -172)
    bow.cubicTo(0, -190, 26, -190, 24, -212)
    bow.cubicTo(22, -236, -14, -234, -16, -212)
    canvas.drawPath(bow, paint("#2a2420", 0.4, width=7, blur=3))
    canvas.drawPath(bow, paint(metal, width=5))
    wood_ = curve(
        (-104, -96),
        (-40, -140),
        (0, -152),
        (40, -140),
        (104, -96),
        (98, -84),
        (36, -124),
        (0, -132),
        (-36, -124),
        (-98, -84),
    )
    fill(canvas, wood_, paint(shader=linear((0, -150), (0, -90), "#e9b987", "#8a5428")))


def shirt(canvas, at, name="#fbfaf6"):
    """A shirt with a collar, buttons and rolled sleeves."""
    for side in (-1, 1):
        flap = 5 * sway(at, 3, 0.25 * side)
        sleeve = curve(
            (side * 96, -118),
            (side * 138, -70),
            (side * (172 + flap), 70),
            (side * (166 + flap), 92),
            (side * (112 + flap), 84),
            (side * 92, -20),
        )
        shadow(canvas, sleeve, dy=10, blur=12, alpha=0.25)
        sheen(
            canvas, sleeve, mix(name, "#8a8fa8", 0.12), side * 90, side * 180, [((side * 118, -60), (side * 136, 60))]
        )
        cuff = path(
            (side * (108 + flap), 62), (side * (172 + flap), 70), (side * (168 + flap), 98), (side * (106 + flap), 90)
        )
        fill(canvas, cuff, paint(mix(name, "#8a8fa8", 0.2)))
    body = curve(
        (-34, -142),
        (-104, -112),
        (-116, -40),
        (-112, 180),
        (-104, 214),
        (-40, 204),
        (0, 214),
        (40, 204),
        (104, 214),
        (112, 180),
        (116, -40),
        (104, -112),
        (34, -142),
        tension=0.7,
    )
    shadow(canvas, body, dy=14, blur=16, alpha=0.3)
    sheen(
        canvas,
        body,
        name,
        -120,
        120,
        [((-70, -60), (-62, 60), (-80, 200)), ((62, -40), (74, 80), (58, 200)), ((-20, 60), (-34, 200))],
        "#3a4266",
    )
    canvas.drawLine(0, -100, 0, 208, paint("#8a8fa8", 0.55, width=2.5))
    for i in range(6):
        canvas.drawCircle(7, -74 + 48 * i, 5, paint("#d9d2c4"))
        canvas.drawCircle(6, -75 + 48 * i, 2, paint("#8a8478"))
    fill(canvas, rounded(28, -46, 56, 60, 6), paint(mix(name, "#8a8fa8", 0.14)))
    for side in (-1, 1):
        collar = path((0, -104), (side * 34, -150), (side * 60, -132), (side * 44, -80))
        shadow(canvas, collar, dy=4, blur=5, alpha=0.3)
        fill(canvas, collar, paint(mix(name, "#ffffff", 0.6)))
    fill(canvas, path((-30, -146), (30, -146), (0, -108)), paint(mix(name, "#3a4266", 0.4)))


def blazer(canvas, at, name=NAVY):
    """A blazer with lapels, over a light top."""
    for side in (-1, 1):
        flap = 4 * sway(at, 3.4, 0.3 * side)
        sleeve = curve(
            (side * 100, -124),
            (side * 150, -80),
            (side * (176 + flap), 120),
            (side * (170 + flap), 196),
            (side * (122 + flap), 196),
            (side * 96, 0),
        )
        shadow(canvas, sleeve, dy=12, blur=14, alpha=0.35)
        sheen(
            canvas, sleeve, mix(name, "#000000", 0.12), side * 90, side * 190, [((side * 126, -60), (side * 140, 180))]
        )
        for i in range(3):
            ball(canvas, side * (138 + flap), 158 + 13 * i, 4.5, "#ffe6a0", "#8a5c1c")
    body = curve(
        (-40, -146),
        (-112, -120),
        (-118, -20),
        (-104, 60),
        (-124, 222),
        (-60, 236),
        (0, 228),
        (60, 236),
        (124, 222),
        (104, 60),
        (118, -20),
        (112, -120),
        (40, -146),
        tension=0.7,
    )
    shadow(canvas, body, dy=16, blur=18, alpha=0.4)
    sheen(canvas, body, name, -125, 125, [((-84, -40), (-72, 60), (-96, 220)), ((84, -40), (70, 70), (92, 220))])
    fill(
        canvas,
        path((-36, -146), (36, -146), (6, 52), (-6, 52)),
        paint(shader=linear((0, -146), (0, 52), "#ffffff", "#d8d2cc")),
    )
    for side in (-1, 1):
        lapel = path(
            (side * 40, -150), (side * 66, -92), (side * 92, -84), (side * 70, -58), (side * 2, 62), (side * 24, -60)
        )
        shadow(canvas, lapel, dy=5, blur=6, alpha=0.4)
        fill(
            canvas,
            lapel,
            paint(shader=linear((0, -150), (0, 62), mix(name, "#ffffff", 0.34), mix(name, "#ffffff", 0.06))),
        )
        fill(canvas, rounded(side * 76 - 32, 118, 64, 20, 4), paint(mix(name, "#000000", 0.3)))
    canvas.drawLine(0, 62, 0, 228, paint(mix(name, "#000000", 0.6), 0.8, width=3))
    for y in (84, 132):
        ball(canvas, 10, y, 8, "#ffe6a0", "#8a5c1c")


def dress(canvas, at, name=BLUSH):
    """A summer dress with a printed skirt that moves."""
    wide = [14 * sway(at, 2.6, i / 5) for i in range(5)]
    skirt = curve(
        (-62, 22),
        (-120, 130),
        (-172 + wide[0], 286),
        (-90 + wide[1], 300),
        (0 + wide[2], 286),
        (90 + wide[3], 302),
        (172 + wide[4], 284),
        (120, 130),
        (62, 22),
        tension=0.7,
    )
    shadow(canvas, skirt, dy=16, blur=18, alpha=0.3)
    sheen(
        canvas,
        skirt,
        name,
        -170,
        170,
        [
            ((-30, 30), (-70, 160), (-100 + wide[1], 300)),
            ((0, 30), (0, 160), (-10 + wide[2], 300)),
            ((32, 30), (70, 160), (100 + wide[3], 300)),
        ],
    )
    canvas.save()
    canvas.clipPath(skirt, True)
    for a, b, _c, d in scattered(46, 77):
        x, y = (a - 0.5) * 340 + wide[2] * b, 40 + 260 * b
        for k in range(5):
            canvas.drawCircle(
                x + 6 * math.cos(k * 1.257 + d), y + 6 * math.sin(k * 1.257 + d), 4.2, paint("#fff6ea", 0.9)
            )
        canvas.drawCircle(x, y, 3, paint("#e0a030"))
    canvas.restore()
    top = curve(
        (-70, -112),
        (-76, -40),
        (-60, 26),
        (60, 26),
        (76, -40),
        (70, -112),
        (34, -70),
        (0, -58),
        (-34, -70),
        tension=0.7,
    )
    sheen(canvas, top, name, -80, 80, [((-40, -60), (-36, 20)), ((40, -60), (36, 20))])
    for side in (-1, 1):
        canvas.drawLine(side * 66, -108, side * 48, -132, paint(name, width=9))
    fill(canvas, rounded(-64, 12, 128, 22, 8), paint(shader=linear((-64, 0), (64, 0), "#f7e3b8", "#b07a3a")))


def jeans(canvas, name=DENIM):
    """Straight jeans, laid flat."""
    legs = path((-78, -190), (78, -190), (96, 200), (18, 206), (0, -60), (-18, 206), (-96, 200))
    shadow(canvas, legs, dy=14, blur=14, alpha=0.4)
    sheen(
        canvas,
        legs,
        name,
        -100,
        100,
        [((-50, -120), (-58, 60), (-60, 200)), ((50, -120), (60, 60), (58, 200))],
        "#0a1430",
    )
    for side in (-1, 1):
        canvas.drawLine(side * 58, -100, side * 58, 190, paint("#dfeaf7", 0.14, width=30, blur=12))
        canvas.drawLine(side * 78, -160, side * 94, 190, paint("#e0a45a", 0.8, width=2))
        canvas.drawPath(
            curve((side * 74, -142), (side * 50, -128), (side * 40, -160), closed=False), paint("#e0a45a", width=2.4)
        )
    fill(canvas, path((-78, -192), (78, -192), (80, -164), (-80, -164)), paint(mix(name, "#0a1430", 0.3)))
    canvas.drawLine(0, -164, 0, -70, paint("#e0a45a", width=2.4))
    ball(canvas, 0, -178, 8, "#ffe6a0", "#8a5c1c")


def handbag(canvas, name=RED):
    """A structured bag with a gold clasp."""
    for deep, tone in ((0, 0.5), (7, 0)):
        handle = skia.Path()
        handle.moveTo(-82, -40 + deep)
        handle.cubicTo(-88, -210 + deep, 88, -210 + deep, 82, -40 + deep)
        canvas.drawPath(handle, paint(mix(name, "#1a0008", tone), width=15))
        canvas.drawPath(handle, paint("#ffffff", 0.3 if deep else 0, width=3, blur=1))
    body = curve(
        (-140, -48), (-120, -62), (120, -62), (140, -48), (158, 110), (140, 140), (-140, 140), (-158, 110), tension=0.6
    )
    shadow(canvas, body, dy=20, blur=22, alpha=0.45)
    sheen(canvas, body, name, -150, 150, [((-120, -40), (-132, 120)), ((120, -40), (132, 120))])
    flap = curve(
        (-142, -52), (-120, -64), (120, -64), (142, -52), (120, 30), (30, 62), (-30, 62), (-120, 30), tension=0.6
    )
    shadow(canvas, flap, dy=7, blur=8, alpha=0.45)
    sheen(canvas, flap, mix(name, "#ffffff", 0.07), -150, 150)
    seam = curve((-130, -50), (-110, 22), (-28, 52), (28, 52), (110, 22), (130, -50), closed=False, tension=0.6)
    canvas.drawPath(seam, paint("#ffd9d0", 0.7, width=1.8))
    fill(canvas, rounded(-24, 36, 48, 42, 8), paint(shader=linear((-24, 36), (24, 78), *GOLD)))
    for side in (-1, 1):
        ball(canvas, side * 82, -44, 9, "#ffe6a0", "#8a5c1c")


def shoe(canvas, name="#f6f3ee"):
    """A plain sneaker from above."""
    sole = curve((-34, 90), (-42, 20), (-36, -60), (0, -100), (36, -60), (40, 20), (34, 90), (0, 106))
    shadow(canvas, sole, dy=10, blur=10, alpha=0.4)
    sheen(canvas, sole, name, -40, 40, ink="#5a5468")
    fill(
        canvas,
        curve((-22, 80), (-26, 36), (0, 24), (26, 36), (22, 80), (0, 92)),
        paint(shader=linear((0, 24), (0, 92), "#3a3440", "#8a8090")),
    )
    for i in range(4):
        canvas.drawLine(-17, 14 - 18 * i, 17, 8 - 18 * i, paint("#b9b0b8", width=5))


# --- scenes


def studio(canvas, at, name, floor=820):
    """A plain wall and floor with light from a window that falls on them."""
    backdrop(canvas, mix(name, "#ffffff", 0.45), name, mix(name, "#2a1410", 0.25), tilt=120)
    drift = 14 * sway(at, 6)
    for i in range(2):
        for j in range(3):
            x, y = 40 + 150 * i + drift, 60 + 190 * j
            canvas.drawPath(
                path(
                    (x + 20 * j, y), (x + 130 + 20 * j, y - 50), (x + 150 + 20 * j, y + 120), (x + 20 + 20 * j, y + 170)
                ),
                paint("#fff6e0", 0.3, blur=9),
            )
    ground = mix(name, "#3a2018", 0.35)
    canvas.drawRect(
        skia.Rect.MakeLTRB(-60, floor, 600, 1020),
        paint(shader=linear((0, floor), (0, 960), mix(ground, "#ffffff", 0.25), mix(ground, "#000000", 0.35))),
    )
    canvas.drawLine(-60, floor, 600, floor, paint("#ffffff", 0.4, width=2))


def rack(canvas, at, length, of="week"):
    """Clothes on a rail that slides past."""
    studio(canvas, at, {"week": "#e2c9b0", "colours": "#b9c6c4", "thrift": "#cfae7a"}[of], floor=860)
    clothes = {
        "week": (
            (shirt, "#fbfaf6"),
            (blazer, NAVY),
            (dress, BLUSH),
            (shirt, "#bcd3ea"),
            (blazer, CAMEL),
            (dress, SAGE),
        ),
        "colours": ((blazer, NAVY), (shirt, CREAM), (dress, RED), (blazer, CREAM), (shirt, "#fbfaf6"), (blazer, RED)),
        "thrift": (
            (blazer, CAMEL),
            (blazer, SAGE),
            (shirt, "#f0d9b0"),
            (blazer, "#7a3a48"),
            (dress, NAVY),
            (blazer, BLACK),
        ),
    }[of]
    fill(canvas, rounded(-80, 214, 700, 16, 8), paint("#3a2418", 0.3, blur=10))
    fill(canvas, rounded(-80, 196, 700, 15, 7), paint(shader=linear((0, 196), (0, 211), *GOLD)))
    for i, (draw, name) in enumerate(clothes):
        x = -20 + 172 * i - 60 * at + 24 * sway(at, 5)
        canvas.save()
        canvas.translate(x, 470)
        canvas.scale(1.22, 1.22)
        canvas.translate(0, -222)
        canvas.rotate(3.2 * sway(at, 2.2, i * 0.17))
        canvas.translate(0, 222)
        hook(canvas)
        draw(canvas, at, name)
        canvas.restore()
    canvas.drawOval(skia.Rect.MakeLTRB(-60, 880, 600, 940), paint("#2a1408", 0.25, blur=24))


def garment(canvas, at, length, of="shirt"):
    """One garment on a hanger against a wall, turning slightly, with light that crosses it."""
    draw, name, wall = {
        "shirt": (shirt, "#fbfaf6", "#8fb0c9"),
        "blazer": (blazer, NAVY, "#e0b48a"),
        "dress": (dress, BLUSH, "#9cc2b0"),
        "thrift": (blazer, "#8a5a3a", "#7f9a8c"),
        "open": (shirt, "#ffffff", "#d98a70"),
    }[of]
    studio(canvas, at, wall, floor=900)
    canvas.drawCircle(270, 500, 232, paint(mix(wall, "#ffffff", 0.5), 0.75))
    canvas.drawCircle(270, 500, 232, paint("#ffffff", 0.5, width=3))
    fill(canvas, rounded(-80, 146, 700, 14, 7), paint(shader=linear((0, 146), (0, 160), *GOLD)))
    canvas.save()
    canvas.translate(270, 480)
    canvas.scale(1.38 * (0.97 + 0.03 * math.cos(1.6 * at)), 1.38)
    canvas.translate(0, -222)
    canvas.rotate(3.4 * sway(at, 3))
    canvas.translate(0, 222)
    hook(canvas)
    draw(canvas, at, name)
    canvas.restore()
    sweep = -200 + 1000 * ((at / length) % 1)
    canvas.drawLine(
        sweep, 1000, sweep + 260, -40, paint("#fff6e0", 0.24, width=110, blur=40, blend=skia.BlendMode.kSoftLight)
    )
    for a, b, c, d in scattered(24, 83):
        canvas.drawCircle(
            540 * a + 18 * sway(at, 4, d), (960 * b - 26 * at * c) % 960, 1.5 + 2.5 * c, paint("#fffbe8", 0.7 * d)
        )


def palette(canvas, at, length):
    """Swatches of cloth that fan out: a base, a neutral, an accent."""
    lay(canvas, cloth("#efe6da", "#cdbba6", seed=61))
    glow(canvas, 90, 120, 560, "#ffffff", 0.5)
    names = (NAVY, "#3f5f8f", CREAM, "#e0c49a", "#ff7a6a", RED)
    for i, name in enumerate(names):
        spread = pop((at + 0.35 - 0.2 * i) / 0.7)
        canvas.save()
        canvas.translate(250, 840)
        canvas.rotate(-64 + (25 * i + 3 * sway(at, 3.4, i / 9)) * spread)
        strip = rounded(-74, -620, 148, 640, 16)
        shadow(canvas, strip, dx=8, dy=10, blur=14, alpha=0.4)
        canvas.save()
        canvas.clipRRect(strip, True)
        canvas.drawImage(cloth(mix(name, "#ffffff", 0.1), mix(name, "#000000", 0.28), seed=62 + i), -330, -760)
        canvas.drawRect(
            EVERYTHING.makeOffset(-270, -700),
            paint(shader=linear((-74, 0), (74, 0), "#ffffff", "#000000", alphas=[0.2, 0.16])),
        )
        canvas.restore()
        canvas.drawRRect(rounded(-64, -610, 128, 620, 10), paint("#ffffff", 0.55, width=2))
        canvas.restore()
    ball(canvas, 250, 826, 26, "#ffe6a0", "#8a5c1c")
    canvas.drawLine(240, 826, 260, 826, paint("#6a4410", width=4))


def flatlay(canvas, at, length, of="colours"):
    """An outfit laid out from above, piece after piece."""
    if of == "colours":
        lay(canvas, wood("#b8895a", "#e6c69a", planks=4, seed=65))
        pieces = ((shirt, "#fbfaf6"), DENIM, RED)
    else:
        lay(canvas, marble("#ece7e1", "#b3a79c", seed=66))
        pieces = ((blazer, CAMEL), "#3d5a85", "#5a3420")
    glow(canvas, 80, 100, 560, "#fff6e4", 0.5)
    (top, name), trousers, bag = pieces
    for lag, x, y, turn, scale, draw in (
        (0.0, 200, 330, -8, 1.12, lambda: top(canvas, at, name)),
        (0.35, 400, 640, 7, 1.05, lambda: jeans(canvas, trousers)),
        (0.7, 150, 720, -12, 0.78, lambda: handbag(canvas, bag)),
        (1.05, 424, 300, 14, 0.74, lambda: shoe(canvas)),
        (1.15, 486, 316, 22, 0.74, lambda: shoe(canvas)),
    ):
        come = ease_out((at + 0.3 - lag) / 0.55)
        if come <= 0:
            continue
        canvas.save()
        canvas.translate(x, y + 3 * sway(at, 3, lag))
        canvas.rotate(turn + (1 - come) * 50 + sway(at, 4, lag))
        canvas.scale(scale * (1.7 - 0.7 * come), scale * (1.7 - 0.7 * come))
        draw()
        canvas.restore()
    _glasses(canvas, at)
    shade = linear((0, 0), (540, 960), "#ffffff", "#2a1000", alphas=[0.0, 0.28])
    canvas.drawRect(EVERYTHING, paint(shader=shade))


def _glasses(canvas, at):
    canvas.save()
    canvas.translate(190, 890 + 3 * sway(at, 3.3))
    canvas.rotate(10)
    for side in (-1, 1):
        lens = rounded(side * 50 - 40, -30, 80, 58, 26)
        shadow(canvas, lens, dy=8, blur=7, alpha=0.4)
        fill(
            canvas,
            lens,
            paint(shader=linear((side * 50 - 40, -30), (side * 50 + 40, 28), "#7a5a3a", "#2a1c18", "#a87a4a")),
        )
        canvas.drawRRect(lens, paint("#1c1210", width=6))
        canvas.drawLine(side * 50 - 18, 4, side * 50 + 4 + 6 * sway(at, 3), -18, paint("#ffffff", 0.6, width=6, blur=2))
    canvas.drawLine(-12, -10, 12, -10, paint("#1c1210", width=6))
    canvas.restore()


def bag(canvas, at, length):
    """A red bag on a plinth, in a room of its own colour."""
    backdrop(canvas, "#ff8a7a", "#f0505a", "#b3203c", stops=[0, 0.55, 1], tilt=100)
    canvas.drawCircle(270, 420, 250, paint(shader=radial((200, 330), 400, "#ffd9c4", "#ff9a86", "#f0606a")))
    for i in range(4):
        canvas.drawCircle(
            270, 420, 250 + 60 * ((i + at * 0.5) % 4), paint("#ffffff", 0.3 * (1 - ((i + at * 0.5) % 4) / 4), width=3)
        )
    canvas.drawOval(skia.Rect.MakeLTRB(60, 640, 480, 760), paint("#fff0e8"))
    block = path((60, 700), (480, 700), (480, 1020), (60, 1020))
    fill(canvas, block, paint(shader=linear((60, 0), (480, 0), "#fff6f0", "#ffd2c8", "#d97a7a")))
    canvas.drawOval(
        skia.Rect.MakeLTRB(60, 640, 480, 760), paint(shader=linear((60, 0), (480, 0), "#ffffff", "#ffe2d8"))
    )
    canvas.drawOval(skia.Rect.MakeLTRB(110, 672, 450, 742), paint("#7a0a20", 0.45, blur=16))
    canvas.save()
    canvas.translate(270, 505 - 10 * abs(sway(at, 3)))
    canvas.rotate(2.6 * sway(at, 2.6))
    canvas.scale(1.32 * math.cos(0.22 * sway(at, 5)), 1.32)
    handbag(canvas, RED)
    canvas.restore()
    for a, b, c, d in scattered(16, 85):
        spark = max(0, sway(at, 2 + c, d)) ** 4
        x, y, size = 540 * a, 120 + 640 * b, 6 + 12 * c
        for turn in (0, 90):
            canvas.save()
            canvas.translate(x, y)
            canvas.rotate(turn)
            fill(canvas, path((-size, 0), (0, -size * 0.16), (size, 0), (0, size * 0.16)), paint("#fffbe0", spark))
            canvas.restore()


def jewelry(canvas, at, length):
    """Gold rings and a chain on dark silk."""
    lay(canvas, cloth("#20554c", "#0a2420", seed=68))
    for i in range(6):
        fold = curve(
            *[(x, 60 + 170 * i + 70 * math.sin(x / 120 + i) + 6 * sway(at, 4, i / 6)) for x in range(-120, 721, 70)],
            closed=False,
        )
        canvas.drawPath(fold, paint("#000000", 0.4, width=60, blur=24))
        canvas.translate(0, -34)
        canvas.drawPath(fold, paint("#8fe0c8", 0.3, width=26, blur=14))
        canvas.translate(0, 34)
    glow(canvas, 120, 160, 480, "#fff0c0", 0.35)
    links = [
        (270 + 205 * math.sin(k / 44 * 2 * math.pi), 300 + 215 * -math.cos(k / 44 * 2 * math.pi)) for k in range(44)
    ]
    for k, (x, y) in enumerate(links):
        angle = math.degrees(math.atan2(links[(k + 1) % 44][1] - y, links[(k + 1) % 44][0] - x))
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate(angle)
        oval = skia.Rect.MakeLTRB(-19, -9 if k % 2 else -4, 19, 9 if k % 2 else 4)
        canvas.drawOval(oval.makeOffset(4, 8), paint("#000000", 0.5, width=7, blur=4))
        glint = max(0, sway(at, 1.8, k / 44)) ** 8
        canvas.drawOval(oval, paint(mix("#c8933a", "#fff6d8", glint), width=6))
        canvas.drawOval(oval.makeOffset(-1, -2), paint("#ffe9a8", 0.8, width=2))
        canvas.restore()
    _pendant(canvas, at)
    for x, y, size, turn, stone in (
        (150, 760, 78, -20, "#e8f6ff"),
        (330, 800, 92, 16, "#5ef2c1"),
        (440, 660, 66, 40, "#ff8fa8"),
    ):
        _ring(canvas, at, x, y, size, turn, stone)


def _pendant(canvas, at):
    canvas.save()
    canvas.translate(270, 520)
    canvas.rotate(6 * sway(at, 2.4))
    canvas.drawCircle(6, 62, 52, paint("#000000", 0.5, blur=12))
    canvas.drawCircle(0, 50, 52, paint(shader=linear((-50, 0), (50, 100), *GOLD)))
    canvas.drawCircle(0, 50, 42, paint(shader=radial((-14, 34), 70, "#fff6d0", "#d9a84a", "#8a5c1c")))
    for k in range(12):
        canvas.save()
        canvas.translate(0, 50)
        canvas.rotate(30 * k)
        canvas.drawLine(0, -16, 0, -34, paint("#7a4e14", 0.8, width=4))
        canvas.restore()
    canvas.drawCircle(0, 50, 10, paint("#fff6d8"))
    canvas.restore()


def _ring(canvas, at, x, y, size, turn, stone):
    canvas.save()
    canvas.translate(x, y + 3 * sway(at, 3, turn / 90))
    canvas.rotate(turn)
    band = skia.Rect.MakeLTRB(-size, -size * 0.8, size, size * 0.8)
    canvas.drawOval(band.makeOffset(8, 18), paint("#000000", 0.5, width=size * 0.2, blur=9))
    canvas.drawOval(band, paint(shader=linear((-size, -size), (size, size), *GOLD), width=size * 0.2))
    canvas.drawArc(band, 200 + 30 * sway(at, 3), 50, False, paint("#fffbe8", 0.9, width=size * 0.06, blur=1))
    gem = path(
        *[
            (
                size * 0.34 * math.cos(k * math.pi / 4 + 0.4),
                -size * 0.86 + size * 0.34 * math.sin(k * math.pi / 4 + 0.4),
            )
            for k in range(8)
        ]
    )
    fill(
        canvas,
        gem,
        paint(shader=radial((-size * 0.1, -size), size * 0.5, "#ffffff", stone, mix(stone, "#102a4a", 0.55))),
    )
    for k in range(8):
        angle = k * math.pi / 4 + 0.4
        canvas.drawLine(
            0,
            -size * 0.86,
            size * 0.34 * math.cos(angle),
            -size * 0.86 + size * 0.34 * math.sin(angle),
            paint("#ffffff", 0.45, width=1.6),
        )
    glow(canvas, -size * 0.1, -size * 0.95, size * 0.8, "#ffffff", 0.8 * max(0, sway(at, 1.7, turn / 70)) ** 4)
    canvas.restore()


SCENES = {
    "rack": rack,
    "garment": garment,
    "palette": palette,
    "flatlay": flatlay,
    "bag": bag,
    "jewelry": jewelry,
}

"""Scenes of care and make-up: bottles, water, a dropper, cream, lipstick, lips, swatches, powder."""

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
    sway,
)

ROSE, BLUSH, PEACH, NUDE, BERRY, GOLD = "#e8718f", "#ffd3d9", "#ffc2a1", "#d79a7c", "#a3224e", "#d9a54a"
METAL = ("#7d5520", "#f7dc9a", "#c08a36", "#fff0c4", "#8a5f24")


def petals(canvas, at, name="#ff9db5", count=9, seed=4):
    """Petals that fall and turn."""
    for a, b, c, d in scattered(count, seed):
        canvas.save()
        canvas.translate(540 * a + 34 * sway(at, 3 + c, d), (1040 * b + (40 + 40 * c) * at) % 1040 - 40)
        canvas.rotate(360 * d + 50 * at)
        canvas.scale(1, 0.45 + 0.4 * abs(sway(at, 2.6, a)))
        petal = curve((-22, 0), (-6, -15), (20, -10), (26, 0), (20, 10), (-6, 15), tension=0.9)
        fill(
            canvas,
            petal,
            paint(shader=linear((-22, 0), (26, 0), mix(name, "#ffffff", 0.6), name, mix(name, "#7a1030", 0.25))),
        )
        canvas.restore()


def leaf_shadows(canvas, at, alpha=0.16):
    """The shadow of a branch that the wind moves, as if a window were near."""
    canvas.save()
    canvas.translate(560, -40)
    canvas.rotate(126 + 2.5 * sway(at, 4))
    ink = paint("#5a2030", alpha, blur=9)
    for i in range(9):
        for side in (-1, 1):
            canvas.save()
            canvas.translate(80 + 80 * i, 0)
            canvas.rotate(side * (42 + 4 * sway(at, 3, i / 9)))
            fill(canvas, curve((0, 0), (60, -22), (150, 0), (60, 22), tension=0.9), ink)
            canvas.restore()
    canvas.restore()


def bottles(canvas, at, length):
    """A row of bottles on stone steps, with a light that passes over the glass."""
    backdrop(canvas, "#ffd9c9", "#f7b0b0", "#d97f93", stops=[0, 0.55, 1], tilt=120)
    canvas.drawCircle(300, 380, 240, paint(shader=radial((240, 300), 380, "#fff3e4", "#ffc9b0", "#f49aa0")))
    leaf_shadows(canvas, at)
    for x, y, wide, name in ((-80, 770, 360, "#ffe9e0"), (200, 700, 420, "#ffdcd4"), (-80, 850, 720, "#f9c9c4")):
        step = rounded(x, y, wide, 300, 18)
        shadow(canvas, step, dy=-4, blur=20, alpha=0.25, name="#7a2a3a")
        fill(canvas, step, paint(shader=linear((0, y), (0, y + 150), name, "#d98f97")))
    for x, floor, wide, high, name, kind in (
        (120, 770, 118, 330, "#ff9e8a", "pump"),
        (270, 850, 120, 230, "#d8577e", "jar"),
        (405, 700, 132, 350, "#f2b04e", "drop"),
    ):
        _bottle(canvas, at, x, floor + 3 * sway(at, 3, x / 540), wide, high, name, kind)
    petals(canvas, at, count=7, seed=6)


def _bottle(canvas, at, x, floor, wide, high, name, kind):
    """A glass bottle that stands on `floor`; `kind` is its top."""
    canvas.drawOval(
        skia.Rect.MakeLTRB(x - wide * 0.62, floor - 14, x + wide * 0.8, floor + 22), paint("#6a1530", 0.4, blur=12)
    )
    left, body = x - wide / 2, high * (0.66 if kind != "jar" else 0.62)
    glass = rounded(left, floor - body, wide, body, 26 if kind != "drop" else 38)
    fill(
        canvas,
        glass,
        paint(
            shader=linear(
                (left, 0),
                (left + wide, 0),
                mix(name, "#5a0d2a", 0.35),
                mix(name, "#ffffff", 0.45),
                name,
                mix(name, "#5a0d2a", 0.45),
                stops=[0, 0.28, 0.6, 1],
            )
        ),
    )
    glow(canvas, x, floor - 30, wide * 0.7, "#ffe9d0", 0.6)
    canvas.save()
    canvas.clipRRect(glass, True)
    sweep = left - 80 + (wide + 260) * ((at * 0.32 + x / 700) % 1)
    canvas.drawLine(sweep, floor + 20, sweep + 80, floor - body - 20, paint("#ffffff", 0.55, width=30, blur=10))
    fill(canvas, rounded(left + 10, floor - body + 16, 11, body - 40, 5), paint("#ffffff", 0.8, blur=2))
    label = rounded(left + wide * 0.2, floor - body * 0.66, wide * 0.6, body * 0.4, 6)
    fill(canvas, label, paint("#fff8f2", 0.92))
    for i, share in enumerate((0.4, 0.28, 0.34)):
        fill(
            canvas,
            rounded(x - wide * share / 2, floor - body * 0.58 + i * body * 0.1, wide * share, 6, 3),
            paint(mix(name, "#5a0d2a", 0.5), 0.8),
        )
    canvas.restore()
    top = floor - body
    if kind == "jar":
        cap = rounded(left - 5, top - high * 0.3, wide + 10, high * 0.32, 14)
    else:
        cap = rounded(x - wide * 0.2, top - high * 0.13, wide * 0.4, high * 0.14, 6)
    fill(canvas, cap, paint(shader=linear((left, 0), (left + wide, 0), *METAL)))
    if kind == "pump":
        fill(
            canvas,
            rounded(x - 6, top - high * 0.24, 12, high * 0.12, 3),
            paint(shader=linear((x - 6, 0), (x + 6, 0), *METAL)),
        )
        fill(
            canvas,
            rounded(x - 62, top - high * 0.3, 90, 24, 11),
            paint(shader=linear((0, top - high * 0.3), (0, top - high * 0.3 + 24), "#fff0c4", "#c08a36", "#7d5520")),
        )
    if kind == "drop":
        rubber = curve(
            (x - 22, top - high * 0.12),
            (x - 25, top - high * 0.25),
            (x, top - high * 0.36),
            (x + 25, top - high * 0.25),
            (x + 22, top - high * 0.12),
        )
        fill(canvas, rubber, paint(shader=linear((x - 24, 0), (x + 24, 0), "#fffaf4", "#ffffff", "#cfa9a0")))


def water(canvas, at, length):
    """Drops of water on a cool surface, with rings where they fall."""
    backdrop(canvas, "#d8f3fb", "#8fd0e8", "#3f93bf", stops=[0, 0.5, 1], tilt=150)
    for i in range(9):
        y = 70 + 110 * i
        wave = curve(*[(x, y + 26 * sway(at, 3.2, x / 400 + i * 0.23)) for x in range(-100, 701, 80)], closed=False)
        canvas.drawPath(wave, paint("#ffffff", 0.3, width=16 + 8 * sway(at, 4, i / 9), blur=7))
    for a, b, c, _ in scattered(7, 13):
        life = (at * 0.45 + a) % 1
        x, y = 60 + 420 * b, 120 + 720 * c
        for ring in range(3):
            radius = 150 * life - 26 * ring
            if radius > 4:
                box = skia.Rect.MakeLTRB(x - radius, y - radius * 0.6, x + radius, y + radius * 0.6)
                canvas.drawOval(box, paint("#ffffff", 0.75 * (1 - life), width=5))
                canvas.drawOval(box.makeOffset(0, 5), paint("#0f5f8f", 0.4 * (1 - life), width=3))
    for a, b, c, d in scattered(34, 15):
        _drop(canvas, 540 * a + 6 * sway(at, 3, d), (1000 * b + 16 * at * c) % 1000, 8 + 34 * c * c, at, d)
    glow(canvas, 90, 120, 420, "#ffffff", 0.7)
    petals(canvas, at, "#ff9db5", count=8, seed=16)


def _drop(canvas, x, y, radius, at, phase):
    """A drop that lies on a surface: dark above, light below, a spark."""
    canvas.drawCircle(x + radius * 0.18, y + radius * 0.3, radius, paint("#0b4f78", 0.4, blur=radius * 0.3))
    canvas.drawCircle(
        x,
        y,
        radius,
        paint(
            shader=linear(
                (x - radius, y - radius),
                (x + radius, y + radius),
                "#4fa6cf",
                "#b9e9fa",
                "#f4feff",
                alphas=[0.85, 0.75, 0.9],
            )
        ),
    )
    spark = 0.75 + 0.25 * sway(at, 1.5, phase)
    canvas.drawOval(
        skia.Rect.MakeXYWH(x - radius * 0.55, y - radius * 0.6, radius * 0.5, radius * 0.36), paint("#ffffff", spark)
    )


def dropper(canvas, at, length, of="serum"):
    """A dropper that lets drops fall into a pool."""
    tones = ("#fff0d2", "#ffc56b", "#e8823a") if of == "serum" else ("#fbe6d4", "#e3b08c", "#a9694a")
    name = "#f5a021" if of == "serum" else "#c98a62"
    backdrop(canvas, *tones, stops=[0, 0.55, 1], tilt=-100)
    bokeh(canvas, at, ["#ffffff", "#fff0b8", tones[1]], count=16, seed=29, alpha=0.42, sizes=(16, 100))
    glow(canvas, 270, 420, 420, "#fffbe8", 0.7)
    fill(
        canvas,
        blob(270, 800, 245, 23, rough=0.07, flat=0.42, turn=0.12 * at),
        paint(mix(name, "#5a1a00", 0.6), 0.45, blur=22),
    )
    pool = blob(270, 785, 235, 23, rough=0.07, flat=0.42, turn=0.12 * at)
    fill(
        canvas,
        pool,
        paint(shader=linear((60, 690), (480, 890), mix(name, "#ffffff", 0.75), name, mix(name, "#7a2a00", 0.35))),
    )
    canvas.save()
    canvas.clipPath(pool, True)
    period = 1.15
    life = at % period / period
    for ring in range(3):
        radius = 210 * max(0, life - 0.14 * ring)
        canvas.drawOval(
            skia.Rect.MakeLTRB(270 - radius, 775 - radius * 0.4, 270 + radius, 775 + radius * 0.4),
            paint("#ffffff", 0.8 * (1 - life), width=5),
        )
    canvas.restore()
    fill(canvas, curve((110, 745), (180, 715), (270, 708), (180, 735), tension=0.8), paint("#ffffff", 0.75, blur=5))
    _pipette(canvas, at, name)
    fall = min(1.0, life * 2.1)
    size = 21 if life < 0.48 else 0
    if size:
        y = 478 + 290 * fall * fall
        tear = curve(
            (270, y - size * 1.7),
            (270 + size, y + size * 0.2),
            (270, y + size),
            (270 - size, y + size * 0.2),
            tension=0.8,
        )
        fill(canvas, tear, paint(shader=radial((264, y - 5), size * 1.7, "#fffbe0", name, mix(name, "#7a2a00", 0.4))))
        canvas.drawCircle(263, y - 4, 5, paint("#ffffff", 0.95))
    for a, b, c, _d in scattered(9, 31):
        up = (at * 0.35 + a) % 1
        ball(
            canvas, 70 + 400 * b, 880 - 500 * up, 6 + 16 * c, mix(name, "#ffffff", 0.8), mix(name, "#a04a00", 0.2), 0.95
        )


def _pipette(canvas, at, name):
    canvas.save()
    canvas.translate(270 + 3 * sway(at, 2), 8 * sway(at, 1.15))
    rubber = curve((-46, 90), (-54, 0), (-40, -110), (40, -110), (54, 0), (46, 90), tension=0.8)
    fill(canvas, rubber, paint(shader=linear((-50, 0), (50, 0), "#c9b4a8", "#fffaf5", "#ffffff", "#b59a8c")))
    fill(canvas, rounded(-62, 84, 124, 86, 10), paint(shader=linear((-62, 0), (62, 0), *METAL)))
    glass = path((-26, 170), (26, 170), (26, 400), (9, 455), (-9, 455), (-26, 400))
    shadow(canvas, glass, dx=12, dy=10, blur=12, alpha=0.25)
    fill(canvas, glass, paint("#ffffff", 0.5))
    liquid = path((-21, 235), (21, 235), (21, 398), (7, 450), (-7, 450), (-21, 398))
    fill(
        canvas,
        liquid,
        paint(shader=linear((-22, 0), (22, 0), mix(name, "#7a2a00", 0.25), mix(name, "#ffffff", 0.5), name)),
    )
    canvas.drawPath(glass, paint("#ffffff", 0.85, width=3))
    fill(canvas, rounded(-18, 180, 7, 210, 3), paint("#ffffff", 0.85, blur=1))
    canvas.restore()


def cream(canvas, at, length):
    """A pot of whipped cream from above, turning, on stone with petals."""
    lay(canvas, marble("#f9ece8", "#d9a9a6", seed=31))
    glow(canvas, 90, 120, 560, "#ffffff", 0.5)
    leaf_shadows(canvas, at, 0.2)
    fill(
        canvas,
        curve(
            (-20, 800), (120, 720), (300, 790), (420, 730), (520, 780), (430, 870), (220, 900), (60, 880), tension=0.9
        ),
        paint("#b98a86", 0.4, blur=12),
    )
    smear = curve(
        (-20, 790), (120, 708), (300, 775), (420, 715), (520, 765), (430, 855), (220, 885), (60, 865), tension=0.9
    )
    fill(canvas, smear, paint(shader=linear((0, 710), (0, 890), "#ffffff", "#fff4ee", "#e9c9c2")))
    for i in range(4):
        ridge = curve(
            (0, 790 + 16 * i), (120, 735 + 24 * i), (300, 792 + 14 * i), (470, 748 + 18 * i), closed=False, tension=0.9
        )
        canvas.drawPath(ridge, paint("#e3bdb6", 0.7, width=4, blur=2))
        canvas.drawPath(ridge, paint("#ffffff", 0.9, width=3))
    canvas.save()
    canvas.translate(270, 420)
    canvas.drawCircle(16, 34, 214, paint("#6a2a36", 0.45, blur=26))
    canvas.drawCircle(
        0, 0, 214, paint(shader=linear((-200, -200), (200, 200), "#fffdfb", "#f3b9bd", "#ffe9e4", "#d98a98"))
    )
    canvas.drawCircle(0, 0, 190, paint(shader=linear((-180, -180), (180, 180), "#c9808c", "#fff1ee")))
    canvas.rotate(26 * at)
    canvas.drawCircle(0, 0, 182, paint(shader=radial((0, 0), 182, "#ffffff", "#fff3ef", "#f0d3cd")))
    for arm in range(7):
        canvas.save()
        canvas.rotate(arm * 360 / 7)
        sweep = [((8 + 24 * k) * math.cos(0.42 * k), (8 + 24 * k) * math.sin(0.42 * k)) for k in range(8)]
        fold = curve(*sweep, closed=False)
        canvas.drawPath(fold, paint("#d9a8a2", 0.45, width=30, blur=8))
        canvas.translate(-3, -4)
        canvas.drawPath(fold, paint("#ffffff", 0.95, width=20, blur=4))
        canvas.restore()
    ball(canvas, 0, 0, 26, "#ffffff", "#f3cfc9", 0.9)
    canvas.restore()
    petals(canvas, at, "#ff8fac", count=8, seed=33)


def lipstick(canvas, at, length):
    """Lipsticks that rise out of gold cases on velvet."""
    backdrop(canvas, "#5a0a2a", "#a3174a", "#e2577a", stops=[0, 0.55, 1], tilt=110)
    glow(canvas, 270, 380, 460, "#ff9db0", 0.7)
    bokeh(canvas, at, ["#ffd28a", "#ff9db5", "#ffffff"], count=18, seed=35, alpha=0.34, sizes=(10, 80))
    floor = skia.Rect.MakeLTRB(-60, 800, 600, 1020)
    canvas.drawRect(floor, paint(shader=linear((0, 800), (0, 960), "#7d1038", "#2a0414")))
    canvas.drawRect(skia.Rect.MakeLTRB(-60, 798, 600, 802), paint("#ffb3c4", 0.6, blur=1))
    for k, (x, y, scale, name, lag) in enumerate(
        ((110, 800, 0.8, "#f0697a", 0.5), (432, 806, 0.84, "#8f1436", 0.9), (270, 870, 1.12, "#d8203f", 0.0))
    ):
        rise = smooth((at - lag + 0.5) / 1.5)
        canvas.save()
        canvas.translate(x, y)
        canvas.scale(scale, scale)
        canvas.drawOval(skia.Rect.MakeLTRB(-84, -14, 100, 26), paint("#1a0008", 0.7, blur=14))
        _stick(canvas, at, rise, name, k)
        canvas.restore()


def _stick(canvas, at, rise, name, k):
    up = -250 - 165 * rise
    left, right = -41, 41
    stick = skia.Path()
    stick.moveTo(left, -230)
    stick.lineTo(left, up + 62)
    stick.cubicTo(left, up + 10, 8, up - 60, right - 4, up - 52)
    stick.cubicTo(right, up - 40, right, up, right, up + 20)
    stick.lineTo(right, -230)
    stick.close()
    fill(
        canvas,
        stick,
        paint(
            shader=linear(
                (left, 0),
                (right, 0),
                mix(name, "#30000c", 0.45),
                mix(name, "#ffffff", 0.3),
                name,
                mix(name, "#30000c", 0.5),
                stops=[0, 0.3, 0.6, 1],
            )
        ),
    )
    face = curve(
        (left + 4, up + 60), (-12, up - 4), (right - 6, up - 48), (right - 6, up - 10), (-4, up + 44), tension=0.8
    )
    fill(
        canvas,
        face,
        paint(shader=linear((left, up + 60), (right, up - 40), mix(name, "#ffffff", 0.15), mix(name, "#ffffff", 0.55))),
    )
    fill(canvas, rounded(-50, -268, 100, 96, 8), paint(shader=linear((-50, 0), (50, 0), *METAL)))
    fill(
        canvas,
        rounded(-64, -180, 128, 180, 10),
        paint(shader=linear((-64, 0), (64, 0), "#14060c", "#5a3a46", "#1c0a12", "#0a0206")),
    )
    fill(canvas, rounded(-64, -180, 128, 14, 4), paint(shader=linear((-64, 0), (64, 0), *METAL)))
    fill(canvas, rounded(-48, -160, 9, 146, 4), paint("#ffffff", 0.4, blur=2))
    spark = max(0, sway(at, 1.9, k * 0.31)) ** 6
    glow(canvas, -22, -240, 60, "#fff6d0", spark)


def lips(canvas, at, length):
    """Lips that take on colour, close up."""
    backdrop(canvas, "#f7cdb4", "#eeb096", "#d98a74", stops=[0, 0.5, 1], tilt=140)
    glow(canvas, 140, 160, 520, "#fff0e0", 0.7)
    canvas.drawOval(skia.Rect.MakeLTRB(170, -90, 370, 190), paint("#b96a54", 0.28, blur=40))
    for side in (-1, 1):
        canvas.drawOval(
            skia.Rect.MakeLTRB(270 + side * 42 - 24, 120, 270 + side * 42 + 24, 148), paint("#7a2f28", 0.4, blur=12)
        )
    canvas.drawLine(262, 215, 262, 340, paint("#b96a54", 0.3, width=26, blur=14))
    canvas.drawOval(skia.Rect.MakeLTRB(120, 655, 420, 760), paint("#a85a48", 0.4, blur=34))
    canvas.drawOval(skia.Rect.MakeLTRB(150, 770, 400, 930), paint("#ffe2cc", 0.6, blur=44))
    open_ = 4 * sway(at, 3)
    upper = curve(
        (62, 492),
        (170, 402),
        (232, 378),
        (270, 400),
        (308, 378),
        (370, 402),
        (478, 492),
        (360, 486),
        (270, 500 - open_),
        (180, 486),
        tension=0.8,
    )
    lower = curve(
        (66, 494),
        (180, 492),
        (270, 508 + open_),
        (360, 492),
        (474, 494),
        (400, 590),
        (270, 642),
        (140, 590),
        tension=0.9,
    )
    filled = 60 + 440 * smooth((at - 0.2) / (length * 0.62))
    for shape, light in ((upper, 0.0), (lower, 0.18)):
        fill(canvas, shape, paint(shader=linear((0, 380), (0, 640), mix("#c9787a", "#ffffff", light), "#a85a60")))
        canvas.save()
        canvas.clipPath(shape, True)
        canvas.clipRect(skia.Rect.MakeLTRB(0, 0, filled, 960))
        canvas.drawRect(
            EVERYTHING,
            paint(shader=linear((0, 385), (0, 640), "#c2143c", mix("#e8274f", "#ffffff", light * 0.6), "#8f0a2c")),
        )
        canvas.restore()
        canvas.save()
        canvas.clipPath(shape, True)
        for i in range(26):
            x = 70 + 16 * i
            crease = curve((x, 380), (x + (x - 270) * 0.05, 500), (x - (x - 270) * 0.16, 650), closed=False)
            canvas.drawPath(crease, paint("#5a0618", 0.13, width=3, blur=1))
        canvas.restore()
    fill(canvas, path((70, 493), (270, 501), (470, 493), (270, 505 + open_)), paint("#3a0410", 0.85, blur=2))
    shine = 0.75 + 0.2 * sway(at, 1.6)
    fill(
        canvas,
        curve((190, 556), (270, 580), (350, 556), (330, 584), (270, 600), (210, 584), tension=0.9),
        paint("#ffffff", shine, blur=9),
    )
    fill(canvas, curve((180, 428), (228, 402), (240, 408), (200, 438), tension=0.9), paint("#ffffff", 0.6, blur=6))
    fill(canvas, curve((308, 404), (350, 420), (342, 430), (312, 414), tension=0.9), paint("#ffffff", 0.5, blur=6))
    if filled < 490:
        y = 500 + 60 * math.sin((filled - 60) / 440 * math.pi)
        canvas.save()
        canvas.translate(filled, y)
        canvas.rotate(-24)
        fill(canvas, rounded(-18, -12, 150, 34, 12), paint("#3a0410", 0.35, blur=10))
        tip = curve((-26, 2), (0, -20), (62, -20), (62, 20), (0, 20), tension=0.8)
        fill(canvas, tip, paint(shader=linear((0, -20), (0, 20), "#ff8098", "#c2143c", "#7a0822")))
        fill(canvas, rounded(50, -24, 76, 48, 6), paint(shader=linear((0, -24), (0, 24), *METAL)))
        fill(canvas, rounded(120, -30, 420, 60, 8), paint(shader=linear((0, -30), (0, 30), "#3a2028", "#0d0408")))
        canvas.restore()


def swatches(canvas, at, length, of="lipstick"):
    """Strokes of colour that are drawn one under another."""
    if of == "lipstick":
        lay(canvas, marble("#fbf1ec", "#e2b9b4", seed=41))
        names = ("#f2a08f", "#e8607a", "#d0213f", "#a3224e", "#6d1232", "#c9765a")
    else:
        backdrop(canvas, "#fff3e8", "#f3d6c0", tilt=160)
        names = ("#f7d9bd", "#ecbf98", "#d9a071", "#b97a4e", "#8a5433", "#5f3722")
    glow(canvas, 80, 100, 520, "#ffffff", 0.5)
    leaf_shadows(canvas, at, 0.14)
    for i, name in enumerate(names):
        drawn = ease_out((at + 0.45 - 0.42 * i) / 0.8)
        if drawn <= 0:
            continue
        y = 160 + 128 * i
        canvas.save()
        canvas.translate(0, y)
        canvas.rotate(-4 + 2 * (i % 3))
        _stroke(canvas, name, drawn, i)
        canvas.restore()
    petals(canvas, at, names[1], count=6, seed=43)


def _stroke(canvas, name, drawn, i):
    """A smear of something creamy: thick at its start, ragged at its end."""
    wide = 60 + 390 * drawn
    rough = scattered(16, 50 + i)
    top = [(50 + wide * k / 7, -44 + 12 * rough[k][0] + (10 * k / 7)) for k in range(8)]
    low = [(50 + wide * k / 7 + 16 * rough[k][1], 44 - 14 * rough[k + 8][0]) for k in range(7, -1, -1)]
    smear = curve((24, 0), *top, *low, tension=0.8)
    shadow(canvas, smear, dx=4, dy=9, blur=8, alpha=0.3, name=mix(name, "#2a0010", 0.7))
    fill(
        canvas,
        smear,
        paint(shader=linear((0, -46), (0, 46), mix(name, "#ffffff", 0.35), name, mix(name, "#2a0010", 0.28))),
    )
    canvas.save()
    canvas.clipPath(smear, True)
    for k in range(7):
        y = -34 + 11 * k
        ridge = curve(
            (30, y),
            (50 + wide * 0.35, y + 5 * math.sin(k + i)),
            (50 + wide * 0.7, y - 4 * math.sin(k)),
            (60 + wide, y + 3),
            closed=False,
        )
        canvas.drawPath(ridge, paint(mix(name, "#2a0010", 0.5), 0.35, width=4, blur=1.5))
        canvas.drawPath(ridge, paint("#ffffff", 0.4 if k % 2 else 0.2, width=2.4, blur=0.8))
    canvas.drawCircle(70, -4, 30, paint(mix(name, "#ffffff", 0.45), 0.7, blur=10))
    canvas.restore()


def compact(canvas, at, length):
    """A powder compact and a brush that stirs up dust."""
    lay(canvas, cloth("#e9b7b4", "#b9707c", seed=45))
    glow(canvas, 100, 120, 560, "#fff0e4", 0.55)
    for cx, cy, inner in ((250, 300, "mirror"), (250, 640, "powder")):
        canvas.drawCircle(cx + 14, cy + 26, 190, paint("#4a1020", 0.45, blur=22))
        canvas.drawCircle(cx, cy, 190, paint(shader=linear((cx - 190, cy - 190), (cx + 190, cy + 190), *METAL)))
        if inner == "mirror":
            canvas.drawCircle(
                cx,
                cy,
                170,
                paint(
                    shader=linear(
                        (cx - 150, cy - 150),
                        (cx + 150, cy + 150),
                        "#bcd9e8",
                        "#ffffff",
                        "#e6c9d4",
                        "#9ab8cc",
                        stops=[0, 0.4 + 0.1 * sway(at, 4), 0.7, 1],
                    )
                ),
            )
            canvas.drawLine(
                cx - 110, cy + 60 + 10 * sway(at, 3), cx + 50, cy - 120, paint("#ffffff", 0.7, width=26, blur=8)
            )
        else:
            canvas.drawCircle(
                cx, cy, 166, paint(shader=radial((cx - 50, cy - 60), 270, "#ffdcc4", "#f2b394", "#c97f66"))
            )
            for k in range(8):
                canvas.save()
                canvas.translate(cx, cy)
                canvas.rotate(45 * k)
                fill(canvas, curve((26, 0), (74, -26), (132, 0), (74, 26), tension=0.9), paint("#b86a54", 0.35, blur=2))
                fill(
                    canvas, curve((26, -3), (74, -29), (132, -3), (74, 21), tension=0.9), paint("#ffe6d4", 0.5, blur=2)
                )
                canvas.restore()
    fill(canvas, rounded(190, 458, 120, 34, 10), paint(shader=linear((0, 458), (0, 492), *METAL)))
    turn = at * 2.1
    bx, by = 290 + 74 * math.cos(turn), 620 + 58 * math.sin(turn)
    for a, b, c, d in scattered(60, 47):
        life = (at * (0.4 + 0.4 * c) + a) % 1
        angle = 6.28 * b
        x, y = 290 + (30 + 190 * life) * math.cos(angle), 610 + (20 + 150 * life) * math.sin(angle) - 70 * life
        canvas.drawCircle(x, y, 2 + 12 * d * life, paint("#ffe6d8", 0.55 * (1 - life), blur=2 + 5 * life))
    _brush(canvas, bx, by, at)


def _brush(canvas, x, y, at):
    canvas.save()
    canvas.translate(x, y)
    canvas.rotate(38 + 7 * sway(at, 3))
    fill(canvas, rounded(-40, -400, 80, 400, 40), paint("#3a0d18", 0.35, blur=20))
    fill(
        canvas,
        rounded(-17, -640, 34, 440, 15),
        paint(shader=linear((-17, 0), (17, 0), "#2a0d16", "#8a4a5a", "#1c0810")),
    )
    fill(
        canvas, path((-30, -230), (30, -230), (36, -128), (-36, -128)), paint(shader=linear((-34, 0), (34, 0), *METAL))
    )
    tuft = curve((-35, -130), (-74, -40), (-50, 34), (0, 50), (50, 34), (74, -40), (35, -130), tension=0.8)
    fill(canvas, tuft, paint(shader=linear((0, -130), (0, 50), "#4a2a2a", "#a8706a", "#ffd9cc")))
    for i in range(-9, 10):
        hair = curve((i * 3.6, -128), (i * 7, -40), (i * 5.4 + 3 * sway(at, 1, i / 9), 44), closed=False)
        canvas.drawPath(hair, paint("#fff0e8", 0.3, width=1.8))
    canvas.restore()


SCENES = {
    "bottles": bottles,
    "water": water,
    "dropper": dropper,
    "cream": cream,
    "lipstick": lipstick,
    "lips": lips,
    "swatches": swatches,
    "compact": compact,
}

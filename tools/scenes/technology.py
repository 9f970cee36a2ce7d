"""Scenes of machines that learn: a chat, sorted cards, a network, a laptop, a chip, photos that are recognised."""

# ruff: noqa: ARG001 - every scene is called with the same arguments

import math
from functools import cache

import skia

from .brush import (
    backdrop,
    ball,
    bokeh,
    curve,
    ease_out,
    fill,
    glow,
    linear,
    mix,
    paint,
    path,
    pop,
    radial,
    rounded,
    scattered,
    shadow,
    smooth,
    sway,
)

MINT, CYAN, BLUE, VIOLET, PINK, NIGHT = "#5ef2c1", "#62e0ff", "#3b6bff", "#8a5bff", "#ff6fb5", "#080b22"


def chat(canvas, at, length):
    """A phone in which a question is asked and answered."""
    backdrop(canvas, "#2b1a6b", "#5a2fc2", "#f06aa8", stops=[0, 0.5, 1], tilt=160)
    bokeh(canvas, at, [CYAN, PINK, "#ffd28a"], count=12, alpha=0.3, sizes=(24, 90))
    glow(canvas, 270, 500, 460, VIOLET, 0.8)
    canvas.save()
    canvas.translate(270, 500 + 8 * sway(at, 4))
    canvas.rotate(-5 + 2.5 * sway(at, 5))
    body = rounded(-182, -370, 364, 740, 54)
    shadow(canvas, body, dy=34, blur=30, alpha=0.5)
    fill(canvas, body, paint(shader=linear((-180, -370), (180, 370), "#f5f6ff", "#55577a", "#d9dcf5")))
    fill(canvas, rounded(-174, -362, 348, 724, 47), paint("#0d0f24"))
    screen = rounded(-166, -354, 332, 708, 40)
    canvas.clipRRect(screen, True)
    fill(canvas, screen, paint(shader=linear((0, -354), (0, 354), "#171a44", "#0e1030")))
    fill(canvas, rounded(-50, -344, 100, 24, 12), paint("#000000"))
    _phone_head(canvas, at)
    canvas.clipRect(skia.Rect.MakeLTRB(-170, -252, 170, 360))
    canvas.translate(0, 30 - 190 * smooth((at - 1.4) / max(length - 1.6, 1)))  # moves up as it grows
    for start, mine, widths in (
        (-1.0, True, (180, 120)),
        (0.1, False, (210, 190, 140)),
        (1.2, True, (150,)),
        (1.8, False, (200, 220, 90)),
        (2.8, True, (170, 60)),
    ):
        _bubble(canvas, at - start, mine, widths)
        canvas.translate(0, 46 + 26 * len(widths))
    canvas.restore()


def _phone_head(canvas, at):
    canvas.drawCircle(-118, -288, 25, paint(shader=radial((-126, -298), 50, CYAN, BLUE, VIOLET)))
    for i in (-1, 0, 1):
        high = 7 + 7 * abs(sway(at, 0.9, i / 5))
        canvas.drawLine(-118 + 9 * i, -288 - high / 2, -118 + 9 * i, -288 + high / 2, paint("#ffffff", width=4))
    fill(canvas, rounded(-80, -302, 120, 12, 6), paint("#ffffff", 0.9))
    fill(canvas, rounded(-80, -280, 70, 9, 4), paint(MINT, 0.8))


def _bubble(canvas, age, mine, widths):
    if age <= 0:
        return
    grown, wide, high = pop(age / 0.35), max(widths) + 36, 26 * len(widths) + 22
    left = 148 - wide if mine else -148
    canvas.save()
    canvas.translate(left + (wide if mine else 0), -220)
    canvas.scale(grown, grown)
    canvas.translate(-(wide if mine else 0), 0)
    colours = (CYAN, BLUE) if mine else ("#3a3f78", "#2c3060")
    box = rounded(0, 0, wide, high, 24)
    shadow(canvas, box, dy=6, blur=8, alpha=0.4)
    fill(canvas, box, paint(shader=linear((0, 0), (wide, high), *colours)))
    for i, line in enumerate(widths):
        shown = line if mine else line * ease_out((age - 0.3 - 0.22 * i) / 0.5)
        if shown > 8:
            fill(canvas, rounded(18, 17 + 26 * i, shown, 13, 6), paint("#ffffff", 0.92 if mine else 0.75))
    canvas.restore()


def cards(canvas, at, length, of="notes"):
    """Scattered cards that fall into a neat list and are ticked off."""
    tones = ("#ff9a5a", "#ff5f8f", "#6a3df0") if of == "notes" else ("#37e0c8", "#2a7df0", "#2b1f8f")
    backdrop(canvas, *tones, stops=[0, 0.45, 1], tilt=-140)
    bokeh(canvas, at, ["#ffffff", tones[0], "#ffe9a8"], count=11, seed=8, alpha=0.24, sizes=(30, 110))
    glow(canvas, 270, 520, 480, "#ffffff", 0.35)
    for i, (a, b, c, d) in enumerate(scattered(6, 21 if of == "notes" else 22)):
        settled = smooth((at - 0.25 - 0.16 * i) / 1.0)
        x = 270 + (1 - settled) * (420 * (a - 0.5) + 18 * sway(at, 2, c))
        y = (235 + 112 * i) * settled + (1 - settled) * (150 + 720 * b + 18 * sway(at, 2.6, d)) + 4 * sway(at, 3, i / 6)
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate((1 - settled) * 110 * (c - 0.5) + 0.8 * sway(at, 4, i / 6))
        _card(canvas, i, at - 1.5 - 0.3 * i, d, of, tones)
        canvas.restore()


def _card(canvas, i, ticked, shade, of, tones):
    box = rounded(-205, -46, 410, 92, 22)
    shadow(canvas, box, dy=16, blur=16, alpha=0.35, name=mix(tones[2], "#000000", 0.5))
    fill(canvas, box, paint(shader=linear((0, -46), (0, 46), "#ffffff", "#f0ecff")))
    name = (tones[0], tones[1], "#ffc04d", tones[2], "#35c98e", tones[1])[i]
    if of == "notes":
        fill(
            canvas,
            rounded(-187, -28, 56, 56, 16),
            paint(shader=linear((-187, -28), (-131, 28), name, mix(name, "#000000", 0.25))),
        )
        canvas.drawLine(-172, 0, -147, 0, paint("#ffffff", width=6))
        canvas.drawLine(-172, -12, -147, -12, paint("#ffffff", 0.7, width=6))
        canvas.drawLine(-172, 12, -157, 12, paint("#ffffff", 0.7, width=6))
    else:
        ball(canvas, -159, 0, 29, mix(name, "#ffffff", 0.4), mix(name, "#000000", 0.2), shine=0.4)
    fill(canvas, rounded(-112, -24, 150 + 70 * shade, 15, 7), paint("#3a2f66", 0.85))
    fill(canvas, rounded(-112, 6, 190 - 60 * shade, 12, 6), paint("#3a2f66", 0.3))
    if ticked > 0:
        grown = pop(ticked / 0.35)
        canvas.drawCircle(166, 0, 23 * grown, paint("#20c997"))
        tick = path((156, 1), (164, 9), (178, -8), closed=False)
        canvas.drawPath(tick, paint("#ffffff", grown if grown < 1 else 1, width=6))


@cache
def _net():
    """Nodes on a sphere-like cloud, and which of them are joined."""
    nodes = []
    for i in range(46):
        y = 1 - 2 * (i + 0.5) / 46
        around, reach = i * math.pi * (3 - math.sqrt(5)), math.sqrt(1 - y * y)
        scale = 0.72 + 0.28 * scattered(46, 3)[i][0]
        nodes.append((reach * math.cos(around) * scale, y * 1.15 * scale, reach * math.sin(around) * scale))
    joined = [(i, j) for i in range(46) for j in range(i) if math.dist(nodes[i], nodes[j]) < 0.56]
    return nodes, joined


def neurons(canvas, at, length):
    """A cloud of nodes that turns, with light running along its links."""
    backdrop(canvas, "#04061a", "#131b5c", "#2a1160", "#060618", stops=[0, 0.4, 0.7, 1], tilt=120)
    glow(canvas, 270, 470, 520, BLUE, 0.55)
    glow(canvas, 380, 640, 380, PINK, 0.4)
    bokeh(canvas, at, [CYAN, VIOLET, PINK], count=20, seed=5, alpha=0.22, sizes=(4, 26))
    nodes, joined = _net()
    turn, spots = 0.55 * at + 0.3, []
    for x, y, z in nodes:
        deep = 1 / (1.9 + x * math.sin(turn) + z * math.cos(turn))
        across = x * math.cos(turn) - z * math.sin(turn)
        spots.append((270 + 470 * across * deep, 480 + 560 * y * deep, deep))
    for k, (i, j) in enumerate(joined):
        (xa, ya, da), (xb, yb, db) = spots[i], spots[j]
        near = min(max((da + db - 0.7) / 1.2, 0.08), 1)
        canvas.drawLine(xa, ya, xb, yb, paint(mix(VIOLET, CYAN, near), 0.2 + 0.6 * near, width=0.8 + 2.6 * near))
        run = (at * 0.55 + (k * 0.37)) % 1
        if k % 3 == 0:
            x, y = xa + (xb - xa) * run, ya + (yb - ya) * run
            glow(canvas, x, y, 26 * near + 8, "#fff3b0", 0.9)
            canvas.drawCircle(x, y, 1.5 + 3 * near, paint("#ffffff"))
    for i, (x, y, deep) in sorted(enumerate(spots), key=lambda item: item[1][2]):
        beat = max(0, sway(at, 1.6, i * 0.13)) ** 3
        name = (CYAN, MINT, PINK, VIOLET)[i % 4]
        radius = 24 * deep * deep + 3
        glow(canvas, x, y, radius * (3 + 2 * beat), name, 0.35 + 0.5 * beat)
        ball(canvas, x, y, radius, mix(name, "#ffffff", 0.5 + 0.4 * beat), mix(name, NIGHT, 0.45), 0.8)


def laptop(canvas, at, length):
    """A laptop on a desk by an evening window, working."""
    backdrop(canvas, "#241a52", "#6b2f7d", "#ff9d6b", stops=[0, 0.45, 1])
    _window(canvas, at)
    canvas.drawRect(
        skia.Rect.MakeLTRB(-60, 690, 600, 1020), paint(shader=linear((0, 690), (0, 960), "#7a4630", "#2a1420"))
    )
    canvas.drawRect(skia.Rect.MakeLTRB(-60, 690, 600, 694), paint("#ffc59a", 0.7))
    _plant(canvas, at)
    canvas.save()
    canvas.translate(270, 0)
    lid = rounded(-205, 395, 410, 292, 18)
    shadow(canvas, lid, dy=20, blur=26, alpha=0.5)
    fill(canvas, lid, paint(shader=linear((-205, 395), (205, 687), "#f4f4fb", "#8c8ea8")))
    fill(canvas, rounded(-196, 404, 392, 268, 11), paint("#0b0d20"))
    canvas.save()
    canvas.clipRRect(rounded(-190, 410, 380, 256, 8), True)
    _screen(canvas, at)
    canvas.restore()
    base = path((-205, 687), (205, 687), (262, 768), (-262, 768))
    shadow(canvas, base, dy=22, blur=20, alpha=0.55)
    fill(canvas, base, paint(shader=linear((0, 687), (0, 768), "#a9abc4", "#eceef8")))
    for row in range(4):
        wide = 180 + 12 * row
        canvas.drawLine(-wide, 699 + 12 * row, wide, 699 + 12 * row, paint("#33364f", 0.85, width=8 + row))
    fill(canvas, path((-50, 748), (50, 748), (54, 764), (-54, 764)), paint("#9ea0ba"))
    fill(canvas, rounded(-262, 766, 524, 12, 6), paint("#6d6f8c"))
    canvas.restore()
    glow(canvas, 270, 560, 420, CYAN, 0.28 + 0.05 * sway(at, 1.3))


def _window(canvas, at):
    frame = rounded(60, 90, 420, 380, 12)
    canvas.save()
    canvas.clipRRect(frame, True)
    canvas.drawRect(
        skia.Rect.MakeLTRB(60, 90, 480, 470), paint(shader=linear((0, 90), (0, 470), "#39349a", "#c55a9c", "#ffc07a"))
    )
    glow(canvas, 360, 400, 220, "#ffe2a0", 0.9)
    canvas.drawCircle(360, 380 + 3 * at, 46, paint("#fff0c8"))
    for i, (a, b, c, _) in enumerate(scattered(11, 4)):
        x, top = 50 + 42 * i, 330 + 90 * a
        canvas.drawRect(skia.Rect.MakeLTRB(x, top, x + 40, 480), paint(mix("#3a1f63", "#6b2f7d", b)))
        for k in range(5):
            if (c * 97 + k * 3 + int(at * 1.5 + i)) % 3 > 1:
                canvas.drawRect(skia.Rect.MakeXYWH(x + 8, top + 12 + 20 * k, 8, 9), paint("#ffd98a"))
    canvas.restore()
    canvas.drawRRect(frame, paint("#1d1440", width=12))
    canvas.drawLine(270, 90, 270, 470, paint("#1d1440", width=8))


def _plant(canvas, at):
    for i in range(7):
        lean = (i - 3) * 0.27 + 0.04 * sway(at, 3, i / 7)
        tip = (66 + 130 * math.sin(lean), 640 - 190 * math.cos(lean))
        side = (66 + 78 * math.sin(lean + 0.32), 640 - 110 * math.cos(lean + 0.32))
        other = (66 + 78 * math.sin(lean - 0.2), 640 - 110 * math.cos(lean - 0.2))
        leaf = curve((66, 650), side, tip, other)
        fill(canvas, leaf, paint(shader=linear((66, 650), tip, "#0c3b3a", mix("#2fae7a", "#9fe87a", i / 7))))
    fill(
        canvas,
        path((26, 640), (106, 640), (96, 730), (36, 730)),
        paint(shader=linear((26, 0), (106, 0), "#ffb08a", "#b2475a")),
    )


def _screen(canvas, at):
    canvas.drawRect(
        skia.Rect.MakeLTRB(-190, 410, 190, 666), paint(shader=linear((0, 410), (0, 666), "#10143d", "#0a2a4d"))
    )
    fill(canvas, rounded(-190, 410, 96, 256, 0), paint("#ffffff", 0.06))
    for i in range(6):
        fill(
            canvas,
            rounded(-178, 430 + 34 * i, 62, 12, 6),
            paint((CYAN, "#ffffff")[i != int(at * 1.3) % 6], 0.35 + 0.4 * (i == int(at * 1.3) % 6)),
        )
    for i, (a, b, c, _) in enumerate(scattered(40, 12)):
        y = 430 + 23 * i - 46 * at
        shown = min(1.0, max(0.0, (640 - y) / 60))
        if 396 < y < 660:
            x = -78 + 26 * int(3 * a)
            fill(
                canvas, rounded(x, y, 30 + 60 * b, 10, 5), paint((PINK, CYAN, MINT, "#ffd28a")[int(4 * c)], 0.9 * shown)
            )
            fill(canvas, rounded(x + 40 + 60 * b, y, 40 + 50 * c, 10, 5), paint("#c9d2ff", 0.55 * shown))


def chip(canvas, at, length):
    """A processor on its board, with light running along the tracks."""
    backdrop(canvas, "#04161f", "#063a4a", "#041a2c", stops=[0, 0.5, 1], tilt=200)
    canvas.save()
    canvas.translate(270, 480)
    canvas.rotate(-14)
    for k, (a, b, c, d) in enumerate(scattered(64, 9)):
        _track(canvas, at, k, a, b, c, d)
    for a, b, c, d in scattered(14, 31):
        angle, reach = 2 * math.pi * a, 300 + 260 * b
        x, y = reach * math.cos(angle), reach * math.sin(angle)
        part = rounded(x - 22 - 12 * c, y - 14, 44 + 24 * c, 28 + 18 * d, 5)
        shadow(canvas, part, dy=8, blur=8, alpha=0.6)
        fill(canvas, part, paint(shader=linear((x - 30, y - 14), (x + 30, y + 30), "#3a4a55", "#10181f")))
    _core(canvas, at)
    canvas.restore()
    glow(canvas, 120, 120, 380, CYAN, 0.25)
    glow(canvas, 470, 860, 420, "#ff8a5a", 0.3)


def _track(canvas, at, k, a, b, c, d):
    """One track: out of the chip, a bend, and on; a light runs out along it."""
    side, along = k % 4, (k // 4 - 7.5) * 18
    reach, bend = 190 + 120 * a, (30 + 150 * b) * (1 if along > 0 else -1)
    points = [(along, 150), (along, reach), (along + bend, reach + abs(bend)), (along + bend, 700)]
    canvas.save()
    canvas.rotate(90 * side)
    line = path(*points, closed=False)
    canvas.drawPath(line, paint("#0fa3a8", 0.25, width=8))
    canvas.drawPath(line, paint("#19c2b8", 0.55, width=3))
    measure = skia.PathMeasure(line, False)
    spot, _ = measure.getPosTan(measure.getLength() * ((at * (0.35 + 0.3 * c) + d) % 1))
    name = (CYAN, MINT, "#ffd28a")[k % 3]
    glow(canvas, spot.x(), spot.y(), 26, name, 0.9)
    canvas.drawCircle(spot.x(), spot.y(), 3.4, paint("#ffffff"))
    canvas.restore()


def _core(canvas, at):
    for side in range(4):
        canvas.save()
        canvas.rotate(90 * side)
        for i in range(16):
            canvas.drawLine((i - 7.5) * 18, 128, (i - 7.5) * 18, 160, paint("#e8d9a0", width=7))
        canvas.restore()
    body = rounded(-150, -150, 300, 300, 20)
    shadow(canvas, body, dy=22, blur=26, alpha=0.7)
    fill(canvas, body, paint(shader=linear((-150, -150), (150, 150), "#4b5a66", "#141b22", "#2b363f")))
    beat = 0.5 + 0.5 * sway(at, 1.4)
    glow(canvas, 0, 0, 230 + 40 * beat, CYAN, 0.5 + 0.3 * beat)
    fill(canvas, rounded(-92, -92, 184, 184, 14), paint(shader=linear((-92, -92), (92, 92), "#d8fbff", BLUE, VIOLET)))
    for i in range(3):
        for j in range(3):
            lit = max(0, sway(at, 1.2, (i * 2 + j) * 0.17)) ** 2
            fill(canvas, rounded(-78 + 54 * i, -78 + 54 * j, 46, 46, 8), paint(mix("#1c2f9e", "#eaffff", lit), 0.85))


FRUIT = ("#ff5a4d", "#ffb52e", "#86c440", "#ff8a3d", "#c9304f", "#f7d038")


def photos(canvas, at, length, of="learn"):
    """A wall of fruit photos; a beam of light passes over them and marks each good or bad."""
    tones = ("#0e2a4f", "#1d6f8a", "#123257") if of == "learn" else ("#123c2f", "#2c8a5f", "#0d3040")
    backdrop(canvas, *tones, stops=[0, 0.5, 1], tilt=120)
    bokeh(canvas, at, [MINT, CYAN, "#ffe08a"], count=14, seed=14, alpha=0.22, sizes=(14, 70))
    beam = 60 + (840 * ((at / max(length, 0.1)) * 1.15 % 1))
    seed = 41 if of == "learn" else 47
    for i, (a, b, c, d) in enumerate(scattered(12, seed)):
        column, row = i % 3, i // 3
        x, y = 100 + 170 * column, 165 + 205 * row + 5 * sway(at, 3, a)
        grown = pop((at + 0.7 - 0.06 * i) / 0.4)
        passed = smooth((beam - y) / 60)
        canvas.save()
        canvas.translate(x, y)
        canvas.rotate(8 * (b - 0.5) + 1.2 * sway(at, 4, c))
        canvas.scale(grown, grown)
        _photo(canvas, at, i, c, d, passed)
        canvas.restore()
    name = CYAN if of == "learn" else MINT
    shader = linear((0, beam - 130), (0, beam), name, name, alphas=[0, 0.5])
    canvas.drawRect(skia.Rect.MakeLTRB(-60, beam - 130, 600, beam), paint(shader=shader, blend=skia.BlendMode.kScreen))
    canvas.drawLine(-60, beam, 600, beam, paint("#ffffff", width=4))
    glow(canvas, 270, beam, 330, name, 0.5)


def _photo(canvas, at, i, c, d, passed):
    ripe = c > 0.36
    shape = rounded(-74, -88, 148, 176, 14)
    shadow(canvas, shape, dy=12, blur=14, alpha=0.45)
    fill(canvas, shape, paint("#fbfaf5"))
    inside = rounded(-64, -78, 128, 128, 8)
    tone = ("#bfe6ff", "#ffe3c2", "#d9f0c8", "#e6dcff")[i % 4]
    fill(canvas, inside, paint(shader=linear((-64, -78), (64, 50), "#ffffff", mix(tone, "#7a8fae", 0.35))))
    name = FRUIT[int(d * 6)] if ripe else "#8a6a3a"
    canvas.drawOval(skia.Rect.MakeLTRB(-40, 22, 44, 40), paint("#000000", 0.3, blur=6))
    ball(canvas, 0, -12, 42, mix(name, "#ffffff", 0.45), mix(name, "#200010", 0.35), shine=0.8 if ripe else 0.2)
    if not ripe:
        for x, y, r in ((-12, -22, 8), (14, 2, 11), (-16, 8, 6)):
            canvas.drawCircle(x, y, r, paint("#3b2a18", 0.75, blur=2))
    canvas.drawLine(0, -50, 5, -66, paint("#5a3a1c", width=5))
    fill(canvas, curve((6, -58), (24, -74), (42, -66), (26, -54)), paint("#4fae4a" if ripe else "#7d6b3a"))
    if passed > 0:
        mark = "#1fc98b" if ripe else "#ff4d6a"
        canvas.drawRRect(inside, paint(mark, passed, width=7))
        canvas.drawCircle(48, 66, 19 * pop(passed), paint(mark))
        sign = ((40, 67), (46, 73), (57, 59)) if ripe else ((41, 59), (55, 73))
        canvas.drawPath(path(*sign, closed=False), paint("#ffffff", passed, width=5))
        if not ripe:
            canvas.drawLine(55, 59, 41, 73, paint("#ffffff", passed, width=5))


SCENES = {"chat": chat, "cards": cards, "neurons": neurons, "laptop": laptop, "chip": chip, "photos": photos}

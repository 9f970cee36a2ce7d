"""Make the sample clips: read each text beside its clip, speak it, draw its scenes, write the mp4.

The texts are data (`tiktok_videos/samples/<category>/<slug>.json`), this tool is the code:

    python3 -m venv /tmp/samples && /tmp/samples/bin/pip install -r tools/requirements-samples.txt
    /tmp/samples/bin/python tools/make_samples.py

A text says what the voice says, which captions are on the screen from when to when (seconds), and which scenes of
`tools/scenes` are drawn from when on. The same text gives the same bytes on the same machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import wave
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import skia
from scenes import HEIGHT, SCENES, WIDTH, brush

SAMPLES = Path(__file__).resolve().parent.parent / "tiktok_videos" / "samples"
RATE = 25  # frames a second
LEAD = 0.4  # seconds before the voice starts
TAIL = 0.8  # seconds after it ends
PACE = 1.1  # of the voice: creators talk fast
LOUDNESS = -16.0  # LUFS
PEAK = 0.84  # -1.5 dBFS
GLIDE = 26  # pixels that the camera moves in a scene
ZOOM = 1.03  # so that the edges stay out of sight while it does
VIDEO_BITS, VOICE_BITS = "206k", "32k"  # a second: all clips together stay under 8 MB
CAPTION_SIZE = 50  # pixels
CAPTION_HEIGHT = 0.27  # of the picture, from the top


def main():
    """Make all clips, or only those whose name holds one of the words given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="make only the clips whose file name holds one of these words")
    parser.add_argument("--jobs", type=int, default=2, help="clips to make at once (default 2)")
    parser.add_argument("--stills", type=Path, metavar="FOLDER", help="write a picture a second there, and no clip")
    options = parser.parse_args()
    texts = [
        path for path in sorted(SAMPLES.glob("*/*.json")) if any(word in path.stem for word in options.words or [""])
    ]
    make = partial(make_stills, folder=options.stills) if options.stills else make_clip
    with ProcessPoolExecutor(options.jobs) as pool:
        for number, line in enumerate(pool.map(make, texts), 1):
            print(f"[{number}/{len(texts)}] {line}", file=sys.stderr, flush=True)


def make_clip(path):
    """Make the mp4 beside the text at `path`; return a line that says how it came out."""
    text = json.loads(path.read_text())
    clip = path.with_suffix(".mp4")
    with tempfile.TemporaryDirectory() as folder:
        sound, made = Path(folder) / "voice.wav", Path(folder) / "clip.mp4"
        seconds = speak(text["script"], text["pitch"], sound)
        encode(frames(text, seconds), sound, text["created"], made)
        clip.write_bytes(made.read_bytes())
    return f"{clip.stem}: {seconds:.1f} s, {clip.stat().st_size / 1000:.0f} kB"


def make_stills(path, folder):
    """Write a frame a second of the text's clip to `folder` as PNG, to look at while drawing."""
    text = json.loads(path.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    for second in range(17):
        pixels = frame(text, second + 0.5, 17.0)
        skia.Image.fromarray(pixels, colorType=skia.kBGRA_8888_ColorType).save(
            str(folder / f"{path.stem}-{second:02}.png")
        )
    return path.stem


# --- sound


@cache
def voice():
    from hibari import Hibari

    return Hibari()


def speak(script, pitch, path):
    """Write `script` spoken to `path` (WAV, mono, 16-bit), at LOUDNESS, and return its length in seconds.

    `pitch` (1 is the voice as it is) moves pitch and pace together, like a tape that runs faster or slower; the voice
    is asked for the opposite pace first, so that the pace stays.
    """
    import pyloudnorm

    rate = round(voice().sample_rate * pitch)
    spoken = voice()(script, speed=PACE / pitch, seed=0)
    sound = np.concatenate([np.zeros(int(LEAD * rate)), spoken, np.zeros(int(TAIL * rate))])
    sound += room(len(sound))
    sound *= 10 ** ((LOUDNESS - pyloudnorm.Meter(rate).integrated_loudness(sound)) / 20)
    sound = np.where(np.abs(sound) > PEAK / 2, soft_limit(sound), sound)
    frames_ = int(np.ceil(len(sound) / rate * RATE))
    sound = np.pad(sound, (0, max(0, frames_ * rate // RATE - len(sound))))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return frames_ / RATE


def soft_limit(sound):
    """Bend what lies above half of PEAK so that it never passes PEAK."""
    half = PEAK / 2
    return np.sign(sound) * (half + half * np.tanh((np.abs(sound) - half) / half))


def room(samples):
    """The air of a quiet room: noise that falls with frequency, about 60 dB under the voice."""
    noise = np.random.default_rng(1).standard_normal(samples + 31)
    return np.convolve(noise, np.hanning(32) / 16, mode="valid")[:samples] * 0.0004


# --- picture


def frames(text, seconds):
    """Yield each frame of the clip as height x width x 4 bytes, BGRA."""
    for number in range(round(seconds * RATE)):
        yield frame(text, number / RATE, seconds)


def frame(text, at, seconds):
    """Draw the moment `at` of a clip that lasts `seconds`."""
    surface = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    canvas = skia.Canvas(surface, colorType=skia.kBGRA_8888_ColorType)
    starts = [scene["start"] for scene in text["scenes"]]
    index = max(i for i, start in enumerate(starts) if start <= at)
    since, until = starts[index], [*starts, seconds][index + 1]
    draw_scene(canvas, text["scenes"][index], at - since, until - since, index)
    brush.finish(canvas)
    for caption in text["captions"]:
        if caption["start"] <= at < caption["end"]:
            draw_caption(canvas, caption, at, text["plate"])
    return surface


def draw_scene(canvas, scene, at, length, index):
    """Draw a scene under a camera that glides up or down. It never zooms: a zoom costs several times the bits."""
    options = {name: value for name, value in scene.items() if name not in ("draw", "start")}
    glide = GLIDE * (at / length - 0.5) * (1 if index % 2 else -1)
    canvas.save()
    canvas.translate(WIDTH / 2, HEIGHT / 2 + glide)
    canvas.scale(ZOOM, ZOOM)
    canvas.translate(-WIDTH / 2, -HEIGHT / 2)
    SCENES[scene["draw"]](canvas, at, length, **options)
    canvas.restore()


@cache
def caption_font():
    path = files("font_lato") / "files" / "Lato-Black.ttf"
    return skia.Font(skia.Typeface.MakeFromFile(str(path)), CAPTION_SIZE)


def draw_caption(canvas, caption, at, colours):
    """Set the lines of a caption, each on a rounded plate, popping in. `colours`: plate, then text."""
    plate, ink = colours
    shown = brush.pop((at - caption["start"]) / 0.3)
    canvas.save()
    canvas.translate(WIDTH / 2, HEIGHT * CAPTION_HEIGHT)
    canvas.scale(0.8 + 0.2 * shown, 0.8 + 0.2 * shown)
    for number, line in enumerate(caption["lines"]):
        draw_line(canvas, line, (number - len(caption["lines"]) / 2) * (CAPTION_SIZE + 40), plate, ink)
    canvas.restore()


def draw_line(canvas, line, top, plate, ink):
    """Set one line on its plate, its words further apart than the font has them: easier to read at a glance."""
    font, words = caption_font(), line.split()
    widths = [font.measureText(word) for word in words]
    gap = CAPTION_SIZE * 0.42
    wide = sum(widths) + gap * (len(words) - 1)
    box = skia.RRect.MakeRectXY(skia.Rect.MakeXYWH(-wide / 2 - 26, top, wide + 52, CAPTION_SIZE + 32), 22, 22)
    canvas.drawRRect(box.makeOffset(0, 5), brush.paint("#000000", 0.35, blur=8))
    canvas.drawRRect(box, brush.paint(plate))
    x = -wide / 2
    for word, width in zip(words, widths, strict=True):
        canvas.drawString(word, x, top + CAPTION_SIZE * 0.86 + 16, font, brush.paint(ink))
        x += width + gap


# --- file


def encode(pictures, sound, created, path):
    """Write frames and sound to an mp4 that any browser plays and that starts before it is loaded whole.

    Two passes, so that the bits go where the picture needs them and the size is known beforehand.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    begin = [get_ffmpeg_exe(), "-v", "error", "-y"]
    drawn, log = path.with_name("drawn.mkv"), path.with_name("passes")
    raw = ["-f", "rawvideo", "-pix_fmt", "bgra", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
    colours = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    yuv = ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", *colours]
    lossless = ["-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"]
    with subprocess.Popen([*begin, *raw, *yuv, *lossless, drawn], stdin=subprocess.PIPE) as process:
        for picture in pictures:
            process.stdin.write(picture.tobytes())
    small = ["-c:v", "libx264", "-preset", "medium", "-tune", "animation", "-b:v", VIDEO_BITS, "-aq-mode", "2"]
    small += ["-pix_fmt", "yuv420p", "-g", "250", "-threads", "1", "-flags:v", "+bitexact", *colours]
    voice_ = ["-c:a", "aac", "-b:a", VOICE_BITS, "-ac", "1", "-ar", "24000", "-flags:a", "+bitexact"]
    about = ["-fflags", "+bitexact", "-metadata", f"creation_time={created}", "-movflags", "+faststart"]
    first = [*begin, "-i", drawn, *small, "-an", "-pass", "1", "-passlogfile", log, "-f", "null", "-"]
    second = [*begin, "-i", drawn, "-i", sound, *small, "-pass", "2", "-passlogfile", log, *voice_, *about, path]
    for command in (first, second):
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

"""How long a video of about 15 s takes once its music and its cover are there, beside moviepy's plain recipe."""

import io
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import animate_text
import music_gen
import tiktok_to_text
from animate_text import VoiceRequest, fonts
from animate_text.caption_pages import pages, parse_box
from animate_text.timeline import FPS, HEIGHT, WIDTH
from music_gen import MusicRequest
from pipeline import DraftEdit, drafting
from settings import Settings
from summariser import ScriptRequest

LINES = (
    "Stop peeling garlic like this.",
    "Put the cloves in a jar, close it, and shake it for ten seconds.",
    "Cook cherry tomatoes in olive oil until they burst.",
    "Add the garlic at the end, because it burns before the tomatoes are done.",
    "Save this, and follow for more.",
)
MUSIC = "A warm acoustic funk instrumental at 104 BPM with upright bass."
PLAIN_SECONDS = 3  # of the plain recipe that are made; the rest is computed


def draft_rows() -> list[tuple[str, float, str]]:
    """Seconds that a draft takes, new but for its music and the models; and the plain recipe with the same parts."""
    with tempfile.TemporaryDirectory() as folder:
        plain = replace(Settings.read({}), data_dir=Path(folder))
        settings = replace(plain, music_engines=("composer",), image_engines=("poster",), voice_engines=("hibari",))
        track = music_gen.generate(MusicRequest(MUSIC, 10, 1), settings).value
        _warm(settings, Path(folder))
        asked = drafting.MakeDraft(
            idea=ScriptRequest(LINES[0], "", " ".join(LINES), ("food",)),
            image_prompt="garlic and tomatoes on a wooden board",
            seed=1,
            music=track.wav,
            midi=track.midi,
            edit=DraftEdit(LINES, (None,) * len(LINES)),
        )
        before = _clocks()
        answer = drafting.make_draft(asked, settings)
        ours = _since(before)
        if answer.warnings:
            raise SystemExit(f"The draft was not made as it should be: {answer.warnings}")
        timeline = answer.value.timeline
        longer = timeline.seconds / PLAIN_SECONDS
        theirs = [longer * taken for taken in _plainly(timeline, track.wav, settings, Path(folder))]
    return [
        (f"a video of {timeline.seconds:.1f} s, music and cover there", ours[0], "s"),
        ("  of processor time, ffmpeg's included", ours[1], "s"),
        (f"the same by moviepy's plain recipe, from {PLAIN_SECONDS} s", theirs[0], "s"),
        ("  of processor time", theirs[1], "s"),
    ]


def _clocks():
    """Seconds of the clock, and of processor time of this process and those that it has run."""
    return time.perf_counter(), sum(os.times()[:4])


def _since(before):
    return [now - then for now, then in zip(_clocks(), before, strict=True)]


def _warm(settings, folder):
    """Load what a studio that is running has loaded."""
    animate_text.warm(settings)
    spoken = animate_text.speak(VoiceRequest(("Hello.",)), settings).value.lines[0]
    (folder / "hello.wav").write_bytes(spoken.wav)
    tiktok_to_text.word_times(folder / "hello.wav", "en-US", settings)


def _plainly(timeline, music, settings, folder):
    """Seconds for the first PLAIN_SECONDS: a picture that grows, a TextClip a page of captions, voice over music."""
    from moviepy import AudioFileClip, CompositeAudioClip, CompositeVideoClip, ImageClip, TextClip

    (folder / "music.wav").write_bytes(music)
    lines = animate_text.speak(VoiceRequest(LINES), settings).value.lines
    wav, _ = animate_text.one_recording([speech.wav for speech in lines], 0.3)
    (folder / "voice.wav").write_bytes(wav)
    cover = Image.open(io.BytesIO(next((settings.data_dir / "drafts" / "pictures").glob("*.png")).read_bytes()))
    font = fonts.caption_font(fonts.typefaces.display_face(), settings.data_dir / "drafts" / "fonts").path
    before = _clocks()
    picture = ImageClip(np.asarray(cover.convert("RGB")), duration=timeline.seconds)
    layers = [picture.resized(lambda t: 1 + 0.02 * t).with_position("center")]
    for page in pages(timeline.words(), timeline.caption_style, parse_box(settings.safe_box)):
        text = "\n".join(" ".join(word.text for word in line) for line in page.lines)
        drawn = TextClip(str(font), text, font_size=page.size, color="white", stroke_color="black", stroke_width=8)
        layers.append(drawn.with_start(page.start).with_end(page.end).with_position(("center", 1000)))
    sound = CompositeAudioClip(
        [AudioFileClip(str(folder / "voice.wav")), AudioFileClip(str(folder / "music.wav")).with_volume_scaled(0.3)]
    )
    film = CompositeVideoClip(layers, size=(WIDTH, HEIGHT)).with_audio(sound).subclipped(0, PLAIN_SECONDS)
    film.write_videofile(
        str(folder / "plain.mp4"),
        fps=FPS,
        codec="libx264",
        audio_codec="aac",
        temp_audiofile_path=str(folder),  # else it is left where the bench was called, should that be stopped
        preset="veryfast",
        logger=None,
    )
    return _since(before)


if __name__ == "__main__":
    for what, number, unit in draft_rows():
        print(f"{what:<58}{number:8.2f} {unit}", flush=True)

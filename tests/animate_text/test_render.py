"""Drafts as they come out: what the file holds, what is seen, heard and read in it, and what is kept of the work."""

import re
import shutil
import time
from dataclasses import replace
from itertools import combinations

import jiwer
import numpy as np
import pytest

import animate_text
from animate_text import DraftRequest, StoryboardRequest, caption_pages, storyboard
from animate_text.timeline import FPS
from core import encoding
from core.engines import Cancelled
from pipeline import DraftEdit, drafting
from tests import videos
from tests.animate_text.conftest import CATEGORIES, DRAFT_SIZE
from tests.animate_text.test_captions import BOX, drawn, inked
from tests.rounds import amount
from tests.small_frames import segments, shrink_for

pytestmark = pytest.mark.slow


ONE_A_STYLE = sorted({style: name for name, (*_, style) in CATEGORIES.items()}.values())


@pytest.fixture(params=amount(ONE_A_STYLE, list(CATEGORIES)))
def draft(request, drafts):
    """A draft in each style of captions, with other lines and music."""
    return drafts[request.param]


def words(text):
    return re.findall(r"\w+", text.casefold())


def test_a_draft_is_what_platforms_take(draft):
    found, timeline = videos.facts(draft.path), draft.made.timeline
    assert (found.codec, found.profile, found.pixels) == ("h264", "High", "yuv420p")
    assert (found.size, found.sound) == (DRAFT_SIZE, "aac")
    assert found.rate == pytest.approx(30, abs=0.01)
    assert found.frames == timeline.frames[-1][1]
    assert 9.99 <= found.seconds <= 60
    assert abs(found.sound_seconds - found.seconds) < 0.1
    assert found.boxes.index("moov") < found.boxes.index("mdat")
    assert draft.answer.warnings == ()


def test_it_is_as_loud_as_platforms_play(draft):
    level, peak = videos.loudness(draft.path)
    assert abs(level + 14) <= 0.5
    assert peak < -1


def test_scenes_change_within_a_frame_of_a_beat(draft):
    """Cuts are looked for in the picture; each that is hard is where the timeline has one, and that is on a beat."""
    timeline = draft.made.timeline
    edges = [first / FPS for first, _ in timeline.frames[1:]]
    beats = timeline.beats
    assert max(min(abs(edge - beat) for beat in beats) for edge in edges) <= 1 / FPS
    hard = [e for e, shot in zip(edges, timeline.shots[1:], strict=True) if shot.transition == "cut"]
    seen = videos.cuts(draft.path)
    for edge in hard:
        assert min((abs(edge - cut) for cut in seen), default=9) <= 1 / FPS + 1e-6


def test_captions_can_be_read_at_their_times(draft):
    from rapidocr_onnxruntime import RapidOCR

    timeline = draft.made.timeline
    spoken, reader = timeline.words(), RapidOCR()
    pages = caption_pages.pages(spoken, timeline.caption_style, BOX)
    times = [max(page.start + 0.2, page.words[-1].start + 0.05) for page in pages]
    read = []
    for frame, page in zip(videos.frames(draft.path, (540, 960), times), pages, strict=True):
        found, _ = reader(np.ascontiguousarray(frame[100:660]))
        text = "".join(words(" ".join(line[1] for line in found or [])))
        read += ["".join(words(word.text)) in text for word in page.words]
    assert sum(read) >= 0.95 * len(read)


def test_no_pixel_of_its_captions_leaves_the_safe_box(draft, tmp_path, fonts):
    top, left, bottom, right = inked(drawn(draft.made.timeline, tmp_path, fonts, rate=2))
    assert left >= BOX.left and right < BOX.right and top >= BOX.top and bottom < BOX.bottom


def test_every_scene_shows_something_else(draft):
    """Looked at in the frames, above the captions: no two shots look alike, and none is one plain colour."""
    timeline = draft.made.timeline
    middles = [(first + last) / 2 / FPS for first, last in timeline.frames]
    seen = [frame[:70].astype(float) for frame in videos.frames(draft.path, (68, 120), middles)]
    assert all(frame.std(axis=(0, 1)).max() > 8 for frame in seen)
    assert all(np.abs(one - other).mean() > 4 for one, other in combinations(seen, 2))


def test_whisper_hears_the_voice_under_the_music(draft, settings):
    from tiktok_to_text import speech

    segments, _ = speech.load(settings).transcribe(videos.sound(draft.path), language="en", beam_size=5)
    heard = " ".join(words(" ".join(segment.text for segment in segments)))
    said = " ".join(words(" ".join(draft.made.lines)))
    assert jiwer.process_words(said, heard).hits >= 0.9 * len(said.split())


def test_the_music_ends_with_the_picture(draft):
    samples = videos.sound(draft.path)
    body, end = samples[: -16_000 * 2], samples[-1600:]
    assert np.sqrt(np.mean(end**2)) < 0.15 * np.sqrt(np.mean(body**2))


# The same again, and only what changed


@pytest.fixture
def small(monkeypatch, draft_settings, tmp_path):
    """Settings with a folder of the test's own, and frames of a quarter of the size: for what does not depend on it."""
    shrink_for(monkeypatch)
    return own_folder(draft_settings, tmp_path / "data")


def own_folder(draft_settings, folder):
    shutil.copytree(draft_settings.data_dir / "drafts" / "fonts", folder / "drafts" / "fonts")
    return replace(draft_settings, data_dir=folder)


def scenes(*lines, **more):
    made = storyboard(StoryboardRequest(lines or ("Hello there.", "And goodbye."), ("a", "b"), seed=5)).timeline
    return DraftRequest(made, **more)


def encoded(monkeypatch):
    """Notes what ffmpeg is asked to encode."""
    calls, real = [], encoding.encode

    def encode(arguments, *more):
        if "libx264" in arguments:
            calls.append(arguments)
        return real(arguments, *more)

    monkeypatch.setattr(encoding, "encode", encode)
    return calls


def test_the_same_timeline_and_seed_give_the_same_frames(small, draft_settings, tmp_path):
    made = []
    for name in ("one", "other"):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(animate_text.render(scenes(), own_folder(draft_settings, tmp_path / name)).mp4)
        made.append(path)
    for one, other in zip(*map(videos.frames, made), strict=True):
        assert np.array_equal(one, other)


def test_called_off_it_ends_within_a_second_and_leaves_nothing_half_done(draft_settings, tmp_path):
    """At the full size, where a second is not much."""
    settings, raised, request = own_folder(draft_settings, tmp_path), [], scenes()
    first_shot = request.timeline.scenes[0].shots[0].seconds * FPS

    def report(done, total, what):
        if done > 5:
            assert done < first_shot, "frames were only counted by whole shots"
            raised.append(time.monotonic())
            raise Cancelled

    with pytest.raises(Cancelled):
        animate_text.render(request, settings, report)
    assert time.monotonic() - raised[0] < 1
    assert not list((tmp_path / "drafts" / "segments").glob(".*"))


def test_what_was_called_off_goes_on_where_it_was(small, monkeypatch):
    calls, request = encoded(monkeypatch), scenes("One line.", "Another line.", "A third line.", "The last line.")

    def report(done, total, what):
        if segments(small.data_dir):
            raise Cancelled

    with pytest.raises(Cancelled):
        animate_text.render(request, small, report)
    kept = segments(small.data_dir)
    assert 0 < len(kept) < len(request.timeline.shots)
    calls.clear()
    animate_text.render(request, small)
    assert len(calls) == len(request.timeline.shots) - len(kept)
    assert kept.items() <= segments(small.data_dir).items()


def test_only_what_changed_is_encoded_again(small, monkeypatch):
    calls, lines = encoded(monkeypatch), ("One line here.", "Another line there.", "The last line.")
    animate_text.render(scenes(*lines), small)
    calls.clear()
    changed = scenes(lines[0], "Another word there.", lines[2])
    animate_text.render(changed, small)
    assert 0 < len(calls) <= len(changed.timeline.scenes[1].shots) + 1  # the next one may come in over it


def test_scenes_after_one_that_got_longer_are_not_encoded_again(small, monkeypatch):
    calls = encoded(monkeypatch)

    def request(seconds):
        lines, lengths = ("One line here.", "Another line there.", "The last line."), (None, seconds, 8.0)
        return DraftRequest(storyboard(StoryboardRequest(lines, ("a",), lengths=lengths)).timeline)

    animate_text.render(request(2.0), small)
    calls.clear()
    changed = request(4.0)
    animate_text.render(changed, small)
    assert 0 < len(calls) <= len(changed.timeline.scenes[1].shots) + 1


def test_progress_counts_frames(small):
    seen = []
    request = scenes("One line.", "Another line.", "A third line.", "The last line.")
    animate_text.render(request, small, lambda done, total, what: seen.append((done, total)))
    counts = [done for done, _ in seen]
    assert counts == sorted(counts)
    assert len(set(counts)) > 3
    assert seen[-1][0] == seen[-1][1]


# What goes wrong


def remade(asked, settings, **changes):
    """A draft of what was asked for, with something else about it; its file."""
    answer = drafting.make_draft(replace(asked, **changes), settings)
    return answer, answer.value.draft


def test_a_broken_picture_gives_way_to_a_backdrop_with_a_warning(small):
    made = animate_text.render(scenes(pictures={"a": b"\xff\xd8\xff\xe0 broken"}), small)
    assert len(made.mp4) > 10_000
    assert made.warnings == ("The picture “a” could not be opened; a backdrop is shown in its place.",)


@pytest.mark.parametrize("still", [b"", b"\xff\xd8\xff\xe0 broken", b"\x89PNG\r\n\x1a\n"], ids=["empty", "jpeg", "png"])
def test_broken_stills_of_clips_are_passed_over(asked, small, still):
    edit = DraftEdit(("Hello there.",), (None,), voice=False)
    answer, draft = remade(asked["ai"], small, clips=(drafting.ClipStills((still,), may_be_shown=True),), edit=edit)
    assert len(draft.mp4) > 10_000
    assert answer.warnings == ()


def test_without_music_there_is_the_voice_and_without_a_voice_the_music(asked, small, tmp_path):
    edit = asked["ai"].edit
    for changes in ({"music": None, "midi": None}, {"edit": replace(edit, voice=False)}):
        _, draft = remade(asked["ai"], small, **changes)
        path = tmp_path / "draft.mp4"
        path.write_bytes(draft.mp4)
        assert abs(videos.loudness(path)[0] + 14) <= 0.7


def test_without_both_there_is_silence(asked, small, tmp_path):
    edit = replace(asked["ai"].edit, voice=False)
    _, draft = remade(asked["ai"], small, music=None, midi=None, edit=edit)
    (tmp_path / "draft.mp4").write_bytes(draft.mp4)
    assert videos.loudness(tmp_path / "draft.mp4")[0] <= -69


def test_where_no_voice_can_speak_there_are_captions_and_a_warning(asked, small):
    answer, draft = remade(asked["ai"], replace(small, voice_engines=("openai",)))
    assert answer.engine == "none"
    assert answer.warnings[-1] == "The video has no voice: no engine could speak its lines."
    spoken = " ".join(line for line in draft.srt.splitlines() if line and line[0].isalpha())
    assert spoken.split() == " ".join(asked["ai"].edit.lines).split()


def test_an_idea_of_three_hundred_words_gives_a_minute_and_says_what_was_left_out(asked, small, tmp_path):
    idea = " ".join(f"This is the part number {n} of it, and it goes on." for n in range(25))
    assert len(idea.split()) == 300
    long = replace(asked["ai"].idea, title=idea, concept=idea, opening=idea)
    answer, draft = remade(asked["ai"], replace(small, voice_engines=("none",)), idea=long, edit=None)
    (tmp_path / "draft.mp4").write_bytes(draft.mp4)
    assert 50 <= videos.facts(tmp_path / "draft.mp4").seconds <= 60
    assert len(answer.warnings) == 1
    assert re.fullmatch(r"\d+ lines of the script were left out: a draft has at most 60 seconds\.", answer.warnings[0])


@pytest.mark.parametrize(
    ("lines", "language", "warning"),
    [
        (("هذه أفضل طريقة لتقشير الثوم", "احفظ هذا الفيديو"), "ar-SA", "speaks English only"),
        (("このトマトパスタはすぐに完成します。", "保存してください。"), "ja-JP", "speaks English only"),
        (("This 🔥 changes everything 🍝", "🔥🔥🔥"), "en-US", ""),
    ],
    ids=["arabic", "japanese", "emoji"],
)
def test_every_script_gives_a_video_or_a_clear_warning(lines, language, warning, asked, small):
    idea = replace(asked["food"].idea, language=language)
    edit = DraftEdit(lines, (None,) * len(lines), "karaoke")
    answer, draft = remade(asked["food"], small, idea=idea, edit=edit)
    assert len(draft.mp4) > 10_000
    assert all(warning in line or "no voice" in line for line in answer.warnings)
    assert bool(answer.warnings) == bool(warning)
    assert draft.srt.strip()

"""The sample clips, understood."""

from concurrent.futures import ThreadPoolExecutor

import jiwer
import pytest

from tests.rounds import amount
from tests.tiktok_to_text.clips.support import read, truth, words
from tiktok_to_text import speech


@pytest.mark.slow
def test_a_loop_of_the_model_is_noticed_and_listened_to_again(sample_clips, settings, monkeypatch, make):
    monkeypatch.setattr(speech, "SPARE_FRAMES", 0)  # with no silence after the last word the model is prone to go on
    for clip in sample_clips[:5]:
        said, sound = " ".join(words(truth(clip)["script"])), make(clip.name, "-i", str(clip), "-vn", "-c:a", "copy")
        assert jiwer.wer(said, " ".join(words(read(sound, settings).transcript))) <= 0.08


@pytest.mark.slow
def test_sample_clips_are_understood(sample_clips, settings):
    sample_clips = amount(sample_clips[::3], sample_clips)  # one of each category, or all
    with ThreadPoolExecutor(2) as pool:
        texts = list(pool.map(lambda clip: read(clip, settings), sample_clips))
    truths = [truth(clip) for clip in sample_clips]

    said = [" ".join(words(text["script"])) for text in truths]
    heard = [" ".join(words(text.transcript)) for text in texts]
    assert jiwer.wer(said, heard) <= 0.08

    shown = [words(" ".join(" ".join(caption["lines"]) for caption in text["captions"])) for text in truths]
    seen = [words(" ".join(text.on_screen)) for text in texts]
    found = sum(word in there for wanted, there in zip(shown, seen, strict=True) for word in wanted)
    assert found >= 0.9 * sum(map(len, shown))

    for text, clip in zip(texts, sample_clips, strict=True):
        assert text.warnings == () and text.speech_engine == "whisper", clip
        assert len(text.stills) == 2, clip
        times = [moment for phrase in text.phrases for moment in (phrase.start, phrase.end)]
        assert times == sorted(times) and times[0] >= 0 and times[-1] <= text.seconds + 0.5, clip
        assert len(text.on_screen) == len({line.casefold() for line in text.on_screen}), clip


def test_captions_come_in_the_order_of_the_clip(sample_clips, quick):
    clip = sample_clips[-1]
    captions = [words(" ".join(caption["lines"])) for caption in truth(clip)["captions"]]
    seen = words(" ".join(read(clip, quick).on_screen))
    positions = [seen.index(caption[0]) for caption in captions if caption[0] in seen]
    assert len(positions) >= 2 and positions == sorted(positions)

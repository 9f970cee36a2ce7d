"""Files that are no clips, broken or hostile."""

from pathlib import Path

import pytest

from core.engines import EngineError
from tests.tiktok_to_text.clips.support import PICTURE, read

KINDS = ("empty", "text", "cut off", "head only", "zeros", "HLS playlist", "HLS playlist with a relative path",
         "concat script", "subtitles", "SDP", "DASH manifest")  # fmt: skip


def broken_files(clip, folder):
    content = clip.read_bytes()
    (folder / "other.mp4").write_bytes(content)
    return {
        "empty": b"",
        "text": b"just a few words\n" * 100,
        "cut off": content[: len(content) // 2],
        "head only": content[:40],
        "zeros": bytes(100_000),
        "HLS playlist": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{folder}/other.mp4\n#EXT-X-ENDLIST\n".encode(),
        "HLS playlist with a relative path": b"#EXTM3U\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n",
        "concat script": b"ffconcat version 1.0\nfile other.mp4\n",
        "subtitles": b"1\n00:00:00,000 --> 00:00:02,000\nwords\n",
        "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "DASH manifest": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
        b"<Representation><BaseURL>other.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_or_hostile_file_is_refused_with_a_sentence(silent_picture, tmp_path, quick, kind):
    path = tmp_path / "clip.mp4"
    path.write_bytes(broken_files(silent_picture, tmp_path)[kind])
    with pytest.raises(EngineError, match=r"^This file is not a video that can be read"):
        read(path, quick)
    assert not (quick.data_dir / "texts").exists()


def test_a_missing_file_is_refused_with_a_sentence(tmp_path, quick):
    with pytest.raises(EngineError, match="cannot be opened"):
        read(tmp_path / "none.mp4", quick)


def test_a_clip_that_breaks_off_is_read_as_far_as_it_goes(make, tmp_path, quick):
    whole = make("whole.mkv", "-f", "lavfi", "-i", PICTURE, "-t", "4", "-c:v", "libx264", "-g", "10")
    path = tmp_path / "half.mkv"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert read(path, quick).stills


def test_damage_in_the_middle_costs_no_more_than_the_clip(silent_picture, tmp_path, quick):
    content = bytearray(silent_picture.read_bytes())
    content[5000:9000] = bytes(range(250)) * 16
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    read(path, quick)


@pytest.mark.parametrize(
    "name", ["-rf.mp4", "día de fête 東京 🎬.mp4", "a b'c\"$(touch x);.mp4", "http:x.mp4", "%d.mp4"]
)
def test_any_file_name_is_read(silent_picture, tmp_path, quick, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    silent_picture.rename(name)
    assert read(Path(name), quick).stills
    assert not Path("x").exists()

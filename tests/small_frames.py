"""Drafts with smaller frames, for tests of what does not depend on their size."""

from pathlib import Path

from animate_text import camera, footage, scenery

WIDTH, HEIGHT = 270, 480  # pixels: a quarter of what a draft has
LEGIBLE = 540, 960  # in which captions can still be read


def shrink() -> None:
    """Render small frames in this process from now on; text is laid out as ever, and drawn smaller."""
    for module in (camera, footage, scenery):
        module.WIDTH, module.HEIGHT = WIDTH, HEIGHT


def shrink_for(monkeypatch, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """The same until the end of a test."""
    for module in (camera, footage, scenery):
        monkeypatch.setattr(module, "WIDTH", size[0])
        monkeypatch.setattr(module, "HEIGHT", size[1])


def segments(data_dir: Path) -> dict[str, int]:
    """The finished parts of drafts that are kept, by name, with their inodes: one that is made anew gets another."""
    return {path.name: path.stat().st_ino for path in (data_dir / "drafts" / "segments").glob("[!.]*.mp4")}

"""The files of a search: each is complete or not there."""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.results import StageResult

MADE_BY = ("music", "image", "video")  # the stages that make files; their values give the files' names


def publish(folder: Path, name: str, data: bytes) -> str:
    """Write a file under a temporary name, rename it, and return its name: nobody ever reads half a file."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{name}-", delete=False) as file:
        try:
            file.write(data)
            file.close()
            Path(file.name).chmod(0o644)
            Path(file.name).replace(folder / name)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return name


def part_of_music(folder: Path, number: int) -> Path:
    """Where a part of a piece of music is while the rest is being made, counted from 0. Its name hides it elsewhere."""
    return folder / f".music-{number:03}.wav"


def keep_part(folder: Path, number: int, wav: bytes) -> None:
    """Write a part of a piece of music that is still being made; where that fails, nobody hears it, and that is all."""
    with suppress(OSError):
        publish(folder, part_of_music(folder, number).name, wav)


def remove_parts(folder: Path) -> None:
    """The piece of music is whole: its parts are needed no more."""
    for path in folder.glob(".music-*.wav"):
        path.unlink(missing_ok=True)


def names(stage: str, result: StageResult) -> list[str]:
    """The names of the files that a stage has made."""
    return [name for name in (result.value or {}).values() if name] if stage in MADE_BY else []


def are_there(folder: Path, stage: str, stages: Mapping[str, StageResult]) -> bool:
    """Whether a stage has made something in an earlier run, and its files are still there."""
    made = stages.get(stage)
    return made is not None and bool(made.value) and all((folder / name).is_file() for name in names(stage, made))


def contents(folder: Path, stage: str, key: str, stages: Mapping[str, StageResult]) -> bytes | None:
    """A file that a stage has made, by its key in the stage's value; None where there is none."""
    name = (stages[stage].value or {}).get(key) if stage in stages else None
    return (folder / name).read_bytes() if name else None

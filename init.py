"""Downloads and checks the large models: `python init.py`.

MusicGen for music; Stable Diffusion, LCM-LoRA and TAESD for pictures. They go to the hub's own cache, pinned to the
revisions that were tested. A download that breaks off goes on where it stopped when this is run again.
"""

import argparse
import hashlib
import re
import shutil
import sys
from pathlib import Path

from animate_text import checkpoints, stable_diffusion
from engines import EngineError
from music_gen import musicgen
from settings import ROOT, Settings, SettingsError
from utils import Checkpoint, checkpoint_folder

GB = 1000**3
SPARE_DISK = GB  # bytes that a download leaves free
SHA256 = re.compile(r"[0-9a-f]{64}")


def models(settings: Settings) -> dict[str, list[tuple[str, Checkpoint]]]:
    """What is to be there for music and for pictures: the hub id or folder in the settings, and its checkpoint."""
    return {
        "music": [(settings.musicgen_model, musicgen.CHECKPOINT)],
        "image": list(checkpoints.sources(settings).items()),
    }


def fetch(model: str, checkpoint: Checkpoint, offline: bool) -> Path:
    """Download what is missing of a model and return its folder; a local folder is taken as it is.

    Raises EngineError where the hub cannot be reached, the disk is too full, or, offline, something is missing.
    """
    if (ROOT / model).is_dir() or offline:
        folder = checkpoint_folder(model, checkpoint)
        if folder is None:
            raise EngineError(f"{model} is not here, or not all of it.")
        return folder
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = {
        "repo_id": model,
        "revision": checkpoint.revision if model == checkpoint.repository else None,
        "allow_patterns": list(checkpoint.files),
    }
    try:
        planned = snapshot_download(**wanted, dry_run=True)
        missing = sum(file.file_size for file in planned if file.will_download)
        print(
            f"{model}: {sum(file.file_size for file in planned) / GB:.2f} GB, {missing / GB:.2f} GB of it to download"
        )
        _check_disk(missing)
        return Path(snapshot_download(**wanted))
    except (HfHubHTTPError, HTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EngineError(f"{model} could not be downloaded: {reason}") from error


def _check_disk(size):
    from huggingface_hub.constants import HF_HUB_CACHE

    cache = Path(HF_HUB_CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if free < size + SPARE_DISK:
        raise EngineError(
            f"{size / GB:.1f} GB are needed in {cache}, and {free / GB:.1f} GB are free. "
            "Free some space, or set HF_HOME to a folder on another disk."
        )


def verify(folder: Path) -> None:
    """Compare each large file with the SHA-256 that the hub gives it as its name in the cache. Raises EngineError."""
    for path in folder.rglob("*"):
        blob = path.resolve()
        if not (path.is_file() and SHA256.fullmatch(blob.name)):
            continue
        with blob.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != blob.name:
                blob.unlink()
                raise EngineError(f"{path.name} was damaged and is removed; run python init.py again.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python init.py", description=__doc__)
    parser.add_argument("--only", choices=("music", "image"), help="only the model for music, or those for pictures")
    parser.add_argument("--check", action="store_true", help="download nothing; check and try what is there")
    parser.add_argument("--offline", action="store_true", help="do not ask the hub; use what is in its cache")
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings.read()
    except SettingsError as error:
        print(f"A setting cannot be used. {error}", file=sys.stderr)
        return 1
    engines = {"music": ("MusicGen", musicgen.check), "image": ("Stable Diffusion", stable_diffusion.check)}
    failed = False
    for kind, wanted in models(settings).items():
        if chosen.only not in (None, kind):
            continue
        name, attempt = engines[kind]
        try:
            for model, checkpoint in wanted:
                folder = fetch(model, checkpoint, chosen.check or chosen.offline)
                print(f"{model}: verifying")
                verify(folder)
            print(f"{name}: loading it and trying it once")
            attempt(settings)
            print(f"{name}: ready")
        except EngineError as error:
            failed = True
            print(f"{name}: {error}\nThe built-in engine stays in use.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

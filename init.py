"""Downloads and checks the large models: `python init.py`.

Qwen3 for the brief; MusicGen for music; Stable Diffusion, LCM-LoRA and TAESD for pictures. They go to the hub's own
cache, pinned to the revisions that were tested. A download that breaks off goes on where it stopped when this is run
again.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from animate_text import checkpoints, quantisation, stable_diffusion
from core import hub
from core.checkpoints import Checkpoint, local_folder
from core.engines import EngineError
from core.hub import say, warn
from music_gen import conversion, musicgen
from settings import Settings, SettingsError
from summariser import local

STOPPED = 130  # the exit status of a program that was interrupted


@dataclass(frozen=True)
class Kind:
    """What is to be ready: its name, its checkpoints by hub id or folder, how it is tried once, and made faster."""

    name: str
    sources: Callable[[Settings], Mapping[str, Checkpoint]]
    check: Callable[[Settings], None]
    hasten: Callable[[Settings, Callable[[str], object]], None] | None = None


KINDS = {
    "brief": Kind("The language model", lambda settings: {settings.local_llm_model: local.CHECKPOINT}, local.check),
    "music": Kind(
        "MusicGen", lambda settings: {settings.musicgen_model: musicgen.CHECKPOINT}, musicgen.check, conversion.prepare
    ),
    "image": Kind("Stable Diffusion", checkpoints.sources, stable_diffusion.check, quantisation.prepare),
}


def make_ready(kind: Kind, settings: Settings) -> bool:
    """Verify what is here of a model and try it once. False where something is missing, damaged or fails."""
    complete = True
    sources = kind.sources(settings)
    for model, checkpoint in sources.items():
        folder = checkpoints.folder_of(model, checkpoint)
        try:
            if folder is None:
                raise EngineError("not here, or not all of it.")
            if local_folder(model) is None:
                say(f"{model}: verifying")
                hub.verify(folder)
        except (EngineError, OSError) as error:
            warn(f"{model}: {error}")
            complete = False
    try:
        if checkpoints.folder_of(*next(iter(sources.items()))) is None:
            raise EngineError("not ready.")
        say(f"{kind.name}: loading it and trying it once")
        kind.check(settings)
    except EngineError as error:
        warn(f"{kind.name}: {error} The built-in engine stays in use.")
        return False
    try:
        if kind.hasten:
            kind.hasten(settings, say)
    except EngineError as error:
        warn(f"{kind.name}: {error}")
    say(f"{kind.name}: ready" if complete else f"{kind.name}: works with what is here")
    return complete


HELP = """\
The language model takes about 4 GB, MusicGen 2.4 GB, the models for pictures 2.9 GB. They go to the hub's cache:
~/.cache/huggingface, or where HF_HOME says. HF_TOKEN is needed only for models that are not open to all.
Exit status: 0 when all is ready, 1 when something is not, 130 when stopped with Ctrl+C.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python init.py", description=__doc__, epilog=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    only = "only the language model, the one for music, or those for pictures"
    parser.add_argument("--only", choices=tuple(KINDS), help=only)
    parser.add_argument("--check", "--offline", action="store_true", help="ask no hub; verify and try what is here")
    chosen = parser.parse_args(arguments)
    kinds = [kind for name, kind in KINDS.items() if chosen.only in (None, name)]
    try:
        settings = Settings.read()
        if not chosen.check:
            hub.download({model: point for kind in kinds for model, point in kind.sources(settings).items()})
        ready = [make_ready(kind, settings) for kind in kinds]
        return 0 if all(ready) else 1
    except SettingsError as error:
        warn(f"A setting cannot be used. {error}")
        return 1
    except KeyboardInterrupt:
        warn("\nStopped. Run python init.py again to go on from here.")
        return STOPPED


if __name__ == "__main__":
    for library in ("TRANSFORMERS", "DIFFUSERS"):  # what they remark on checkpoints is not for who only fetches them
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    sys.exit(main())

"""All outside services at once, holding the sample clips of one category, and settings that point at them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from settings import ROOT, Settings
from tools.services.drive import Drive, File
from tools.services.google_speech import GoogleSpeech
from tools.services.llama import Llama, brief

FOLDER_ID = "1a2B3c4D5e6F7g8H9i"
CATEGORY = ROOT / "tiktok_videos" / "samples" / "Foodie-RecipeOfTheDay-CookingHacks"
SAID = "put the garlic in a jar and shake it"
SUMMARY = "Put the garlic in a jar and shake it. Cook the tomatoes until they burst."
IMAGE = "A jar of garlic beside a pan of burst tomatoes, warm light, photograph."
SPEECH_KEY, LLAMA_KEY = "AIza-speech-key-of-this-test", "LL-llama-key-of-this-test"


@dataclass(frozen=True)
class Services:
    drive: Drive
    speech: GoogleSpeech
    llama: Llama

    def __iter__(self):
        return iter((self.drive, self.speech, self.llama))


@contextmanager
def running(folder: Path, clips: Path = CATEGORY) -> Iterator[tuple[Services, dict[str, str]]]:
    """Start the services; yield them and the environment that makes the studio use them. Drive has a folder's clips."""
    with ExitStack() as stack:
        drive = stack.enter_context(Drive(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
        speech = stack.enter_context(GoogleSpeech(lambda _piece: SAID, SPEECH_KEY))
        llama = stack.enter_context(Llama(lambda _messages: brief(SUMMARY, image_prompt=IMAGE), LLAMA_KEY))
        for number, clip in enumerate(sorted(clips.glob("*.mp4"))):
            content = clip.read_bytes()
            drive.files.append(
                File(f"file-{number}", FOLDER_ID, content, clip.name, f"2026-01-0{number + 1}T00:00:00.000Z")
            )
        tables = folder / "folders.toml"
        tables.write_text(f"[food]\ntags = {json.dumps(['Garlic', 'Tomatoes'])}\nfolder_id = {json.dumps(FOLDER_ID)}\n")
        yield (
            Services(drive, speech, llama),
            {
                "GOOGLE_SERVICE_ACCOUNT_FILE": str(drive.write_key(folder / "account.json")),
                "GOOGLE_DRIVE_URL": drive.api,
                "DRIVE_FOLDERS": str(tables),
                "GOOGLE_SPEECH_URL": speech.address,
                "GOOGLE_SPEECH_KEY": SPEECH_KEY,
                "LLAMA_API_URL": llama.url,
                "LLAMA_API_KEY": LLAMA_KEY,
                "SERVICE_TIMEOUT": "5",
                "DATA_DIR": str(folder / "data"),
                "GENERATED_DIR": str(folder / "generated"),
            },
        )


def settings_of(environment: dict[str, str], **changes) -> Settings:
    return replace(Settings.read(environment), **changes)

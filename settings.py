"""The environment, read once: typed, checked, frozen.

Every field of `Settings` is an environment variable of the same name in capitals. `.env` in the project's folder is
read first; the environment itself wins.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent

SPEECH_ENGINES = ("google", "whisper")
SUMMARY_ENGINES = ("llama", "extractive")
MUSIC_ENGINES = ("musicgen", "composer")
IMAGE_ENGINES = ("stable-diffusion", "poster")
VIDEO_SOURCES = ("drive", "library")
IMAGE_PROFILES = ("auto", "quality", "fast")
LOG_FORMATS = ("text", "json")
DEVICES = ("auto", "cuda", "mps", "cpu")

MUSIC_STEP = 5  # seconds: pieces come in multiples of this
MUSIC_LONGEST = 60  # seconds


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names it and says what is accepted."""


def _setting(default, **checks):
    """Declare a field: `choices` for lists and names, `lowest` and `highest` for numbers, `step` for multiples,
    `url` for web addresses, `secret` to keep it out of `repr`."""
    return field(default=default, repr=not checks.pop("secret", False), metadata=checks)


@dataclass(frozen=True)
class Settings:
    """All that can be chosen from outside. Paths are absolute, lists are tuples in order of preference."""

    host: str = "127.0.0.1"
    port: int = _setting(8888, lowest=1, highest=65535)
    flask_secret_key: str = _setting("", secret=True)
    data_dir: Path = Path("instance")
    generated_dir: Path = Path("static/generated")
    database_url: str = _setting("", secret=True)
    log_format: str = _setting("text", choices=LOG_FORMATS)
    max_running: int = _setting(2, lowest=1, highest=64)
    max_queued: int = _setting(100, lowest=1, highest=100_000)
    keep_days: int = _setting(30, lowest=1, highest=36_500)
    max_storage_mb: int = _setting(2000, lowest=10, highest=100_000_000)
    video_library: Path = Path("tiktok_videos/samples")
    video_sources: tuple[str, ...] = _setting(VIDEO_SOURCES, choices=VIDEO_SOURCES)
    google_service_account_file: str = ""  # a path; relative ones start at the project's folder
    drive_folders: Path = Path("tiktok_videos/folders.toml")
    google_drive_url: str = _setting("https://www.googleapis.com/drive/v3/", url=True)
    google_speech_url: str = _setting("https://www.google.com/speech-api/v2/recognize", url=True)
    google_speech_key: str = _setting("", secret=True)
    speech_concurrency: int = _setting(4, lowest=1, highest=64)  # pieces of sound at Google at once
    max_video_mb: int = _setting(200, lowest=1, highest=100_000)
    max_video_seconds: int = _setting(300, lowest=1, highest=3600)
    video_workers: int = _setting(os.cpu_count() or 2, lowest=1, highest=64)
    max_body_mb: int = _setting(1, lowest=1, highest=4096)
    speech_engines: tuple[str, ...] = _setting(SPEECH_ENGINES, choices=SPEECH_ENGINES)
    summary_engines: tuple[str, ...] = _setting(SUMMARY_ENGINES, choices=SUMMARY_ENGINES)
    music_engines: tuple[str, ...] = _setting(MUSIC_ENGINES, choices=MUSIC_ENGINES)
    image_engines: tuple[str, ...] = _setting(IMAGE_ENGINES, choices=IMAGE_ENGINES)
    whisper_model: str = ""
    musicgen_model: str = "facebook/musicgen-small"
    music_wait: bool = True  # wait for MusicGen while it loads, or let the next engine answer
    stable_diffusion_model: str = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    lcm_lora_model: str = "latent-consistency/lcm-lora-sdv1-5"  # for few steps, in the profile `fast`
    taesd_model: str = "madebyollin/taesd"  # the small decoder of that profile
    image_profile: str = _setting("auto", choices=IMAGE_PROFILES)  # `auto` is `fast` on a CPU
    image_negative_prompt: str = "text, letters, watermark, logo, frame, blurry, low quality, deformed, bad anatomy"
    llama_api_key: str = _setting("", secret=True)
    llama_api_url: str = _setting("https://api.llama-api.com", url=True)
    llama_model: str = "llama3-8b"
    llama_context_tokens: int = _setting(8192, lowest=2048, highest=10_000_000)
    service_timeout: int = _setting(30, lowest=1, highest=600)  # seconds a call may take, retries included
    device: str = _setting("auto", choices=DEVICES)
    low_memory: bool = False
    music_seconds: int = _setting(10, lowest=MUSIC_STEP, highest=MUSIC_LONGEST, step=MUSIC_STEP)

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read `.env` and the environment, or only `environment` where it is given.

        Raises SettingsError for a value that cannot be used. An empty value counts as not set.
        """
        if environment is None:
            environment = {**dotenv_values(ROOT / ".env"), **os.environ}
        values = {}
        for option in fields(cls):
            text = (environment.get(option.name.upper()) or "").strip()
            value = _parse(option, text) if text else option.default
            values[option.name] = ROOT / value if isinstance(value, Path) else value
        return cls(**values)


def _parse(option, text):
    """Turn the text of a setting into the type of its default, within the checks it declares."""
    name, checks = option.name.upper(), option.metadata
    if isinstance(option.default, tuple):
        value = tuple(part.strip() for part in text.split(",") if part.strip())
        unknown = [part for part in value if part not in checks["choices"]]
        if unknown or not value:
            raise SettingsError(f"{name}={text}: choose from {', '.join(checks['choices'])}, separated by commas")
        return value
    if isinstance(option.default, bool):
        return _parse_switch(name, text)
    if isinstance(option.default, int):
        return _parse_number(name, text, checks)
    if "choices" in checks and text not in checks["choices"]:
        raise SettingsError(f"{name}={text}: choose one of {', '.join(checks['choices'])}")
    if checks.get("url") and not _is_web_address(text):
        raise SettingsError(f"{name}: give an address that begins with http:// or https://, without a password in it")
    return Path(text).expanduser() if isinstance(option.default, Path) else text


def _is_web_address(text):
    try:
        address = urlsplit(text)
        _ = address.port  # raises for a port that is no number
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.hostname) and "@" not in address.netloc


def _parse_switch(name, text):
    if text not in ("0", "1"):
        raise SettingsError(f"{name}={text}: give 1 for yes or 0 for no")
    return text == "1"


def _parse_number(name, text, checks):
    wanted = f"a whole number from {checks['lowest']} to {checks['highest']}"
    step = checks.get("step", 1)
    if step > 1:
        wanted += f" that {step} divides"
    try:
        value = int(text)
    except ValueError:
        raise SettingsError(f"{name}={text}: give {wanted}") from None
    if not checks["lowest"] <= value <= checks["highest"] or value % step:
        raise SettingsError(f"{name}={text}: give {wanted}")
    return value


def secret_key(settings: Settings) -> str:
    """The key that signs sessions: `FLASK_SECRET_KEY`, else one made once and kept in `DATA_DIR` with mode 0600."""
    if settings.flask_secret_key:
        return settings.flask_secret_key
    path = settings.data_dir / "secret_key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_text()

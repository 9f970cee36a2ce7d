"""The environment, read once: typed, checked by pydantic, frozen.

Every field of `Settings` is an environment variable of the same name in capitals. `.env` in the project's folder is
read first; the environment itself wins. A new setting is a line in `Settings`: its type says what is accepted.
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

ROOT = Path(__file__).resolve().parent
VERSION = "1.0.0"  # of the studio

MUSIC_STEP = 5  # seconds: pieces come in multiples of this
MAX_MUSIC_SECONDS = 60  # seconds


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names it and says what is accepted."""


def _absolute(path: Path) -> Path:
    """Relative paths start at the project's folder."""
    return ROOT / path.expanduser()


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _networks(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(name)) for name in names)
    except ValueError:
        raise PydanticCustomError("networks", "give addresses or networks such as 10.0.0.0/8") from None


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise PydanticCustomError("switch", "give 1 for yes or 0 for no")
    return text == "1"


def _box(text: str) -> str:
    """The edges of a rectangle in a picture of 1080x1920 pixels that has room for words."""
    wanted = "give left,top,right,bottom in pixels of 1080x1920, at least 400 apart"
    parts = _split(text)
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise PydanticCustomError("box", wanted)
    left, top, right, bottom = map(int, parts)
    if right - left < 400 or bottom - top < 400 or right > 1080 or bottom > 1920:
        raise PydanticCustomError("box", wanted)
    return text


def _web_address(text: str) -> str:
    try:
        address = urlsplit(text)
        _ = address.port  # raises for a port that is no number
        usable = address.scheme in ("http", "https") and bool(address.hostname) and "@" not in address.netloc
    except ValueError:
        usable = False
    if not usable:
        wanted = "give an address that begins with http:// or https://, without a password in it"
        raise PydanticCustomError("web_address", wanted)
    return text


def _scheduler(text: str) -> str:
    try:
        address = urlsplit(text)
        usable = address.scheme in ("tcp", "tls") and bool(address.hostname) and bool(address.port)
    except ValueError:
        usable = False
    if not usable:
        raise PydanticCustomError("scheduler", "give tcp://host:8786, or tls://host:8786 with certificates")
    return text


def _storage_url(text: str) -> str:
    if not re.fullmatch(r"file:|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?", text):
        raise PydanticCustomError("storage_url", "give file: for folders of this machine, or s3://bucket/prefix")
    return text.rstrip("/")


Choice = TypeVar("Choice")
Choices = Annotated[tuple[Choice, ...], BeforeValidator(_split), Field(min_length=1)]  # in order of preference
FilePath = Annotated[Path, AfterValidator(_absolute), Field(validate_default=True)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_networks)]
Switch = Annotated[bool, BeforeValidator(_switch)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
StorageUrl = Annotated[str, AfterValidator(_storage_url)]
Box = Annotated[str, AfterValidator(_box)]
Scheduler = Annotated[str, AfterValidator(_scheduler)]
Workers = Annotated[int, Field(ge=1, le=64)]


def _secret() -> str:
    """Declare a text that is kept out of `repr`, and so out of logs."""
    return field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """All that can be chosen from outside. Paths are absolute, lists are tuples in order of preference."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8888
    flask_secret_key: str = _secret()
    data_dir: FilePath = Path("instance")
    generated_dir: FilePath = Path("static/generated")
    database_url: str = _secret()
    storage_url: StorageUrl = "file:"  # where generated files, uploads and readings are kept
    storage_endpoint: WebAddress = ""  # of a store other than AWS
    storage_links: Switch = False  # send players and programs to the store for files
    storage_timeout: Annotated[int, Field(ge=1, le=240)] = 30  # seconds a call to a store may take, retries included
    aws_region: str = "us-east-1"
    aws_access_key_id: str = _secret()
    aws_secret_access_key: str = _secret()
    aws_session_token: str = _secret()
    private_links: Switch = False  # a search is shown to its maker only
    api_keys_required: Switch = False
    trusted_proxies: Networks = ()  # whose X-Forwarded-For and X-Forwarded-Proto are believed
    trusted_hosts: Names = ()  # the names that the studio is reached by
    rate_searches: str = "20 per minute; 200 per hour"  # of an address, or of a key; none on this machine
    rate_upload_mb: str = "500 per hour"
    rate_requests: str = "1200 per minute"
    rate_storage: str = "auto"  # a PostgreSQL database, else memory://; or redis://host:6379
    max_streams: Annotated[int, Field(ge=1, le=4096)] = 32  # that an address may follow at once
    log_format: Literal["text", "json"] = "text"
    max_running: Workers = 2
    max_search_seconds: Annotated[int, Field(ge=10, le=86_400)] = 1800
    max_queued: Annotated[int, Field(ge=1, le=100_000)] = 100
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    max_storage_mb: Annotated[int, Field(ge=10, le=100_000_000)] = 2000
    video_library: FilePath = Path("tiktok_videos/samples")
    video_sources: Choices[Literal["drive", "library"]] = ("drive", "library")
    google_service_account_file: str = ""  # a path; relative ones start at the project's folder
    drive_folders: FilePath = Path("tiktok_videos/folders.toml")
    google_drive_url: WebAddress = "https://www.googleapis.com/drive/v3/"
    google_speech_url: WebAddress = "https://www.google.com/speech-api/v2/recognize"
    google_speech_key: str = _secret()
    speech_concurrency: Workers = 4  # pieces of sound at Google at once
    max_video_mb: Annotated[int, Field(ge=1, le=100_000)] = 200
    max_video_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    video_workers: Workers = os.cpu_count() or 2
    max_body_mb: Annotated[int, Field(ge=1, le=4096)] = 1
    speech_engines: Choices[Literal["google", "whisper"]] = ("google", "whisper")
    summary_engines: Choices[Literal["llama", "local", "extractive"]] = ("llama", "local", "extractive")
    music_engines: Choices[Literal["musicgen", "composer"]] = ("musicgen", "composer")
    image_engines: Choices[Literal["stable-diffusion", "poster"]] = ("stable-diffusion", "poster")
    voice_engines: Choices[Literal["openai", "hibari", "espeak-ng", "none"]] = ("openai", "hibari")
    voice_api_url: WebAddress = "https://api.openai.com/v1"
    voice_api_key: str = _secret()
    voice_model: str = "tts-1"
    voice_name: str = "alloy"
    safe_box: Box = "65,269,910,1248"  # pixels of a video: left, top, right, bottom
    video_loudness: Annotated[int, Field(ge=-30, le=-9)] = -14  # LUFS of a video
    use_found_footage: Switch = False  # show pictures of the clips that were found, not only of uploads
    whisper_model: str = ""
    musicgen_model: str = "facebook/musicgen-small"
    music_wait: Switch = True  # wait for MusicGen while it loads, or let the next engine answer
    music_runtime: Literal["auto", "pytorch", "openvino"] = "auto"  # `auto` is what init.py measured to be faster
    stable_diffusion_model: str = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    lcm_lora_model: str = "latent-consistency/lcm-lora-sdv1-5"  # for few steps, in the profile `fast`
    taesd_model: str = "madebyollin/taesd"  # the small decoder of that profile
    image_profile: Literal["auto", "quality", "fast"] = "auto"  # `auto` is `fast` on a CPU
    image_precision: Literal["auto", "float", "int8"] = "auto"  # `auto` is what init.py measured to be faster
    image_negative_prompt: str = "text, letters, watermark, logo, frame, blurry, low quality, deformed, bad anatomy"
    llama_api_key: str = _secret()
    llama_api_url: WebAddress = "https://api.llama-api.com"
    llama_model: str = "llama3-8b"
    llama_context_tokens: Annotated[int, Field(ge=4096, le=10_000_000)] = 8192
    local_llm_model: str = "Qwen/Qwen3-1.7B"  # in the process
    service_timeout: Annotated[int, Field(ge=1, le=600)] = 30  # seconds a call may take, retries included
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    dask_scheduler: Scheduler = ""  # where the stages run; empty for this process
    dask_tls_ca: str = ""  # a path, as the next two; relative ones start at the project's folder
    dask_tls_cert: str = ""
    dask_tls_key: str = ""
    cluster_patience: Annotated[int, Field(ge=1, le=86_400)] = 60  # seconds that a lost cluster is waited for
    cluster_fallback: Switch = False  # run stages here while the cluster is lost
    low_memory: Switch = False
    c2pa_cert: str = ""  # a path, as the next; relative ones start at the project's folder
    c2pa_key: str = ""
    c2pa_timestamp_url: WebAddress = ""
    provenance_prompt: Switch = False
    watermark: Switch = False
    music_seconds: Annotated[int, Field(ge=MUSIC_STEP, le=MAX_MUSIC_SECONDS, multiple_of=MUSIC_STEP)] = 10

    @classmethod
    def read(cls, environment: Mapping[str, str | None] | None = None) -> "Settings":
        """Read `.env` and the environment, or only `environment` where it is given.

        Raises SettingsError for a value that cannot be used. An empty value counts as not set.
        """
        if environment is None:
            environment = {**dotenv_values(ROOT / ".env"), **os.environ}
        given = {option.name: (environment.get(option.name.upper()) or "").strip() for option in fields(cls)}
        try:
            return _checked().validate_python({name: text for name, text in given.items() if text})
        except ValidationError as error:
            raise SettingsError(_sentence(error.errors()[0], given)) from None


@cache
def _checked() -> TypeAdapter[Settings]:
    return TypeAdapter(Settings)


def _sentence(error: ErrorDetails, given: Mapping[str, str]) -> str:
    """Name the setting that cannot be used, and say what is accepted."""
    name = str(error["loc"][0])
    rules = _checked().json_schema()["properties"][name]
    told = f"{name.upper()}={given[name]}: "
    if "enum" in rules.get("items", ()):
        return f"{told}choose from {', '.join(rules['items']['enum'])}, separated by commas"
    if "enum" in rules:
        return f"{told}choose one of {', '.join(rules['enum'])}"
    if "minimum" in rules:
        wanted = f"{told}give a whole number from {rules['minimum']} to {rules['maximum']}"
        return f"{wanted} that {rules['multipleOf']} divides" if "multipleOf" in rules else wanted
    if error["type"] == "web_address":
        told = f"{name.upper()}: "  # there may be a password in it
    return told + error["msg"]


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

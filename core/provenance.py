"""Says in every file that the studio publishes what made it, so that machines can read it, and reads it again.

The order counts: what is in the media first (the watermark), then the metadata (XMP), and last the signed manifest
(C2PA), which holds for all of it.
"""

import datetime
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import certificates, manifest, watermark, xmp
from core.certificates import SigningError
from core.engines import told
from core.manifest import Input
from settings import VERSION, Settings

log = logging.getLogger(__name__)

STUDIO = "TrendTok Studio"
# IPTC Digital Source Type NewsCodes, which C2PA takes over
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = "trainedAlgorithmicMedia"  # a trained model made it
RULES = "algorithmicMedia"  # rules made it, and no trained model
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"  # put together from parts, one of which a trained model made
IN_WORDS = {
    TRAINED: "made by AI, a trained model",
    RULES: "made by rules, not by AI",
    COMPOSITE: "put together from parts, some of them made by AI, a trained model",
}
SUFFIXES = (".png", ".wav", ".mp4")  # of files that are marked
MAX_FILE = 1024**3  # bytes of a file that is read


@dataclass(frozen=True)
class Maker:
    """An engine that took part. `trained` says whether it is a trained model; `model` and `revision` say which."""

    name: str
    trained: bool
    model: str = ""
    revision: str = ""

    @property
    def version(self) -> str:
        return "@".join(filter(None, (self.model, self.revision)))


@dataclass(frozen=True)
class Origin:
    """What a file comes from: its makers (one, or those of a draft's parts), its seed, its inputs, its prompt."""

    makers: tuple[Maker, ...]
    seed: int
    inputs: tuple[Input, ...] = ()
    prompt: str = ""
    composite: bool = False

    @property
    def source_type(self) -> str:
        """The last part of IPTC's name of how it was made."""
        if not any(maker.trained for maker in self.makers):
            return RULES
        return COMPOSITE if self.composite else TRAINED


@dataclass(frozen=True)
class Marked:
    """A file's content with what is said in it; `claim` is the same as plain JSON values."""

    data: bytes
    claim: dict[str, Any]
    warnings: tuple[str, ...] = ()


def mark(data: bytes, name: str, origin: Origin, settings: Settings) -> Marked:
    """Say in a PNG, WAV or MP4 file, of this name, what made it. What fails costs its mark alone, and is a warning."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    warnings: list[str] = []
    watermarked = False
    if settings.watermark and name.endswith(watermark.SUFFIXES):
        try:
            data, watermarked = watermark.embed(data, settings), True
        except (ValueError, OSError) as error:
            warnings.append(f"{name} carries no watermark: {told(error)}")
    fields = describe(origin, now, name, settings)
    try:
        data = xmp.embed(data, fields)
    except ValueError as error:
        warnings.append(f"{name} does not say what made it: {error}")
    data, state, lines = _sign(data, name, origin, now, fields, settings)
    warnings += lines
    for line in warnings:
        log.warning("%s", line)
    return Marked(data, claim(origin, now) | {"credentials": state, "watermark": watermarked}, tuple(warnings))


def claim(origin: Origin, when: str | None = None) -> dict[str, Any]:
    """What is said of a file, or of a text, as plain JSON values."""
    return {
        "source_type": origin.source_type,
        "made_by": [
            {"name": maker.name, "model": maker.model or None, "revision": maker.revision or None}
            for maker in origin.makers
        ],
        "seed": origin.seed,
        "made": when,
        "inputs": [given.title for given in origin.inputs],
        "studio": f"{STUDIO} {VERSION}",
        "label_needed": origin.source_type != RULES,
    }


def describe(origin: Origin, when: str, name: str, settings: Settings) -> dict[str, str]:
    """What a file says of itself, as the fields of its XMP packet."""
    fields = {
        "dc:title": name,
        "xmp:CreatorTool": f"{STUDIO} {VERSION}",
        "xmp:CreateDate": when,
        "Iptc4xmpExt:DigitalSourceType": SOURCE_TYPES + origin.source_type,
        "Iptc4xmpExt:AISystemUsed": ", ".join(maker.name for maker in origin.makers if maker.trained),
        "Iptc4xmpExt:AISystemVersionUsed": ", ".join(m.version for m in origin.makers if m.trained and m.version),
        "Iptc4xmpExt:AIPromptInformation": origin.prompt if settings.provenance_prompt else "",
        "trendtok:Engine": ", ".join(maker.name for maker in origin.makers),
        "trendtok:Seed": str(origin.seed),
    }
    return {field: value for field, value in fields.items() if value}


def _sign(
    data: bytes, name: str, origin: Origin, when: str, fields: Mapping[str, str], settings: Settings
) -> tuple[bytes, str, list[str]]:
    """The signed file, the state of its credentials, and warnings; without a time stamp where none can be had."""
    media_type = xmp.kind(data)
    if media_type is None:
        return data, manifest.NONE, []
    definition = _definition(name, origin, when, fields)
    try:
        certificate = certificates.load(settings)
    except SigningError as error:
        return data, manifest.NONE, [f"{name} is not signed: {error}"]
    warnings: list[str] = []
    for url in dict.fromkeys((settings.c2pa_timestamp_url, "")):
        try:
            signed = manifest.sign(data, media_type, definition, origin.inputs, certificate, url)
            return signed, manifest.read(signed, media_type).state, warnings
        except SigningError as error:
            what = "has no time stamp" if url else "is not signed"
            warnings.append(f"{name} {what}: {error}")
    return data, manifest.NONE, warnings


def _definition(name: str, origin: Origin, when: str, fields: Mapping[str, str]) -> dict[str, Any]:
    agents = [{"name": m.name} | ({"version": m.version} if m.version else {}) for m in origin.makers]
    created = {
        "action": "c2pa.created",
        "when": when,
        "digitalSourceType": SOURCE_TYPES + origin.source_type,
        "softwareAgent": agents[0] if len(agents) == 1 else {"name": STUDIO, "version": VERSION},
        "parameters": {"trendtok.seed": origin.seed, "trendtok.engines": agents},
    }
    iptc = {field: value for field, value in fields.items() if field.startswith("Iptc4xmpExt:")}
    return {
        "claim_generator_info": [{"name": STUDIO, "version": VERSION}],
        "title": name,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": "cawg.metadata", "data": {"@context": {"Iptc4xmpExt": xmp.NAMESPACES["Iptc4xmpExt"]}, **iptc}},
        ],
    }


@dataclass(frozen=True)
class Report:
    """What a file says of itself: its credentials, the fields of its XMP packet, and whether the watermark is found.

    `watermark` is None where it was not looked for.
    """

    credentials: manifest.Credentials
    fields: Mapping[str, str]
    watermark: bool | None = None
    problem: str = ""

    @property
    def source_type(self) -> str:
        """How it was made, by the signed manifest, else by the XMP packet; empty where neither says so."""
        signed = self.created().get("digitalSourceType")
        return str(signed or self.fields.get("Iptc4xmpExt:DigitalSourceType", "")).rpartition("/")[2]

    def created(self) -> Mapping[str, Any]:
        """The action of the manifest that says how the file came to be."""
        assertions = (self.credentials.manifest or {}).get("assertions", [])
        actions = [
            action
            for assertion in assertions
            if assertion.get("label", "").startswith("c2pa.actions")
            for action in assertion["data"].get("actions", [])
        ]
        return next((action for action in actions if action.get("action") == "c2pa.created"), {})

    def inputs(self) -> Sequence[Mapping[str, Any]]:
        ingredients: list[dict[str, Any]] = (self.credentials.manifest or {}).get("ingredients", [])
        return ingredients


def read(path: Path, settings: Settings) -> Report:
    """What a file says of itself. Raises OSError where it cannot be read; nothing in it makes this fail."""
    if path.stat().st_size > MAX_FILE:
        raise OSError(27, f"more than {MAX_FILE // 1024**3} GB", str(path))
    data = path.read_bytes()
    media_type = xmp.kind(data) or manifest.media_type(path.name)
    credentials = manifest.read(data, media_type)
    problem = ""
    try:
        fields = xmp.extract(data)
    except ValueError as error:
        fields, problem = {}, str(error)
    return Report(credentials, fields, watermark.find(path, settings), problem)


def lines(report: Report) -> list[str]:
    """A report in words, a line for each thing that is known. What the file says itself is kept to one line each."""
    credentials, created, fields = report.credentials, report.created(), report.fields
    failures = f" ({', '.join(credentials.failures)})" if credentials.failures else ""
    agents = created.get("parameters", {}).get("trendtok.engines") or [created.get("softwareAgent", {})]
    named = [(agent.get("name"), agent.get("version")) for agent in agents if isinstance(agent, dict)]
    made_by = ", ".join(" ".join(filter(None, pair)) for pair in named)
    found = {
        "content credentials": f"{credentials.state}{failures}",
        "signed by": credentials.signer,
        "says it was": IN_WORDS.get(report.source_type, report.source_type),
        "source type": report.source_type,
        "made by": made_by or fields.get("trendtok:Engine"),
        "seed": fields.get("trendtok:Seed"),
        "date": created.get("when") or fields.get("xmp:CreateDate"),
        "program": fields.get("xmp:CreatorTool"),
        "prompt": fields.get("Iptc4xmpExt:AIPromptInformation"),
        **{f"made from {n}": _input_in_words(given) for n, given in enumerate(report.inputs(), 1)},
        "metadata": report.problem or (None if fields else "none (XMP)"),
        "watermark": {True: "this studio's", False: "none of this studio's", None: None}[report.watermark],
    }
    return [f"{name}: {' '.join(str(value).split())}" for name, value in found.items() if value]


def _input_in_words(given: Mapping[str, Any]) -> str:
    own = ", with content credentials of its own" if given.get("active_manifest") else ""
    return f"{given.get('title', 'something without a name')}{own}"

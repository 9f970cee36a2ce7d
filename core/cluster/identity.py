"""What a worker must have in common with its studio: the version, and the settings that stages depend on."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from settings import VERSION, Settings

# What a studio or a machine has for itself: it changes no stage's result, or is about what is nearby.
OWN = frozenset(
    "host port flask_secret_key data_dir generated_dir database_url private_links api_keys_required trusted_proxies"
    " trusted_hosts rate_searches rate_upload_mb rate_requests rate_storage max_streams log_format max_running"
    " max_search_seconds max_queued keep_days max_storage_mb video_library video_sources google_service_account_file"
    " drive_folders google_drive_url speech_concurrency video_workers max_body_mb device low_memory c2pa_cert c2pa_key"
    " c2pa_timestamp_url provenance_prompt watermark dask_scheduler dask_tls_ca dask_tls_cert dask_tls_key"
    " cluster_patience cluster_fallback storage_url storage_endpoint storage_links storage_timeout aws_region"
    " aws_access_key_id aws_secret_access_key aws_session_token".split()
)
SECRETS = frozenset(option.name for option in fields(Settings) if not option.repr)


def told(settings: Settings) -> dict[str, Any]:
    """The version and the settings that must agree, as plain texts; of a secret only whether it is set."""
    shared = {option.name: getattr(settings, option.name) for option in fields(Settings) if option.name not in OWN}
    texts = {name: "(set)" if name in SECRETS and value else str(value) for name, value in shared.items()}
    return {"version": VERSION, "settings": texts}


def resource(settings: Settings) -> str:
    """The name of the Dask resource that every stage of this studio asks for: other workers have another."""
    text = json.dumps(told(settings), sort_keys=True)
    return f"STUDIO-{VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def difference(theirs: Mapping[str, Any] | None, settings: Settings) -> str | None:
    """Say how a worker differs from this studio, both named; None where it does not. `theirs` is what it has told."""
    if not theirs:
        return "it was not started by flask worker"
    ours = told(settings)
    if theirs["version"] != ours["version"]:
        return f"it is version {theirs['version']}, this studio {ours['version']}"
    other = sorted(
        name
        for name in ours["settings"].keys() | theirs["settings"].keys()
        if ours["settings"].get(name) != theirs["settings"].get(name)
    )
    if not other:
        return None
    name = other[0]
    there, here = (side["settings"].get(name) or "(empty)" for side in (theirs, ours))
    more = f", and {len(other) - 1} more settings" if len(other) > 1 else ""
    return f"it has {name.upper()}={there}, this studio {here}{more}"

"""The log: one line an event, with the search and the stage it is about, as text or as JSON."""

import logging
import sys

from settings import Settings

FIELDS = "%(asctime)s %(levelname)s %(name)s %(job)s %(stage)s %(message)s"
NOTHING = {"job": "-", "stage": "-"}


class _OneLine(logging.Formatter):
    """Keeps a message on its line, whatever a video's title brings along."""

    def formatMessage(self, record):  # noqa: N802 logging's name
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")


def start(settings: Settings) -> None:
    """Write the log of this process to standard output, in the form that LOG_FORMAT names."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter(settings))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def formatter(settings: Settings) -> logging.Formatter:
    """The formatter that LOG_FORMAT names. A record says by `extra` which search (`job`) and `stage` it is about."""
    if settings.log_format == "text":
        return _OneLine(FIELDS, defaults=NOTHING)
    from pythonjsonlogger.json import JsonFormatter

    names = {"asctime": "time", "levelname": "level", "name": "logger"}
    return JsonFormatter(FIELDS, rename_fields=names, defaults=NOTHING)

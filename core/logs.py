"""The log: one line an event, with the search and the stage it is about, as text or as JSON."""

import logging
import re
import sys

from settings import Settings

FIELDS = "%(asctime)s %(levelname)s %(name)s %(job)s %(stage)s %(message)s"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # C0 and C1, with the escapes of terminals, and line ends
NOTHING = {"job": "-", "stage": "-"}


class _OneLine(logging.Formatter):
    """Keeps a message on its line, and from a terminal what would command it, whatever a video's title brings along."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 logging's name
        return CONTROL.sub(lambda found: repr(found[0])[1:-1], super().formatMessage(record))


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

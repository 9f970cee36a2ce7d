"""Tables that are data: TOML files beside the module that reads them, checked as they are read."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """The shape of a table: no column that is not named, nothing changed after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Table = TypeVar("Table", bound=Row)


def read_table(path: Path, shape: type[Table]) -> Table:
    """Read a TOML file. Raises pydantic.ValidationError, which names the place, where it has another shape."""
    return shape.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))

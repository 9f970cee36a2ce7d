"""How much is tried: what fits into every day's run, or with LONG=1 all of it, as `make attack` does."""

import os
from typing import TypeVar

Amount = TypeVar("Amount")
LONG = os.environ.get("LONG") == "1"


def amount(daily: Amount, whole: Amount) -> Amount:
    """How much of something to try in this run."""
    return whole if LONG else daily

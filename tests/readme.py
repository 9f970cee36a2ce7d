"""The README taken apart, for the tests that compare it with the code."""

import re

from settings import ROOT

TEXT = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """What stands under a heading."""
    return re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def blocks(language: str) -> list[str]:
    """The blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def table(title: str) -> list[list[str]]:
    """The cells of each row of the tables under a heading, without their headers."""
    rows = re.findall(r"^\| *(.*?) *\|$", section(title), re.MULTILINE)
    headers = {number - 1 for number, row in enumerate(rows) if set(row) <= set("-|: ")}
    return [
        re.split(r" *\| *", row)
        for number, row in enumerate(rows)
        if number not in headers and number - 1 not in headers
    ]


def commands() -> list[str]:
    """Every command: the lines of the blocks for the shell, without comments, and those inside a sentence."""
    lines = [line.split(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL))
    begins = re.compile(r"(?:[A-Z]+=\S+ )?(?:make|flask|docker|python|apt-get|chown|curl|\.venv/bin/\w+)\s")
    return [line for line in lines if line] + [" ".join(span.split()) for span in spans if begins.match(span)]

"""What was measured and what was promised of it: the lines of the table, and whether each promise was kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Line:
    """A line of the table. `kept` is None for what is only told; `is_time` marks what a slow machine may break."""

    what: str
    measured: str
    promised: str = ""
    kept: bool | None = None
    is_time: bool = False


def at_most(what: str, value: float, limit: float, unit: str = "") -> Line:
    return Line(what, _number(value, unit), f"at most {_number(limit, unit)}", value <= limit)


def in_time(what: str, seconds: float, limit: float, is_fair: bool) -> Line:
    """As `at_most`; not judged where others had the processors meanwhile, see tools.attack.machine."""
    line = at_most(what, seconds, limit, "s")
    return replace(line, kept=line.kept if is_fair else None, is_time=True)


def at_least(what: str, value: float, limit: float, unit: str = "") -> Line:
    return Line(what, _number(value, unit), f"at least {_number(limit, unit)}", value >= limit)


def all_of(what: str, good: int, count: int) -> Line:
    """That all of some are as they should be, and that there are any."""
    return Line(what, f"{good} of {count}", "all", good == count > 0)


def none_of(what: str, found: Sequence[object]) -> Line:
    """That there are none of something; the first few are shown."""
    shown = "; ".join(str(one)[:160] for one in found[:3])
    return Line(what, f"{len(found)}: {shown}" if found else "none", "none", not found)


def times(name: str, seconds: Sequence[float], limit: float, is_fair: bool) -> list[Line]:
    """How long something took: told at the median, promised at the 99th percentile.

    It is not judged where others had the processors meanwhile; see tools.attack.machine.
    """
    if not seconds:
        return [Line(name, "never answered", "answers", False)]
    ordered = sorted(seconds)
    middle, late = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    told = f"{middle * 1000:.0f} ms, {late * 1000:.0f} ms"
    return [
        Line(
            f"{name}: median, 99th percentile of {len(ordered)}",
            told,
            f"{limit:.0f} s",
            late < limit if is_fair else None,
            is_time=True,
        )
    ]


def told_only(lines: Sequence[Line]) -> list[Line]:
    """The lines with times that are told and not judged, as where a machine that nobody knows runs the tests."""
    return [replace(line, kept=None) if line.is_time else line for line in lines]


def show(title: str, lines: Sequence[Line]) -> None:
    print(f"\n{title}")
    for line in lines:
        mark = {True: "ok", False: "BROKEN", None: "not judged" if line.promised else ""}[line.kept]
        print(f"  {line.what:<66} {line.measured:>22}  {line.promised:<16} {mark}", flush=True)


def _number(value: float, unit: str) -> str:
    return f"{value:.0f} {unit}".strip() if value >= 10 or value == int(value) else f"{value:.2f} {unit}".strip()

"""Cut a variable font in a process of its own: `python font_cutter.py VARIABLE PATH FAMILY AXIS=VALUE...`.

fontTools computes for seconds, in which nothing else that is Python would run: not the first search, and no page. Run
as a program by `animate_text.fonts`.
"""

import sys
from pathlib import Path


def main() -> None:
    variable, path, family, *axes = sys.argv[1:]
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    limits = {name: float(value) for name, _, value in (axis.partition("=") for axis in axes)}
    with TTFont(variable) as font:
        cut = instancer.instantiateVariableFont(font, limits, inplace=True)
        for number in (1, 4, 16):
            cut["name"].setName(family, number, 3, 1, 0x409)
        for number in (2, 17):
            cut["name"].setName("Regular", number, 3, 1, 0x409)
        cut["name"].setName(family.replace(" ", ""), 6, 3, 1, 0x409)
        cut["OS/2"].usWeightClass = 400  # so that nothing makes it bolder still
        cut["OS/2"].fsSelection = 0x40
        part = Path(path).with_suffix(".part")
        cut.save(part)
        part.replace(path)


if __name__ == "__main__":
    main()

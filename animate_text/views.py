"""The ways in which one picture is shown, so that shots differ; a name such as "cover@arch" says which, and how."""

WHOLE = ""
CLOSE = ("close-1", "close-2", "close-3")  # parts of it, the second in the two colours of the draft
LAYERED = ("card", "arch", "circle", "print", "pair", "strips")  # cut out, before a ground that moves by itself
ORDER = ("arch", "close-2", "pair", "print", "close-1", "card", "strips", "circle", "close-3")
STEP = 4  # in ORDER from scene to scene: no divisor of its length, so that scene after scene is shown another way
WITHIN = (0, 2, 6)  # and from shot to shot of a scene: so that none comes again within the next three scenes


def named(picture: str, view: str) -> str:
    """The name under which a shot shows a picture in some way."""
    return f"{picture}@{view}" if view else picture


def split(name: str) -> tuple[str, str]:
    """The picture and the view that a name stands for; a view that there is not is the whole picture."""
    picture, _, view = name.partition("@")
    return picture, view if view in ORDER else WHOLE


def is_layered(name: str) -> bool:
    """Whether a shot of this name has something in front of something else."""
    return split(name)[1] in LAYERED


def shown(pictures: tuple[str, ...], scene: int, shot: int, offset: int) -> str:
    """What is seen in the `shot`-th shot of a scene, both counted from 0.

    Scenes take the pictures in turn: first the whole of one, then other views of it. `offset` is where in ORDER a
    draft begins.
    """
    if not pictures:
        return ""
    slot, picture = STEP * (scene + offset) + WITHIN[shot % len(WITHIN)], pictures[scene % len(pictures)]
    is_new = not shot and pictures.index(picture) == scene
    return named(picture, WHOLE if is_new else ORDER[slot % len(ORDER)])

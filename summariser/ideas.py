"""Three ideas for a next clip, made from what the clips share and how they open.

Each idea is another format: the strongest hook with another subject, two clips' subjects in one, and a clip without
a voice that lives on its on-screen text. The frames are fixed; the subjects, quotes and captions are the clips' own.
"""

import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from summariser import grammar
from summariser.brief import Idea
from summariser.hooks import Hook
from summariser.keywords import Keyword, subjects
from summariser.prompts import Scene, listed
from summariser.sentences import count_words

LONGEST_TITLE = 60  # characters
LONGEST_SUBJECT = 30  # characters
MOST_LINES = 3  # captions that one idea quotes
_LONGEST_CAPTION = 36  # characters
_SMALL_WORDS = frozenset("a an and at by for from in of on or the to with".split())
_UNFINISHED = frozenset(  # words with which a line broken on screen begins or ends
    "is are am was and or for with of the a an to on in at under over until before after only each below above needed"
    " every per by from than that this which no your any".split()
)


class Frame(NamedTuple):
    """`{X}` and `{Y}` are subjects at the head of a title, `{this}` one further in, `{x}` and `{y}` in a sentence.

    `{like}` is where `like` stands when there is a hook to quote.
    """

    titles: tuple[str, ...]
    opening: str
    development: str
    like: str = ""


# Strongest hooks first.
_HOOKS = {
    "warning": Frame(
        ("Stop Getting {this} Wrong", "The Mistake Everyone Makes With {this}"),
        "Open with a warning{like}, this time about {x}.",
        "Show the usual mistake for two seconds, then the right way in close-up, and finish on {y}.",
        " as blunt as “{quote}”",
    ),
    "question": Frame(
        ("What Nobody Asks About {this}", "One Honest Question About {this}"),
        "Open with a question{like}, this time about {x}, and hold back the answer until the last three seconds.",
        "Leave one clue on the way: a close-up of {y} that makes sense only at the end.",
        " as simple as “{quote}”",
    ),
    "pov": Frame(
        ("POV: You Finally Get {this} Right", "POV: Your First Time With {this}"),
        "Film it through the viewer's eyes{like}, with {x} in the very first frame.",
        "Keep the camera at eye height throughout, and let {y} be the moment that makes people comment.",
        ", as in “{quote}”",
    ),
    "confession": Frame(
        ("What I Got Wrong About {this}", "I Changed My Mind About {this}"),
        "Start with a confession{like}, this time about {x}: what you did before, and what made you change.",
        "Let {y} be the turning point, and show before and after in the same frame.",
        " as honest as “{quote}”",
    ),
    "secret": Frame(
        ("What Everyone Misses About {this}", "The Quiet Secret of {this}"),
        "Promise a secret{like} in the first line, and make it one about {x}.",
        "Reveal it in one slow shot, and close on {y} so that the comments ask for more.",
        " as tempting as “{quote}”",
    ),
    "list": Frame(
        ("{X}, Three Ways", "Three Quick Wins With {this}"),
        "Put a number in the first line{like}, and give three takes on {x}, four seconds each.",
        "Show the number with every cut, and save {y} for the last one.",
        ", as in “{quote}”",
    ),
    "promise": Frame(
        ("{X} in 15 Seconds", "One Plain Promise About {this}"),
        "Make a promise{like} in the first two seconds, this time about {x}.",
        "Prove it in one unbroken take that ends on {y}, so that nobody can doubt the result.",
        " as plain as “{quote}”",
    ),
    "problem": Frame(
        ("How {this} Can Save the Day", "When Only {this} Will Do"),
        "Name a problem in one line{like}, and let {x} be part of the answer.",
        "Film the struggle wide and the solution in close-up, with {y} as the detail that viewers write down.",
        ", as in “{quote}”",
    ),
    "command": Frame(
        ("Start Here With {this}", "Before You Try {this}"),
        "Begin with an order{like}, this time about {x}.",
        "Follow it in real time without a cut, and end the take on {y}.",
        " as short as “{quote}”",
    ),
    "statement": Frame(
        ("The Truth About {this}", "What {this} Can Do for You"),
        "Open with one bold claim{like}, this time about {x}.",
        "Back it with a single shot that shows the proof, and close on {y} as the part to try today.",
        " as sure as “{quote}”",
    ),
    "none": Frame(
        ("A Closer Look at {this}", "Sound On: {X}"),
        "Open on {x} in extreme close-up, with natural sound and no introduction.",
        "Pull back slowly, one short line of text a shot, until {y} fills the frame.",
    ),
}
_PAIRS = (
    Frame(
        ("{X} {meet} {Y}", "{X} and {Y}: One {Piece}"),
        "Bring {x} and {y} together {together}{apart}.",
        "Film it in a single take, cut to a close-up as each of them appears, and end with both in the last frame.",
    ),
    Frame(
        ("One {Piece}, Two Stars: {X} and {Y}", "{X} or {Y}?"),
        "Make two versions of the same {piece}, one around {x} and one around {y}{apart}.",
        "Show them side by side in a split screen, and let the comments decide which one you make again.",
    ),
)
_SILENT = Frame(
    ("The {X} Cheat Sheet", "{X} Without a Word"),
    "Tell it without a voice: put {lines} on screen one after another, a new shot and a beat of music for each.",
    "Build up to {x}, and hold the last frame long enough for viewers to save it as a checklist.",
)
_FIGURES = Frame(
    ("{X} by the Numbers", "{X} in Numbers"),
    "Let the figures speak: put {lines} on screen in large type, each over the shot that explains it.",
    "End on {x}, and ask viewers for a number of their own.",
)
_ALONE = Frame(
    ("{X}: Before and After", "{X}, Take Two"),
    "Film {x} twice, the usual way and the better way.",
    "Run both side by side in a split screen, and let the sound stop when the difference shows.",
)
_NO_SUBJECT = Keyword("everyday habits", ("everyday", "habit"), plural=True)
_ANOTHER_SUBJECT = Keyword("the finished result", ("the", "finished", "result"))


def three(
    openings: Sequence[Hook], shown: Sequence[Sequence[str]], keywords: Sequence[Keyword], scene: Scene
) -> tuple[Idea, Idea, Idea]:
    """Make three ideas. `openings` and `shown` (on-screen lines) have one entry a clip; `keywords` are best first.

    A title has at most 60 characters, a concept exactly two sentences.
    """
    short = [keyword for keyword in keywords if len(keyword.text) <= LONGEST_SUBJECT]
    of_clips = subjects(short)
    first, used = _recreate(openings, of_clips)
    second, used = _combine(of_clips, used, scene)
    unused = [s for s in of_clips if s not in used] + of_clips
    roof = next((s for s in short if not s.clips), None)
    return first, second, _without_voice(shown, unused, roof)


def _recreate(openings, about):
    """The strongest hook again, about a subject that its own words do not name."""
    kinds = list(_HOOKS)
    hook = min(openings, key=lambda opening: (kinds.index(opening.kind), not opening.quote), default=Hook("none"))
    named = {token.lemma.lower() for token in grammar.parse(hook.quote)}
    others = [s for s in about if not named & set(s.lemmas)]
    choices = [*others, *(s for s in about if s not in others)] or [_NO_SUBJECT]
    choices.append(_ANOTHER_SUBJECT)
    frame = _HOOKS[hook.kind]
    like = frame.like.format(quote=hook.quote) if hook.quote else ""
    return _filled(frame, choices[0], choices[1], like=like), set(choices[:2])


def _combine(about, used, scene):
    """Two subjects of different clips in one."""
    about = [s for s in about if scene.piece not in s.lemmas] or about
    fresh = [s for s in about if s not in used] + [s for s in about if s in used]
    pairs = [(a, b) for a in fresh for b in fresh if a is not b and not set(a.lemmas) & set(b.lemmas)]
    apart = [(a, b) for a, b in pairs if a.clips and b.clips and not set(a.clips) & set(b.clips)]
    if not pairs:
        return _filled(_ALONE, next(iter(fresh), _NO_SUBJECT), _ANOTHER_SUBJECT), used
    pair = (apart or pairs)[0]
    idea = _filled(
        _PAIRS[_pick(pair[0].text + pair[1].text, _PAIRS)],
        *pair,
        meet="Meet" if pair[0].plural else "Meets",
        Piece=_title(scene.piece),
        piece=scene.piece,
        together=scene.together,
        apart=", since the clips only show them apart" if apart else "",
    )
    return idea, used | set(pair)


def _without_voice(shown, about, roof):
    """On-screen text alone: the captions of the clips, or their subjects where there are no captions.

    `roof` is a tag asked for that fits: it names the whole in the title.
    """
    subject = next(iter(about), _NO_SUBJECT)
    usable = [[line for line in lines if _stands_alone(line)] for lines in shown]
    figures = _one_a_clip([[line for line in lines if any(map(str.isdigit, line))] for lines in usable])
    if len(figures) >= MOST_LINES:
        return _filled(_FIGURES, subject, subject, roof, lines=_quoted(figures))
    lines = _one_a_clip([[line for line in lines if line not in figures] + figures for lines in usable if lines])
    if len(lines) < 2:
        lines = list(dict.fromkeys(s.text for s in about))[:MOST_LINES]
    return _filled(_SILENT, subject, subject, roof, lines=_quoted(lines if len(lines) > 1 else ("before", "after")))


def _one_a_clip(clips):
    """Some different lines: the first of each clip, then what else there is."""
    firsts = [lines[0] for lines in clips if lines]
    return list(dict.fromkeys([*firsts, *(line for lines in clips for line in lines)]))[:MOST_LINES]


def _quoted(lines):
    return listed([f"“{line}”" for line in lines])


def _stands_alone(line):
    words = re.findall(r"\w+", line.lower())
    if not 2 <= count_words(line) <= 6 or len(line) > _LONGEST_CAPTION or re.search(r"[.!?…\"“”<>]", line) or not words:
        return False
    return not {words[0], words[-1]} & _UNFINISHED and any(token.is_noun for token in grammar.parse(line))


def _filled(frame, subject, other, roof=None, **parts):
    head = roof or subject
    counted = head.article and not head.plural
    parts |= {"X": _title(head.text), "Y": _title(other.text), "this": ("This " if counted else "") + _title(head.text)}
    parts |= {"x": subject.in_sentence(), "y": other.in_sentence()}
    start = _pick(head.text, frame.titles)
    titles = [title.format(**parts) for title in frame.titles[start:] + frame.titles[:start]]
    title = next((title for title in titles if len(title) <= LONGEST_TITLE), parts["X"])
    return Idea(title, f"{frame.opening.format(**parts)} {frame.development.format(**parts)}")


def _pick(text, choices):
    """A choice that differs between subjects and stays the same for one."""
    return zlib.crc32(text.encode()) % len(choices)


def _title(text):
    words = [w if not w.islower() or (w in _SMALL_WORDS and n) else w.capitalize() for n, w in enumerate(text.split())]
    return " ".join(words)

"""The styles the composer knows: what each is called in words, and what it is made of in notes.

Patterns are bars of sixteen sixteenths; blanks only help the eye.

- drums: `X` accent, `x` plain, `o` soft, `g` ghost, `r` two strokes in the step, `t` three, `.` rest
- bass: `R` root, `3` `5` `7` chord tones, `8` octave, `A` a step that leads to the next root, `-` hold, `.` rest
- chords and melody rhythms: `x` strike, `-` hold, `.` rest
"""

import functools
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """One instrument's place in a style.

    `programs` are General MIDI numbers to choose from, `volume` is controller 7, `pan` 10, `reverb` 91, `patterns` the
    rhythms to choose from, `low` and `high` the range in MIDI pitches. `manner` is how a chord is laid out: "block",
    "strum" (its notes some milliseconds apart), "arpeggio" (a note a strike) or "power" (root and fifth).
    """

    programs: tuple[int, ...]
    volume: int
    patterns: tuple[str, ...] = ()
    low: int = 52
    high: int = 76
    pan: int = 64
    reverb: int = 40
    manner: str = "block"


@dataclass(frozen=True)
class Style:
    """`phrases` are what a description is compared with. Progressions are chords by scale degree; `M` makes one major.

    `bright` and `dark` pair scales with progressions. `lift` is what the drums add in a chorus. `swing` is the share of
    a step by which every second one comes late, `swing_step` that step in sixteenths. `chord_size` counts a chord's
    notes. `pump` ducks the chords on every beat, `crash` opens a chorus with a cymbal.
    """

    name: str
    phrases: tuple[str, ...]
    tempo: tuple[int, int]
    bright: tuple[tuple[str, ...], tuple[str, ...]]
    dark: tuple[tuple[str, ...], tuple[str, ...]]
    kit: int
    grooves: tuple[dict[str, str], ...]
    bass: Part
    chords: Part
    lead: Part
    colour: Part
    cells: tuple[str, ...]
    lift: dict[str, str] = field(default_factory=dict)
    fills: tuple[str, ...] = ("roll", "toms", "stop")
    drum_volume: int = 100
    chord_size: int = 3
    swing: float = 0.0
    swing_step: int = 1
    pentatonic: bool = False
    chromatic_bass: bool = False
    pump: bool = False
    crash: bool = True


HOLD = "x--- ---- ---- ----"

LOFI = Style(
    name="lo-fi hip hop",
    phrases=(
        "lo-fi hip hop, mellow dusty beats to study and relax to",
        "chill lofi beat with warm electric piano, soft swinging drums, nostalgic and cosy, slow tempo",
        "calm laid-back chillhop for a quiet morning, a skincare or coffee routine",
    ),
    tempo=(70, 90),
    bright=(("major",), ("2 5 1 6", "4 3 2 1", "1 6 2 5", "4 3 6 1")),
    dark=(("dorian", "minor"), ("1 4 7 3", "6 5 1 1", "1 6 4 5", "4 5 1 6")),
    kit=8,
    grooves=(
        {"kick": "x... ...x ..x. ....", "snare": ".... X... .... X..g", "hat": "x.o. x.o. x.o. x.o."},
        {
            "kick": "x..x .... ..x. ..o.",
            "rim": ".... X... .... X...",
            "hat": "x.oo x.o. x.o. x.oo",
            "snare": ".... .... ...g ....",
        },
        {"kick": "x.....x. ..x.....", "snare": ".... X..g .... X...", "hat": "o.x. o.x. o.x. o.xo"},
    ),
    lift={"shaker": "o.xo o.xo o.xo o.xo", "open": ".... .... .... ..o."},
    fills=("stop", "ghosts"),
    bass=Part(
        (33, 32, 35),
        112,
        ("R--- ---R --5- --..", "R--. ..R- --R- ..A.", "R--- --8- --R- -.5."),
        low=29,
        high=45,
        reverb=5,
    ),
    chords=Part(
        (4, 5), 95, ("x--- ---- ..x- ----", "x--- --x- ---- x---", "..x- ---- ..x- ----"), low=52, high=72, pan=54
    ),
    lead=Part((11, 24, 4, 26), 112, low=64, high=84, pan=78, reverb=64),
    colour=Part((89, 48), 58, (HOLD,), low=55, high=76, reverb=70),
    cells=(
        "..x- x--- ..x- --..",
        "x--. x-x- --.. ....",
        "x-x- --x- ---- ....",
        "...x --x- x--- --..",
        ".... x-x- x--- ..x-",
    ),
    chord_size=5,
    swing=0.28,
    pentatonic=True,
    crash=False,
)

POP = Style(
    name="upbeat pop",
    phrases=(
        "upbeat happy pop, catchy bright hook, feel-good and sunny",
        "cheerful energetic pop song with piano, claps and bright synths, like a radio hit",
        "fun bubbly commercial pop for beauty, fashion and lifestyle clips",
    ),
    tempo=(100, 124),
    bright=(("major",), ("1 5 6 4", "6 4 1 5", "1 4 6 5", "4 1 5 6", "1 6 4 5")),
    dark=(("minor",), ("1 6 3 7", "6 7 1 1", "1 3 7 6")),
    kit=0,
    grooves=(
        {"kick": "X..x ..x. X... ..x.", "snare": ".... X... .... X...", "hat": "x.x. x.x. x.x. x.xo"},
        {"kick": "X... x... X... x...", "clap": ".... X... .... X...", "hat": "xox. xox. xox. xoxo"},
        {"kick": "X... ..x. ..x. ..x.", "snare": ".... X... .... X..g", "hat": "x.x. x.x. x.x. x.x."},
    ),
    lift={"clap": ".... X... .... X...", "tambourine": "o.x. o.x. o.x. o.x.", "open": "..x. ..x. ..x. ..x."},
    bass=Part(
        (33, 38, 34),
        108,
        ("R--R --R- R--. ..R.", "R-R- R-R- R-R- R-A-", "R--- --R- --R- --5-"),
        low=29,
        high=45,
        reverb=5,
    ),
    chords=Part(
        (0, 1), 110, ("x--- x--- x--- x---", "x--x --x- x--x --x-", "x--- --x- --x- ----"), low=55, high=74, pan=52
    ),
    lead=Part((80, 9, 81, 11), 92, low=67, high=86, pan=74, reverb=52),
    colour=Part(
        (50, 90, 27), 100, ("x.x. x.x. x.x. x.x.", "x.xx .xx. x.xx .xx."), low=60, high=84, pan=88, manner="arpeggio"
    ),
    cells=(
        "x.x. x--x --x- x---",
        "x-x- x-x- x--- ....",
        "..x- x-x- x-x- x---",
        "x--x --x- --x- x---",
        "x.xx .xx. x--- ..x-",
    ),
    pentatonic=True,
)

HOUSE = Style(
    name="house",
    phrases=(
        "house music, four on the floor dance beat for the club",
        "electronic dance music, EDM, driving kick, off-beat hi-hats, piano stabs, party",
        "deep house or techno groove at night, pumping synths, dance floor energy",
    ),
    tempo=(120, 128),
    bright=(("mixolydian", "major"), ("6 4 1 5", "1 7 4 1", "4 5 6 1")),
    dark=(("minor", "dorian"), ("1 6 3 7", "1 7 6 7", "1 4 6 5", "6 7 1 1")),
    kit=24,
    grooves=(
        {
            "kick": "X... X... X... X...",
            "clap": ".... X... .... X...",
            "open": "..x. ..x. ..x. ..x.",
            "hat": "o.oo o.oo o.oo o.oo",
        },
        {
            "kick": "X... X... X... X..o",
            "clap": ".... X... .... X...",
            "open": "..x. ..x. ..x. ..x.",
            "shaker": "oxox oxox oxox oxox",
        },
    ),
    lift={"ride": "..x. ..x. ..x. ..x.", "snare": ".... x... .... x..o", "tambourine": "o.o. o.o. o.o. o.o."},
    fills=("roll", "snares", "stop"),
    bass=Part(
        (38, 39), 106, ("R.R. ..R. R.R. ..R.", "R.R8 ..R. R.R. .8R.", "R..R R.R. R..R R.8R"), low=30, high=46, reverb=5
    ),
    chords=Part(
        (0, 17, 90),
        112,
        ("x..x ..x. .x.. x.x.", "..x. ..x. ..x. ..x.", "x..x ..x. ..x. .x..", "x-.x -.x- .x-. x-.."),
        low=55,
        high=76,
    ),
    lead=Part((81, 80, 87), 92, low=65, high=84, pan=72, reverb=60),
    colour=Part((90, 50, 95), 84, (HOLD,), low=57, high=80, reverb=70),
    cells=(
        "x..x ..x. x..x ....",
        "x.x. .x.x ..x. ....",
        "..x. ..x. x.x. x---",
        "x--- ..x- --x. x-..",
        ".x.x .x.x x--- ....",
    ),
    chord_size=4,
    pentatonic=True,
    pump=True,
)

AMBIENT = Style(
    name="ambient",
    phrases=(
        "ambient soundscape, slow drifting pads, peaceful and meditative",
        "dreamy atmospheric background without a beat, ethereal, for meditation, sleep and nature",
        "gentle floating piano and pads, serene, spacious, calm relaxing spa music",
    ),
    tempo=(56, 74),
    bright=(("lydian", "major"), ("1 2 1 5", "1 5 2 4", "4 1 5 6", "1 3 4 1")),
    dark=(("minor", "dorian"), ("1 6 4 1", "1 3 6 7", "6 3 7 4")),
    kit=48,
    grooves=({}, {"triangle": ".... .... o... ...."}),
    lift={"triangle": "o... .... .... o...", "shaker": "..o. ..o. ..o. ..o."},
    fills=("none",),
    bass=Part((43, 89), 100, ("R--- ---- ---- ----", "R--- ---- 5--- ----"), low=33, high=48, reverb=50),
    chords=Part((89, 95, 91), 104, (HOLD,), low=52, high=74, reverb=90),
    lead=Part((0, 46, 8, 73), 92, low=65, high=86, pan=70, reverb=100),
    colour=Part(
        (46, 0, 99, 11),
        112,
        ("x.x. x.x. x.x. x.x.", "x..x ..x. x..x ..x."),
        low=57,
        high=84,
        pan=46,
        reverb=100,
        manner="arpeggio",
    ),
    cells=("x--- ---- x--- ----", "..x- ---- --x- ----", "x--- --x- ---- ----", "x--- x--- x--- ----"),
    chord_size=5,
    crash=False,
)

CINEMATIC = Style(
    name="epic cinematic",
    phrases=(
        "epic cinematic orchestral trailer with strings, brass and big drums",
        "dramatic heroic film score that builds, inspiring and powerful orchestra",
        "majestic adventure music for mountains, drones and grand landscapes",
    ),
    tempo=(84, 108),
    bright=(("major", "lydian"), ("1 5 6 4", "4 5 6 1", "1 3 4 5", "6 4 1 5")),
    dark=(("minor",), ("1 6 3 7", "1 4 6 5M", "1 7 6 7", "1 3 6 4")),
    kit=48,
    grooves=(
        {"taiko": "X... ..x. X.x. ....", "tom_low": "o.o. o.o. o.o. o.ox"},
        {"taiko": "X..x ..x. X... x.x.", "tom_low": "..o. ..o. ..o. oooo"},
    ),
    lift={"snare": "o.oo o.oo o.oo oxox", "tom_mid": ".... ..x. .... .xx.", "crash": "o... .... .... ...."},
    fills=("toms", "roll"),
    bass=Part(
        (43, 42, 48),
        112,
        ("R-R- R-R- R-R- R-R-", "R--- ---- R--- R---", "R--R --R- R--R --R-"),
        low=31,
        high=47,
        reverb=40,
    ),
    chords=Part(
        (48, 49), 112, ("x-x- x-x- x-x- x-x-", "x.xx x.xx x.xx x.xx", HOLD), low=52, high=74, pan=50, reverb=70
    ),
    lead=Part((48, 61, 56), 116, low=60, high=82, pan=72, reverb=80),
    colour=Part((52, 60), 84, (HOLD,), low=50, high=72, pan=80, reverb=80),
    cells=(
        "x--- --x- x--- ----",
        "x--- x--- x-x- x---",
        "x--x --x- x--- ----",
        "x--- ---- --x- x---",
        "x--- x-x- x--- x---",
    ),
)

TRAP = Style(
    name="trap",
    phrases=(
        "trap beat with heavy 808 bass and rolling hi-hats",
        "dark hard hip hop, rap instrumental, aggressive drill, street attitude",
        "moody menacing 808s with bells, half-time, swagger and flex",
    ),
    tempo=(130, 150),
    bright=(("minor", "dorian"), ("1 6 3 7", "6 7 1 1", "1 4 1 7")),
    dark=(("minor", "harmonic minor", "phrygian"), ("1 1 6 5M", "1 2 1 1", "1 1 6 6", "1 4 1 6")),
    kit=25,
    grooves=(
        {"kick": "X... ...x ..x. ....", "clap": ".... .... X... ....", "hat": "x.x. x.r. x.x. xtx."},
        {"kick": "X..x .... ..x. .x..", "clap": ".... .... X... ....", "hat": "x.xx x.x. x.rr x.x."},
        {"kick": "X... ..x. ...x ..x.", "snare": ".... .... X... ...g", "hat": "xoxo xoxo xoxr xott"},
    ),
    lift={"open": ".... ..o. .... ..x.", "snare": ".... .... x... ..g.", "rim": "...o ..o. ...o ...."},
    fills=("hats", "stop", "snares"),
    bass=Part(
        (38, 39), 127, ("R--- ---R --R- ----", "R--R ---- --R- .8..", "R--- --R- ---R --A-"), low=28, high=43, reverb=0
    ),
    chords=Part(
        (10, 14, 46, 0),
        90,
        ("x... x... x... x...", "x.x. x.x. x.x. x.x.", "x..x ..x. x..x ..x."),
        low=60,
        high=81,
        pan=54,
        reverb=64,
        manner="arpeggio",
    ),
    lead=Part((98, 75, 8, 108), 98, low=64, high=84, pan=76, reverb=70),
    colour=Part((52, 48, 89), 78, (HOLD,), low=52, high=72, reverb=80),
    cells=(
        "x--x --x- ..x- ----",
        "x-x- x--- .... x-x-",
        "x... x..x ..x- ----",
        "..x- x-x- x--- ....",
        "x--- .x-x --x- ....",
    ),
)

FUNK = Style(
    name="funk and disco",
    phrases=(
        "funk groove with slap bass, wah guitar and horns",
        "disco, seventies dance floor, groovy bass line, strings and brass, roller skates",
        "playful funky sassy strut, nu-disco, tight rhythm guitar, confident fashion walk",
    ),
    tempo=(104, 118),
    bright=(("mixolydian",), ("1 1 4 1", "1 7 4 1", "1 4 1 5")),
    dark=(("dorian",), ("1 4 1 4", "1 1 4 4", "1 7 4 5", "1 3 4 1")),
    kit=0,
    grooves=(
        {"kick": "X..x ..x. ..x. .x..", "snare": ".... X..g .g.. X..g", "hat": "xoxo xoxo xoxo xoxo"},
        {
            "kick": "X... X... X... X...",
            "snare": ".... X... .... X..o",
            "open": "..x. ..x. ..x. ..x.",
            "hat": "x... x... x... x...",
        },
        {"kick": "X.x. ...x ..x. ....", "snare": ".... X..g .g.g X...", "hat": "x.xo x.xo x.xo x.xx"},
    ),
    lift={"conga_high": "..x. .xx. ..x. .xxo", "conga_low": "x... ...x x... x...", "cowbell": "x... x... x... x..."},
    bass=Part(
        (36, 37), 112, ("R..R ..8. .R8. 7.8.", "R.8. .R8. R.7. 5.A.", "R..8 ..R. 3.5. R.8A"), low=29, high=47, reverb=5
    ),
    chords=Part(
        (27, 7, 28),
        104,
        ("..x. .xx. ..x. .x.x", "x.xx .xx. x.xx .x..", "..xx ..x. ..xx .x.."),
        low=57,
        high=76,
        pan=42,
        reverb=24,
    ),
    lead=Part((61, 65, 62, 4), 112, low=62, high=82, pan=76, reverb=40),
    colour=Part((48, 62, 16), 70, ("x--- ---- ---- ..x.", "x-.. .... ..x. x-.."), low=57, high=79, pan=84, reverb=50),
    cells=(
        "x.x. .x.x .... x.x.",
        "..x. x.xx .x-- ....",
        "x--. ..x. x.x- ....",
        ".... x.xx .x.x x---",
        "x.xx .x.. x--- ....",
    ),
    chord_size=4,
    swing=0.08,
    chromatic_bass=True,
)

FOLK = Style(
    name="acoustic folk",
    phrases=(
        "acoustic folk with strummed guitar, hand claps and stomps",
        "warm organic singer-songwriter campfire, gentle fingerpicked guitar, heartfelt and honest",
        "wholesome country and ukulele tune for family, homemade cooking and gardens",
    ),
    tempo=(86, 112),
    bright=(("major", "mixolydian"), ("1 4 1 5", "1 5 6 4", "1 6 4 5", "4 1 5 1", "1 3 4 5")),
    dark=(("dorian", "minor"), ("1 7 6 7", "1 3 7 4", "1 7 1 4")),
    kit=0,
    grooves=(
        {"kick": "x... ..x. x... ....", "tambourine": "..o. x.o. ..o. x.o."},
        {"kick": "x... .... x..x ....", "rim": ".... x... .... x...", "shaker": "o.xo o.xo o.xo o.xo"},
    ),
    lift={"clap": ".... X... .... X...", "kick": "X... x... X... x...", "tambourine": "o.o. x.o. o.o. x.o."},
    fills=("stomps", "none"),
    bass=Part((32, 33), 112, ("R--- ---- 5--- ----", "R--- --R- 5--- --A-"), low=29, high=45, reverb=10),
    chords=Part(
        (25, 24),
        112,
        ("x-x- x-xx -xx- x-xx", "x--- x-x- -xx- x-x-", "x-x- xxx- x-x- xxx-"),
        low=50,
        high=74,
        pan=50,
        manner="strum",
    ),
    lead=Part((22, 40, 78, 105, 21), 96, low=64, high=84, pan=76, reverb=56),
    colour=Part(
        (25, 24, 46), 76, ("x.xx x.xx x.xx x.xx", "x.x. xxx. x.x. xxx."), low=55, high=79, pan=88, manner="arpeggio"
    ),
    cells=(
        "x--- x-x- x--- ....",
        "x-x- x-x- x--- x---",
        "..x- x-x- x--- ----",
        "x--x --x- x--- ....",
        "x--- --x- x-x- x---",
    ),
    pentatonic=True,
    crash=False,
)

BOSSA = Style(
    name="bossa nova",
    phrases=(
        "bossa nova with nylon guitar, soft shaker and rim clicks",
        "latin lounge, breezy Brazilian samba, elegant café by the beach",
        "smooth romantic summer evening, gentle Latin jazz with flute",
    ),
    tempo=(116, 140),
    bright=(("major",), ("1 6 2 5", "1 2 2 5", "1 4 3 6 2 5 1 5", "1 1 2 5")),
    dark=(("minor",), ("1 4 2 5M", "1 6 2 5M", "1 4 7 3 6 2 5M 1")),
    kit=40,
    grooves=(
        {"rim": "x..x ..x. ..x. x...", "kick": "x... ..o. x... ..o.", "shaker": "xoxo xoxo xoxo xoxo"},
        {"rim": "..x. x... x..x ..x.", "kick": "x... ..o. x... ..o.", "shaker": "oxox oxox oxox oxox"},
    ),
    lift={"conga_high": "..o. ..x. ..o. ..xx", "conga_low": ".... x... .... x.x.", "ride": "x.o. x.o. x.o. x.o."},
    fills=("congas", "none"),
    bass=Part(
        (32, 35), 114, ("R--- --5- 5--- --R-", "R--- --R- 5--- --5-", "R--- --5- 8--- --A-"), low=29, high=47, reverb=10
    ),
    chords=Part(
        (24, 26),
        98,
        ("x--x --x- --x- x---", "..x- -x-- x--- x-x-", "x--- x--x --x- -x--"),
        low=52,
        high=72,
        pan=48,
        manner="strum",
    ),
    lead=Part((73, 66, 11, 75), 110, low=64, high=84, pan=74, reverb=56),
    colour=Part((48, 4, 11), 62, (HOLD,), low=57, high=78, reverb=64),
    cells=(
        "..x- x-x- --x- ----",
        "x--- --x- x-x- --..",
        ".x-x --x- x--- ....",
        "x-x- -x-- x--- ----",
        "..x- --x- ..x- x---",
    ),
    chord_size=5,
    crash=False,
)

SYNTHWAVE = Style(
    name="synthwave",
    phrases=(
        "synthwave, retro eighties neon night drive with analog synths",
        "retrowave outrun, arpeggiated synth bass and gated snare, VHS nostalgia",
        "futuristic technology, artificial intelligence, cyberpunk city with pulsing synthesizers",
    ),
    tempo=(88, 112),
    bright=(("major", "mixolydian"), ("4 5 6 1", "1 5 6 4", "6 4 1 5")),
    dark=(("minor",), ("1 6 3 7", "6 7 1 1", "1 7 6 7", "1 3 6 7")),
    kit=16,
    grooves=(
        {"kick": "X... X... X... X...", "snare": ".... X... .... X...", "hat": "x.x. x.x. x.x. x.x."},
        {"kick": "X... ..x. X... ..x.", "snare": ".... X... .... X...", "hat": "xoxo xoxo xoxo xoxo"},
    ),
    lift={"open": "..x. ..x. ..x. ..x.", "tom_low": ".... .... .... .xx.", "clap": ".... X... .... X..."},
    fills=("toms", "snares"),
    bass=Part(
        (38, 39, 81),
        102,
        ("RRRR RRRR RRRR RRRR", "R.RR R.RR R.RR R.R8", "R8R8 R8R8 R8R8 R8R8"),
        low=28,
        high=45,
        reverb=10,
    ),
    chords=Part((90, 50, 62), 94, (HOLD, "x--- --x- ---- x---", "x--x --x- ---- ----"), low=54, high=74, reverb=70),
    lead=Part((81, 80, 87), 88, low=65, high=84, pan=70, reverb=80),
    colour=Part(
        (81, 80, 88),
        92,
        ("xxxx xxxx xxxx xxxx", "x.xx x.xx x.xx x.xx"),
        low=62,
        high=86,
        pan=92,
        reverb=64,
        manner="arpeggio",
    ),
    cells=(
        "x--- --x- x--- ----",
        "x--x --x- ---- x---",
        "x-x- x--- --x- ----",
        "..x- x-x- x--- ----",
        "x--- x--- x-x- x---",
    ),
    pump=True,
)

ROCK = Style(
    name="rock",
    phrases=(
        "rock with distorted electric guitars and loud drums",
        "punk, metal, garage band, rebellious high energy guitar riff",
        "driving alternative rock anthem for sport, action and extreme stunts",
    ),
    tempo=(120, 150),
    bright=(("mixolydian", "major"), ("1 7 4 1", "1 5 6 4", "1 4 5 4")),
    dark=(("minor", "dorian"), ("1 7 6 7", "1 3 7 4", "1 6 7 1", "1 4 6 7")),
    kit=16,
    grooves=(
        {"kick": "X... ..x. X.x. ....", "snare": ".... X... .... X...", "hat": "X.x. X.x. X.x. X.x."},
        {"kick": "X.x. ..x. ..x. x...", "snare": ".... X... .... X...", "hat": "x.x. x.x. x.x. x.x."},
        {"kick": "X..x ..x. .xx. ....", "snare": ".... X... .... X..g", "hat": "X... X... X... X..."},
    ),
    lift={"crash": "x... .... x... ....", "ride": "x.x. x.x. x.x. x.x."},
    bass=Part(
        (34, 33), 114, ("R-R- R-R- R-R- R-R-", "R-R- R-R- R-R- R-AA", "R--- --R- R-R- --R-"), low=28, high=43, reverb=5
    ),
    chords=Part(
        (30, 29),
        100,
        ("x-x- x-x- x-x- x-x-", "x--- --x- --x- ----", "x-xx x-xx x-xx x-xx", "x--x --x- x--- ...."),
        low=40,
        high=64,
        pan=30,
        reverb=24,
        manner="power",
    ),
    lead=Part((29, 30), 98, low=60, high=81, pan=72, reverb=50),
    colour=Part((29, 30, 27), 76, ("x-x- x-x- x-x- x-x-", "x--- ---- x--- ----"), low=52, high=72, pan=100, reverb=30),
    cells=(
        "x-x- x--x --x- ....",
        "x--- x-x- x--- ....",
        "x.xx .xx- x--- ....",
        "x-x- x-x- x-x- x---",
        "..x- x-x- x--- x---",
    ),
    pentatonic=True,
)

JAZZ = Style(
    name="jazz",
    phrases=(
        "swing jazz trio with walking bass, ride cymbal and saxophone",
        "smoky late-night jazz club, piano and upright bass, sophisticated and classy",
        "big band swing, bebop, vintage vocal-era charm",
    ),
    tempo=(112, 152),
    bright=(("major",), ("2 5 1 6", "1 6 2 5", "3 6 2 5", "1 4 3 6 2 5 1 5")),
    dark=(("minor", "dorian"), ("1 4 2 5M", "1 6 2 5M", "1 4 7 3 6 2 5M 1")),
    kit=40,
    grooves=(
        {
            "ride": "X... x.o. X... x.o.",
            "pedal": ".... x... .... x...",
            "kick": "o... o... o... o...",
            "snare": ".... ..g. .... ....",
        },
        {
            "ride": "x... X.x. x... X.x.",
            "pedal": ".... x... .... x...",
            "kick": "o... .... o... ..o.",
            "snare": "..g. .... ..g. ..o.",
        },
    ),
    lift={"snare": "..o. ..g. x... ..o.", "crash": "o... .... .... ...."},
    fills=("ghosts", "roll", "none"),
    bass=Part(
        (32,), 118, ("R--- 3--- 5--- A---", "R--- 5--- 3--- A---", "R--- 3--- 5-8- A---"), low=29, high=48, reverb=10
    ),
    chords=Part(
        (0, 26),
        112,
        ("x-.. ..x. .... ....", "..x. .... ..x- ....", "...... x- .... x-..", "x--- .... ..x. ...."),
        low=52,
        high=74,
        pan=48,
        reverb=40,
    ),
    lead=Part((66, 65, 59, 11), 98, low=60, high=82, pan=74, reverb=56),
    colour=Part((11, 61, 26), 72, ("x--- ---- ---- ----", "..x- .... x-.. ...."), low=57, high=78, pan=84, reverb=50),
    cells=(
        "x.x. x.x. x--- ..x-",
        "..x. x.x. x.x. x---",
        "x--- ..x. x.x. ....",
        "x.x. ..x. x--- ....",
        "..x- x.x. x--- ----",
    ),
    drum_volume=125,
    chord_size=5,
    swing=0.32,
    swing_step=2,
    chromatic_bass=True,
)

REGGAETON = Style(
    name="reggaeton",
    phrases=(
        "reggaeton with a dembow beat, Latin urban party",
        "dancehall, moombahton, perreo, hot Caribbean night, spicy and seductive",
        "Latin pop dance track from Puerto Rico or Colombia with plucked synths",
    ),
    tempo=(88, 100),
    bright=(("minor", "major"), ("6 4 1 5", "1 5 6 4", "1 6 3 7")),
    dark=(("minor", "harmonic minor"), ("1 6 3 7", "1 7 6 5M", "1 4 6 5M", "6 7 1 1")),
    kit=24,
    grooves=(
        {"kick": "X... X... X... X...", "snare": "...x ..x. ...x ..x.", "hat": "x.o. x.o. x.o. x.o."},
        {
            "kick": "X... X... X... X...",
            "rim": "...x ..x. ...x ..x.",
            "timbale": "...o ..x. ...o ..xo",
            "shaker": "xoxo xoxo xoxo xoxo",
        },
    ),
    lift={"clap": "...x ..x. ...x ..x.", "open": "..o. ..o. ..o. ..o.", "conga_high": "...o ..x. ...o .xx."},
    fills=("snares", "stop", "congas"),
    bass=Part(
        (38, 39), 114, ("R--R --R- R--R --R-", "R--- ..R- R--- ..R-", "R--R --5- R--R --8-"), low=29, high=43, reverb=0
    ),
    chords=Part(
        (45, 12, 24),
        108,
        ("x..x ..x. x..x ..x.", "..x. ..x. ..x. ..x.", "x..x ..x. ..x. x..."),
        low=57,
        high=77,
        pan=50,
        reverb=40,
    ),
    lead=Part((75, 80, 24), 100, low=64, high=83, pan=74, reverb=56),
    colour=Part((89, 50, 52), 70, (HOLD,), low=55, high=76, reverb=64),
    cells=(
        "x..x ..x. x--- ....",
        "x..x ..x. x..x ..x-",
        "..x. x..x ..x- ----",
        "x.x. x..x --x- ....",
        "x--x --x. ..x. x---",
    ),
    pentatonic=True,
)

AFROBEATS = Style(
    name="afrobeats",
    phrases=(
        "afrobeats with log drums, shakers, highlife guitar and kalimba",
        "African percussion groove, amapiano, joyful Lagos summer rhythm",
        "tropical polyrhythmic world music with marimba and congas, colourful street food market",
    ),
    tempo=(100, 116),
    bright=(("major", "mixolydian"), ("1 4 5 4", "6 4 1 5", "1 2 4 5", "4 5 3 6")),
    dark=(("dorian", "minor"), ("1 4 1 7", "6 7 1 3", "1 3 4 7")),
    kit=8,
    grooves=(
        {
            "kick": "X..x ..x. X..x ....",
            "rim": "...x ..x. ..x. x...",
            "shaker": "xoxo xoxo xoxo xoxo",
            "conga_low": "..o. ...x ..o. ..xx",
        },
        {
            "kick": "X... ..x. x... ..x.",
            "snare": "...x ..x. ...x ..x.",
            "shaker": "oxxo oxxo oxxo oxxo",
            "conga_high": "x.o. .xo. x.o. xxo.",
        },
    ),
    lift={"cowbell": "x..x ..x. .x.x ..x.", "bongo": "..xx ..x. ..xx .xx.", "open": ".... ..o. .... ..o."},
    fills=("congas", "stop", "toms"),
    bass=Part(
        (35, 33, 39),
        114,
        ("R--. ..R- ..5- R-..", "R..R ..8- ..R. 5-..", "..R- --R. R--. ..A."),
        low=29,
        high=46,
        reverb=5,
    ),
    chords=Part(
        (27, 24, 4),
        116,
        ("..x. ..x. ..x. ..x.", ".xx. .xx. .xx. .xx.", "x..x ..x. ..xx ..x."),
        low=57,
        high=77,
        pan=44,
        reverb=36,
    ),
    lead=Part((108, 12, 73, 114), 112, low=64, high=86, pan=74, reverb=50),
    colour=Part(
        (12, 108, 27), 106, ("x.xx .xx. x.xx .x.x", "xx.x x.xx .xx. x.x."), low=62, high=84, pan=90, manner="arpeggio"
    ),
    cells=(
        "x.x. .x.x ..x- ....",
        "x..x ..x. x-.. x.x-",
        "..x. xx.x --x- ....",
        ".xx. x.x. ..x- ----",
        "x.xx .x.x x--- ....",
    ),
    pentatonic=True,
)

STYLES = (
    LOFI, POP, HOUSE, AMBIENT, CINEMATIC, TRAP, FUNK, FOLK, BOSSA, SYNTHWAVE, ROCK, JAZZ, REGGAETON, AFROBEATS,
)  # fmt: skip

MOODS = (
    ("happy, bright, cheerful, sunny, uplifting music", "sad, dark, melancholic, moody, mysterious music"),
    ("fast, energetic, exciting, intense, driving music", "slow, calm, relaxed, gentle, quiet music"),
)


def choose(prompt: str) -> tuple[Style, float, float]:
    """Pick the style whose phrases are nearest in meaning to `prompt`, and hear its mood.

    Returns the style, its brightness (-1 dark to 1 bright) and its energy (-1 calm to 1 driving). Nearness is the
    cosine of all-MiniLM-L6-v2 embeddings: the best phrase of each style, plus half the mean of them all. The mood is
    rounded to fifths, so that the last bits of a float never make another piece.
    """
    import embeddings

    phrases, moods = _references()
    query = embeddings.embed([prompt])[0]
    nearness = phrases @ query  # (styles, phrases)
    best = int((nearness.max(axis=1) + 0.5 * nearness.mean(axis=1)).argmax())
    # A difference of cosines of 0.2 is already a plain statement of mood.
    brightness, energy = (round(min(1.0, max(-1.0, float(a - b) / 0.2)) * 5) / 5 for a, b in moods @ query)
    return STYLES[best], brightness, energy


@functools.cache
def _references():
    import embeddings

    phrases = embeddings.embed([phrase for style in STYLES for phrase in style.phrases])
    moods = embeddings.embed([pole for pair in MOODS for pole in pair])
    return phrases.reshape(len(STYLES), -1, phrases.shape[1]), moods.reshape(len(MOODS), 2, -1)

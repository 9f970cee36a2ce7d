"""Play a MIDI file in a process of its own: `python player.py PACKAGES SOUNDFONT`, MIDI in, WAV out.

midirenderer holds the interpreter's lock as long as it plays, which is some fifty milliseconds for a second of music:
meanwhile no page would be served. Run as a program by `music_gen.rendering`; it imports nothing else, so that it starts
in a fiftieth of a second.
"""

import sys
from pathlib import Path


def main() -> None:
    packages, soundfont = sys.argv[1:]
    sys.path.append(packages)
    import midirenderer

    wav = midirenderer.render_wave_from(Path(soundfont).read_bytes(), sys.stdin.buffer.read())
    sys.stdout.buffer.write(wav)


if __name__ == "__main__":
    main()

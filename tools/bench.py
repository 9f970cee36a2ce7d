"""Measure this machine's studio: `make bench`. Everything is measured in one run, so that the ratios mean something."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests

import animate_text
import music_gen
import pipeline
import summariser
import tiktok_to_text
import tiktok_videos
import trend_insights
from animate_text import PictureRequest
from core.engines import no_report
from core.executors import open_pools
from core.loading import LoadOnce
from music_gen import MusicRequest
from settings import ROOT, Settings
from summariser import BriefRequest
from tools.bench_draft import draft_rows
from tools.bench_insights import insight_rows
from tools.bench_provenance import provenance_rows
from tools.bench_queue import queue_rows
from tools.bench_services import service_rows
from tools.waiting import free_port
from trend_insights import MeasureRequest

TAG = "AI"
SECONDS = 10  # of music
SEED = 1
ROOMS = ("core", "tiktok_to_text", "trend_insights", "summariser", "music_gen", "animate_text")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="take the best of this many rounds (default 3)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings.read({}), data_dir=Path(folder) / "data", generated_dir=Path(folder) / "generated")
        print(f"{os.cpu_count()} processors, best of {rounds} rounds, 3 clips, {SECONDS} s of music\n")
        data_dir = fresh(settings).data_dir
        start_up(data_dir)  # the first one makes the database
        report("start-up: `make run` to its first page", best(rounds, lambda: start_up(data_dir)))
        report("first search of a new studio, a second after its first page", early_search(fresh(settings).data_dir))
        pools = open_pools(settings)
        report("first search, in a process that has loaded nothing", search(settings, pools)[0])
        new = min((search(fresh(settings), pools) for _ in range(rounds)), key=lambda run: run[0])
        cached = best(rounds, lambda: search(settings, pools)[0])
        plain, _ = search_plainly(fresh(settings))
        report("search of three new clips, models warm", new[0])
        for stage, seconds in new[1].items():
            report(f"  of it {stage}", seconds)
        report("the same search again, clips cached", cached)
        report("stages one after the other, models loaded for each clip", plain)
        print(f"\nThe studio's search is {plain / new[0]:.1f} times as fast as the plain one.")
        pools.close()
        print()
        for row in [*service_rows(), *queue_rows(), *provenance_rows(rounds), *draft_rows()]:
            report(*row)
        print()
        for row in insight_rows(settings):
            report(*row)


def report(what, number, unit="s"):
    print(f"{what:<66}{number:8.2f} {unit}", flush=True)


def best(rounds, measure):
    return min(measure() for _ in range(rounds))


def fresh(settings):
    """The same settings with empty caches."""
    return replace(settings, data_dir=Path(tempfile.mkdtemp(dir=settings.data_dir.parent)))


def search(settings, pools):
    """Run a search; return its seconds and the seconds of each stage."""
    start = time.perf_counter()
    query = pipeline.Query((TAG,), SECONDS, SEED)
    result = pipeline.search(query, "bench", settings.generated_dir / "bench", settings, pools)
    return time.perf_counter() - start, result.timings


def search_plainly(settings):
    """The same stages one after the other in one thread, with the models loaded again for each clip."""
    start = time.perf_counter()
    texts = []
    for video in tiktok_videos.find((TAG,), settings).videos:
        forget_models()
        path = tiktok_videos.fetch(video, settings, no_report)
        texts.append(tiktok_to_text.read(path, "en-US", settings, no_report))
        trend_insights.measure(measure_request(path, texts[-1]), settings, no_report)
    forget_models()
    on_screen = ["\n".join(text.on_screen) for text in texts]
    request = BriefRequest(tuple(text.transcript for text in texts), tuple(on_screen), (TAG,))
    brief = summariser.summarise(request, settings).value
    forget_models()
    music_gen.generate(MusicRequest(brief.music_prompt, SECONDS, SEED), settings)
    stills = tuple(still for text in texts for still in text.stills)
    animate_text.generate(PictureRequest(brief.image_prompt, brief.ideas[0].title, brief.tags, stills, SEED), settings)
    return time.perf_counter() - start, texts


def measure_request(path, text):
    """What is asked of trend_insights for a clip that was read."""
    phrases = tuple((phrase.start, phrase.end, phrase.text) for phrase in text.phrases)
    texts = tuple((one.start, one.end, one.text, one.box) for one in text.texts or ())
    return MeasureRequest(str(path), phrases, texts)


def forget_models():
    """Empty the loaders' caches, so that the next use loads again."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ROOMS:
            for value in vars(module).values():
                if isinstance(value, LoadOnce):
                    value.clear()
                elif hasattr(value, "cache_clear"):
                    value.cache_clear()


def start_up(data_dir):
    """Seconds from `make run` to the first page, everything being installed."""
    start = time.perf_counter()
    with serving(data_dir):
        return time.perf_counter() - start


def early_search(data_dir):
    """Seconds that a search takes which comes a second after the first page of a new studio."""
    with serving(data_dir) as url:
        time.sleep(1)
        start = time.perf_counter()
        requests.post(f"{url}/search", json={"tags": [TAG], "seed": SEED}, timeout=300).raise_for_status()
        return time.perf_counter() - start


@contextmanager
def serving(data_dir):
    """A studio by `make run` that has served its first page; yields its address."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "DATA_DIR": str(data_dir), "GENERATED_DIR": f"{data_dir}/generated"}
    server = subprocess.Popen(["make", "run"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, process_group=0)
    try:
        while not answers(f"http://127.0.0.1:{port}/"):
            if server.poll() is not None:
                sys.exit("`make run` ended before it served a page.")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def answers(url):
    """Whether a page is served there."""
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


if __name__ == "__main__":
    main()

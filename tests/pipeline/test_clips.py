"""A clip that a pool could not read."""

from concurrent.futures import Future

import pytest

from core.executors import ClusterLost, StageLost
from core.storage import Unreachable
from pipeline.clips import clip_of
from tiktok_videos.catalogue import Video

VIDEO = Video("library", "AI/clip.mp4", "Clip", 0.0)


def ended_with(error):
    future = Future()
    future.set_exception(error)
    return future


def test_a_video_that_takes_down_the_workers_costs_itself_alone():
    clip = clip_of(VIDEO, ended_with(StageLost("read_clip took down 4 workers.")))
    assert (clip.text, clip.error) == (None, "read_clip took down 4 workers.")


@pytest.mark.parametrize("error", [Unreachable("The store does not answer."), ClusterLost("There is no cluster.")])
def test_what_concerns_the_whole_search_goes_through(error):
    with pytest.raises(type(error)):
        clip_of(VIDEO, ended_with(error))

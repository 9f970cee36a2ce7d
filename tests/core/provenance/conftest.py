import pytest


@pytest.fixture(params=["image.png", "music.wav", "draft.mp4"])
def name(request):
    return request.param

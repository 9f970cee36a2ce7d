from dataclasses import replace

import pytest

from app import create_app
from jobs.queue import Jobs
from tests.searches import Held
from tests.servers import started


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def open_app(settings, held):
    """Opens a studio with some settings changed, whose stages take no time once `held` lets them go."""
    opened = []

    def open_(**chosen):
        app = create_app(replace(settings, **chosen))
        app.extensions["jobs"].close()
        app.extensions["jobs"] = Jobs(app.extensions["settings"], app.extensions["pools"], held)
        opened.append(started(app))
        return opened[-1].__enter__()

    yield open_
    held.go.set()
    for one in opened:
        one.__exit__(None, None, None)

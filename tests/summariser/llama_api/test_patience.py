"""The chat service: rate limits, recoveries, and a search that is called off."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core import engines, http
from tests.summariser.llama_api.support import GRACE, brief_or_error, write
from tools.services.faults import answers


def test_a_rate_limit_is_waited_out_as_long_as_the_service_says(server):
    server.fail("429", times=1)  # Retry-After: 1
    assert write(server).summary
    first, second = server.requests
    assert 1 <= second.at - first.at < 1 + GRACE


def test_a_rate_limit_may_name_a_date(server):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.fail(answers(429, b"", Retry_After=date), times=1)
    assert write(server, SERVICE_TIMEOUT="8").summary
    first, second = server.requests
    assert 0.9 < second.at - first.at < 2 + GRACE


@pytest.mark.parametrize("wait", ["soon", "-5", "9" * 400, "Thu, 99 Foo 2026"])
def test_a_wait_that_makes_no_sense_does_no_harm(server, wait):
    server.fail(answers(503, b"", Retry_After=wait), times=1)
    result = brief_or_error(server)
    assert "out of order" in result if wait.startswith("9") else result.summary


def test_a_wait_that_is_too_long_is_not_begun(server):
    server.fail("429 for an hour")
    started = time.monotonic()
    assert "takes no more requests" in brief_or_error(server)
    assert time.monotonic() - started < 1
    assert len(server.requests) == 1


def test_a_last_attempt_that_is_cut_short_does_not_hide_what_is_wrong(server):
    server.fail("503", times=1)
    server.fail("hangs")
    assert "is out of order" in brief_or_error(server, SERVICE_TIMEOUT="2")
    assert len(server.requests) == 2


def test_a_service_that_recovers_is_used(server):
    server.fail("503", times=1)
    server.fail("closed half-way", times=1)
    assert write(server, SERVICE_TIMEOUT="10").summary
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", ["hangs", "slow head", "429 within the limit"])
def test_calling_a_search_off_ends_the_call_at_once(server, fault):
    server.fail(answers(429, b"", Retry_After="20") if fault.startswith("429") else fault)
    calls = []

    def report(*step):
        calls.append(step)
        if len(calls) == 3:
            raise engines.Cancelled

    started = time.monotonic()
    with pytest.raises(engines.Cancelled):
        write(server, report=report, SERVICE_TIMEOUT="30")
    assert time.monotonic() - started < 2 * http.TICK + GRACE
    assert server.idle()

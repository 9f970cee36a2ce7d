"""First engine that works: the order, what is passed over in silence, what is said."""

import pytest

from engines import Answer, Cancelled, Engine, EngineError, NoneWorked, first_working


def ready(_settings):
    return None


def not_set_up(_settings):
    return "no key"


def failing(error):
    def run(*_arguments):
        raise error

    return Engine(ready, run)


WORKS = Engine(ready, lambda text: text.upper())
ABSENT = Engine(not_set_up, lambda text: pytest.fail("called without being set up"))


def first(order, settings, **engines):
    return first_working("music", order, engines, settings, "la")


def test_the_first_one_that_is_set_up_answers(settings):
    other = Engine(ready, lambda text: "other")
    assert first(["absent", "works", "other"], settings, absent=ABSENT, works=WORKS, other=other) == Answer(
        "LA", "works"
    )


def test_one_that_is_not_set_up_is_no_warning(settings):
    assert first(["absent", "works"], settings, absent=ABSENT, works=WORKS).warnings == ()


def test_one_that_fails_leaves_one_line_and_the_next_answers(settings):
    answer = first(["down", "works"], settings, down=failing(EngineError("the service is down.")), works=WORKS)
    assert answer == Answer("LA", "works", ("Music: down did not work: the service is down.",))


def test_what_an_engine_warns_of_comes_after_the_failures_before_it(settings):
    warning = Engine(ready, lambda text: Answer(text.upper(), "works", ("it was too long",)))
    answer = first(["down", "works"], settings, down=failing(EngineError("it is down.")), works=warning)
    assert answer == Answer("LA", "works", ("Music: down did not work: it is down.", "it was too long"))


def test_an_unforeseen_failure_tells_no_details_to_the_user(settings, caplog):
    answer = first(["odd", "works"], settings, odd=failing(KeyError("secret")), works=WORKS)
    assert answer.engine == "works"
    assert "secret" not in "".join(answer.warnings)
    assert "secret" in caplog.text


def test_when_none_works_all_reasons_are_given(settings):
    with pytest.raises(NoneWorked) as error:
        first(["down", "absent"], settings, down=failing(EngineError("it is down.")), absent=ABSENT)
    assert error.value.warnings == ("Music: down did not work: it is down.",)


def test_a_cancelled_search_tries_no_other_engine(settings):
    other = Engine(ready, lambda text: pytest.fail("tried after the cancellation"))
    with pytest.raises(Cancelled):
        first(["stopped", "other"], settings, stopped=failing(Cancelled()), other=other)

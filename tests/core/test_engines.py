"""First engine that works: the order, what is passed over in silence, what is said."""

import pytest

from core.engines import AllEnginesFailed, Cancelled, Engine, EngineError, EngineResult, run_with_fallback, told


def ready(_settings):
    return None


def not_set_up(_settings):
    return "no key"


def failing(error):
    def run(*_arguments):
        raise error

    return Engine(ready, run)


WORKS = Engine(ready, lambda text, *_: text.upper())
ABSENT = Engine(not_set_up, lambda *_: pytest.fail("called without being set up"))


def first(order, settings, **engines):
    return run_with_fallback("music", order, engines, "la", settings)


def test_the_first_one_that_is_set_up_answers(settings):
    other = Engine(ready, lambda *_: "other")
    assert first(["absent", "works", "other"], settings, absent=ABSENT, works=WORKS, other=other) == EngineResult(
        "LA", "works"
    )


def test_one_that_is_not_set_up_is_no_warning(settings):
    assert first(["absent", "works"], settings, absent=ABSENT, works=WORKS).warnings == ()


def test_one_that_fails_leaves_one_line_and_the_next_answers(settings):
    answer = first(["down", "works"], settings, down=failing(EngineError("the service is down.")), works=WORKS)
    assert answer == EngineResult("LA", "works", ("Music: down did not work: the service is down.",))


def test_what_an_engine_warns_of_comes_after_the_failures_before_it(settings):
    warning = Engine(ready, lambda text, *_: EngineResult(text.upper(), "works", ("it was too long",)))
    answer = first(["down", "works"], settings, down=failing(EngineError("it is down.")), works=warning)
    assert answer == EngineResult("LA", "works", ("Music: down did not work: it is down.", "it was too long"))


def test_an_unforeseen_failure_tells_no_details_to_the_user(settings, caplog):
    answer = first(["odd", "works"], settings, odd=failing(KeyError("secret")), works=WORKS)
    assert answer.engine == "works"
    assert "secret" not in "".join(answer.warnings)
    assert "secret" in caplog.text


def test_when_none_works_all_reasons_are_given(settings):
    with pytest.raises(AllEnginesFailed) as error:
        first(["down", "absent"], settings, down=failing(EngineError("it is down.")), absent=ABSENT)
    assert error.value.warnings == ("Music: down did not work: it is down.",)


def test_a_cancelled_search_tries_no_other_engine(settings):
    other = Engine(ready, lambda *_: pytest.fail("tried after the cancellation"))
    with pytest.raises(Cancelled):
        first(["stopped", "other"], settings, stopped=failing(Cancelled()), other=other)


def test_what_a_user_is_told_of_a_failure_names_no_path_of_this_machine():
    missing = FileNotFoundError(2, "No such file or directory", "/home/me/clip.mp4")
    assert told(missing) == "No such file or directory."
    assert told(EngineError("The clip is broken.")) == "The clip is broken."

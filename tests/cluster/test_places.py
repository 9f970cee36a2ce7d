"""A stage goes to a worker that has a place free, whatever else runs there and whoever else uses the cluster."""

from collections import Counter

from core.cluster.places import Places

OFFERED = {"one": 1, "two": 1, "three": 2}


def taken(places, kind, number, offered=OFFERED):
    return [places.take(kind, "stage", offered) for _ in range(number)]


def test_no_call_waits_while_a_place_is_free():
    places = Places()
    assert Counter(address for _, address in taken(places, "ACCELERATOR", 4)) == OFFERED
    assert Counter(address for _, address in taken(places, "PROCESSOR", 4)) == OFFERED


def test_a_place_that_was_left_is_taken_next():
    places = Places()
    calls = taken(places, "ACCELERATOR", 4)
    (left,) = [key for key, address in calls if address == "two"]
    places.leave(left)
    assert places.take("ACCELERATOR", "stage", OFFERED)[1] == "two"


def test_of_equals_the_one_where_least_runs_at_all():
    places = Places()
    ((_, busy),) = taken(places, "ACCELERATOR", 1, {"one": 1, "two": 1})
    assert places.take("PROCESSOR", "stage", {"one": 1, "two": 1})[1] != busy


def test_calls_of_other_studios_take_places_and_own_ones_count_once():
    ours, theirs = Places(), Places()
    another, _ = theirs.take("ACCELERATOR", "generate", {"one": 1})
    ours.see({"one": [another, ("a", "tuple")], "two": []})
    own, address = ours.take("ACCELERATOR", "generate", {"one": 1, "two": 1})
    assert address == "two"
    ours.leave(own)
    ours.see({"one": [another], "two": [own]})  # as it was a moment ago
    assert ours.take("ACCELERATOR", "generate", {"one": 1, "two": 1})[1] == "two"


def test_where_all_places_are_taken_the_shares_stay_even():
    places = Places()
    assert Counter(address for _, address in taken(places, "PROCESSOR", 40)) == {"one": 10, "two": 10, "three": 20}


def test_a_cluster_that_is_gone_has_nothing_running():
    places = Places()
    taken(places, "ACCELERATOR", 4)
    places.clear()
    assert Counter(address for _, address in taken(places, "ACCELERATOR", 4)) == OFFERED

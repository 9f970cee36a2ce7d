"""API keys: made, found, withdrawn; never stored."""

import pytest

from jobs import keys
from jobs.database import Store
from jobs.models import ApiKey


@pytest.fixture
def store(on_both):
    store = Store(on_both)
    yield store
    store.close()


def test_a_key_is_found_until_it_is_revoked(store):
    key, other = keys.add("laptop", store), keys.add("phone", store)
    key_id = keys.find(key, store)
    assert len(key_id) == 32
    assert keys.find(other, store) not in (None, key_id)
    assert keys.is_valid(key_id, store)
    assert keys.revoke("laptop", store).id == key_id
    assert (keys.find(key, store), keys.is_valid(key_id, store)) == (None, False)
    assert keys.find(other, store)
    assert keys.revoke("laptop", store) is None


def test_what_is_no_key_is_not_found(store):
    key = keys.add("laptop", store)
    for wrong in ("", "trendtok_", key[:-1], key + "a", key.upper(), "trendtok_\udcff", keys._hash(key)):
        assert keys.find(wrong, store) is None


def test_a_key_is_revoked_by_the_beginning_of_its_id_where_that_is_one_key(store):
    keys.add("one", store)
    keys.add("two", store)
    assert keys.revoke("", store) is None
    assert keys.revoke("%", store) is None
    first, _ = keys.all_of(store)
    assert keys.revoke(first.id[:12], store).name == "one"


def test_the_database_holds_no_key(store):
    key = keys.add("laptop", store)
    with store.reading() as session:
        (row,) = session.query(ApiKey)
        assert key not in str(vars(row))

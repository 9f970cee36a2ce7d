"""The database: made and brought up to date at start, the same on SQLite and PostgreSQL."""

import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from jobs import database
from jobs.database import Store
from jobs.models import QUEUED, Base, Job, add_event
from pipeline import Query
from settings import ROOT, SettingsError


def alembic():
    config = Config()
    config.set_main_option("script_location", str(ROOT / "jobs" / "migrations"))
    return config


def downgraded(settings, version):
    """The database as a studio of an earlier version left it."""
    opened = Store(settings)
    config = alembic()
    with opened.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, version)
    return opened


def a_job(**values):
    values = {"visitor": "v", "key": "k", "query": Query(("AI",)), "state": QUEUED, "created": 1.0} | values
    return Job(id="1" * 32, **values)


def test_the_version_in_the_code_is_the_newest_migration():
    assert ScriptDirectory.from_config(alembic()).get_current_head() == database.SCHEMA


def test_the_migrations_make_what_the_code_works_with(on_both):
    inspector = inspect(Store(on_both).engine)
    for name, table in Base.metadata.tables.items():
        found = {column["name"]: column["nullable"] for column in inspector.get_columns(name)}
        assert found == {column.name: column.nullable for column in table.columns}
        assert {index["column_names"][0] for index in inspector.get_indexes(name)} == {
            column.name for column in table.columns if column.index
        }


def test_an_older_database_keeps_its_rows(on_both):
    old = downgraded(on_both, "0001")
    columns = "id, visitor, key, query, state, progress, events, made, starts, created"
    values = "'abc', 'v', 'k', '{\"tags\": [\"AI\"]}', 'done', 1, 1, '{}', 1, 12.5"
    with old.engine.begin() as connection:
        assert "alive" not in {column["name"] for column in inspect(connection).get_columns("jobs")}
        connection.exec_driver_sql(f"INSERT INTO jobs ({columns}) VALUES ({values})")  # noqa: S608
        connection.execute(text("INSERT INTO job_events VALUES ('abc', 1, '{}')"))
    old.close()
    with Store(on_both).reading() as session:
        job = session.get(Job, "abc")
    assert (job.query, job.state, job.created, job.heartbeat_at) == (Query(("AI",)), "done", 12.5, 0.0)


def test_a_database_of_a_newer_version_is_left_alone(on_both):
    opened = Store(on_both)
    with opened.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingsError, match="newer version"):
        Store(on_both)


def test_processes_that_start_at_once_migrate_once(on_both):
    code = "import sys; from settings import Settings; from jobs.database import Store; Store(Settings.read())"
    variables = {
        "DATA_DIR": str(on_both.data_dir),
        "DATABASE_URL": on_both.database_url,
        "PYTHONPATH": ":".join(sys.path),
    }
    started = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in started:
        assert process.communicate(timeout=120)[1] == ""
    with Store(on_both).reading() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [database.SCHEMA]


def test_what_a_block_wrote_is_gone_when_it_raises(on_both):
    opened = Store(on_both)
    with pytest.raises(ZeroDivisionError), opened.transaction() as session:
        session.add(a_job())
        session.flush()
        _ = 1 / 0
    with opened.reading() as session:
        assert session.get(Job, "1" * 32) is None


def test_writers_take_turns_so_that_no_event_is_lost(on_both):
    opened = Store(on_both)
    with opened.transaction() as session:
        session.add(a_job())

    def note(number):
        for _ in range(10):
            with opened.transaction() as session:
                add_event(session, session.get(Job, "1" * 32), {"from": number})

    threads = [threading.Thread(target=note, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened.reading() as session:
        numbers = session.execute(text("SELECT number FROM job_events ORDER BY number")).scalars().all()
    assert numbers == list(range(1, 81))


def test_a_reader_waits_for_no_writer(on_both):
    opened = Store(on_both)
    with opened.transaction() as writing:
        writing.add(a_job())
        writing.flush()
        with opened.reading() as session:  # on SQLite, a second writer would wait 30 s here and fail
            assert session.get(Job, "1" * 32) is None


@pytest.mark.parametrize("address", ["nonsense", "mongodb://localhost/studio", "postgresql://127.0.0.1:1/studio"])
def test_a_database_that_cannot_be_used_is_a_setting_to_mend(settings, address):
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        Store(replace(settings, database_url=address))

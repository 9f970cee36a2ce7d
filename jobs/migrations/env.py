"""Alembic's entry: brings the database that the studio has opened up to date."""

from alembic import context

from jobs.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()

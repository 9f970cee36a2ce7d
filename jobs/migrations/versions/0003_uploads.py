"""The uploads that jobs use, and the field's names for what is stored of a lease."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

RENAMED = {"made": "results", "starts": "attempts", "alive": "heartbeat_at"}


def upgrade() -> None:
    for old, new in RENAMED.items():
        op.alter_column("jobs", old, new_column_name=new)
    uploads = op.create_table(
        "uploads",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.String(80), primary_key=True, index=True),
    )
    connection = op.get_bind()
    for job_id, query in connection.execute(sa.text("SELECT id, query FROM jobs")).all():
        asked = json.loads(query) if isinstance(query, str) else query
        for key in {key for key, _ in asked.get("uploads", [])}:
            connection.execute(uploads.insert().values(job_id=job_id, key=key))


def downgrade() -> None:
    op.drop_table("uploads")
    for old, new in RENAMED.items():
        op.alter_column("jobs", new, new_column_name=old)

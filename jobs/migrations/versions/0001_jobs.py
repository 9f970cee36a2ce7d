"""Jobs and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("visitor", sa.String(32), nullable=False, index=True),
        sa.Column("key", sa.String(64), nullable=False, index=True),
        sa.Column("query", sa.JSON, nullable=False),
        sa.Column("name", sa.String(100)),
        sa.Column("state", sa.String(10), nullable=False, index=True),
        sa.Column("stage", sa.String(20)),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("made", sa.JSON, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("owner", sa.String(32)),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("started", sa.Float),
        sa.Column("ended", sa.Float),
    )
    op.create_table(
        "job_events",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("job_events")
    op.drop_table("jobs")

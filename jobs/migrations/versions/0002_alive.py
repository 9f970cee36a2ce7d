"""When the instance that runs a job last said that it does."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("alive", sa.Float, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("jobs", "alive")

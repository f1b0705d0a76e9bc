"""Usage by the quarter of an hour instead of UTC's day; what was counted by day lies at its noon."""

import datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COUNTS = ("num_requests", "num_messages", "prompt_tokens", "cached_tokens", "completion_tokens", "engine_ms")


def upgrade() -> None:
    op.create_table(
        "usage_bucket",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        *(sa.Column(count, sa.BigInteger(), server_default="0", nullable=False) for count in COUNTS),
        sa.PrimaryKeyConstraint("user_id", "start_ms", "model"),
    )
    connection = op.get_bind()
    columns = ", ".join(COUNTS)
    move = sa.text(
        f"INSERT INTO usage_bucket (user_id, start_ms, model, {columns})"  # noqa: S608  # our own names
        f" SELECT user_id, :noon_ms, model, {columns} FROM usage_day WHERE day = :day"
    ).bindparams(sa.bindparam("noon_ms", type_=sa.BigInteger()))
    for day in connection.execute(sa.text("SELECT DISTINCT day FROM usage_day")).scalars().all():
        noon = datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00")
        connection.execute(move, {"noon_ms": int(noon.timestamp()) * 1000, "day": day})
    op.drop_table("usage_day")

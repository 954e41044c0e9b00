"""Kernels of pull requests"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _leased() -> list[sa.Column[Any]]:
    return [
        sa.Column("wake_at", sa.Float(precision=53), nullable=True),
        sa.Column("rung_at", sa.Float(precision=53), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Float(precision=53), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("troubles", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("finished_at", sa.Float(precision=53), nullable=True),
    ]


def _pull_request() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=False),
        sa.Column("repository_id", sa.BigInteger(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "kernel_looks",
        *_pull_request(),
        sa.Column("asked", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        *_leased(),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_kernel_looks_due", "kernel_looks", ["wake_at"])
    op.create_table(
        "kernel_checks",
        *_pull_request(),
        sa.Column("look_id", sa.String(length=32), nullable=False),
        sa.Column("kernel", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.String(length=64), nullable=False),
        sa.Column("reference_sha", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.JSON(), nullable=False),
        sa.Column("unread", sa.Text(), nullable=True),
        sa.Column("device", sa.String(length=8), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.Float(precision=53), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=24), nullable=True),
        sa.Column("conclusion", sa.String(length=24), nullable=True),
        sa.Column("document", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("chart", sa.Text(), nullable=True),
        sa.Column("check_run", sa.JSON(none_as_null=True), nullable=True),
        *_leased(),
        sa.ForeignKeyConstraint(["look_id"], ["kernel_looks.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_kernel_checks_due", "kernel_checks", ["wake_at", "lease_until"])
    op.create_index("ix_kernel_checks_head", "kernel_checks", ["repository_id", "head_sha"])


def downgrade() -> None:
    op.drop_table("kernel_checks")
    op.drop_table("kernel_looks")

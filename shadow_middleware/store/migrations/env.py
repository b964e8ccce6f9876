"""What Alembic runs to migrate: on the connection, and in the lock, it is given."""

from __future__ import annotations

from alembic import context

from shadow_middleware.store.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()

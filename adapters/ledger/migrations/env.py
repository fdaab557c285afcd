"""Alembic's entry: migrates the connection that migrate.py hands over, inside its transaction."""

from alembic import context

from adapters.ledger.schema import tickets

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tickets.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

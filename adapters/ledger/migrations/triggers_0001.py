"""Triggers of revision 0001: the event log is append-only, a ticket's identity and manifest never change."""

from typing import Final

from sqlalchemy import Connection

_SQLITE: Final = {
    "run_events_no_update": """
        CREATE TRIGGER run_events_no_update BEFORE UPDATE ON run_events
        BEGIN SELECT RAISE(ABORT, 'run_events is append-only'); END""",
    "run_events_no_delete": """
        CREATE TRIGGER run_events_no_delete BEFORE DELETE ON run_events
        BEGIN SELECT RAISE(ABORT, 'run_events is append-only'); END""",
    "tickets_identity": """
        CREATE TRIGGER tickets_identity BEFORE UPDATE OF id, manifest, manifest_sha256 ON tickets
        WHEN NEW.id IS NOT OLD.id OR NEW.manifest IS NOT OLD.manifest
          OR NEW.manifest_sha256 IS NOT OLD.manifest_sha256
        BEGIN SELECT RAISE(ABORT, 'a ticket''s id and manifest never change'); END""",
}

_POSTGRES: Final = (
    """
    CREATE FUNCTION run_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'run_events is append-only' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """
    CREATE TRIGGER run_events_no_change BEFORE UPDATE OR DELETE ON run_events
    FOR EACH ROW EXECUTE FUNCTION run_events_refuse()""",
    """
    CREATE TRIGGER run_events_no_truncate BEFORE TRUNCATE ON run_events
    FOR EACH STATEMENT EXECUTE FUNCTION run_events_refuse()""",
    """
    CREATE FUNCTION tickets_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'a ticket''s id and manifest never change' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """
    CREATE TRIGGER tickets_identity BEFORE UPDATE OF id, manifest, manifest_sha256 ON tickets
    FOR EACH ROW WHEN (NEW.id IS DISTINCT FROM OLD.id
      OR NEW.manifest::text IS DISTINCT FROM OLD.manifest::text
      OR NEW.manifest_sha256 IS DISTINCT FROM OLD.manifest_sha256)
    EXECUTE FUNCTION tickets_refuse()""",
)

_POSTGRES_DOWN: Final = (
    "DROP TRIGGER run_events_no_change ON run_events",
    "DROP TRIGGER run_events_no_truncate ON run_events",
    "DROP TRIGGER tickets_identity ON tickets",
    "DROP FUNCTION run_events_refuse()",
    "DROP FUNCTION tickets_refuse()",
)


def create_triggers(connection: Connection) -> None:
    for statement in _POSTGRES if connection.dialect.name == "postgresql" else _SQLITE.values():
        connection.exec_driver_sql(statement)


def drop_triggers(connection: Connection) -> None:
    down = [f"DROP TRIGGER {name}" for name in _SQLITE]
    for statement in _POSTGRES_DOWN if connection.dialect.name == "postgresql" else down:
        connection.exec_driver_sql(statement)

"""The audit log can only grow: the database itself refuses a changed entry, and the removal of one younger than 180 days."""

from typing import Any, ClassVar

from django.db import migrations

GUARD = """
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON auditlog_logentry
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON auditlog_logentry
WHEN OLD.timestamp > datetime('now', '-180 days')
BEGIN SELECT RAISE(ABORT, 'the audit log is kept for 180 days'); END;
"""
OPEN = "DROP TRIGGER audit_never_changes; DROP TRIGGER audit_is_kept;"


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("access", "0001_initial"),
        ("auditlog", "0017_add_actor_email"),
    ]
    operations: ClassVar[list[Any]] = [migrations.RunSQL(GUARD, OPEN)]

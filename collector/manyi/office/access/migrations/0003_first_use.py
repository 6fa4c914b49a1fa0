"""Who made an account and its first password, and when each was first used. First passwords of before begin to age now.

Of an account that was in use already nobody knows the first login: its newest one stands there, without an address.
"""

from typing import Any, ClassVar

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("access", "0002_append_only")]
    operations: ClassVar[list[Any]] = [
        migrations.AddField("user", "made_by", models.CharField(blank=True, default="", max_length=32)),
        migrations.AddField("user", "first_login", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL("UPDATE access_user SET first_login = last_login", migrations.RunSQL.noop),
        migrations.AddField("user", "first_address", models.CharField(blank=True, default="", max_length=45)),
        migrations.AddField("user", "password_by", models.CharField(blank=True, default="", max_length=32)),
        migrations.AddField("user", "password_at", models.DateTimeField(default=django.utils.timezone.now)),
        migrations.AddField("user", "password_used", models.DateTimeField(blank=True, null=True)),
    ]

"""Forks are counted as everybody may see them: private forks of public repositories no longer are."""

from django.db import migrations

COUNT = """
UPDATE repos_repository AS r SET forks_count = (
    SELECT count(*) FROM repos_repository AS f WHERE f.upstream_id = r.id AND f.deleted_at IS NULL
       AND (f.visibility = 'public' OR r.visibility = 'private'))
"""


class Migration(migrations.Migration):
    dependencies = [("repos", "0009_uploads_in_parts")]

    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]

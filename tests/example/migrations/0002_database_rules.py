"""What Django cannot declare: the composite foreign key that keeps a child with its parent's organization and patient.

The words for its violated name are in the model's `database_rules`.
"""

from typing import ClassVar

from django.db import migrations

FOREIGN_KEY = """
ALTER TABLE example_specimen ADD CONSTRAINT specimen_parent
    FOREIGN KEY (parent_id, organization, patient_id) REFERENCES example_specimen (id, organization, patient_id);
"""
WITHOUT_FOREIGN_KEY = "ALTER TABLE example_specimen DROP CONSTRAINT specimen_parent;"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("example", "0001_initial")]

    operations: ClassVar = [migrations.RunSQL(FOREIGN_KEY, WITHOUT_FOREIGN_KEY)]

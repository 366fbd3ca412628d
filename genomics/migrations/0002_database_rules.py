"""What Django cannot declare: composite foreign keys, a constraint over an array, a sequence.

A key carries the organization, or an analysis that does, so that no row can stand on another organization's. The words for each violated
name are in the models' `database_rules`.
"""

from typing import ClassVar

from django.db import migrations

FOREIGN_KEYS = """
ALTER TABLE genomics_sample ADD CONSTRAINT sample_parent
    FOREIGN KEY (parent_id, organization, patient_id) REFERENCES genomics_sample (id, organization, patient_id);
ALTER TABLE genomics_analysis ADD CONSTRAINT analysis_sample
    FOREIGN KEY (sample_id, organization) REFERENCES genomics_sample (id, organization);
ALTER TABLE genomics_finding ADD CONSTRAINT finding_analysis
    FOREIGN KEY (analysis_id, organization) REFERENCES genomics_analysis (id, organization);
ALTER TABLE genomics_finding ADD CONSTRAINT finding_variant
    FOREIGN KEY (analysis_id, variant) REFERENCES genomics_variant (analysis_id, id);
ALTER TABLE genomics_report ADD CONSTRAINT report_analysis
    FOREIGN KEY (analysis_id, organization) REFERENCES genomics_analysis (id, organization);
ALTER TABLE genomics_finding ADD CONSTRAINT finding_supersedes
    FOREIGN KEY (supersedes_id, analysis_id, variant) REFERENCES genomics_finding (id, analysis_id, variant);
ALTER TABLE genomics_report ADD CONSTRAINT report_replaces
    FOREIGN KEY (replaces_id, analysis_id) REFERENCES genomics_report (id, analysis_id);
"""

WITHOUT_FOREIGN_KEYS = """
ALTER TABLE genomics_report DROP CONSTRAINT report_replaces;
ALTER TABLE genomics_finding DROP CONSTRAINT finding_supersedes;
ALTER TABLE genomics_report DROP CONSTRAINT report_analysis;
ALTER TABLE genomics_finding DROP CONSTRAINT finding_variant;
ALTER TABLE genomics_finding DROP CONSTRAINT finding_analysis;
ALTER TABLE genomics_analysis DROP CONSTRAINT analysis_sample;
ALTER TABLE genomics_sample DROP CONSTRAINT sample_parent;
"""

# FOR KEY SHARE keeps a finding from vanishing between this look and the commit; a confirmed one is never deleted.
REPORT_FINDINGS = """
CREATE FUNCTION report_findings_are_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    variants uuid[];
BEGIN
    SELECT array_agg(variant) INTO variants FROM (
        SELECT variant FROM genomics_finding
        WHERE id = ANY (NEW.findings) AND analysis_id = NEW.analysis_id AND status = 'confirmed'
        FOR KEY SHARE
    ) AS confirmed;
    IF coalesce(cardinality(variants), 0) <> cardinality(NEW.findings) THEN
        RAISE EXCEPTION 'findings of a report must be confirmed findings of its analysis'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'report_findings';
    END IF;
    IF (SELECT count(DISTINCT v) FROM unnest(variants) AS v) <> cardinality(NEW.findings) THEN
        RAISE EXCEPTION 'a report names a variant twice'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'report_variant_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER report_findings BEFORE INSERT OR UPDATE OF findings, analysis_id ON genomics_report
    FOR EACH ROW EXECUTE FUNCTION report_findings_are_confirmed();
"""

WITHOUT_REPORT_FINDINGS = """
DROP TRIGGER report_findings ON genomics_report;
DROP FUNCTION report_findings_are_confirmed();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("genomics", "0001_initial")]

    operations: ClassVar = [
        migrations.RunSQL(FOREIGN_KEYS, WITHOUT_FOREIGN_KEYS),
        migrations.RunSQL(REPORT_FINDINGS, WITHOUT_REPORT_FINDINGS),
        migrations.RunSQL("CREATE SEQUENCE report_number", "DROP SEQUENCE report_number"),
    ]

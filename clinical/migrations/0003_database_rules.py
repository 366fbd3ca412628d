"""What Django cannot declare: composite foreign keys, and rules that look at another row.

A key carries the organization, so that no row can stand on another organization's. The words for each violated name are
in the models' `database_rules`.
"""

from typing import ClassVar

from django.db import migrations

FOREIGN_KEYS = """
ALTER TABLE clinical_patient ADD CONSTRAINT patient_survivor
    FOREIGN KEY (merged_into_id, organization) REFERENCES clinical_patient (id, organization);
ALTER TABLE clinical_consultation ADD CONSTRAINT consultation_patient
    FOREIGN KEY (patient_id, organization) REFERENCES clinical_patient (id, organization);
ALTER TABLE clinical_phenotype ADD CONSTRAINT phenotype_consultation
    FOREIGN KEY (consultation_id, organization) REFERENCES clinical_consultation (id, organization);
ALTER TABLE clinical_addendum ADD CONSTRAINT addendum_consultation
    FOREIGN KEY (consultation_id, organization) REFERENCES clinical_consultation (id, organization);
ALTER TABLE clinical_genomiclink ADD CONSTRAINT genomiclink_consultation
    FOREIGN KEY (consultation_id, organization) REFERENCES clinical_consultation (id, organization);
ALTER TABLE clinical_diagnosis ADD CONSTRAINT diagnosis_patient
    FOREIGN KEY (patient_id, organization) REFERENCES clinical_patient (id, organization);
-- A merge moves a consultation and its diagnoses to another patient, and not in one statement.
ALTER TABLE clinical_diagnosis ADD CONSTRAINT diagnosis_consultation
    FOREIGN KEY (consultation_id, organization, patient_id) REFERENCES clinical_consultation (id, organization, patient_id)
    DEFERRABLE INITIALLY IMMEDIATE;
"""

WITHOUT_FOREIGN_KEYS = """
ALTER TABLE clinical_diagnosis DROP CONSTRAINT diagnosis_consultation;
ALTER TABLE clinical_diagnosis DROP CONSTRAINT diagnosis_patient;
ALTER TABLE clinical_genomiclink DROP CONSTRAINT genomiclink_consultation;
ALTER TABLE clinical_addendum DROP CONSTRAINT addendum_consultation;
ALTER TABLE clinical_phenotype DROP CONSTRAINT phenotype_consultation;
ALTER TABLE clinical_consultation DROP CONSTRAINT consultation_patient;
ALTER TABLE clinical_patient DROP CONSTRAINT patient_survivor;
"""

# A survivor is registered, and nobody who was merged is one: pointers have no chain and no circle.
MERGES = """
CREATE FUNCTION merged_into_is_registered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM clinical_patient WHERE id = NEW.merged_into_id AND status = 'registered' FOR SHARE;
    IF NEW.merged_into_id IS NOT NULL AND NOT FOUND THEN
        RAISE EXCEPTION 'a patient is merged into a registered one'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'patient_merged_into';
    END IF;
    IF NEW.status <> 'registered' AND EXISTS (SELECT FROM clinical_patient WHERE merged_into_id = NEW.id) THEN
        RAISE EXCEPTION 'others were merged into this patient'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'patient_still_survivor';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER merged_into BEFORE INSERT OR UPDATE OF merged_into_id, status ON clinical_patient
    FOR EACH ROW EXECUTE FUNCTION merged_into_is_registered();

CREATE FUNCTION patient_follows_merge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM clinical_patient WHERE id = OLD.patient_id AND merged_into_id = NEW.patient_id) THEN
        RAISE EXCEPTION 'only a merge moves a record to another patient'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'follows_merge';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER follows_merge BEFORE UPDATE OF patient_id ON clinical_consultation
    FOR EACH ROW WHEN (OLD.patient_id <> NEW.patient_id) EXECUTE FUNCTION patient_follows_merge();
CREATE TRIGGER follows_merge BEFORE UPDATE OF patient_id ON clinical_diagnosis
    FOR EACH ROW WHEN (OLD.patient_id <> NEW.patient_id) EXECUTE FUNCTION patient_follows_merge();
"""

WITHOUT_MERGES = """
DROP TRIGGER follows_merge ON clinical_diagnosis;
DROP TRIGGER follows_merge ON clinical_consultation;
DROP FUNCTION patient_follows_merge();
DROP TRIGGER merged_into ON clinical_patient;
DROP FUNCTION merged_into_is_registered();
"""

# FOR SHARE keeps the patient active, and the consultation from ending, between this look and the commit.
ENTRIES = """
CREATE FUNCTION patient_is_active() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_active boolean;
BEGIN
    SELECT active INTO is_active FROM clinical_patient WHERE id = NEW.patient_id FOR SHARE;
    IF NOT is_active THEN
        RAISE EXCEPTION 'the patient is not active'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'patient_active';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER patient_active BEFORE INSERT ON clinical_consultation
    FOR EACH ROW EXECUTE FUNCTION patient_is_active();
CREATE TRIGGER patient_active BEFORE INSERT ON clinical_diagnosis
    FOR EACH ROW EXECUTE FUNCTION patient_is_active();

CREATE FUNCTION consultation_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM clinical_consultation WHERE id = coalesce(NEW.consultation_id, OLD.consultation_id)
        AND status IN ('planned', 'in-progress', 'on-hold') FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the consultation has ended'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consultation_open';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER consultation_open BEFORE INSERT OR DELETE OR UPDATE OF term, excluded, onset ON clinical_phenotype
    FOR EACH ROW EXECUTE FUNCTION consultation_is_open();
CREATE TRIGGER consultation_open BEFORE INSERT ON clinical_diagnosis
    FOR EACH ROW WHEN (NEW.consultation_id IS NOT NULL) EXECUTE FUNCTION consultation_is_open();
CREATE TRIGGER consultation_still_open BEFORE DELETE ON clinical_diagnosis
    FOR EACH ROW WHEN (OLD.consultation_id IS NOT NULL) EXECUTE FUNCTION consultation_is_open();

CREATE FUNCTION consultation_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM clinical_consultation WHERE id = NEW.consultation_id
        AND status IN ('completed', 'discontinued', 'cancelled') FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the consultation has not ended'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consultation_closed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consultation_closed BEFORE INSERT ON clinical_addendum
    FOR EACH ROW EXECUTE FUNCTION consultation_is_closed();
"""

WITHOUT_ENTRIES = """
DROP TRIGGER consultation_closed ON clinical_addendum;
DROP FUNCTION consultation_is_closed();
DROP TRIGGER consultation_still_open ON clinical_diagnosis;
DROP TRIGGER consultation_open ON clinical_diagnosis;
DROP TRIGGER consultation_open ON clinical_phenotype;
DROP FUNCTION consultation_is_open();
DROP TRIGGER patient_active ON clinical_diagnosis;
DROP TRIGGER patient_active ON clinical_consultation;
DROP FUNCTION patient_is_active();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("clinical", "0002_tables")]

    operations: ClassVar = [
        migrations.RunSQL(FOREIGN_KEYS, WITHOUT_FOREIGN_KEYS),
        migrations.RunSQL(MERGES, WITHOUT_MERGES),
        migrations.RunSQL(ENTRIES, WITHOUT_ENTRIES),
    ]

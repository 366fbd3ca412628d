"""Functions that call functions are bound to them when they are made, not when they run.

A restore runs without a search path, so names inside a quoted body are not found there: the rows of a dump could not be
copied back. The rules themselves stay what they were.
"""

from typing import ClassVar

from django.db import migrations

BOUND = """
CREATE OR REPLACE FUNCTION is_onset(moment varchar) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN is_partial_date(moment)
        OR moment ~ '^P([0-9]{1,3}W|(?=[0-9])([0-9]{1,3}Y)?([0-9]{1,3}M)?([0-9]{1,4}D)?)$'
        OR moment IN (
            'HP:0030674', 'HP:0011460', 'HP:0011461', 'HP:0034199', 'HP:0034198', 'HP:0034197', 'HP:0003577', 'HP:0003623',
            'HP:0410280', 'HP:0003593', 'HP:0011463', 'HP:0003621', 'HP:0003581', 'HP:0011462', 'HP:0025708', 'HP:0025709',
            'HP:0025710', 'HP:0003596', 'HP:0003584', 'HP:4000040', 'HP:6000314', 'HP:6000315'
        );
CREATE OR REPLACE FUNCTION is_code(system text, code text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE system
        WHEN 'SNOMED CT' THEN CASE WHEN code ~ '^([1-9][0-9]{2,14}00|[1-9][0-9]{7,14}10)[0-9]$' THEN has_check_digit(code) ELSE false END
        WHEN 'ICD-10' THEN code ~ '^[A-Z][0-9]{2}(\\.[0-9]{1,2})?$'
        WHEN 'ICD-10-CM' THEN code ~ '^[A-Z][0-9][0-9AB](\\.[0-9A-Z]{1,4})?$'
        WHEN 'MONDO' THEN code ~ '^MONDO:[0-9]{7}$'
        WHEN 'OMIM' THEN code ~ '^OMIM:[0-9]{6}$'
        WHEN 'ORPHA' THEN code ~ '^ORPHA:[0-9]{1,6}$'
        ELSE false
    END;
CREATE OR REPLACE FUNCTION codings_are_valid(codings jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN jsonb_typeof(codings) IS DISTINCT FROM 'array' THEN false
        WHEN jsonb_array_length(codings) NOT BETWEEN 1 AND 20 THEN false
        ELSE (
            SELECT bool_and(is_code(coding ->> 'system', coding ->> 'code') IS TRUE)
                AND count(*) = count(DISTINCT (coding ->> 'system', coding ->> 'code'))
            FROM jsonb_array_elements(codings) AS coding
        )
    END;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("clinical", "0003_database_rules")]

    operations: ClassVar = [
        # The bodies before this one say the same, so there is nothing to take back.
        migrations.RunSQL(BOUND, migrations.RunSQL.noop),
    ]

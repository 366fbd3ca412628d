"""What the constraints of the tables call: partial dates, ages, terms of onset, codes with their check digit.

The same rules as in rules.py, which words them for clients; a test holds the two together.
"""

from typing import ClassVar

from django.db import migrations

MOMENTS = """
CREATE FUNCTION is_partial_date(moment varchar) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN moment !~ '^(18|19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$' THEN false
        ELSE length(moment) < 10 OR pg_input_is_valid(moment, 'date')
    END
$$;
CREATE FUNCTION is_onset(moment varchar) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT is_partial_date(moment)
        OR moment ~ '^P([0-9]{1,3}W|(?=[0-9])([0-9]{1,3}Y)?([0-9]{1,3}M)?([0-9]{1,4}D)?)$'
        OR moment IN (
            'HP:0030674', 'HP:0011460', 'HP:0011461', 'HP:0034199', 'HP:0034198', 'HP:0034197', 'HP:0003577', 'HP:0003623',
            'HP:0410280', 'HP:0003593', 'HP:0011463', 'HP:0003621', 'HP:0003581', 'HP:0011462', 'HP:0025708', 'HP:0025709',
            'HP:0025710', 'HP:0003596', 'HP:0003584', 'HP:4000040', 'HP:6000314', 'HP:6000315'
        )
$$;
-- A partial date covers all it may be, and an age lasts until the next one of its unit: P3Y is the fourth year of life.
-- Months and years differ in length; so ages are counted from two births, and it is enough that one of them allows it.
CREATE FUNCTION is_not_after(earlier varchar, later varchar) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN earlier ~ '^[0-9]' AND later ~ '^[0-9]'
            THEN left(earlier, length(later)) COLLATE "C" <= left(later, length(earlier)) COLLATE "C"
        WHEN earlier ~ '^P' AND later ~ '^P'
            THEN (
                SELECT bool_or(birth + earlier::interval < birth + (later::interval + ('1 ' || CASE right(later, 1)
                    WHEN 'Y' THEN 'year' WHEN 'M' THEN 'month' WHEN 'W' THEN 'week' ELSE 'day' END)::interval))
                FROM (VALUES (timestamp '2001-02-01'), (timestamp '2003-07-01')) AS births (birth)
            )
        ELSE true
    END
$$;
CREATE FUNCTION is_not_before(later varchar, earlier varchar) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN is_not_after(earlier, later);
"""

WITHOUT_MOMENTS = """
DROP FUNCTION is_not_before(varchar, varchar);
DROP FUNCTION is_not_after(varchar, varchar);
DROP FUNCTION is_onset(varchar);
DROP FUNCTION is_partial_date(varchar);
"""

CODINGS = """
-- Verhoeff: the multiplication of the dihedral group D5, and the permutation of each position from the right.
CREATE FUNCTION has_check_digit(number text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    dihedral CONSTANT text := '0123456789123406789523401789563401289567401239567859876043216598710432765982104387659321049876543210';
    permuted CONSTANT text := '01234567891576283094580379614289160435279453126870428657390127938064157046913258';
    digit int;
    result int := 0;
BEGIN
    FOR place IN 0 .. length(number) - 1 LOOP
        digit := substr(number, length(number) - place, 1)::int;
        digit := substr(permuted, place % 8 * 10 + digit + 1, 1)::int;
        result := substr(dihedral, result * 10 + digit + 1, 1)::int;
    END LOOP;
    RETURN result = 0;
END $$;
CREATE FUNCTION is_code(system text, code text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE system
        WHEN 'SNOMED CT' THEN CASE WHEN code ~ '^([1-9][0-9]{2,14}00|[1-9][0-9]{7,14}10)[0-9]$' THEN has_check_digit(code) ELSE false END
        WHEN 'ICD-10' THEN code ~ '^[A-Z][0-9]{2}(\\.[0-9]{1,2})?$'
        WHEN 'ICD-10-CM' THEN code ~ '^[A-Z][0-9][0-9AB](\\.[0-9A-Z]{1,4})?$'
        WHEN 'MONDO' THEN code ~ '^MONDO:[0-9]{7}$'
        WHEN 'OMIM' THEN code ~ '^OMIM:[0-9]{6}$'
        WHEN 'ORPHA' THEN code ~ '^ORPHA:[0-9]{1,6}$'
        ELSE false
    END
$$;
CREATE FUNCTION codings_are_valid(codings jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN jsonb_typeof(codings) IS DISTINCT FROM 'array' THEN false
        WHEN jsonb_array_length(codings) NOT BETWEEN 1 AND 20 THEN false
        ELSE (
            SELECT bool_and(is_code(coding ->> 'system', coding ->> 'code') IS TRUE)
                AND count(*) = count(DISTINCT (coding ->> 'system', coding ->> 'code'))
            FROM jsonb_array_elements(codings) AS coding
        )
    END
$$;
"""

WITHOUT_CODINGS = """
DROP FUNCTION codings_are_valid(jsonb);
DROP FUNCTION is_code(text, text);
DROP FUNCTION has_check_digit(text);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar = []

    operations: ClassVar = [
        migrations.RunSQL(MOMENTS, WITHOUT_MOMENTS),
        migrations.RunSQL(CODINGS, WITHOUT_CODINGS),
    ]

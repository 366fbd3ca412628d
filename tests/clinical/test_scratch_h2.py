import pytest
from tests.api import Api
from tests.database import execute
from .test_querysets import crowded  # noqa

@pytest.mark.django_db
class TestX:
    def test_x(self, crowded):
        api = Api(service="clinical")
        for n in range(30):
            assert api.get(f"diagnoses?code=ORPHA:{n%20+1}").status == 200
        for row in execute("SELECT name, statement, generic_plans, custom_plans, parameter_types FROM pg_prepared_statements WHERE statement LIKE '%%#>>%%' AND statement LIKE 'SELECT%%'"):
            print(row)
            name = row[0]
            s = row[1]; i = s.index("WHERE"); print(s[i:i+400])
        execute("SELECT pg_stat_force_next_flush()")
        print(execute("SELECT indexrelname, idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE relname='clinical_diagnosis'"))
        assert 0

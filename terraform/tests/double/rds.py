"""RDS. All instances of moto have one resource id, by which the provider asks for them; it forgets Performance Insights,
and that it was we who set a parameter.

Automated backups that are replicated to another region are not in it at all. They are kept where they are copied to, and
the instance knows of them.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, DBParameterGroup, rds_backends
from moto.rds.responses import RDSResponse

from .seams import Method, around, operation

# By the ARN of the copies.
COPIES: dict[str, dict[str, Any]] = {}


@around(DBInstance, "__init__")
def with_insights(original: Method, database: DBInstance, *words: Any, **asked_for: Any) -> None:
    original(database, *words, **asked_for)
    database.dbi_resource_id = f"db-{uuid.uuid4().hex[:26].upper()}"
    database.performance_insights_enabled = asked_for.get("enable_performance_insights") or False
    if database.performance_insights_enabled:
        database.performance_insights_kms_key_id = asked_for.get("performance_insights_kms_key_id")
        database.performance_insights_retention_period = asked_for.get("performance_insights_retention_period") or 7
    database.db_instance_automated_backups_replications = []


def source_of(response: RDSResponse, arn: str) -> DBInstance:
    region, name = arn.split(":")[3], arn.rsplit(":", maxsplit=1)[-1]
    return rds_backends[response.current_account][region].databases[name]


@operation(RDSResponse)
def start_db_instance_automated_backups_replication(response: RDSResponse) -> ActionResult:
    asked_for = response.params
    database = source_of(response, asked_for["SourceDBInstanceArn"])
    path = f"auto-backup:ab-{uuid.uuid4().hex[:26]}"
    arn = f"arn:{response.partition}:rds:{response.region}:{response.current_account}:{path}"
    COPIES[arn] = {
        "DBInstanceArn": asked_for["SourceDBInstanceArn"],
        "DBInstanceIdentifier": database.db_instance_identifier,
        "DBInstanceAutomatedBackupsArn": arn,
        "Status": "replicating",
        "BackupRetentionPeriod": asked_for.get("BackupRetentionPeriod") or 7,
        "KmsKeyId": asked_for.get("KmsKeyId"),
        "Encrypted": True,
    }
    database.db_instance_automated_backups_replications = [{"DBInstanceAutomatedBackupsArn": arn}]
    return ActionResult({"DBInstanceAutomatedBackup": COPIES[arn]})


@operation(RDSResponse)
def stop_db_instance_automated_backups_replication(response: RDSResponse) -> ActionResult:
    source = response.params["SourceDBInstanceArn"]
    (arn,) = (arn for arn, each in COPIES.items() if each["DBInstanceArn"] == source)
    source_of(response, source).db_instance_automated_backups_replications = []
    return ActionResult({"DBInstanceAutomatedBackup": COPIES.pop(arn) | {"Status": "deleting"}})


@around(RDSResponse, "describe_db_instance_automated_backups")
def describe_db_instance_automated_backups(original: Method, response: RDSResponse) -> ActionResult:
    arn = response.params.get("DBInstanceAutomatedBackupsArn")
    if arn and arn not in COPIES:
        raise RDSClientError("DBInstanceAutomatedBackupNotFound", f"There is no {arn}.")
    here = [each for name, each in COPIES.items() if name.split(":")[3] == response.region]
    found = [COPIES[arn]] if arn else [*original(response).result["DBInstanceAutomatedBackups"], *here]
    return ActionResult({"DBInstanceAutomatedBackups": found})


@around(DBParameterGroup, "update_parameters")
def update_parameters(original: Method, group: DBParameterGroup, parameters: Any) -> None:
    """Who set a parameter is what the provider asks for first."""
    original(group, [each | {"Source": "user"} for each in parameters])

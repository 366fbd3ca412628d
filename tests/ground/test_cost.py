"""What is counted from a plan, and what it comes to at the reader's prices."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from terraform.cost import HOURS, PAID, PRICES, counted, main, read, table


def plan(*resources: dict[str, Any], **modules: list[dict[str, Any]]) -> dict[str, Any]:
    """As `terraform show -json` has it: resources of the root, and of modules below it."""
    children = [{"address": f"module.{name}", "resources": held} for name, held in modules.items()]
    return {"planned_values": {"root_module": {"resources": list(resources), "child_modules": children}}}


def resource(kind: str, index: str | None = None, mode: str = "managed", **values: Any) -> dict[str, Any]:
    return {"type": kind, "mode": mode, "values": values} | ({"index": index} if index else {})


# What has no price of its own, and what is paid by use. A new kind of resource has to be put here, or counted.
FREE = {
    *("budgets_budget", "ce_cost_allocation_tag", "cloudwatch_event_rule", "cloudwatch_event_target"),
    *("cloudwatch_log_metric_filter", "db_parameter_group", "db_subnet_group", "default_route_table"),
    *(
        "default_security_group",
        "dms_certificate",
        "dms_endpoint",
        "dms_replication_subnet_group",
        "dms_replication_task",
    ),
    *(
        "ecr_lifecycle_policy",
        "ecr_repository_policy",
        "eks_access_entry",
        "eks_access_policy_association",
        "eks_addon",
    ),
    *("eks_pod_identity_association", "iam_openid_connect_provider", "iam_policy", "iam_role", "iam_role_policy"),
    *("iam_role_policies_exclusive", "iam_role_policy_attachment", "iam_role_policy_attachments_exclusive"),
    *("iam_service_linked_role", "internet_gateway", "kms_alias", "launch_template", "route", "route_table"),
    *("route_table_association", "s3_bucket_lifecycle_configuration", "s3_bucket_object_lock_configuration"),
    *("s3_bucket_ownership_controls", "s3_bucket_policy", "s3_bucket_public_access_block", "s3_bucket_versioning"),
    *(
        "s3_bucket_server_side_encryption_configuration",
        "secretsmanager_secret_policy",
        "secretsmanager_secret_version",
    ),
    *("security_group", "sns_topic_policy", "subnet", "vpc", "vpc_security_group_egress_rule"),
    *("vpc_security_group_ingress_rule", "xray_encryption_config", "xray_group"),
}
BY_USE = {
    *("cloudtrail", "cloudwatch_log_group", "codebuild_project", "codepipeline", "config_config_rule"),
    *("config_configuration_recorder", "config_configuration_recorder_status", "config_delivery_channel"),
    *("db_instance_automated_backups_replication", "ecr_repository", "flow_log", "guardduty_detector"),
    *("guardduty_detector_feature", "prometheus_alert_manager_definition", "prometheus_rule_group_namespace"),
    *("prometheus_workspace", "s3_bucket", "secretsmanager_secret_rotation"),
    *("serverlessapplicationrepository_cloudformation_stack", "sns_topic", "sns_topic_subscription"),
}

GROUP: dict[str, Any] = {"instance_types": ["m7g.large", "m7g.xlarge"], "capacity_type": "ON_DEMAND"}
TEMPLATE: dict[str, Any] = {"block_device_mappings": [{"ebs": [{"volume_type": "gp3", "volume_size": 40}]}]}
DATABASE: dict[str, Any] = {
    "instance_class": "db.m7g.large",
    "storage_type": "gp3",
    "allocated_storage": 100,
    "manage_master_user_password": True,
}


class TestCounted:
    def test_modules_below_modules_count(self) -> None:
        inner = plan(network=[resource("aws_nat_gateway")] * 3)
        inner["planned_values"]["root_module"]["child_modules"][0]["child_modules"] = [
            {"resources": [resource("aws_kms_key")]}
        ]
        assert counted(inner) == {"nat gateway hour": 3 * HOURS, "kms key month": 1}

    def test_what_is_only_read_costs_nothing(self) -> None:
        assert counted(plan(resource("aws_kms_key", mode="data"))) == {}

    def test_what_costs_nothing_is_left_out(self) -> None:
        assert counted(plan(resource("aws_iam_role", name="x"))) == {}

    def test_nodes_are_those_that_are_wanted_at_first_with_the_disks_of_their_own_template(self) -> None:
        group = resource("aws_eks_node_group", "general", **GROUP, scaling_config=[{"desired_size": 3}])
        other: dict[str, Any] = {"block_device_mappings": [{"ebs": [{"volume_type": "io2", "volume_size": 9}]}]}
        templates = [
            resource("aws_launch_template", "general", **TEMPLATE),
            resource("aws_launch_template", "x", **other),
        ]
        assert counted(plan(group, *templates)) == {"ec2 m7g.large hour": 3 * HOURS, "ebs gp3 gib month": 120}

    def test_spot_has_a_price_of_its_own(self) -> None:
        group = resource(
            "aws_eks_node_group", "a", **GROUP | {"capacity_type": "SPOT"}, scaling_config=[{"desired_size": 1}]
        )
        assert counted(plan(group)) == {"ec2 m7g.large spot hour": HOURS}

    def test_an_interface_is_paid_for_in_every_zone_and_a_gateway_is_not(self) -> None:
        subnets = [resource("aws_subnet", availability_zone=zone) for zone in "aabbcc"]
        endpoints = [resource("aws_vpc_endpoint", vpc_endpoint_type=kind) for kind in ("Interface", "Gateway")]
        assert counted(plan(*subnets, *endpoints)) == {"vpc endpoint zone hour": 3 * HOURS}

    @pytest.mark.parametrize(("multi_az", "zones"), [(True, "multi-az"), (False, "single-az")])
    def test_a_database_is_its_class_its_storage_and_the_secret_of_its_administrator(
        self, multi_az: bool, zones: str
    ) -> None:
        assert counted(plan(resource("aws_db_instance", **DATABASE, multi_az=multi_az))) == {
            f"rds db.m7g.large {zones} hour": HOURS,
            f"rds gp3 {zones} gib month": 100,
            "secret month": 1,
        }

    def test_a_migration_costs_as_long_as_its_instance_is_there(self) -> None:
        made = resource("aws_dms_replication_instance", replication_instance_class="dms.t3.medium", multi_az=False)
        assert counted(plan(made)) == {"dms dms.t3.medium single-az hour": HOURS}

    def test_every_kind_of_resource_of_the_ground_is_counted_or_known_to_be_free(self) -> None:
        ground = PRICES.parent
        files = [*ground.glob("modules/**/*.tf"), *ground.glob("bootstrap/*.tf")]
        kinds = {
            kind for file in files for kind in re.findall(r'^resource "aws_(\w+)"', file.read_text(), re.MULTILINE)
        }
        assert kinds == FREE | BY_USE | {name.removeprefix("aws_") for name in PAID}


class TestTable:
    def test_a_sum_is_units_times_prices(self) -> None:
        told = table(
            {"kms key month": 8, "nat gateway hour": HOURS}, {"kms key month": 2, "nat gateway hour": 0.5}, "EUR"
        )
        head, key, nat, total, *_ = (line.split() for line in told.splitlines())
        assert head[-1] == "EUR"
        assert (key[-3:], nat[-3:], total[-1]) == (["8", "2", "16.00"], ["730", "0.5", "365.00"], "381.00")
        assert "Without" not in told

    def test_a_price_that_is_missing_is_said_and_not_taken_for_nothing(self) -> None:
        told = table({"kms key month": 8, "secret month": 4}, {"kms key month": None}, "USD")
        assert "Without 2 prices that terraform/prices.json does not have: kms key month, secret month." in told
        assert told.splitlines()[1].split()[-2:] == ["?", "?"]

    def test_what_is_paid_by_use_is_named_and_not_guessed(self) -> None:
        assert "By use, and not counted: traffic through NAT" in table({}, {}, "USD")


class TestPrices:
    def test_none_is_invented_here(self) -> None:
        currency, prices = read(PRICES)
        assert currency == "USD"
        assert prices
        assert set(prices.values()) == {None}

    @pytest.mark.parametrize("price", [True, "0.10", -1, [1]])
    def test_what_is_no_price_is_refused_by_name(self, tmp_path: Path, price: object) -> None:
        (tmp_path / "prices.json").write_text(json.dumps({"currency": "USD", "prices": {"kms key month": price}}))
        with pytest.raises(SystemExit, match=r"kms key month is .*: it has to be null, or an amount of 0 or more"):
            read(tmp_path / "prices.json")

    def test_a_price_of_nothing_is_one(self, tmp_path: Path) -> None:
        (tmp_path / "prices.json").write_text('{"currency": "USD", "prices": {"kms key month": 0}}')
        assert read(tmp_path / "prices.json")[1] == {"kms key month": 0}


@pytest.mark.usefixtures("terraform")
def test_the_verb_reads_a_plan_that_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan(resource("aws_eks_cluster"))), encoding="utf-8")
    main(["dev", "--plan", str(file)])
    assert "eks cluster hour        730" in capsys.readouterr().out

"""A change by hand for every promise, after which it has to be broken: no promise here is unable to fail.

Each is made on a fork of the double, so nothing has to be put back.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from . import production, promises, tags
from .inventory import Inventory
from .promises import Promise

Breach = Callable[[Inventory], object]
BREACHES: list[tuple[Promise, Breach]] = []


def breaks(promise: Promise) -> Callable[[Breach], Breach]:
    def put(breach: Breach) -> Breach:
        BREACHES.append((promise, breach))
        return breach

    return put


@breaks(promises.public_subnets_hold_no_node_and_no_database)
def a_route_to_the_internet_from_the_nodes_subnet(ground: Inventory) -> object:
    ec2, subnet = ground.account.ec2, ground.node_groups[0]["subnets"][0]
    table = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"][0]
    gateway = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [table["VpcId"]]}])
    found = gateway["InternetGateways"][0]["InternetGatewayId"]
    return ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="198.51.100.0/24", GatewayId=found)


@breaks(promises.public_subnets_hold_no_node_and_no_database)
def public_addresses_in_the_databases_subnet(ground: Inventory) -> object:
    subnet = ground.databases[0]["DBSubnetGroup"]["Subnets"][0]["SubnetIdentifier"]
    return ground.account.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})


def open_to_the_world(ground: Inventory, name: str, port: int) -> object:
    group = next(each for each in ground.security_groups if name in each["GroupName"])
    ranges = {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port} | ranges
    return ground.account.ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])


@breaks(promises.only_the_load_balancer_is_open_to_the_world_and_on_443_alone)
def the_nodes_answer_the_world(ground: Inventory) -> object:
    return open_to_the_world(ground, "eks-cluster-sg", 22)


@breaks(promises.only_the_load_balancer_is_open_to_the_world_and_on_443_alone)
def the_load_balancer_answers_without_tls(ground: Inventory) -> object:
    return open_to_the_world(ground, "load-balancer", 80)


@breaks(promises.the_default_security_group_lets_nothing_through)
def a_rule_in_the_default_group(ground: Inventory) -> object:
    return open_to_the_world(ground, "default", 443)


@breaks(promises.every_network_keeps_a_log_of_its_flows)
def flow_logs_are_taken_away(ground: Inventory) -> object:
    return ground.account.ec2.delete_flow_logs(FlowLogIds=[each["FlowLogId"] for each in ground.flow_logs])


@breaks(promises.the_keys_are_ours_and_rotate)
def a_key_stays_as_it_is(ground: Inventory) -> object:
    arn = next(each for each in ground.keys if f":{ground.account.region}:" in each)
    return ground.account.kms.disable_key_rotation(KeyId=arn)


@breaks(promises.the_keys_are_ours_and_rotate)
def a_key_for_everybody(ground: Inventory) -> object:
    arn = next(each for each in ground.keys if f":{ground.account.region}:" in each)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return ground.account.kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=document)


@breaks(promises.everything_that_holds_data_is_encrypted_by_our_keys)
def a_bucket_by_the_key_of_aws(ground: Inventory) -> object:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    configuration = {"Rules": [rule]}
    name = next(iter(ground.buckets))
    return ground.account.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=configuration)


@breaks(promises.everything_that_holds_data_is_encrypted_by_our_keys)
def a_log_group_without_a_key(ground: Inventory) -> object:
    return ground.account.logs.create_log_group(logGroupName="by-hand")


@breaks(promises.everything_that_holds_data_is_encrypted_by_our_keys)
def a_secret_by_the_key_of_aws(ground: Inventory) -> object:
    return ground.account.secretsmanager.create_secret(Name="by-hand", SecretString="made-up")


@breaks(promises.everything_that_holds_data_is_encrypted_by_our_keys)
def a_repository_by_the_key_of_aws(ground: Inventory) -> object:
    return ground.account.ecr.create_repository(repositoryName="by-hand")


@breaks(promises.everything_that_holds_data_is_encrypted_by_our_keys)
def a_topic_without_a_key(ground: Inventory) -> object:
    return ground.account.sns.create_topic(Name="by-hand")


def another_template(ground: Inventory, **data: object) -> object:
    name = ground.launch_templates[0]["name"]
    return ground.account.ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData=data)


@breaks(promises.everything_that_holds_data_is_encrypted_by_our_keys)
def nodes_with_open_disks(ground: Inventory) -> object:
    return another_template(ground, BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": False}}])


@breaks(promises.nodes_ask_for_metadata_by_token_and_pods_get_none)
def metadata_for_pods(ground: Inventory) -> object:
    return another_template(ground, MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 2})


def change_cluster(ground: Inventory, **named: object) -> object:
    return ground.account.eks.update_cluster_config(name=ground.clusters[0]["name"], **named)


@breaks(promises.the_clusters_api_is_private_or_for_a_few)
def an_api_for_the_world(ground: Inventory) -> object:
    return change_cluster(ground, resourcesVpcConfig={"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]})


@breaks(promises.the_cluster_knows_people_by_access_entries_alone)
def the_old_map_of_users(ground: Inventory) -> object:
    return change_cluster(ground, accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})


@breaks(promises.the_control_plane_logs_all_that_it_can)
def no_audit_of_the_cluster(ground: Inventory) -> object:
    return change_cluster(ground, logging={"clusterLogging": [{"types": ["api"], "enabled": True}]})


@breaks(promises.databases_force_tls_and_their_log_holds_no_value)
def a_talkative_database(ground: Inventory) -> object:
    group = ground.databases[0]["DBParameterGroups"][0]["DBParameterGroupName"]
    change = {"ParameterName": "log_error_verbosity", "ParameterValue": "verbose", "ApplyMethod": "immediate"}
    return ground.account.rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[change])


@breaks(promises.databases_force_tls_and_their_log_holds_no_value)
def a_database_without_tls(ground: Inventory) -> object:
    group = ground.databases[0]["DBParameterGroups"][0]["DBParameterGroupName"]
    change = {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    return ground.account.rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[change])


def change_database(ground: Inventory, **named: object) -> object:
    name = ground.databases[0]["DBInstanceIdentifier"]
    return ground.account.rds.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, **named)


@breaks(promises.databases_keep_backups_and_their_master_password_is_nobodys)
def a_database_without_backups(ground: Inventory) -> object:
    return change_database(ground, BackupRetentionPeriod=0)


@breaks(promises.images_keep_their_tags_and_are_scanned)
def tags_that_move(ground: Inventory) -> object:
    name = ground.repositories[0]["repositoryName"]
    return ground.account.ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")


@breaks(promises.buckets_are_closed_versioned_and_spoken_to_over_tls)
def a_bucket_that_may_be_public(ground: Inventory) -> object:
    return ground.account.s3.delete_public_access_block(Bucket=next(iter(ground.buckets)))


@breaks(promises.buckets_are_closed_versioned_and_spoken_to_over_tls)
def a_bucket_without_its_policy(ground: Inventory) -> object:
    return ground.account.s3.delete_bucket_policy(Bucket=next(iter(ground.buckets)))


@breaks(promises.a_trail_of_all_regions_is_kept_and_can_be_checked)
def the_trail_stops(ground: Inventory) -> object:
    return ground.account.cloudtrail.stop_logging(Name=ground.trails[0]["Name"])


@breaks(promises.a_trail_of_all_regions_is_kept_and_can_be_checked)
def the_trail_cannot_be_checked(ground: Inventory) -> object:
    return ground.account.cloudtrail.update_trail(Name=ground.trails[0]["Name"], EnableLogFileValidation=False)


@breaks(promises.there_is_no_user_and_so_no_key_of_one)
def a_user_with_a_key(ground: Inventory) -> object:
    ground.account.iam.create_user(UserName="by-hand")
    return ground.account.iam.create_access_key(UserName="by-hand")


@breaks(tags.everything_says_whose_it_is_and_who_pays)
def a_repository_of_nobody(ground: Inventory) -> object:
    arn = ground.repositories[0]["repositoryArn"]
    return ground.account.ecr.untag_resource(resourceArn=arn, tagKeys=["Owner"])


@breaks(production.databases_outlive_a_zone_and_a_mistake)
def a_database_in_one_zone(ground: Inventory) -> object:
    return change_database(ground, MultiAZ=False)


@breaks(production.databases_outlive_a_zone_and_a_mistake)
def a_database_that_may_be_deleted(ground: Inventory) -> object:
    return change_database(ground, DeletionProtection=False)


@breaks(production.databases_outlive_a_zone_and_a_mistake)
def a_database_that_forgets_in_three_days(ground: Inventory) -> object:
    return change_database(ground, BackupRetentionPeriod=3)


@breaks(production.each_zone_has_a_way_out_of_its_own)
def a_gateway_less(ground: Inventory) -> object:
    gateway = ground.of_our_vpcs("describe_nat_gateways", "NatGateways")[0]
    return ground.account.ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])


@breaks(production.each_zone_has_a_way_out_of_its_own)
def all_zones_by_one_gateway(ground: Inventory) -> object:
    ec2 = ground.account.ec2
    gateway = ground.of_our_vpcs("describe_nat_gateways", "NatGateways")[0]["NatGatewayId"]
    for table in ground.of_our_vpcs("describe_route_tables", "RouteTables"):
        if any(each.get("NatGatewayId") for each in table["Routes"]):
            way = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": gateway}
            ec2.replace_route(RouteTableId=table["RouteTableId"], **way)
    return None


@breaks(production.the_trail_cannot_be_deleted)
def a_trail_without_a_retention(ground: Inventory) -> object:
    bucket = ground.trails[0]["S3BucketName"]
    lock = {"ObjectLockEnabled": "Enabled"}
    return ground.account.s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)


@breaks(production.attacks_on_the_cluster_are_looked_for)
def nobody_reads_the_clusters_audit(ground: Inventory) -> object:
    (detector,) = ground.pages("guardduty", "list_detectors", "DetectorIds")
    features = [{"Name": "EKS_AUDIT_LOGS", "Status": "DISABLED"}]
    return ground.account.guardduty.update_detector(DetectorId=detector, Features=features)


@breaks(production.the_cluster_has_three_nodes_over_three_zones)
def fewer_nodes(ground: Inventory) -> object:
    scaling = {"minSize": 1, "maxSize": 3, "desiredSize": 1}
    eks, name = ground.account.eks, ground.clusters[0]["name"]
    for group in ground.node_groups:
        eks.update_nodegroup_config(clusterName=name, nodegroupName=group["nodegroupName"], scalingConfig=scaling)
    return None

"""Where jobs and Studio run: a VPC of our own that leads nowhere but to AWS, or a given one."""

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from config.network import AnyNetwork, GivenNetwork, PrivateNetwork, PublicNetwork
from sluice.permission import Role, allow, from_this_account
from sluice.waiver import accept, accept_lint

_RETENTION = {
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


class Network(Construct):
    """`vpc`, `subnet_ids` and `security_group_ids` for everything that runs in the network.

    `internet` says whether Studio reaches the internet past it, and jobs may run outside it. Other stacks import these
    from the one that holds the network, and CloudFormation neither changes nor removes an export that is in use:
    docs/operations.md has the order in which another network is deployed.
    """

    vpc: ec2.IVpc
    subnet_ids: list[str]
    security_group_ids: list[str]

    def __init__(self, scope: Construct, id: str, *, settings: AnyNetwork, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self.internet = isinstance(settings, PublicNetwork)
        if isinstance(settings, GivenNetwork):
            zones = list(settings.availability_zones)
            self.vpc = ec2.Vpc.from_vpc_attributes(self, "Vpc", vpc_id=settings.vpc_id, availability_zones=zones)
            self.subnet_ids = list(settings.subnet_ids)
            self.security_group_ids = list(settings.security_group_ids)
            return
        vpc = self._make(settings)
        if isinstance(settings, PrivateNetwork):
            self._open_endpoints(vpc, settings)
            self._log_flows(vpc, settings, key)
        else:
            for rule in ("AwsSolutions-VPC7", "NIST.800.53.R5-VPCFlowLogsEnabled"):
                accept(vpc, rule, f"For trying out, where nothing costs at rest: {settings.reason}")

    def _make(self, settings: PrivateNetwork | PublicNetwork) -> ec2.Vpc:
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            availability_zones=list(settings.availability_zones),
            subnet_configuration=[ec2.SubnetConfiguration(name="Jobs", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
            # Emptying the default group would take a custom resource; nothing of ours uses that group.
            restrict_default_security_group=False,
        )
        accept(
            vpc,
            "NIST.800.53.R5-VPCDefaultSecurityGroupClosed",
            "Emptying it takes a custom resource; nothing of the platform is in that group",
        )
        for subnet in vpc.isolated_subnets:
            accept_lint(subnet, "W3010", "Zones are configured: looking them up needs credentials while synthesizing")
        self.vpc, self.subnet_ids = vpc, [subnet.subnet_id for subnet in vpc.isolated_subnets]
        self.security_group_ids = [self._job_group(vpc, settings.cidr).security_group_id]
        self._within_account = self._from_and_to_this_account()
        s3 = vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        s3.add_to_policy(self._within_account)
        s3.add_to_policy(self._buckets_of_aws())
        return vpc

    def _job_group(self, vpc: ec2.Vpc, cidr: str) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, "Jobs", vpc=vpc, description="Jobs and Studio apps", allow_all_outbound=False)
        within = ec2.Peer.ipv4(cidr)
        # All protocols: encrypted traffic between training instances is ESP and UDP 500, not TCP alone.
        group.add_ingress_rule(within, ec2.Port.all_traffic(), "Instances of one job, and Studio's file system")
        group.add_egress_rule(within, ec2.Port.all_traffic(), "Instances of one job, and Studio's file system")
        # S3 is reached at public addresses by way of the gateway endpoint; there is no other route out.
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.HTTPS, "S3 by way of its gateway endpoint")
        accept(
            group,
            "NIST.800.53.R5-EC2RestrictedCommonPorts",
            "All ports are open to the network's own addresses alone, and no route leads into it from outside",
        )
        return group

    def _open_endpoints(self, vpc: ec2.Vpc, settings: PrivateNetwork) -> None:
        group = ec2.SecurityGroup(
            self, "Endpoints", vpc=vpc, description="Interface endpoints", allow_all_outbound=False
        )
        group.add_ingress_rule(ec2.Peer.ipv4(settings.cidr), ec2.Port.HTTPS, "Calls of AWS from the network")
        for name in settings.interface_endpoints:
            endpoint = vpc.add_interface_endpoint(
                name.title().replace(".", ""),
                service=ec2.InterfaceVpcEndpointAwsService(name),
                security_groups=[group],
                open=False,
                subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            )
            endpoint.add_to_policy(self._within_account)

    def _from_and_to_this_account(self) -> iam.PolicyStatement:
        """An endpoint grants nothing: it keeps keys of another account from coming in, and data from going to one."""
        return iam.PolicyStatement(
            actions=["*"],
            principals=[iam.AnyPrincipal()],
            resources=["*"],
            conditions={
                "StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID, "aws:ResourceAccount": Aws.ACCOUNT_ID}
            },
        )

    def _buckets_of_aws(self) -> iam.PolicyStatement:
        """The exception: buckets that AWS owns and that are read, not always under keys of this account.

        Layers of images that are pulled from inside the VPC (ECR signs their addresses itself), and what Studio shows
        in JumpStart. Source: AWS, ECR interface endpoints, "Minimum Amazon S3 bucket permissions"; aws-samples,
        data-perimeter-policy-examples, service_owned_resources.md.
        """
        stack = Stack.of(self)
        return iam.PolicyStatement(
            actions=["s3:GetObject"],
            principals=[iam.AnyPrincipal()],
            resources=[
                f"arn:{Aws.PARTITION}:s3:::{bucket}/*"
                for bucket in (f"prod-{stack.region}-starport-layer-bucket", f"jumpstart-cache-prod-{stack.region}")
            ],
        )

    def _log_flows(self, vpc: ec2.Vpc, settings: PrivateNetwork, key: kms.IKey) -> None:
        flows = logs.LogGroup(
            self,
            "Flows",
            encryption_key=key,
            retention=_RETENTION[settings.flow_log_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = Role(self, "FlowLogRole", assumed_by=from_this_account("vpc-flow-logs.amazonaws.com"))
        # CDK's own grant would also let the role pass itself, to whichever service.
        allow(role, ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], [flows.log_group_arn])
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=flows.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )

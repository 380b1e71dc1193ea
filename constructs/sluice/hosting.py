"""The role that a workload's model runs as, inside the platform's network."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sluice.network import Network
from sluice.permission import allow


class HostingRole(Construct):
    """`role` reads the artifacts of `workload`, pulls its image, and writes the logs and metrics of `endpoint`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        endpoint: str,
        workload: str,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        network: Network,
    ) -> None:
        super().__init__(scope, id)
        self.role = iam.Role(self, "Resource", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        allow(
            self.role,
            ["s3:GetObject"],
            [artifact_bucket.arn_for_objects(f"{workload}/*")],
            wildcard="A model lies under the execution that trained it, known only at run time",
        )
        allow(self.role, ["kms:Decrypt"], [key.key_arn])
        self._allow_image()
        self._allow_signs_of_life(endpoint)
        self._allow_interfaces(network)

    def _allow_image(self) -> None:
        allow(
            self.role,
            ["ecr:GetAuthorizationToken"],
            ["*"],
            wildcard="These actions have no resource level",
        )
        allow(
            self.role,
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [Stack.of(self).format_arn(service="ecr", account="*", resource="repository", resource_name="*")],
            wildcard="The image is named by the model package; SageMaker's own images lie in accounts of AWS",
        )

    def _allow_signs_of_life(self, endpoint: str) -> None:
        stack = Stack.of(self)
        group = f"log-group:/aws/sagemaker/Endpoints/{endpoint}"
        # SageMaker makes the log group of an endpoint itself, as this role.
        allow(
            self.role,
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:{group}:*"],
            wildcard="One log stream for each instance of the endpoint",
        )
        allow(
            self.role,
            ["cloudwatch:PutMetricData"],
            ["*"],
            conditions={"StringLike": {"cloudwatch:namespace": "*/SageMaker*"}},
            wildcard="These actions have no resource level",
        )

    def _allow_interfaces(self, network: Network) -> None:
        """What SageMaker needs to put the instances into our subnets."""
        stack = Stack.of(self)
        interfaces = stack.format_arn(service="ec2", resource="network-interface", resource_name="*")
        places = [("subnet", identifier) for identifier in network.subnet_ids]
        places += [("security-group", identifier) for identifier in network.security_group_ids]
        arns = [stack.format_arn(service="ec2", resource=kind, resource_name=name) for kind, name in places]
        unknown = "An interface has no name before it exists"
        allow(
            self.role,
            ["ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission"],
            [interfaces, *arns],
            wildcard=unknown,
        )
        vpc = stack.format_arn(service="ec2", resource="vpc", resource_name=network.vpc.vpc_id)
        allow(
            self.role,
            ["ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"],
            [interfaces],
            conditions={"ArnEquals": {"ec2:Vpc": vpc}},
            wildcard=unknown,
        )
        allow(
            self.role,
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            ["*"],
            wildcard="These actions have no resource level",
        )

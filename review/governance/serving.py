"""Models, the configurations of endpoints, endpoints and inference components."""

import re
from collections.abc import Iterator
from typing import Any

from review.governance.checks import TRUE, at_least, at_most, if_set, must, present, when
from review.governance.rule import ASKED, KEPT, Found, Rule, View
from review.governance.values import ABSENT, as_map, reference, strings
from review.model import Severity

MODEL, CONFIG = "AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"
ENDPOINT, COMPONENT = "AWS::SageMaker::Endpoint", "AWS::SageMaker::InferenceComponent"
SCALABLE, ALARM = "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::CloudWatch::Alarm"
VARIANTS = ("ProductionVariants", "ShadowProductionVariants")
# With disks of their own, which SageMaker encrypts by itself: CreateEndpointConfig refuses a key for these.
LOCAL_DISKS = re.compile(r"ml\.(\w+dn?|g5|g6e?|p3dn|p4de?|p5e?n?|inf2|trn1n?|trn2)\.")


def _serverless(variants: Any) -> bool:
    """Every variant is: then neither networks nor capture nor instances are there to be set."""
    return isinstance(variants, list) and bool(variants) and all("ServerlessConfig" in str(each) for each in variants)


def _on_instances(view: View) -> bool:
    return not _serverless(view.known.get("ProductionVariants"))


def _needs_network(view: View) -> bool:
    """Not a model that serverless variants alone serve: for these SageMaker offers neither isolation nor a VPC."""
    served = [
        as_map(config.properties).get("ProductionVariants")
        for stack, config in view.others(CONFIG)
        if stack is view.stack and view.resource.logical_id in set(strings(config.properties))
    ]
    return not served or not all(_serverless(variants) for variants in served)


def _keyed(view: View) -> bool:
    types = [case.value for case in view.at("ProductionVariants.*.InstanceType")]
    return _on_instances(view) and not any(isinstance(each, str) and LOCAL_DISKS.match(each) for each in types)


def _private(view: View) -> Iterator[Found]:
    """An image that is not in ECR comes over the internet, unless the container's registry is in the VPC."""
    for path in ("PrimaryContainer", "Containers.*"):
        for part in view.part(path):
            for case in part.at("Image"):
                if isinstance(case.value, str) and ".dkr.ecr." not in case.value:
                    mode = [each.value for each in part.at("ImageConfig.RepositoryAccessMode")]
                    if mode != ["Vpc"]:
                        yield Found(case.path, f"{case.path} must be in ECR, or its registry in the VPC")


def _instances(view: View) -> Iterator[Found]:
    for variants in VARIANTS:
        fits = view.settings.hosting.holds
        for path in (f"{variants}.*.InstanceType",):
            yield from if_set(path, fits, "must be an instance type that may serve")(view)


def _counts(view: View) -> Iterator[Found]:
    limit = view.settings.instances
    yield from if_set("ProductionVariants.*.InitialInstanceCount", at_least(2), "must be 2 or more")(view)
    for variants in VARIANTS:
        path = f"{variants}.*.InitialInstanceCount"
        yield from if_set(path, at_most(limit), f"must be {limit} at most")(view)


def _concurrency(view: View) -> Iterator[Found]:
    limit = view.settings.serverless_concurrency
    path = "ProductionVariants.*.ServerlessConfig.MaxConcurrency"
    return if_set(path, at_most(limit), f"must be {limit} at most")(view)


def _captures(view: View) -> bool:
    return any(case.value not in (ABSENT, False, "false") for case in view.at("DataCaptureConfig.EnableCapture"))


def _asynchronous(view: View) -> bool:
    return view.at("AsyncInferenceConfig")[0].value is not ABSENT


def _names_no_model(view: View) -> bool:
    """Inference components bring the models; isolation and network are then the configuration's own."""
    return all(case.value is ABSENT for case in view.at("ProductionVariants.*.ModelName"))


def _name(view: View) -> Iterator[Found]:
    """A name that ends in a hash of the inputs is new with each replacement."""
    [*found] = view.at("EndpointConfigName")
    hashed = re.compile(r".*[-.]?[0-9a-f]{8,}$")
    says = "must not be fixed: a configuration can only be replaced, and the name is then taken"
    for case in found:
        if isinstance(case.value, str) and not hashed.match(case.value):
            yield Found(case.path, f"{case.path} {says}")


def _tells_of(view: View, *properties: str) -> set[str]:
    """What other resources may call this one: its logical ID and its name."""
    names = {case.value for path in properties for case in view.at(path) if isinstance(case.value, str)}
    return {view.resource.logical_id, *names}


def _mentioned(view: View, resource: Any, names: set[str]) -> bool:
    """A Fn::Sub or a path (`endpoint/NAME/variant/...`) names it, or a reference does."""
    parts = {part for text in strings(resource) for part in re.split(r"[/${}.:]", text)}
    return bool(names & parts) or "Fn::ImportValue" in str(resource)


def _scales(view: View) -> Iterator[Found]:
    names = _tells_of(view, "EndpointName", "InferenceComponentName")
    scaled = any(
        _mentioned(view, as_map(each.properties).get("ResourceId"), names)
        for _, each in view.others(SCALABLE)
        if as_map(each.properties).get("ServiceNamespace", "sagemaker") == "sagemaker"
    )
    if not scaled and _has_instances(view):
        yield Found(
            "",
            f"{view.resource.logical_id} must be a target of auto scaling in this application",
        )


def _has_instances(view: View) -> bool:
    """False only where its configuration stands beside it and is serverless throughout."""
    name = reference(view.known.get("EndpointConfigName"))
    config = view.stack.resources.get(name)
    return config is None or not _serverless(as_map(config.properties).get("ProductionVariants"))


def _alarmed(view: View) -> Iterator[Found]:
    names = _tells_of(view, "EndpointName")
    if not any(
        _mentioned(view, as_map(each.properties).get("Dimensions", each.properties), names)
        for _, each in view.others(ALARM)
    ):
        yield Found(
            "",
            f"{view.resource.logical_id} must have an alarm in this application",
        )


RULES = (
    Rule(
        "SLUICE-MOD-01",
        "A model's containers are isolated from the network",
        Severity.HIGH,
        (MODEL,),
        "A model is code of others with rows of yours. Isolated, it can send them nowhere and has no credentials.",
        "Set EnableNetworkIsolation to true. A container that must call a service is an exception with a reason.",
        when(_needs_network, must("EnableNetworkIsolation", TRUE, "must be true")),
        f"{ASKED} Models that only serverless variants of the same stack serve are left out: they cannot have it.",
        ("sagemaker-model-isolation-enabled",),
    ),
    Rule(
        "SLUICE-MOD-02",
        "A model runs in a VPC",
        Severity.MEDIUM,
        (MODEL,),
        "Its download of artefacts, and all it may reach, then pass endpoints and security groups of the account.",
        "Set VpcConfig with subnets and security groups.",
        when(_needs_network, present("VpcConfig.Subnets", "VpcConfig.SecurityGroupIds", says="must be set")),
        f"{KEPT} Models that only serverless variants of the same stack serve are left out: they cannot have it.",
        ("sagemaker-model-in-vpc",),
    ),
    Rule(
        "SLUICE-MOD-03",
        "A model's image comes from ECR, or from a registry within the VPC",
        Severity.MEDIUM,
        (MODEL,),
        "A public registry can change or withdraw an image under a running endpoint.",
        "Copy the image to ECR, or set ImageConfig.RepositoryAccessMode to Vpc.",
        _private,
        "An image that the template does not name passes.",
        ("sagemaker-model-private-registry-required", "sagemaker-model-multicontainer-private-registry"),
    ),
    Rule(
        "SLUICE-EPC-01",
        "Volumes of endpoints have a key of the account's own",
        Severity.MEDIUM,
        (CONFIG,),
        "The model lies on them, and so does what it writes.",
        "Set KmsKeyId. Serverless variants and instances with disks of their own take none and are left out.",
        when(_keyed, present("KmsKeyId", says="must name a KMS key")),
        KEPT,
        ("sagemaker-endpoint-configuration-kms-key-configured",),
    ),
    Rule(
        "SLUICE-EPC-02",
        "A variant has two instances at least, and not more than the limit",
        Severity.LOW,
        (CONFIG,),
        "One instance is in one availability zone: with it the endpoint goes. A typing error in the other direction "
        "costs more than most incidents.",
        "Set InitialInstanceCount to 2 or more; the upper limit is the setting `instances`.",
        _counts,
        config=("sagemaker-endpoint-config-prod-instance-count",),
    ),
    Rule(
        "SLUICE-EPC-03",
        "What an endpoint answers is captured",
        Severity.MEDIUM,
        (CONFIG,),
        "Without requests and answers there is no drift to see and no decision to explain.",
        "Set DataCaptureConfig.EnableCapture to true, with a share that the traffic allows. Serverless has none.",
        when(_on_instances, must("DataCaptureConfig.EnableCapture", TRUE, "must be true")),
    ),
    Rule(
        "SLUICE-EPC-04",
        "Captured requests are encrypted with the account's own key",
        Severity.MEDIUM,
        (CONFIG,),
        "They are the data of those who asked.",
        "Set DataCaptureConfig.KmsKeyId.",
        when(_captures, present("DataCaptureConfig.KmsKeyId", says="must name a KMS key")),
        KEPT,
    ),
    Rule(
        "SLUICE-EPC-05",
        "Endpoints run on allowed instance types",
        Severity.MEDIUM,
        (CONFIG,),
        "An endpoint costs by the hour whether or not anybody asks it.",
        "Choose an allowed type, or allow it in the settings (`hosting`).",
        _instances,
    ),
    Rule(
        "SLUICE-EPC-06",
        "Serverless variants are bounded",
        Severity.LOW,
        (CONFIG,),
        "Concurrency is what a flood of requests costs at most, and it is taken from the account's own limit.",
        "Lower MaxConcurrency, or raise the setting `serverless_concurrency`.",
        _concurrency,
    ),
    Rule(
        "SLUICE-EPC-07",
        "Asynchronous answers are encrypted, and their failures told",
        Severity.MEDIUM,
        (CONFIG,),
        "Answers wait in a bucket. A failure that nobody is told of is found when somebody misses an answer.",
        "Set OutputConfig.KmsKeyId and OutputConfig.NotificationConfig.ErrorTopic.",
        when(
            _asynchronous,
            present(
                "AsyncInferenceConfig.OutputConfig.KmsKeyId",
                "AsyncInferenceConfig.OutputConfig.NotificationConfig.ErrorTopic",
                says="must be set",
            ),
        ),
        KEPT,
    ),
    Rule(
        "SLUICE-EPC-08",
        "Nobody opens a shell in a serving container",
        Severity.MEDIUM,
        (CONFIG,),
        "EnableSSMAccess gives a way into the container past every review of its image.",
        "Leave EnableSSMAccess out; look into a copy of the container instead.",
        if_set("ProductionVariants.*.EnableSSMAccess", lambda value: not TRUE(value), "must not be true"),
    ),
    Rule(
        "SLUICE-EPC-09",
        "A configuration's name does not block its replacement",
        Severity.LOW,
        (CONFIG,),
        "All but its tags is fixed at creation, so each change makes a new one first, and a fixed name is then taken.",
        "Leave EndpointConfigName out, or end it in a hash of the configuration.",
        _name,
        "A name that the template does not decide passes.",
    ),
    Rule(
        "SLUICE-EPC-10",
        "Inference components run isolated and in a VPC",
        Severity.HIGH,
        (CONFIG,),
        "Where the variants name no model, network and isolation are set on the configuration for all components.",
        "Set EnableNetworkIsolation to true and VpcConfig on the configuration.",
        when(
            lambda view: _on_instances(view) and _names_no_model(view),
            must("EnableNetworkIsolation", TRUE, "must be true"),
            present("VpcConfig", says="must be set"),
        ),
    ),
    Rule(
        "SLUICE-EP-01",
        "A deployment that fails goes back by itself",
        Severity.MEDIUM,
        (ENDPOINT,),
        "An update replaces a model that works; alarms are what tells within minutes that the new one does not.",
        "Set DeploymentConfig.AutoRollbackConfiguration.Alarms.",
        present("DeploymentConfig.AutoRollbackConfiguration.Alarms", says="must name alarms"),
        KEPT,
    ),
    Rule(
        "SLUICE-EP-02",
        "An endpoint has an alarm",
        Severity.MEDIUM,
        (ENDPOINT,),
        "Errors and latency of a model are its users' to notice, unless an alarm is first.",
        "Make an alarm on Invocation5XXErrors or ModelLatency with the dimension EndpointName.",
        _alarmed,
        "An alarm on a name that another stack exports counts.",
    ),
    Rule(
        "SLUICE-EP-03",
        "Instances of endpoints and copies of components scale with the load",
        Severity.MEDIUM,
        (ENDPOINT, COMPONENT),
        "Fixed numbers are too many at night and too few at noon.",
        "Register a scalable target with a policy; serverless endpoints scale by themselves and are left out.",
        _scales,
        "A target whose name another stack exports counts.",
    ),
)

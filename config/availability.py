"""What this platform is made of and CloudFormation cannot make in every region."""

MODEL_PACKAGE_GROUP = "AWS::SageMaker::ModelPackageGroup"
DOMAIN = "AWS::SageMaker::Domain"
USER_PROFILE = "AWS::SageMaker::UserProfile"

REGISTRY = (MODEL_PACKAGE_GROUP,)
STUDIO = (DOMAIN, USER_PROFILE)

# Of the types in this platform's templates, as the schemas of cfn-lint have them: a test compares. cfn-lint itself is
# no part of what deploys.
MISSING = {
    "ap-east-2": (MODEL_PACKAGE_GROUP,),
    "ap-south-2": (MODEL_PACKAGE_GROUP, USER_PROFILE),
    "ap-southeast-4": (MODEL_PACKAGE_GROUP, USER_PROFILE),
    "ap-southeast-6": (MODEL_PACKAGE_GROUP,),
    "ca-west-1": (DOMAIN, USER_PROFILE),
    "cn-north-1": (MODEL_PACKAGE_GROUP,),
    "cn-northwest-1": (MODEL_PACKAGE_GROUP,),
    "mx-central-1": (DOMAIN, USER_PROFILE),
    "us-gov-east-1": (MODEL_PACKAGE_GROUP,),
}


def missing(region: str, types: tuple[str, ...]) -> list[str]:
    """Those of `types` that CloudFormation does not have in `region`."""
    return [name for name in types if name in MISSING.get(region, ())]

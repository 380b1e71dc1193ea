"""What this platform is made of and CloudFormation cannot make in every region."""

MODEL_PACKAGE_GROUP = "AWS::SageMaker::ModelPackageGroup"
DOMAIN = "AWS::SageMaker::Domain"
USER_PROFILE = "AWS::SageMaker::UserProfile"
MLFLOW_APP = "AWS::SageMaker::MlflowApp"

REGISTRY = (MODEL_PACKAGE_GROUP,)
STUDIO = (DOMAIN, USER_PROFILE)
EXPERIMENTS = (MLFLOW_APP,)
# What SageMaker Model Monitor's jobs are made of; where one is missing, all are.
NATIVE_MONITORS = tuple(f"AWS::SageMaker::{kind}JobDefinition" for kind in ("DataQuality", "ModelBias", "ModelQuality"))
WITHOUT_NATIVE_MONITORS = frozenset(
    (
        *("af-south-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *(
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-2",
            "eu-south-1",
        ),
        *("eu-south-2", "il-central-1", "me-central-1", "mx-central-1", "us-gov-east-1", "us-gov-west-1"),
    )
)

# Of the types in this platform's templates, as the schemas of cfn-lint have them: a test compares. cfn-lint itself is
# no part of what deploys.
MISSING = {
    "af-south-1": (MLFLOW_APP,),
    "ap-east-1": (MLFLOW_APP,),
    "ap-east-2": (MLFLOW_APP, MODEL_PACKAGE_GROUP),
    "ap-northeast-3": (MLFLOW_APP,),
    "ap-south-2": (MLFLOW_APP, MODEL_PACKAGE_GROUP, USER_PROFILE),
    "ap-southeast-3": (MLFLOW_APP,),
    "ap-southeast-4": (MLFLOW_APP, MODEL_PACKAGE_GROUP, USER_PROFILE),
    "ap-southeast-5": (MLFLOW_APP,),
    "ap-southeast-6": (MLFLOW_APP, MODEL_PACKAGE_GROUP),
    "ap-southeast-7": (MLFLOW_APP,),
    "ca-west-1": (DOMAIN, MLFLOW_APP, USER_PROFILE),
    "cn-north-1": (MLFLOW_APP, MODEL_PACKAGE_GROUP),
    "cn-northwest-1": (MLFLOW_APP, MODEL_PACKAGE_GROUP),
    "eu-central-2": (MLFLOW_APP,),
    "eu-south-1": (MLFLOW_APP,),
    "eu-south-2": (MLFLOW_APP,),
    "il-central-1": (MLFLOW_APP,),
    "me-central-1": (MLFLOW_APP,),
    "mx-central-1": (DOMAIN, MLFLOW_APP, USER_PROFILE),
    "us-gov-east-1": (MLFLOW_APP, MODEL_PACKAGE_GROUP),
    "us-gov-west-1": (MLFLOW_APP,),
}


def missing(region: str, types: tuple[str, ...]) -> list[str]:
    """Those of `types` that CloudFormation does not have in `region`."""
    return [name for name in types if name in MISSING.get(region, ())]

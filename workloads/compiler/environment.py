"""What the SDK reads of its surroundings, made the same for everybody."""

import os

# Only picks endpoints that are never called: the definition is the same for every region.
REGION = "us-east-1"


def isolate() -> None:
    """Cuts off the user's AWS profile and SDK defaults, which must not reach a committed file.

    The SDK reads some of this while it is imported, so call this before.
    """
    for name in [name for name in os.environ if name.startswith(("AWS_", "SAGEMAKER_"))]:
        del os.environ[name]
    os.environ.update(
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_DEFAULT_REGION=REGION,  # the SDK makes a client while it is imported
        SAGEMAKER_VALIDATE_ROLE="false",  # else the SDK asks IAM whether the role exists
        SAGEMAKER_ADMIN_CONFIG_OVERRIDE=os.devnull,
        SAGEMAKER_USER_CONFIG_OVERRIDE=os.devnull,
    )

"""Step Functions reads and writes objects of S3 under the state machine's role, which ministack does not do at all.

Source: Step Functions Developer Guide, "Learning to use AWS service SDK integrations". That a Body comes as text, and
that a Body that is no text is written as JSON, is what users report; AWS does not document it.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.services import stepfunctions

from rehearsal.sagemaker.store import AwsError

ACTIONS = ("getObject", "putObject")


def mend(client: Callable[[], Any]) -> None:
    """`client` gives S3 as the role of the state machine whose task is running."""
    plain = stepfunctions._dispatch_aws_sdk_rest_xml

    def dispatched(info: dict[str, Any], service: str, action: str, given: Any) -> Any:
        if service != "s3" or action not in ACTIONS:
            return plain(info, service, action, given)
        try:
            return _get(client(), given) if action == "getObject" else _put(client(), given)
        except ClientError as error:
            told = error.response["Error"]
            name = told["Code"].removesuffix("Exception")
            # Of what these two may meet, S3's model has NoSuchKey alone; an SDK for Java names all others so.
            known = f"S3.{name}Exception" if name == "NoSuchKey" else "S3.S3Exception"
            raise stepfunctions._ExecutionError(known, told["Message"]) from error
        except (BotoCoreError, AwsError) as error:
            raise stepfunctions._ExecutionError("S3.S3Exception", str(error)) from error

    stepfunctions._dispatch_aws_sdk_rest_xml = dispatched


def _get(s3: Any, given: dict[str, Any]) -> dict[str, Any]:
    answer = s3.get_object(**given)
    return {"Body": answer["Body"].read().decode(), "ETag": answer["ETag"], "ContentLength": answer["ContentLength"]}


def _put(s3: Any, given: dict[str, Any]) -> dict[str, Any]:
    body = given.get("Body", "")
    text = body if isinstance(body, str) else json.dumps(body)
    return {"ETag": s3.put_object(**{**given, "Body": text.encode()})["ETag"]}

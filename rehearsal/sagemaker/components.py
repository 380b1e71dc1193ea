"""Inference components: records with copies; nothing runs in them, and their endpoint grows and shrinks with them.

Developer guide, "Scale an endpoint to zero instances": where managed instance scaling is on with a minimum of 0, an
endpoint has no instances while no component has copies.
"""

from typing import TYPE_CHECKING, Any

from rehearsal.sagemaker.store import AwsError, Record

if TYPE_CHECKING:
    from rehearsal.sagemaker.service import Service

NOUN = "InferenceComponent"


def complete(service: "Service", record: Record) -> None:
    """Raises AwsError when what it names does not exist; AWS's words for variants are not verified."""
    endpoint = service.store.find("Endpoint", **record)
    service.store.find("Model", **record["Specification"])
    config = service.store.find("EndpointConfig", **endpoint)
    hosting = [v["VariantName"] for v in config["ProductionVariants"] if "ModelName" not in v]
    if record["VariantName"] not in hosting:
        raise AwsError(
            "ValidationException",
            f"Variant {record['VariantName']} of endpoint {endpoint['EndpointName']} hosts no inference components.",
        )
    record["EndpointArn"] = endpoint["EndpointArn"]
    copies = record["RuntimeConfig"]["CopyCount"]
    record["RuntimeConfig"] = {"DesiredCopyCount": copies, "CurrentCopyCount": 0}


def set_copies(service: "Service", request: dict[str, Any]) -> dict[str, Any]:
    """UpdateInferenceComponentRuntimeConfig."""
    operation = "UpdateInferenceComponentRuntimeConfig"
    record = service.store.find(NOUN, operation, **request)
    if record["InferenceComponentStatus"] != "InService":  # AWS's words are not verified
        message = f"{record['InferenceComponentArn']} is {record['InferenceComponentStatus']}, not InService."
        raise AwsError("ValidationException", message)
    copies = request["DesiredRuntimeConfig"]["CopyCount"]
    service.move(NOUN, record, "Updating", RuntimeConfig={**record["RuntimeConfig"], "DesiredCopyCount": copies})

    def settle() -> None:
        with service.lock:
            if record["InferenceComponentStatus"] == "Updating":
                service.move(NOUN, record, "InService")
                settled(service, record)

    service.clock.after(service.pace_seconds, settle)
    return record


def settled(service: "Service", record: Record) -> None:
    """It has the copies that were asked for, and its endpoint the instances that these need."""
    record["RuntimeConfig"] = {
        **record["RuntimeConfig"],
        "CurrentCopyCount": record["RuntimeConfig"]["DesiredCopyCount"],
    }
    scale(service, record)


def scale(service: "Service", record: Record) -> None:
    """Put the instances of the variant that hosts a component, which may be gone by now, in step with all copies."""
    beside = [r for r in service.store.all(NOUN) if r["EndpointName"] == record["EndpointName"]]
    copies = sum(r["RuntimeConfig"]["DesiredCopyCount"] for r in beside if r["VariantName"] == record["VariantName"])
    endpoint = service.store.find("Endpoint", **record)
    for variant in endpoint.get("ProductionVariants", []):
        scaling = variant.get("ManagedInstanceScaling", {})
        if variant["VariantName"] == record["VariantName"] and scaling.get("Status") == "ENABLED":
            least = scaling.get("MinInstanceCount", 1)
            count = max(least, variant["CurrentInstanceCount"] or 1) if copies else least
            variant |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}

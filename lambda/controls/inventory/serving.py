"""Endpoints, by variant, and their inference components."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from controls.inventory.place import TROUBLES, Place, Row
from controls.inventory.usage import Dimensions, last_invoked
from controls.inventory.variant import Variant, variants
from controls.resource import Kind, Resource

# It has no instances in any other status, or they are about to go.
_BILLED = {"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed", "OutOfService"}


class Serving:
    """`endpoints` and `components` as they describe themselves: another's may use a model of ours.

    With `ours`, ours alone, which is enough to know what they cost.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._configs: dict[str, Row | None] = {}
        self.components: list[Row] = []
        self.endpoints: list[Row] = []

    def read(self, *, ours: bool = False) -> None:
        place = self._place
        parts = place.listed("list_inference_components", "InferenceComponents")
        self.components = list(place.each(Kind.INFERENCE_COMPONENT, parts, self._component))
        rows = place.listed("list_endpoints", "Endpoints")
        wanted = (row for row in rows if not ours or place.ours(row["EndpointArn"]))
        self.endpoints = list(place.each(Kind.ENDPOINT, wanted, self._endpoint))

    def read_one(self, endpoint: str) -> None:
        """One endpoint with its components, as they are now; neither when it is gone."""
        self.endpoints = [told for told in (self._endpoint({"EndpointName": endpoint}),) if told]
        parts = self._place.listed("list_inference_components", "InferenceComponents", EndpointNameEquals=endpoint)
        self.components = [told for told in map(self._component, parts) if told]

    def config(self, name: str) -> Row | None:
        if name not in self._configs:
            self._configs[name] = self._place.described("describe_endpoint_config", EndpointConfigName=name)
        return self._configs[name]

    def resources(self, *, use: bool = True) -> Iterator[Resource]:
        """Endpoints and components of ours; without `use`, not when they were last used."""
        place = self._place
        of = dict(place.each(Kind.ENDPOINT, self.endpoints, lambda row: (row["EndpointName"], self._variants(row))))
        ours = [row for row in self.endpoints if place.ours(row["EndpointArn"]) and row["EndpointName"] in of]
        parts = [row for row in self.components if place.ours(row["InferenceComponentArn"])]
        last = self._last_invoked(of, ours, parts) if use else {}
        for row in ours:
            yield self._as_endpoint(row, of[row["EndpointName"]], last.get(row["EndpointArn"]))
        for row in parts:
            variant = of.get(row["EndpointName"], {}).get(row.get("VariantName", ""))
            yield self._as_component(row, variant, last.get(row["InferenceComponentArn"]))

    def _last_invoked(
        self, of: dict[str, dict[str, Variant]], ours: list[Row], parts: list[Row]
    ) -> dict[str, datetime | None]:
        asked: dict[str, Sequence[Dimensions]] = {}
        hosts = {row["EndpointName"] for row in self.components}
        for row in ours:
            if row["EndpointName"] not in hosts and row["EndpointStatus"] == "InService":
                asked[row["EndpointArn"]] = _invocations(row, of[row["EndpointName"]])
        for row in parts:
            asked[row["InferenceComponentArn"]] = [{"InferenceComponentName": row["InferenceComponentName"]}]
        try:
            return last_invoked(self._place, asked)
        except TROUBLES as error:  # what is not known to idle is kept
            self._place.trouble(Kind.ENDPOINT, error)
            return {}

    def _endpoint(self, row: Row) -> Row | None:
        return self._place.described("describe_endpoint", EndpointName=row["EndpointName"])

    def _component(self, row: Row) -> Row | None:
        name = row["InferenceComponentName"]
        return self._place.described("describe_inference_component", InferenceComponentName=name)

    def _variants(self, row: Row) -> dict[str, Variant]:
        if row["EndpointStatus"] not in _BILLED or not self._place.ours(row["EndpointArn"]):
            return {}
        return variants(self._place, row, self.config(row["EndpointConfigName"]) or {})

    def _copies(self, endpoint: str, variant: str) -> int:
        return sum(
            copies_of(row)
            for row in self.components
            if (row["EndpointName"], row.get("VariantName")) == (endpoint, variant)
        )

    def _as_endpoint(self, row: Row, of: dict[str, Variant], last: datetime | None) -> Resource:
        name = row["EndpointName"]
        dearest = max(of.values(), key=lambda variant: variant.usd_each, default=None)
        return self._place.resource(
            Kind.ENDPOINT,
            name,
            row["EndpointArn"],
            status=row["EndpointStatus"],
            created_at=row["CreationTime"],
            changed_at=row["LastModifiedTime"],
            instance_type=dearest.instance_type if dearest else "",
            instance_count=sum(variant.count for variant in of.values()),
            usd_per_hour=sum(variant.usd(self._copies(name, each)) for each, variant in of.items()),
            estimated=any(variant.estimated for variant in of.values()),
            idle_since=last,
            scales_to_zero=any(each["EndpointName"] == name for each in self.components),
            detail={"configuration": row.get("EndpointConfigName", "")},
        )

    def _as_component(self, row: Row, variant: Variant | None, last: datetime | None) -> Resource:
        copies = copies_of(row)
        in_all = self._copies(row["EndpointName"], row.get("VariantName", ""))
        return self._place.resource(
            Kind.INFERENCE_COMPONENT,
            row["InferenceComponentName"],
            row["InferenceComponentArn"],
            status=row["InferenceComponentStatus"],
            created_at=row["CreationTime"],
            changed_at=row["LastModifiedTime"],
            instance_type=variant.instance_type if variant else "",
            usd_per_hour=copies * variant.usd_of_copy(in_all) if variant and copies else 0.0,
            estimated=variant.estimated if variant else False,
            idle_since=last,
            detail={
                "endpoint": row["EndpointName"],
                "variant": row.get("VariantName", ""),
                "copies": str(wanted_copies(row)),
            },
        )


def copies_of(component: Row) -> int:
    return component.get("RuntimeConfig", {}).get("CurrentCopyCount", 0)


def wanted_copies(component: Row) -> int:
    """How many it has once it is in service."""
    return component.get("RuntimeConfig", {}).get("DesiredCopyCount", copies_of(component))


def _invocations(row: Row, of: dict[str, Variant]) -> list[Dimensions]:
    """None where nothing can be told by them: an asynchronous endpoint works from a queue, which they do not show.

    Nor are they asked of what costs nothing while idle.
    """
    if "AsyncInferenceConfig" in row or not any(variant.usd(0) for variant in of.values()):
        return []
    return [{"EndpointName": row["EndpointName"], "VariantName": name} for name in of]

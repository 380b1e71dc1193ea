"""What one variant of an endpoint has and costs."""

from dataclasses import dataclass

from controls.inventory.place import Place, Row

# USD an hour for a GB of provisioned concurrency, above what us-east-1 was told to cost. Not verified.
_GB_HOUR = 0.02


@dataclass(frozen=True)
class Variant:
    """`floor`: how many of `count` instances stay when nothing is asked of it. `fixed_usd`: of a serverless one."""

    instance_type: str
    count: int
    floor: int
    usd_each: float
    fixed_usd: float
    estimated: bool

    def usd(self, copies: int) -> float:
        """An hour of it, but for what its components, of which it runs `copies`, could save."""
        return self.fixed_usd + self.usd_each * (min(self.floor, self.count) if copies else self.count)

    def usd_of_copy(self, copies: int) -> float:
        """The share of one copy of a component in the instances that go with them."""
        return self.usd_each * max(self.count - self.floor, 0) / copies


def variants(place: Place, endpoint: Row, config: Row) -> dict[str, Variant]:
    """Each variant by name, shadow variants too. Types are told by the configuration alone, counts by the endpoint."""
    configured = {each["VariantName"]: each for each in _all(config)}
    return {
        each["VariantName"]: _variant(place, each, configured.get(each["VariantName"], {})) for each in _all(endpoint)
    }


def _variant(place: Place, told: Row, configured: Row) -> Variant:
    count = told.get("CurrentInstanceCount", configured.get("InitialInstanceCount", 1))
    if "InstanceType" not in configured:
        serverless = told.get("CurrentServerlessConfig") or configured.get("ServerlessConfig", {})
        # Without provisioned concurrency it costs nothing while idle.
        gigabytes = serverless.get("MemorySizeInMB", 0) / 1024 * serverless.get("ProvisionedConcurrency", 0)
        return Variant("", 0, 0, 0.0, gigabytes * _GB_HOUR, gigabytes > 0)
    rate = place.prices.rate(place.region, "Hosting", configured["InstanceType"])
    scaling = configured.get("ManagedInstanceScaling", {})
    floor = scaling.get("MinInstanceCount", 0) if scaling.get("Status") == "ENABLED" else count
    return Variant(configured["InstanceType"], count, floor, rate.usd_per_hour, 0.0, rate.estimated)


def _all(row: Row) -> list[Row]:
    return [*row.get("ProductionVariants", []), *row.get("ShadowProductionVariants", [])]

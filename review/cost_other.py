"""What else has a price by the month: keys, endpoints of a network, gateways, alarms, dashboards, tables..."""

from typing import Any

from config.prices import FLOW_LOG_GB_PER_ZONE
from review import cost_prices as prices
from review.cloud_assembly import Resource, Stack
from review.cost_charge import Charge
from review.cost_prices import HOURS, Price
from review.cost_side import Side
from review.cost_values import UNKNOWN

_NEVER_EXPIRES_DAYS = 365  # what is kept for ever is counted with its first year


def key(side: Side, stack: Stack, resource: Resource) -> Charge:
    more = f"{prices.KEY.usd:.2f} more after each of its first two yearly rotations"
    rotates = side.values(stack).at(resource.properties, "EnableKeyRotation") is True
    return _flat(prices.KEY, 1, more if rotates else "")


def replica_key(side: Side, stack: Stack, resource: Resource) -> Charge:
    return _flat(prices.KEY, 1)


def network_endpoint(side: Side, stack: Stack, resource: Resource) -> Charge:
    values = side.values(stack)
    kind = values.at(resource.properties, "VpcEndpointType")
    if kind in (None, "Gateway"):
        return Charge(0.0, 0.0, "a gateway costs nothing")
    subnets = values.at(resource.properties, "SubnetIds")
    if kind != "Interface" or not isinstance(subnets, list):
        why = "its subnets are not known from the template" if kind == "Interface" else f"no price of a {kind} endpoint"
        return Charge(unpriced=why if kind is not UNKNOWN else "its kind is not known from the template")
    zones = len(values.items(subnets))
    told = f"in {zones} zone{'s' * (zones != 1)}, {HOURS} h; data comes on top"
    return _flat(prices.INTERFACE_ENDPOINT, zones * HOURS, told)


def nat_gateway(side: Side, stack: Stack, resource: Resource) -> Charge:
    return _flat(prices.NAT_GATEWAY, HOURS, f"{HOURS} h; data comes on top")


def address(side: Side, stack: Stack, resource: Resource) -> Charge:
    return _flat(prices.PUBLIC_ADDRESS, HOURS, f"{HOURS} h")


def flow_log(side: Side, stack: Stack, resource: Resource) -> Charge:
    """An idle interface writes little; what traffic writes comes on top."""
    values = side.values(stack)
    if values.at(resource.properties, "LogDestinationType") not in (None, "cloud-watch-logs"):
        return Charge(unpriced="by use: what is logged to S3 or Firehose")
    network = values.raw(resource.properties, "ResourceId")
    zones = len({str(zone) for zone, of in side.subnets(stack) if of == network}) or 1
    groups = [*side.named(stack, values.raw(resource.properties, "LogGroupName"), "AWS::Logs::LogGroup")]
    days: float | None = _NEVER_EXPIRES_DAYS
    if groups:
        home = side.stacks[groups[0][0]]
        group = home.resources[groups[0][1]]
        days = side.values(home).number(group.properties, "RetentionInDays", default=_NEVER_EXPIRES_DAYS)
    days = _NEVER_EXPIRES_DAYS if days is None else days
    gigabytes = FLOW_LOG_GB_PER_ZONE * zones
    usd = gigabytes * (prices.LOGS_TAKEN_IN.usd + prices.LOGS_KEPT.usd * days / 30)
    told = f"idle, {gigabytes:g} GB a month, kept {days:g} days; traffic comes on top"
    return Charge(usd, usd, told, dates=(prices.LOGS_KEPT.as_of,))


def alarm(side: Side, stack: Stack, resource: Resource) -> Charge:
    values = side.values(stack)
    if values.at(resource.properties, "Metrics") is UNKNOWN:
        return Charge(unpriced="its metrics are not known from the template")
    metrics = values.items(resource.properties, "Metrics")
    periods = [values.number(each, "MetricStat", "Period") for each in metrics]
    periods = [*periods, values.number(resource.properties, "Period")]
    if any(period is not None and period < 60 for period in periods):
        return Charge(unpriced="no price of an alarm of high resolution is known here")
    count = sum(values.at(each, "MetricStat") is not None for each in metrics) or 1
    banded = any("ANOMALY_DETECTION_BAND" in values.text(each, "Expression") for each in metrics)
    count += 2 * banded  # the band's two borders are metrics as well
    return _flat(prices.ALARM_METRIC, count, f"{count} metric{'s' * (count != 1)}")


def dashboard(side: Side, stack: Stack, resource: Resource) -> Charge:
    return _flat(prices.DASHBOARD, 1)


def metric(side: Side, stack: Stack, resource: Resource) -> Charge:
    """A metric filter makes a metric, which is billed in the hours that have data."""
    return Charge(prices.METRIC.usd, 0.0, "one metric with data in each hour", dates=(prices.METRIC.as_of,))


def secret(side: Side, stack: Stack, resource: Resource) -> Charge:
    replicas = len(side.values(stack).items(resource.properties, "ReplicaRegions"))
    return _flat(prices.SECRET, 1 + replicas, f"and {replicas} replicas" if replicas else "")


def table(side: Side, stack: Stack, resource: Resource) -> Charge:
    """DynamoDB's capacity where it is provisioned, which is the default; what is stored comes on top."""
    values = side.values(stack)
    if values.at(resource.properties, "BillingMode") == "PAY_PER_REQUEST":
        return Charge(unpriced="by use: reads, writes and what is stored")
    usd, units = 0.0, []
    for holder in (resource.properties, *values.items(resource.properties, "GlobalSecondaryIndexes")):
        read, write = (
            values.number(holder, "ProvisionedThroughput", f"{kind}CapacityUnits") for kind in ("Read", "Write")
        )
        if read is None or write is None:
            return Charge(unpriced="its capacity is not known from the template")
        usd += (read * prices.READ_CAPACITY.usd + write * prices.WRITE_CAPACITY.usd) * HOURS
        units.append(f"{read:g} read and {write:g} write units")
    told = f"{', '.join(units)}, {HOURS} h; what is stored comes on top"
    return Charge(usd, usd, told, dates=(prices.READ_CAPACITY.as_of,))


def function_version(side: Side, stack: Stack, resource: Resource) -> Charge | None:
    """None where nothing is provisioned: a version and an alias are names."""
    for name in ("ProvisionedConcurrencyConfig", "ProvisionedConcurrencyConfiguration"):
        if side.values(stack).at(resource.properties, name) is not None:
            return Charge(unpriced="no price of Lambda's provisioned concurrency is known here")
    return None


def parameter(side: Side, stack: Stack, resource: Resource) -> Charge | None:
    """None in the standard tier, which is free."""
    tier: Any = side.values(stack).at(resource.properties, "Tier")
    return Charge(unpriced="no price of an advanced parameter is known here") if tier in ("Advanced", UNKNOWN) else None


def _flat(price: Price, units: float, told: str = "") -> Charge:
    usd = price.usd * units
    return Charge(usd, usd, told, dates=(price.as_of,))

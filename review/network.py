"""What a change of security groups opens."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from review.cloud_assembly import Stack
from review.iam.branches import ALWAYS, Guard, guarded
from review.iam.identity import place
from review.iam.patterns import shown
from review.iam.principals import properties
from review.iam.references import References, Target
from review.iam.values import is_covered
from review.model import Finding, Kind, Place, Severity

_GROUP = "AWS::EC2::SecurityGroup"
_SEPARATE = {f"{_GROUP}Ingress": "ingress", f"{_GROUP}Egress": "egress"}
_PEERS = (
    "SourceSecurityGroupId",
    "SourceSecurityGroupName",
    "DestinationSecurityGroupId",
    "SourcePrefixListId",
    "DestinationPrefixListId",
)
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
_WORLD = ("0.0.0.0/0", "::/0")
_FIX = {
    "ingress": "Ask who must reach this, and name that security group or range.",
    "egress": "Ask what must be reached, and name it, or go through a VPC endpoint.",
}


@dataclass(frozen=True)
class Rule:
    """`peer` is a range of addresses, or the text of a group or a prefix list. `ports` is None where it is unknown."""

    guard: Guard
    protocol: str
    ports: tuple[float, float] | None
    peer: str
    written: str = ""

    def holds(self, other: "Rule") -> bool:
        """Whether all that `other` lets through this does, as far as the peer is the same."""
        if not self.guard <= other.guard or self.protocol not in ("-1", other.protocol):
            return False
        if self.protocol == "-1" or self == other:
            return True
        mine, others = self.ports, other.ports
        return bool(mine and others and mine[0] <= others[0] and others[1] <= mine[1]) or self.written == other.written

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
        try:
            return ipaddress.ip_network(self.peer, strict=False)
        except ValueError:
            return None


@dataclass
class Group:
    place: Place
    rules: dict[str, list[Rule]] = field(default_factory=lambda: {"ingress": [], "egress": []})


def findings(base: References, head: References) -> Iterator[Finding]:
    before, after = _groups(base), _groups(head)
    for key, new in after.items():
        for way, rules in new.rules.items():
            old = before.get(key)
            if old is not None:
                yield from _opened(new.place, way, old.rules[way], rules)
            elif way == "ingress":
                world = [rule for rule in rules if rule.peer in _WORLD]
                yield from _finding(new.place, way, world, "is new and lets in")


def _opened(where: Place, way: str, before: list[Rule], after: list[Rule]) -> Iterator[Finding]:
    verb = "now lets in" if way == "ingress" else "now lets out to"
    found = [rule for rule in after if not _covered(rule, before)]
    unsure = [rule for rule in found if _is_open_to_doubt(rule, before)]
    yield from _finding(where, way, [rule for rule in found if rule not in unsure], verb)
    yield from _finding(where, way, unsure, f"changes: look whether it {verb}", Severity.MEDIUM)


def _covered(rule: Rule, before: Iterable[Rule]) -> bool:
    holding = [each for each in before if each.holds(rule)]
    if any(each.peer == rule.peer for each in holding):
        return True
    network = rule.network
    return network is not None and is_covered(network, [other for each in holding if (other := each.network)])


def _is_open_to_doubt(rule: Rule, before: list[Rule]) -> bool:
    """A range or a port is known at deployment only, on one side."""
    unknown = [each for each in before if each.ports is None or (each.network is None and "sg" not in each.peer)]
    return rule.ports is None or bool(unknown and rule.peer not in _WORLD and rule not in before and _is_opaque(rule))


def _is_opaque(rule: Rule) -> bool:
    return rule.network is None


def _finding(
    where: Place, way: str, rules: list[Rule], verb: str, severity: Severity = Severity.HIGH
) -> Iterator[Finding]:
    if rules:
        more = f" and {len(rules) - 2} more" if len(rules) > 2 else ""
        yield Finding(
            kind=Kind.NETWORK_OPENED,
            severity=severity,
            rule=f"{way}-opened",
            place=where,
            message=f"Security group {where.path} {verb} {'; '.join(map(_said, rules[:2]))}{more}.",
            fix=_FIX[way],
        )


def _said(rule: Rule) -> str:
    peer = "everyone (" + rule.peer + ")" if rule.peer in _WORLD else shown(rule.peer)
    if rule.protocol == "-1":
        return f"{peer} on all ports"
    if rule.ports is None:
        return f"{peer} on {rule.protocol} {shown(rule.written)}".rstrip()
    low, high = (int(each) for each in rule.ports)
    return f"{peer} on {rule.protocol} {low if low == high else f'{low}-{high}'}"


def _groups(references: References) -> dict[Target, Group]:
    found: dict[Target, Group] = {}
    bare: set[Target] = set()
    separate: dict[str, dict[Target, list[Rule]]] = {"ingress": defaultdict(list), "egress": defaultdict(list)}
    for stack in references.stacks.values():
        for resource in stack.resources.values():
            given = properties(resource)
            if resource.type == _GROUP:
                key = references.key(stack.name, resource.logical_id)
                group = found[key] = Group(place(stack, resource))
                group.rules["ingress"] = list(_rules(given.get("SecurityGroupIngress"), stack, references))
                group.rules["egress"] = list(_rules(given.get("SecurityGroupEgress"), stack, references))
                if not group.rules["egress"]:
                    bare.add(key)
            elif resource.type in _SEPARATE and (target := references.target(given.get("GroupId"), stack)):
                key = references.key(target[0].name, target[1].logical_id)
                separate[_SEPARATE[resource.type]][key] += _rules(given, stack, references)
            elif resource.type in _SEPARATE:
                key = Target("", references.text(given.get("GroupId"), stack))
                found.setdefault(key, Group(place(stack, resource)))
                separate[_SEPARATE[resource.type]][key] += _rules(given, stack, references)
    for way, of in separate.items():
        for key, rules in of.items():
            if key in found:
                found[key].rules[way] += rules
    for key in bare - separate["egress"].keys():
        found[key].rules["egress"] = [Rule(ALWAYS, "-1", (0, 65535), peer) for peer in _WORLD]
    return found


def _rules(value: Any, stack: Stack, references: References) -> Iterator[Rule]:
    for guard, raw in guarded(value, stack):
        if not isinstance(raw, Mapping):
            continue
        protocol = references.text(raw.get("IpProtocol", "-1"), stack).lower()
        low, high = (references.text(raw.get(name, "-1"), stack) for name in ("FromPort", "ToPort"))
        peers = [references.text(raw[name], stack) for name in ("CidrIp", "CidrIpv6", *_PEERS) if name in raw]
        for peer in peers or ["an unknown peer"]:
            name = _PROTOCOLS.get(protocol, protocol)
            yield Rule(guard, name, _ports(low, high), peer, f"{low}-{high}")


def _ports(low: str, high: str) -> tuple[float, float] | None:
    try:
        found = (float(low), float(high))
    except ValueError:
        return None
    return (0, 65535) if found == (-1, -1) else found

"""Pseudo-parameters whose value a region tells."""


def pseudo(name: str, region: str) -> str:
    """Of AWS::Region, AWS::Partition or AWS::URLSuffix; empty for others, and without a region."""
    china = region.startswith("cn-")
    partition = "aws-cn" if china else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    known = {
        "AWS::Region": region,
        "AWS::Partition": partition,
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }
    return known.get(name, "") if region else ""

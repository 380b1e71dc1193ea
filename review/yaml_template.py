"""Templates in YAML, as CloudFormation gives them back where they were sent so: the CDK command line does with small
ones, and people write `!Ref`."""

from typing import Any

import yaml

WITHOUT_PREFIX = ("Ref", "Condition")


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation understands it: a date is a text, and a tag is a function's short form."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case _:
            raise yaml.YAMLError(f"!{name} has no value")
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in WITHOUT_PREFIX else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _function)


def parsed(text: str) -> Any:
    """Raises ValueError."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error).replace("\n", " ")) from None

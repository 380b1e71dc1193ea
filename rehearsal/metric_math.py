"""Metric math, as far as alarms here use it.

Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics". A time series is a tuple with one
value for each period, oldest first, None where there is none; a scalar is a float; an array of series is a list.
"""

import ast
import operator
import re
from collections.abc import Callable, Sequence

Series = tuple[float | None, ...]
Value = float | Series | list[Series] | None
Resolve = Callable[[str], Value]

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Eq: lambda left, right: float(left == right),
    ast.NotEq: lambda left, right: float(left != right),
    ast.Lt: lambda left, right: float(left < right),
    ast.LtE: lambda left, right: float(left <= right),
    ast.Gt: lambda left, right: float(left > right),
    ast.GtE: lambda left, right: float(left >= right),
    ast.And: lambda left, right: float(bool(left) and bool(right)),
    ast.Or: lambda left, right: float(bool(left) or bool(right)),
}
_WORDS = {"AND": " and ", "&&": " and ", "OR": " or ", "||": " or ", "^": "**"}


class MathError(ValueError):
    """An expression that this cloud does not understand; the message names what."""


def evaluate(expression: str, resolve: Resolve, metrics: Sequence[str]) -> Value:
    """The value of an expression: `resolve` gives an id's, `metrics` are those of METRICS(). Raises MathError."""
    text = re.sub(r'"[^"]*"|&&|\|\||\bAND\b|\bOR\b|\^', lambda m: _WORDS.get(m[0], m[0]), expression.strip())
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise MathError(f"the expression {expression!r} cannot be read") from error
    return _Expression(resolve, metrics).value(tree.body)


class _Expression:
    def __init__(self, resolve: Resolve, metrics: Sequence[str]) -> None:
        self._resolve, self._metrics = resolve, metrics

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self._resolve(name)
            case ast.List(elts=elements):
                return [series for element in elements for series in _several(self.value(element))]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _combine(operator.mul, -1.0, self.value(operand))
            case ast.BinOp(left=left, op=symbol, right=right) if type(symbol) in _OPERATORS:
                return _combine(_OPERATORS[type(symbol)], self.value(left), self.value(right))
            case ast.Compare(left=left, ops=[symbol], comparators=[right]) if type(symbol) in _OPERATORS:
                return _combine(_OPERATORS[type(symbol)], self.value(left), self.value(right))
            case ast.BoolOp(op=symbol, values=[first, *others]):
                found = self.value(first)
                for other in others:
                    found = _combine(_OPERATORS[type(symbol)], found, self.value(other))
                return found
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
            case _:
                raise MathError(f"{ast.unparse(node)!r} in metric math is not emulated by this cloud")

    def _call(self, name: str, arguments: list[ast.expr]) -> Value:
        match name, arguments:
            case "METRICS", []:
                return self._graphed("")
            case "METRICS", [ast.Constant(value=str() as part)]:
                return self._graphed(part)
            case "SUM" | "AVG" | "MIN" | "MAX", [argument]:
                return _reduced(name, self.value(argument))
            case "FILL", [argument, ast.Name(id="REPEAT")]:
                return _each(_repeated, self.value(argument))
            case "FILL", [argument, filler] if ast.unparse(filler) != "LINEAR":
                return _filled(self.value(argument), self.value(filler))
            case "IF", [condition, *branches] if len(branches) in (1, 2):
                return _chosen(self.value(condition), *(self.value(branch) for branch in branches))
            case _:
                words = ", ".join(ast.unparse(argument) for argument in arguments)
                raise MathError(f"the metric math {name}({words}) is not emulated by this cloud")

    def _graphed(self, part: str) -> list[Series]:
        return [series for name in self._metrics if part in name for series in _several(self._resolve(name))]


def _several(value: Value) -> list[Series]:
    if isinstance(value, list):
        return value
    if isinstance(value, tuple):
        return [value]
    raise MathError("a scalar stands where metric math wants a time series")


def _each(change: Callable[[Series], Series], value: Value) -> Value:
    return [change(series) for series in value] if isinstance(value, list) else change(_several(value)[0])


def _at(value: Value, index: int) -> float | None:
    if isinstance(value, list):
        raise MathError("an array of time series stands where metric math wants a single one")
    return value[index] if isinstance(value, tuple) else value


def _combine(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """Missing values count as 0, unless there is none on either side; what is no number drops the data point."""
    if isinstance(left, list) or isinstance(right, list):
        size = len(left) if isinstance(left, list) else len(_several(right))
        pairs = [(_nth(left, i), _nth(right, i)) for i in range(size)]
        return [_several(_combine(function, one, other))[0] for one, other in pairs]

    def point(one: float | None, other: float | None) -> float | None:
        series = [v for v, whole in ((one, left), (other, right)) if isinstance(whole, tuple)]
        if series and all(v is None for v in series):
            return None
        try:
            result = function(one or 0.0, other or 0.0)
        except (ZeroDivisionError, OverflowError):
            return None
        return None if isinstance(result, complex) else float(result)

    for whole in (left, right):
        if isinstance(whole, tuple):
            return tuple(point(_at(left, i), _at(right, i)) for i in range(len(whole)))
    return point(_at(left, 0), _at(right, 0))


def _nth(value: Value, index: int) -> Value:
    return value[index] if isinstance(value, list) else value


def _reduced(name: str, value: Value) -> Value:
    """Of one time series a scalar, of an array one time series."""
    if isinstance(value, list):
        return tuple(_reduction(name, points) for points in zip(*value, strict=True))
    return _reduction(name, _several(value)[0]) or 0.0


def _reduction(name: str, points: Series) -> float | None:
    found = [point for point in points if point is not None]
    if not found:
        return None
    totals = {"SUM": sum(found), "AVG": sum(found) / len(points), "MIN": min(found), "MAX": max(found)}
    return totals[name]


def _filled(value: Value, filler: Value) -> Value:
    return _each(lambda s: tuple(_at(filler, i) if point is None else point for i, point in enumerate(s)), value)


def _repeated(series: Series) -> Series:
    last, filled = None, list[float | None]()
    for point in series:
        last = last if point is None else point
        filled.append(last)
    return tuple(filled)


def _chosen(condition: Value, yes: Value, no: Value = None) -> Value:
    """A true condition without a value gives 0; a false one without a value, or a missing one, drops the data point."""
    if not isinstance(condition, tuple):
        return yes if _at(condition, 0) else no
    return tuple(
        None if point is None else (_at(yes, i) or 0.0) if point else _at(no, i) for i, point in enumerate(condition)
    )

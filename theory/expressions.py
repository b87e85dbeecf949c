"""Arithmetic expressions as text, evaluated in whatever numbers the caller brings.

``evaluate("(1 - x)**n", {"x": Fraction(1, 3), "n": 2})`` is exact with Fractions and an
enclosure with balls. Only numbers, names, ``+ - * / **`` and the functions the caller passes
are understood; nothing else runs.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

__all__ = ["degree", "evaluate", "names"]

OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def evaluate(
    text: str,
    values: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]] | None = None,
    number: Callable[[Any], Any] = Fraction,
) -> Any:
    """The value of an expression.

    Args:
        text: for example ``"1/2*(1 - 1/d)**n"``.
        values: what the names stand for.
        functions: what may be called, by name.
        number: turns a rational literal (such as 3 or 1/2) into the caller's number type.

    Raises:
        ValueError: the text holds anything but arithmetic, or an unknown name.

    Example:
        >>> evaluate("1/2*(1 - 1/d)**n", {"d": Fraction(4), "n": 2})
        Fraction(9, 32)
    """

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant(int(k)) if not isinstance(k, bool):
                return number(k)
            case ast.Name(name) if name in values:
                return values[name]
            case ast.UnaryOp(ast.USub(), operand):
                return -value(operand)
            case ast.BinOp(ast.Constant(int(p)), ast.Div(), ast.Constant(int(q))) if q:
                return number(Fraction(p, q))
            case ast.BinOp(left, ast.Div(), ast.Constant(int(q))) if q:
                return value(left) * number(Fraction(1, q))
            case ast.BinOp(left, ast.Pow(), ast.Constant(int(k))):
                return value(left) ** k
            case ast.BinOp(left, op, right) if type(op) in OPERATIONS:
                a, b = value(left), value(right)
                if isinstance(op, ast.Pow) and number is Fraction and Fraction(b).denominator != 1:
                    raise ValueError(
                        f"text: {ast.unparse(node)!r} has exponent {b}, want an integer in exact arithmetic"
                    )
                if isinstance(op, ast.Div) and isinstance(b, Fraction) and not b:
                    raise ValueError(f"text: {ast.unparse(node)!r} divides by zero, want a denominator that is not")
                return OPERATIONS[type(op)](a, b)
            case ast.Call(ast.Name(name), args, keywords=[]) if functions and name in functions:
                return functions[name](*map(value, args))
        raise ValueError(f"text: cannot read {ast.unparse(node)!r}, want arithmetic in {sorted(values)}")

    return value(_parse(text))


def names(text: str) -> list[str]:
    """The names in an expression, sorted.

    Example:
        >>> names("n*x**2 + 1")
        ['n', 'x']
    """
    return sorted({node.id for node in ast.walk(_parse(text)) if isinstance(node, ast.Name)})


def degree(text: str, name: str) -> int:
    """An upper bound on the degree of a polynomial expression in one of its variables.

    Raises:
        ValueError: the expression is not a polynomial with rational coefficients.

    Example:
        >>> degree("(1 - n*x)*(1 - x)", "x")
        2
    """

    def bound(node: ast.expr) -> int:
        match node:
            case ast.Constant(int()):
                return 0
            case ast.Name(other):
                return int(other == name)
            case ast.UnaryOp(ast.USub(), operand):
                return bound(operand)
            case ast.BinOp(left, ast.Add() | ast.Sub(), right):
                return max(bound(left), bound(right))
            case ast.BinOp(left, ast.Mult(), right):
                return bound(left) + bound(right)
            case ast.BinOp(left, ast.Div(), ast.Constant(int(q))) if q:
                return bound(left)
            case ast.BinOp(left, ast.Pow(), ast.Constant(int(k))) if k >= 0:
                return bound(left) * k
        raise ValueError(f"text: {ast.unparse(node)!r} is no polynomial with rational coefficients")

    return bound(_parse(text))


def _parse(text: str) -> ast.expr:
    if not isinstance(text, str):
        raise ValueError(f"text: got a {type(text).__name__}, want an expression as text")
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"text: cannot read {text!r} as an expression ({error.msg})") from error

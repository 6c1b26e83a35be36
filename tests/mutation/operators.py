"""Small faults that can be put into a function: each is a piece of its syntax tree and what to put in its place.

Left alone: text, annotations, decorators, default arguments and docstrings. A deleted statement stays behind an
`if False`, so that a generator stays a generator and a local name stays local.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "bisect_left": "bisect_right"}
CALLS |= {"bisect_right": "bisect_left", "sorted": "list"}
UNTOUCHED = {"annotation", "returns", "decorator_list"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: in which function (its qualified name), on which lines, and what is exchanged for what."""

    module: str
    function: str
    lines: range
    what: str
    target: ast.AST
    replacement: ast.AST

    @property
    def title(self) -> str:
        return f"{self.module}:{self.lines.start} {self.function}: {self.what}"


def mutants_of(module: str, tree: ast.Module) -> list[Mutant]:
    """Every fault of a module's functions and constants, in the order of its lines."""
    found = [
        Mutant(module, name, _lines(target), _told(target, new), target, new)
        for name, body in _places(tree)
        for target in _inside(body)
        for new in _variants(target)
    ]
    return sorted(found, key=lambda mutant: mutant.lines.start)


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """What is mutated: functions, methods, and the values of constants (under the constant's name)."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{f.name}", f) for f in node.body if isinstance(f, ast.FunctionDef))
        elif isinstance(node, ast.Assign) and (name := ast.unparse(node.targets[0])).isupper():
            yield name, node.value


def _lines(target: ast.AST) -> range:
    where = target.test if isinstance(target, ast.If) else target
    return range(getattr(where, "lineno", 0), getattr(where, "end_lineno", 0) + 1)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that say what happens: no annotations, decorators, default arguments, docstrings."""
    for name, value in ast.iter_fields(node):
        if name in UNTOUCHED or isinstance(value, ast.arguments):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _docstring(child):
                yield child
                yield from _inside(child)
    if isinstance(node, ast.Constant):
        yield node


def _docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _variants(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=others):
            yield from (ast.Compare(left, [new()], others) for new in COMPARISONS[type(operator)])
        case ast.BoolOp(op=ast.And(), values=values):
            yield ast.BoolOp(ast.Or(), values)
        case ast.BoolOp(op=ast.Or(), values=values):
            yield ast.BoolOp(ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(operator)](), right)
        case ast.AugAssign(target=target, op=operator, value=value) if type(operator) in ARITHMETIC:
            yield ast.AugAssign(target, ARITHMETIC[type(operator)](), value)
        case ast.Constant(value=value):
            yield from _other_constants(value)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in CALLS:
            yield from _other_call(name, args, keywords)
        case _:
            yield from _other_statements(node)


def _other_constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 1.25 + 2.0**-40)


def _other_call(name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Iterator[ast.AST]:
    if name == "sorted":
        keywords = []
    yield ast.Call(ast.Name(CALLS[name], ast.Load()), args, keywords)


def _other_statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.If(test=test, body=body, orelse=orelse):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.IfExp(test=test, body=yes, orelse=no):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), yes, no)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield _never(node)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield _never(node)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _never(statement: ast.stmt) -> ast.stmt:
    return ast.If(ast.Constant(False), [statement], [])


def _told(target: ast.AST, new: ast.AST) -> str:
    if isinstance(target, ast.If):
        return f"if {ast.unparse(target.test)} -> if not (...)"
    if isinstance(new, ast.If):
        return f"deleted: {ast.unparse(target)}"[:110]
    return f"{ast.unparse(target)} -> {ast.unparse(new)}"[:110]


class Exchange(ast.NodeTransformer):
    """Puts a mutant's replacement where its target is."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def visit(self, node: ast.AST) -> Any:
        if node is self.mutant.target:
            new = ast.copy_location(self.mutant.replacement, node)
            return ast.fix_missing_locations(new)
        return self.generic_visit(node)

"""Puts a mutant into modules that are imported already: the code of a function is exchanged, the function stays.

So whoever imported the function by name has the fault too, and nothing is imported anew. Meant for a forked process
that ends afterwards: there is no way back.
"""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from tests.mutation.operators import Exchange, Mutant, mutants_of

PRODUCT = ("repos.",)


@dataclass(frozen=True, slots=True)
class Target:
    """A module to be mutated, with its syntax tree."""

    module: ModuleType
    tree: ast.Module

    @staticmethod
    def of(name: str) -> Target:
        module = import_module(name)
        assert module.__file__ is not None
        return Target(module, ast.parse(Path(module.__file__).read_text()))

    def mutants(self) -> list[Mutant]:
        return mutants_of(self.module.__name__, self.tree)

    def spoil(self, mutant: Mutant) -> None:
        """Make the fault real, in this process."""
        tree: ast.Module = Exchange(mutant).visit(self.tree)
        code = compile(tree, self.module.__file__ or "", "exec")
        made = {(c.co_qualname, c.co_firstlineno): c for c in _functions_in(code)}
        changed = 0
        for function in _functions_of(self.module):
            old = function.__code__
            if old.co_qualname == mutant.function:
                function.__code__ = made[old.co_qualname, old.co_firstlineno]
                changed += 1
        if not changed:
            self._spoil_constant(tree, mutant.function)

    def _spoil_constant(self, tree: ast.Module, name: str) -> None:
        """A constant is exchanged in every module of the product that has it by that name."""
        value = next(
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
        )
        old = getattr(self.module, name)
        code = compile(ast.Expression(value), "constant", "eval")
        new = eval(code, vars(self.module))  # noqa: S307 - an expression of our own source
        for there in list(sys.modules.values()):
            if there.__name__.startswith(PRODUCT) and vars(there).get(name) is old:
                setattr(there, name, new)


def _functions_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _functions_in(constant)


def _functions_of(module: ModuleType) -> list[FunctionType]:
    """Every function that the module made, however it is wrapped. Lazy objects are not asked what they are."""
    return [
        thing
        for thing in gc.get_objects()
        if type(thing) is FunctionType and thing.__code__.co_filename == module.__file__
    ]

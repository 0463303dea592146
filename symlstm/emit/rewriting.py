"""Code rewritten for latexify-py: placeholders for names, markers for the kinds of products; and back again."""

from __future__ import annotations

import ast
import re
from typing import Any

import sympy as sp

from symlstm.equations import Cell
from symlstm.expr.brackets import BREAK_FACTOR
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Quantity
from symlstm.expr.notation import Notation, fill, symbol_latex
from symlstm.expr.written import between

MATRIX, ENTRYWISE, NUMBER = "QQmatrixQQ", "QQentrywiseQQ", "QQnumberQQ"
_PRODUCT = "\0"
_CALLS: dict[str, type[ast.operator]] = {
    "dot": ast.MatMult, "matmul": ast.MatMult, "multiply": ast.Mult, "add": ast.Add, "subtract": ast.Sub,
    "divide": ast.Div, "true_divide": ast.Div, "power": ast.Pow,
}  # fmt: skip
_JOINS = {"concat", "concatenate", "hstack", "append", "vstack", "r_", "cat"}
_SIGNS = {
    "sigmoid": r"\sigma", "expit": r"\sigma", "tanh": r"\tanh", "exp": r"\exp", "log": r"\log", "sin": r"\sin",
    "cos": r"\cos", "maximum": r"\max", "minimum": r"\min",
}  # fmt: skip


class CannotSay(Exception):
    """The code has something that latexify does not read; the message says what."""


class Rewriter(ast.NodeTransformer):
    """Replaces names and products; `signs` says what stands for which LaTeX."""

    def __init__(self, cell: Cell, notation: Notation) -> None:
        self.cell, self.notation = cell, notation
        self.signs: dict[str, str] = {}
        self._aliases: dict[str, Quantity] = {}
        self._of_path = {tuple(str(key) for _, key in path): name for name, path in cell.paths.items()}

    def alias(self, name: str, value: ast.expr) -> bool:
        """Whether `name = value` only takes a parameter out of its container (Wf = parameters["Wf"])."""
        quantity = self._leaf(value)
        if quantity is not None:
            self._aliases[name] = quantity
        return quantity is not None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        quantity = self._quantity(node)
        if quantity is not None:
            return self._sign(latex(quantity, self.notation))
        sign, below = symbol_latex(node.id, self.notation)
        return self._sign(sign + (f"_{{{below}}}" if below else ""))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        quantity = self._leaf(node)
        if quantity is not None:
            return self._sign(latex(quantity, self.notation))
        sliced = self._quantity(node.value)
        if sliced is None:
            raise ValueError(ast.unparse(node))
        return self._sign(rf"{latex(sliced, self.notation)}[\mathtt{{{_plain(node.slice)}}}]")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        quantity = self._leaf(node)
        if quantity is not None:
            return self._sign(latex(quantity, self.notation))
        if node.attr == "T":
            return ast.BinOp(self.visit(node.value), ast.Pow(), ast.Name(self._placeholder(r"\top")))
        raise ValueError(node.attr)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if not isinstance(node.op, (ast.Mult, ast.MatMult)):
            left = self.visit(node.left)
            if isinstance(node.op, ast.Pow) and isinstance(left, ast.Name) and re.search(r"[\^']", self.signs[left.id]):
                left = ast.Tuple([left], ast.Load())
            return ast.BinOp(left, node.op, self.visit(node.right))
        kind = self._kind(node)
        left, right = (self._factor(side, kind) for side in (node.left, node.right))
        marked = ast.BinOp(left, ast.Mult(), ast.Name(kind))
        return ast.BinOp(marked, ast.Mult(), right)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _CALLS and len(node.args) == 2:
            return self.visit(ast.BinOp(node.args[0], _CALLS[name](), node.args[1]))
        if isinstance(node.func, ast.Attribute) and name in ("dot", "matmul") and len(node.args) == 1:
            return self.visit(ast.BinOp(node.func.value, ast.MatMult(), node.args[0]))
        if name == "square" and len(node.args) == 1:
            return ast.BinOp(self.visit(node.args[0]), ast.Pow(), ast.Constant(2))
        if name in _JOINS and node.args:
            first = node.args[0]
            parts = first.elts if isinstance(first, (ast.List, ast.Tuple)) else node.args
            joined = self.visit(parts[0])
            for part in parts[1:]:
                joined = ast.BinOp(joined, ast.BitOr(), self.visit(part))
            return ast.List([joined], ast.Load())
        sign = _SIGNS.get(name) or rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}"
        method = node.func.value if isinstance(node.func, ast.Attribute) and _is_method(node.func) else None
        given = [*([] if method is None else [method]), *node.args]
        return ast.Call(ast.Name(self._placeholder(sign)), [self.visit(a) for a in given], [])

    def _factor(self, node: ast.expr, kind: str) -> Any:
        """A factor, in parentheses where another kind of product would be read wrongly."""
        inner = self.visit(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.MatMult)):
            own = self._kind(node)
            if own != kind and NUMBER not in (own, kind):
                return ast.Tuple([inner], ast.Load())
        return inner

    def _kind(self, node: ast.BinOp) -> str:
        if isinstance(node.op, ast.MatMult):
            return MATRIX
        return ENTRYWISE if self._is_array(node.left) and self._is_array(node.right) else NUMBER

    def _is_array(self, node: ast.expr) -> bool:
        """Whether an expression has more than one entry, from the shapes of the names in it."""
        if isinstance(node, ast.Constant):
            return False
        quantity = self._quantity(node)
        if quantity is not None:
            return bool(quantity.shape != (sp.S.One, sp.S.One))
        if isinstance(node, ast.BinOp):
            return self._is_array(node.left) or self._is_array(node.right)
        if isinstance(node, ast.UnaryOp):
            return self._is_array(node.operand)
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            return name not in ("sum", "mean", "max", "norm", "float", "len") and any(map(self._is_array, node.args))
        return isinstance(node, (ast.Subscript, ast.Attribute, ast.Name))

    def _quantity(self, node: ast.expr) -> Quantity | None:
        if isinstance(node, ast.Name):
            return self._aliases.get(node.id) or self.cell.by_name.get(node.id)
        return self._leaf(node)

    def _leaf(self, node: ast.expr) -> Quantity | None:
        """The quantity behind parameters["Wf"], p.W_f, p[0]."""
        keys: list[str] = []
        while isinstance(node, (ast.Subscript, ast.Attribute)):
            if isinstance(node, ast.Attribute):
                keys.insert(0, node.attr)
            elif isinstance(node.slice, ast.Constant):
                keys.insert(0, str(node.slice.value))
            else:
                return None
            node = node.value
        if not isinstance(node, ast.Name) or not keys:
            return None
        name = self._of_path.get((node.id, *keys))
        return self.cell.by_name.get(name) if name else None

    def _sign(self, sign: str) -> ast.Name:
        return ast.Name(self._placeholder(sign))

    def _placeholder(self, sign: str) -> str:
        for placeholder, known in self.signs.items():
            if known == sign:
                return placeholder
        placeholder = f"QQ{chr(97 + len(self.signs) // 26)}{chr(97 + len(self.signs) % 26)}QQ"
        self.signs[placeholder] = sign
        return placeholder


def _plain(node: ast.AST) -> str:
    if isinstance(node, ast.Tuple):
        return ", ".join(_plain(part) for part in node.elts)
    return ast.unparse(node).replace("_", r"\_").replace("{", r"\{").replace("}", r"\}")


def replaced(said: str, signs: dict[str, str], notation: Notation) -> str:
    """What latexify printed, with our signs in the place of its placeholders and its brackets made plain."""
    signs_between = {MATRIX: _PRODUCT, ENTRYWISE: f" {notation.product} ", NUMBER: r" \, "}
    for marker, sign in signs_between.items():  # latexify leaves \cdot out beside brackets
        pattern = rf"\s*(?:\\cdot\s*)?\\mathrm\{{{marker}\}}\s*(?:\\cdot\s*)?"
        said = re.sub(pattern, lambda match, sign=sign: sign, said)  # type: ignore[misc]
    said = said.replace(r" \mathbin{|} ", notation.concat_separator)
    said = _plain_brackets(said)
    for placeholder, sign in signs.items():
        said = said.replace(rf"\mathrm{{{placeholder}}} (", sign + "(").replace(rf"\mathrm{{{placeholder}}}", sign)
    before, *factors = said.split(_PRODUCT)
    said = before
    for factor in factors:
        said += BREAK_FACTOR + between(said, factor, notation) + factor
    if "QQ" in said:
        raise ValueError(said)
    return _concatenations(said, notation)


def _plain_brackets(said: str) -> str:
    r"""\mathopen{}\left( ... \mathclose{}\right) as ( ... ), where nothing tall is inside."""
    opening, closing = r"\mathopen{}\left", r"\mathclose{}\right"
    while True:
        end = said.find(closing)
        if end < 0:
            return said.replace("QQleftQQ", r"\left").replace("QQrightQQ", r"\right")
        start = said.rfind(opening, 0, end)
        inside = said[start + len(opening) : end]
        tall = r"\frac" in inside
        before, after = ("QQleftQQ", "QQrightQQ") if tall else ("", "")
        bracket, content = inside[0], inside[1:].strip()
        said = said[:start] + before + bracket + content + after + said[end + len(closing) :]


def _concatenations(said: str, notation: Notation) -> str:
    """[h; x] in the notation's own way, where it is not simply square brackets."""
    if notation.concat == "[#1]" or notation.concat_separator not in said:
        return said
    start, end = said.find("["), said.rfind("]")
    return said[:start] + fill(notation.concat, said[start + 1 : end]) + said[end + 1 :] if 0 <= start < end else said


def _is_method(function: ast.Attribute) -> bool:
    """Whether a call is one of an array's own methods, x.mean(), not of a module, np.mean(x)."""
    owner = function.value
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    return not (isinstance(owner, ast.Name) and owner.id in _MODULES)


_MODULES = ("np", "numpy", "sl", "symlstm", "math", "scipy", "special", "self", "cls")
"""What functions are called on that is no array."""

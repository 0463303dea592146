"""Matrix products as NumPy text: W v is `v @ W.T`, diag(a) M is `a[..., :, None] * M`, no diagonal matrix is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symlstm.codegen.sizes import ATOM, MATMUL, POWER, PRODUCT, SUM, Piece
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, transpose


@dataclass(frozen=True)
class Factor:
    """A factor of a product: its text (None while a structured node was not written), shape, and batch."""

    node: Matrix | None
    piece: Piece | None
    rows: Any
    cols: Any
    batched: bool

    @property
    def scalar(self) -> bool:
        return self.rows == 1 and self.cols == 1


def product(writer: Any, factors: Sequence[Matrix]) -> Piece:
    """The product of the factors, from the side that keeps what is in between small."""
    made = _Product(writer)
    piece = made.written(made.of([_factor(writer, f) for f in factors])).piece
    assert piece is not None
    return piece


def _factor(writer: Any, node: Matrix) -> Factor:
    structured = isinstance(node, (x.Diag, x.Eye)) or (isinstance(node, x.Ones) and 1 in node.shape)
    piece = None if structured else writer.full_piece(node)
    return Factor(node, piece, node.shape[0], node.shape[1], writer.batched(node))


@dataclass(frozen=True)
class _Product:
    writer: Any

    def of(self, factors: list[Factor]) -> Factor:
        """The product of factors, one pair after the other."""
        if len(factors) == 1:
            return factors[0]
        numbers = [f for f in factors if f.scalar]
        if numbers and len(numbers) < len(factors):
            result = self.of([f for f in factors if not f.scalar])
            for number in numbers:
                result = self._times(number, result)
            return result
        if factors[-1].cols == 1:
            result = factors[-1]
            for factor in reversed(factors[:-1]):
                result = self._times(factor, result)
            return result
        if factors[0].rows != 1:
            for k in range(1, len(factors)):
                if factors[k].rows == 1:
                    return self._times(self.of(factors[:k]), self.of(factors[k:]))
        result = factors[0]
        for factor in factors[1:]:
            result = self._times(result, factor)
        return result

    def written(self, f: Factor) -> Factor:
        """The factor with its text, whatever its structure."""
        if f.piece is not None:
            return f
        return Factor(None, Piece(self.writer.full(f.node), ATOM), f.rows, f.cols, f.batched)

    def _text(self, f: Factor, at_least: int = SUM) -> str:
        piece = self.written(f).piece
        assert piece is not None
        return piece.at_least(at_least)

    def _left(self, f: Factor) -> str:
        """The text as the left factor of @, which groups from the left."""
        piece = self.written(f).piece
        assert piece is not None
        return piece.text if piece.holds == MATMUL else piece.at_least(POWER)

    def _vector(self, f: Factor) -> str:
        """The vector of a diagonal matrix."""
        assert f.node is not None
        return self.writer.text(f.node.args[0], POWER)

    def _at(self, f: Factor, text: str, index: str) -> str:
        return f"{text}[{'..., ' if f.batched else ''}{index}]"

    def _times(self, a: Factor, b: Factor) -> Factor:
        piece = self._pair(a, b)
        rows, cols = (b.rows, b.cols) if a.scalar else (a.rows, a.cols) if b.scalar else (a.rows, b.cols)
        return Factor(None, piece, rows, cols, a.batched or b.batched)

    def _pair(self, a: Factor, b: Factor) -> Piece:
        if isinstance(a.node, x.Eye):
            return self.written(b).piece  # type: ignore[return-value]
        if isinstance(b.node, x.Eye):
            return self.written(a).piece  # type: ignore[return-value]
        if a.scalar or b.scalar:
            return self._by_number(a, b)
        if isinstance(a.node, x.Diag):
            return self._rows_scaled(a, b)
        if isinstance(b.node, x.Diag):
            return self._columns_scaled(a, b)
        if isinstance(a.node, x.Ones) or isinstance(b.node, x.Ones):
            return self._with_ones(a, b)
        if a.rows == 1 and b.cols == 1:
            return Piece(f"np.sum({self._text(a, PRODUCT)} * {self._text(b, POWER)}, axis=-1)")
        if a.cols == 1:
            column = self._at(a, self._text(a, ATOM), ":, None")
            row = self._at(b, self._text(b, ATOM), "None, :")
            return Piece(f"{column} * {row}", PRODUCT)
        return self._matrix(a, b)

    def _by_number(self, a: Factor, b: Factor) -> Piece:
        number, other = (a, b) if a.scalar else (b, a)
        axes = (other.rows != 1) + (other.cols != 1)
        text = self._text(number, POWER)
        if number.batched and axes:
            text = f"{self._text(number, ATOM)}[{', '.join(['...'] + ['None'] * axes)}]"
        return Piece(f"{text} * {self._text(other, POWER)}", PRODUCT)

    def _rows_scaled(self, a: Factor, b: Factor) -> Piece:
        if b.cols == 1:
            return Piece(f"{self._vector(a)} * {self._text(b, POWER)}", PRODUCT)
        vector = self.writer.full(a.node.args[0], ATOM)  # type: ignore[union-attr]
        return Piece(f"{self._at(a, vector, ':, None')} * {self._text(b, POWER)}", PRODUCT)

    def _columns_scaled(self, a: Factor, b: Factor) -> Piece:
        if a.rows == 1:
            return Piece(f"{self._text(a, PRODUCT)} * {self._vector(b)}", PRODUCT)
        vector = self.writer.full(b.node.args[0], ATOM)  # type: ignore[union-attr]
        return Piece(f"{self._text(a, PRODUCT)} * {self._at(b, vector, 'None, :')}", PRODUCT)

    def _with_ones(self, a: Factor, b: Factor) -> Piece:
        if isinstance(a.node, x.Ones) and a.rows == 1:
            return Piece(f"np.sum({self._text(b)}, axis={-1 if b.cols == 1 else -2})")
        if isinstance(b.node, x.Ones) and b.cols == 1:
            return Piece(f"np.sum({self._text(a)}, axis=-1)")
        if isinstance(a.node, x.Ones) and a.cols == 1:
            size = self.writer.sizes.text(a.rows)
            return Piece(f"np.repeat({self._at(b, self._text(b, ATOM), 'None, :')}, {size}, axis=-2)")
        if isinstance(b.node, x.Ones) and b.rows == 1:
            size = self.writer.sizes.text(b.cols)
            return Piece(f"np.repeat({self._at(a, self._text(a, ATOM), ':, None')}, {size}, axis=-1)")
        return self._matrix(self.written(a), self.written(b))

    def _matrix(self, a: Factor, b: Factor) -> Piece:
        if b.cols == 1:
            if a.batched:
                return Piece(f"({self._left(a)} @ {self._at(b, self._text(b, ATOM), ':, None')})[..., 0]")
            return Piece(f"{self._left(b)} @ {self._turned(a)}", MATMUL)
        if a.rows == 1 and b.batched:
            return Piece(f"({self._at(a, self._text(a, ATOM), 'None, :')} @ {self._text(b, POWER)})[..., 0, :]")
        return Piece(f"{self._left(a)} @ {self._text(b, POWER)}", MATMUL)

    def _turned(self, f: Factor) -> str:
        """The transpose of a matrix without batch."""
        if f.node is None:
            return f"{self._text(f, ATOM)}.T"
        turned = transpose(f.node)
        if isinstance(turned, x.Transposed):
            return f"{self._text(f, ATOM)}.T"
        return self.writer.full(turned, POWER)

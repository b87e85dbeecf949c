"""The layer of claim simplicial and nets made of it, for torch.

Features on k-simplices have the shape (n_k, batch, channels): all images on one complex share its operators, and one
sparse product serves the whole batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from sims.simplicial_complexes import Complex, Map, Maps, csr_tensor
from theory.simplicial_complexes import TERMS
from theory.validate import integer

__all__ = ["ConvNet", "Fields", "Layer", "SimplicialNet", "lift"]

Fields = Mapping[int, Tensor]
"""Features by the dimension of the simplices."""
Activation = Callable[[Tensor], Tensor]


class Layer(nn.Module):
    """One layer: ``X_i+ = s(sum_j S_ij X_j W_ij)`` over the terms "ij" that it has.

    With all seven terms it is that of Bunch et al.; with "00" alone a graph convolution.

    Args:
        terms: some of `theory.simplicial_complexes.TERMS`.
        inputs: channels on nodes, edges and triangles.
        outputs: channels on nodes, edges and triangles of what comes out.
        activation: s, applied to each entry.
        generator: draws the weights, normal with variance 1/(inputs of the sum).

    Raises:
        ValueError: no terms, or one that does not exist.

    Example:
        >>> from sims.simplicial_complexes import king_grid, operators
        >>> layer = Layer(TERMS, (1, 1, 1), (4, 4, 4), torch.tanh, torch.Generator().manual_seed(0))
        >>> fields = {k: torch.ones(n, 2, 1) for k, n in enumerate(king_grid(3).counts)}
        >>> {k: tuple(x.shape) for k, x in layer(operators(king_grid(3)), fields).items()}
        {0: (9, 2, 4), 1: (20, 2, 4), 2: (16, 2, 4)}
    """

    def __init__(
        self,
        terms: Sequence[str],
        inputs: Sequence[int],
        outputs: Sequence[int],
        activation: Activation,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if not terms or not set(terms) <= set(TERMS):
            raise ValueError(f"terms: got {tuple(terms)}, want some of {', '.join(TERMS)}")
        self.terms, self.activation = tuple(terms), activation
        self.weights = nn.ParameterDict()
        for term in terms:
            i, j = map(int, term)
            fan_in = sum(inputs[int(t[1])] for t in terms if t[0] == term[0])
            self.weights[term] = _normal((inputs[j], outputs[i]), fan_in, generator)

    def forward(self, maps: Maps, fields: Fields) -> dict[int, Tensor]:
        """From features by dimension, shapes (n_k, ..., channels), to those of the dimensions that the terms reach."""
        sums: dict[int, Tensor] = {}
        for term in self.terms:
            i, j = map(int, term)
            part = _through(maps[term], fields[j], self.weights[term])
            sums[i] = sums[i] + part if i in sums else part
        return {k: self.activation(total) for k, total in sums.items()}


def _through(s: Map, x: Tensor, w: Tensor) -> Tensor:
    """S X W in the cheaper order."""
    return s(x) @ w if w.shape[0] <= w.shape[1] else s(x @ w)


class SimplicialNet(nn.Module):
    """Layers on one complex, then a linear function of the node features, which have no orientation.

    The last layer has only the terms that lead to nodes.

    Args:
        nodes: their number.
        terms: of the layers before the last.
        inputs: channels on nodes, edges and triangles.
        width: channels of every layer on simplices of each dimension.
        depth: number of layers, at least 1.
        classes: number of outputs.
        activation: of all layers.
        generator: draws the weights.

    Raises:
        ValueError: depth < 1, or terms that do not exist or do not lead to nodes.

    Example:
        >>> from sims.simplicial_complexes import king_grid, operators
        >>> net = SimplicialNet(9, TERMS, (1, 1, 0), 4, 2, 10, torch.tanh, torch.Generator().manual_seed(0))
        >>> fields = lift(king_grid(3), torch.rand(9, 5, 1))
        >>> tuple(net(operators(king_grid(3)), fields).shape)
        (5, 10)
    """

    def __init__(
        self,
        nodes: int,
        terms: Sequence[str],
        inputs: Sequence[int],
        width: int,
        depth: int,
        classes: int,
        activation: Activation,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        depth = integer("depth", depth, 1)
        last = tuple(t for t in terms if t[0] == "0")
        channels = [tuple(inputs), *[(width,) * 3] * depth]
        kinds = [*[tuple(terms)] * (depth - 1), last]
        self.layers = nn.ModuleList(
            Layer(kind, *widths, activation, generator)
            for kind, widths in zip(kinds, itertools.pairwise(channels), strict=True)
        )
        self.head = _normal((nodes * width, classes), nodes * width, generator)

    def forward(self, maps: Maps, fields: Fields) -> Tensor:
        """Outputs of shape (batch, classes) from features of shapes (n_k, batch, channels)."""
        for layer in self.layers:
            fields = layer(maps, fields)
        return fields[0].transpose(0, 1).flatten(1) @ self.head


class ConvNet(nn.Module):
    """Convolutions of 3 x 3 places on a square grid of nodes, then a linear function of them.

    Args:
        side: nodes in a row.
        inputs: channels at the nodes.
        width: channels of every layer.
        depth: number of layers, at least 1.
        classes: number of outputs.
        activation: of all layers.
        generator: draws the weights.

    Raises:
        ValueError: depth < 1.

    Example:
        >>> net = ConvNet(3, 1, 4, 2, 10, torch.tanh, torch.Generator().manual_seed(0))
        >>> tuple(net({}, {0: torch.rand(9, 5, 1)}).shape)
        (5, 10)
    """

    def __init__(
        self,
        side: int,
        inputs: int,
        width: int,
        depth: int,
        classes: int,
        activation: Activation,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        depth = integer("depth", depth, 1)
        self.side, self.activation = side, activation
        channels = [inputs, *[width] * depth]
        self.kernels = nn.ParameterList(
            _normal((b, a, 3, 3), 9 * a, generator) for a, b in itertools.pairwise(channels)
        )
        self.head = _normal((side * side * width, classes), side * side * width, generator)

    def forward(self, maps: Maps, fields: Fields) -> Tensor:
        """Outputs of shape (batch, classes) from node features of shape (side^2, batch, channels); no map is used."""
        x = fields[0].permute(1, 2, 0)
        x = x.reshape(*x.shape[:2], self.side, self.side)
        for kernel in self.kernels:
            x = self.activation(nn.functional.conv2d(x, kernel, padding=1))
        return x.flatten(1) @ self.head


def lift(found: Complex, nodes: Tensor) -> dict[int, Tensor]:
    """Features on edges and triangles from those on nodes that move as they should (claim simplicial-inputs).

    Args:
        found: the complex.
        nodes: features of shape (n_0, batch, c).

    Returns:
        The features on nodes, their differences on edges, and x ^ y on triangles for all pairs of channels in order;
        of shapes (n_0, batch, c), (n_1, batch, c), (n_2, batch, c (c - 1)/2).

    Example:
        >>> from sims.simplicial_complexes import from_triangles
        >>> corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])[:, None]
        >>> lift(from_triangles(3, [[0, 1, 2]]), corners)[2].flatten().tolist()
        [-0.5]
    """
    count = nodes.shape[2]
    difference, total, curl = (_plain(m, nodes) for m in (found.b1.T, abs(found.b1).T, found.b2.T))
    along, across = difference(nodes), total(nodes)
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    first, second = ([pair[i] for pair in pairs] for i in (0, 1))
    return {0: nodes, 1: along, 2: curl(along[..., first] * across[..., second]) / 2}


def _plain(matrix: object, like: Tensor) -> Map:
    forward = csr_tensor(matrix, like.dtype, str(like.device))
    return Map(forward, forward)  # inputs need no gradient


def _normal(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape, generator=generator) / max(1, fan_in) ** 0.5)

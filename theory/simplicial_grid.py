r"""The complex of the experiment with simplicial nets on images: a grid joined by king's moves, and what they got."""

from __future__ import annotations

import itertools

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.simplicial import PAPER
from theory.simplicial_complexes import grid

__all__: list[str] = []

claim(
    "simplicial-grid",
    kind="example",
    title="An image as a complex: a grid joined by king's moves",
    statement=r"n_0 = m^2,\quad n_1 = 2 (2m - 1)(m - 1),\quad n_2 = 4 (m - 1)^2; \qquad "
    r"m = 7: \quad (n_0, n_1, n_2) = (49, 156, 144)",
    source=f"{PAPER}: the numbers at m = 7 (read in a source, not compared with the paper); the formulas for every m "
    "stand in the authors' code, without a proof; the proof is ours",
    hypotheses=(
        r"m \ge 2; \text{ nodes are the places of an } m \times m \text{ grid, joined if they differ by at most 1 in "
        r"both coordinates; all triples joined in pairs are triangles}",
    ),
)
claim(
    "simplicial-mnist",
    kind="cited",
    title="Accuracy of the simplicial net on MNIST (Bunch, You, Fung, Singh)",
    statement=r"\text{test accuracy in per cent: convolutional } 87.40 \pm 0.70, \text{ with a graph layer } "
    r"87.42 \pm 0.59, \text{ with a simplicial layer } 91.10 \pm 0.40",
    source=f"{PAPER}, its experiment (read in a source, not compared with the paper; how many runs there were and what "
    "stands behind the sign +- was not in it)",
    hypotheses=(
        r"\text{MNIST, 1000 training and 1000 test images}",
        r"\text{a complex with 49 nodes, 156 edges and 144 triangles for each image}",
    ),
    uses=("simplicial", "simplicial-grid"),
)


@proves(
    "simplicial-grid",
    "three nodes joined in pairs lie in one square of four, which is theirs alone",
    by=Trust.EXACT,
    mutant=Mutant("nodes at distance 2 are joined", reach=2),
)
def squares(reach: int = 1) -> Evidence:
    """Seen from one of the three, the other two differ from it and from each other by at most 1.

    So rows and columns span 0 or 1. Three nodes of a square of four fill two rows and two columns, hence are in no
    other square; each square holds four triples.
    """
    near = [p for p in itertools.product(range(-reach, reach + 1), repeat=2) if p != (0, 0)]
    joined = [(p, q) for p, q in itertools.permutations(near, 2) if max(abs(p[0] - q[0]), abs(p[1] - q[1])) <= reach]
    corners = list(itertools.product((0, 1), repeat=2))
    return all_of(
        decide.every(
            "the three rows and the three columns span exactly 1",
            joined,
            lambda pair: all(max(0, pair[0][i], pair[1][i]) - min(0, pair[0][i], pair[1][i]) == 1 for i in (0, 1)),
        ),
        decide.every(
            "the four triples of a square fill two rows and two columns",
            list(itertools.combinations(corners, 3)),
            lambda triple: all({place[i] for place in triple} == {0, 1} for i in (0, 1)),
        ),
        decide.rational("triples in a square", len(list(itertools.combinations(corners, 3))), "==", 4),
        summary="each of the (m - 1)^2 squares gives four triangles, and there are no others",
    )


@proves(
    "simplicial-grid",
    "edges and triangles counted",
    by=Trust.EXACT,
    mutant=Mutant("each square has one diagonal", diagonals=1),
)
def counted(diagonals: int = 2) -> Evidence:
    """Along rows m (m - 1) edges, as many along columns, two diagonals in each of (m - 1)^2 squares."""
    return all_of(
        decide.same_polynomial(f"2*m*(m - 1) + {diagonals}*(m - 1)**2", "2*(2*m - 1)*(m - 1)"),
        decide.every("the grid itself, m = 2, ..., 7", range(2, 8), _grid_counts),
        decide.every("m = 7", [7], lambda m: (m**2, 2 * (2 * m - 1) * (m - 1), 4 * (m - 1) ** 2) == (49, 156, 144)),
        summary="2 m (m - 1) + 2 (m - 1)^2 = 2 (2 m - 1)(m - 1) edges; 49, 156 and 144 at m = 7",
    )


def _grid_counts(side: int) -> bool:
    nodes, edges, triangles = grid(side)
    places = [(k // side, k % side) for k in range(nodes)]

    def joined(a: int, b: int) -> bool:
        return max(abs(x - y) for x, y in zip(places[a], places[b], strict=True)) == 1

    pairs = {pair for pair in itertools.combinations(range(nodes), 2) if joined(*pair)}
    triples = {
        (*pair, c) for pair in pairs for c in range(pair[1] + 1, nodes) if joined(pair[0], c) and joined(pair[1], c)
    }
    listed = pairs == {(min(e), max(e)) for e in edges} and triples == {tuple(sorted(t)) for t in triangles}
    counts = (side**2, 2 * (2 * side - 1) * (side - 1), 4 * (side - 1) ** 2)
    return listed and (nodes, len(edges), len(triangles)) == counts

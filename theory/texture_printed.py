r"""Theorem 5.5 as printed: it follows from the sharper claims of `theory.texture` and `theory.texture_conv`."""

from __future__ import annotations

from fractions import Fraction

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.texture_conv import conv_upper_bound
from theory.texture_optimum import EQUIVARIANT, TASK, distinct_points, labelled_edges

__all__: list[str] = []

claim(
    "thm-5.5",
    kind="theorem",
    title="Theorem 5.5, as printed",
    statement=r"\mathcal{N}(A,P,\tfrac18,\tfrac18) \ge \mathcal{N}^*(A,P,\tfrac14) \ge \tfrac{d}{10} "
    r"\text{ for every } A, \qquad \mathcal{N}(\mathrm{ERM}_{\mathrm{CNN}},P,0,\delta) \le \log_2(1/\delta) + 2",
    source="Li, Zhang, Arora (ICLR 2021), Theorem 5.5",
    printed=r"\mathcal{N}(A,P,\tfrac18,\tfrac18) \ge \mathcal{N}^*(A,P,\tfrac14) \ge \tfrac{d}{10} "
    r"\text{ for every permutation-equivariant } A, \qquad "
    r"\mathcal{N}(\mathrm{ERM}_{\mathrm{CNN}},P,0,\delta) \le \log_2(1/\delta) + 2",
    differs="In the description of P the paper lets i run up to n, a slip for d; that d is at least 5 is added, and "
    "the nets are spelled out here. The bounds are the printed ones.",
    hypotheses=(
        TASK,
        EQUIVARIANT,
        r"\mathrm{ERM}_{\mathrm{CNN}} \text{ is any empirical risk minimiser over } \mathcal{H} \text{ as in "
        r"conv-upper-5.5},\ 0 < \delta < 1",
    ),
    uses=("def-3.2", "def-3.3", "conv-upper-5.5"),
)


@proves(
    "thm-5.5",
    "the task has 2d points exactly for d >= 5",
    by=Trust.EXACT,
    mutant=Mutant("d = 4 is claimed too", smallest=4),
)
def range_of_d(smallest: int = 5) -> Evidence:
    """s_i = s_{i+2} at d = 4, s_i = t_{i+2} with contradicting labels at d = 3, s_i = 2 e_i at d = 2."""
    return all_of(
        distinct_points(smallest),
        decide.every(
            "points coincide, or are not two pixels, for smaller d",
            range(1, smallest),
            lambda d: len({edge for edge, _ in labelled_edges(d) if edge[0] != edge[1]}) < 2 * d,
        ),
    )


@proves(
    "thm-5.5",
    "n < d/10 leaves more than a quarter",
    by=Trust.EXACT,
    mutant=Mutant("n < d/10 is weakened to n < d/6", room=6),
    uses=("lem-bernoulli", "thm-5.5-sharp"),
)
def printed(room: int = 10) -> Evidence:
    """With d = 10 n + k, k > 0: 2d (1 - 7n/(2d)) - d = 3n + k > 0, so (1/2)(1-7/(2d))^n > 1/4.

    Bernoulli applies, for 7/(2d) < 1 from d = 5 on.
    """
    return all_of(
        decide.same_polynomial(f"2*({room}*n + k) - 7*n - ({room}*n + k)", f"{room - 7}*n + k"),
        decide.rational("the coefficient of n", room - 7, ">=", 0),
        summary="1 - 7n/(2d) > 1/2 for n < d/10 (for n < d/7 even), so no such n reaches error 1/4",
    )


@proves(
    "thm-5.5",
    "the first inequality is Definition 3.3 at eps = delta = 1/8",
    by=Trust.EXACT,
    mutant=Mutant("delta is a quarter", delta=Fraction(1, 4)),
    uses=("def-3.3",),
)
def first_inequality(delta: Fraction = Fraction(1, 8)) -> Evidence:
    """Bookkeeping: N*(eps + delta) <= N(eps, delta) is the definition's; here only 1/8 + 1/8 = 1/4 is seen."""
    return decide.rational("eps + delta", Fraction(1, 8) + delta, "==", Fraction(1, 4))


@proves(
    "thm-5.5",
    "the conv net's bound as printed",
    by=Trust.EXACT,
    mutant=Mutant("log2(1/delta) + 1 is claimed", plus=1),
    uses=("conv-upper-5.5",),
)
def printed_conv(plus: int = 2) -> Evidence:
    """The first n with 2^{1-n} <= delta has 2^{2-n} > delta, so n < log2(1/delta) + 2; tried at delta = k/60."""
    return decide.every(
        f"2^(n-{plus}) delta <= 1, that is n <= log2(1/delta) + {plus}, for delta = k/60",
        [Fraction(k, 60) for k in range(1, 60)],
        lambda delta: Fraction(2) ** (conv_upper_bound("1/3", delta).n - plus) * delta <= 1,
    )

r"""The introspective loop with a fully-connected net is a learner that does not see a rotation of its data.

The net sees an input through W x alone. So its input gradient is W' delta, which turns with the data once W does, and a
step uphill with isotropic noise turns along; samples that turn are as good as data that turn for the next training.
Coupled are ``(W, data, first samples, noise)`` and ``(W g', g data, g first samples, g noise)``: every output agrees
along both runs. As the law of weights and noise is the same after turning, the learner is equivariant in law, and what
is known of equivariant learners binds it: with any number of pseudo-negatives, the labelled samples that all such
learners need are needed still.

Steps that act on single pixels are allowed for by ``psi`` (on the gradient) and ``phi`` (on the sample), which keep
only the group that they commute with; see `theory.introspective_broken`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory import decide
from theory.claims import Mutant, claim, proves
from theory.evidence import Evidence, Trust, all_of
from theory.groups import ORTHOGONAL
from theory.introspective_exact import Loop
from theory.rewriting import Rule, rule
from theory.table1_kept import INVERSE, ORTHOGONAL_RULES, Descent, G, descent_step
from theory.terms import Term, apply, apply_scalar, matrix, one, scalar, trace, transpose

__all__: list[str] = []

SYNTHESIS = (
    r"x_{k+1} = \varphi_k(x_k + \lambda_k\, \psi_k(\nabla f_t(x_k)) + s_k \xi_k) \text{ while } f_t(x_k) < c_k; \ "
    r"\lambda_k, s_k, c_k \text{ and the numbers of steps and of samples are fixed or functions of the labels "
    r"and of the outputs seen}"
)

claim(
    "introspective-equivariant",
    kind="theorem",
    title="The loop is an equivariant learner",
    statement=r"\text{From } (g D, W_0 g^\top, g x_0, g \xi) \text{ instead of } (D, W_0, x_0, \xi): \quad "
    r"f_t^g(g x) = f_t(x) \text{ and } x_k^g = g x_k \quad \text{for every } x,\ g \in G \text{ and round } t, "
    r"\text{ pathwise};\quad \text{hence } D \mapsto \operatorname{sign} f_T \text{ is } G\text{-equivariant, "
    r"for every number of rounds } T",
    source="ours",
    hypotheses=(
        r"f_t(x) = N_{\theta}(W x),\ N \text{ arbitrary and differentiable, or a fixed (sub)gradient is used "
        r"that is a function of } (W x, \theta); \text{ with an output for each of the two classes a sample goes up on "
        r"one of them, and } f_t \text{ in } \operatorname{sign} f_T \text{ is their difference}",
        r"f_{t+1} \text{ is trained, from the weights of round } t \text{ or from new ones, on } D "
        r"\text{ and the pseudo-negatives so far (all, or for each output its own), by steps that satisfy (2) of "
        r"Theorem C.1 for } G \text{ (gradient descent as in Table 1 for } G \le O(d))",
        SYNTHESIS,
        r"G \le O(d);\ \varphi_k(g x) = g \varphi_k(x),\ \psi_k(g v) = g \psi_k(v) \text{ for } g \in G, "
        r"\text{ e.g. } \varphi_k = \psi_k = \mathrm{id} \text{ and } G = O(d); \text{ all maps are measurable}",
        r"W_0 \text{ (and the new weights of later rounds, which move as it does)}, x_0, \xi_k \text{ each have i.i.d. "
        r"centred Gaussian entries, of a variance that may be } 0, \text{ and are independent, also of } \theta_0 "
        r"\text{ and of all other draws}",
    ),
    uses=("def-3.2", "thm-c.1", "introspective", "table-1"),
)
claim(
    "introspective-5.2",
    kind="theorem",
    title="No number of pseudo-negatives lowers the bound",
    statement=r"\mathcal{N}^*(\mathcal{A}, P, \tfrac1{100}) \ge d^2, \quad "
    r"\mathcal{N}(\mathcal{A}, P, \varepsilon, \delta) \ge d^2 \log_2 \frac{C_d}{\varepsilon} + \log_2(1-\delta) "
    r"\quad \text{for the learner } \mathcal{A}: D \mapsto \operatorname{sign} f_T \text{ of the loop, whatever its "
    r"number of rounds and of pseudo-negatives}; \quad \text{on } 8 \times 8 \text{ entries } (d = 32) \ "
    r"\mathcal{N}^*(\mathcal{A}, P, \tfrac1{100}) \ge 1024",
    source="ours, from Theorem 5.2 of Li, Zhang, Arora (ICLR 2021)",
    hypotheses=(
        r"P: x \sim N(0, I_{2d}),\ y = \operatorname{sign}(\|x_{1:d}\|^2 - \|x_{d+1:2d}\|^2);\ "
        r"C_d \text{ as in lem-ball},\ \varepsilon > 0,\ 0 \le \delta < 1",
        r"\text{the loop is as in introspective-equivariant with } G = O(2d); "
        r"\text{ samples are the labelled ones in } D",
    ),
    uses=("def-3.3", "introspective-equivariant", "thm-5.2", "thm-5.2-explicit"),
)


def input_gradient(weights: Term, points: Term) -> Term:
    """The gradient in the points (columns) of the sum of the outputs N(W x): W' delta, delta a function of W x."""
    return transpose(weights) * apply("delta", weights * points, matrix("theta"))


def of_outputs(name: str, weights: Term, points: Term, data: Term) -> Term:
    """A diagonal matrix, one entry for each sample, that depends on the outputs at samples and data alone."""
    return apply(name, weights * points, weights * data, matrix("theta"))


def synthesis_step(weights: Term, points: Term, noise: Term, data: Term) -> Term:
    """One step uphill with noise, before phi; psi is opaque, lambda and s may follow the outputs."""
    direction = apply("psi", input_gradient(weights, points))
    stride, heat = (of_outputs(name, weights, points, data) for name in ("lambda", "s"))
    return points + direction * stride + noise * heat


@proves(
    "introspective-equivariant",
    "the input gradient is W' delta, for every network",
    by=Trust.EXACT,
    mutant=Mutant("W is not transposed", weights="W"),
)
def gradient_in_the_input(weights: str = "W'") -> Evidence:
    """The derivative of the sum of outputs along E is <delta, W E> = <W' delta, E>: one trace, read two ways."""
    delta, w, direction = matrix("delta"), matrix("W"), matrix("E")
    return decide.equal_terms(
        trace(transpose(delta) * (w * direction)), trace(transpose(matrix(weights) * delta) * direction)
    )


@proves(
    "introspective-equivariant",
    "outputs agree and a step of synthesis moves along",
    by=Trust.EXACT,
    mutant=Mutant("the noise is not moved", noise="Xi"),
)
def synthesis_moves(noise: str = "g Xi") -> Evidence:
    """From (W g', g X, g Xi): W g' g X = W X, so outputs, thresholds and delta agree, and the gradient is g W' delta.

    psi and phi are opaque functions of which only is used that they commute with g.
    """
    w, x, xi, data = (matrix(name) for name in ("W", "X", "Xi", "D"))
    back = w * transpose(G)
    slope = input_gradient(w, x)
    before = synthesis_step(w, x, xi, data)
    rules = [
        *ORTHOGONAL_RULES,
        rule("psi(g v) = g psi(v)", apply("psi", G * slope), G * apply("psi", slope)),
        rule("phi(g x) = g phi(x)", apply("phi", G * before), G * apply("phi", before)),
    ]
    moved_noise = G * xi if noise == "g Xi" else matrix(noise)
    there = synthesis_step(back, G * x, moved_noise, G * data)
    return all_of(
        decide.equal_terms(apply_scalar("f", back * (G * x)), apply_scalar("f", w * x), rules),
        decide.equal_terms(input_gradient(back, G * x), G * slope, rules),
        decide.equal_terms(apply("phi", there), G * apply("phi", before), rules),
        summary="f(g x) = f(x), and x + lambda psi(grad f) + s xi picks up g on the left, before and after phi",
    )


@proves(
    "introspective-equivariant",
    "a sample stops in the twin where it stops in the run, for every number of steps",
    by=Trust.EXACT,
    mutant=Mutant("the threshold is on pixels, not on outputs", seen="pixels"),
)
def stopping_moves(seen: str = "outputs") -> Evidence:
    """With P the diagonal matrix of those that have stopped, the next samples are X P + Y (1 - P), Y after a step.

    P depends on the outputs at samples and data, so it is the same in the twin, where Y is g Y. Induction on the number
    of steps, in words of maps: K makes one step, K_k the first k, the primed ones are the twin's.
    """
    w, x, data, after = (matrix(name) for name in ("W", "X", "D", "Y"))
    back = w * transpose(G)
    tau, one_more, one_more_g, so_far, so_far_g = (matrix(name) for name in ("tau", "K", "K'g", "K_k", "K_k'g"))
    known = [
        rule("a step commutes", one_more_g * tau, tau * one_more),
        rule("induction: k steps", so_far_g * tau, tau * so_far),
    ]

    def following(weights: Term, points: Term, stepped: Term, inputs: Term) -> Term:
        stopped = apply("P", points) if seen == "pixels" else of_outputs("P", weights, points, inputs)
        return points * stopped + stepped * (one() - stopped)

    return all_of(
        decide.equal_terms(
            following(back, G * x, G * after, G * data), G * following(w, x, after, data), ORTHOGONAL_RULES
        ),
        decide.equal_terms(one_more_g * so_far_g * tau, tau * one_more * so_far, known),
        summary="the same samples stop, and those that go on move along",
    )


@proves(
    "introspective-equivariant",
    "training on data and samples together",
    by=Trust.EXACT,
    mutant=Mutant("the pseudo-negatives are not moved", samples="X"),
    uses=("alg-1", "table-1"),
)
def training_moves(samples: str = "g X") -> Evidence:
    """The union of the columns of D and X is D S + X T, with selections S and T that do not look at the inputs.

    So it moves by g as a whole, and the step of gradient descent is that of Table 1. It starts at the weights of the
    last round or at new ones, which are W g' in the twin either way, with the last buffer or an empty one: 0 g' = 0.
    """
    data, x, s, t = matrix("D"), matrix("X"), matrix("S_D"), matrix("S_X")
    start = Descent(*map(matrix, ("W", "B", "theta", "C")))
    back = start._replace(weights=start.weights * transpose(G), buffer=start.buffer * transpose(G))
    moved = G * x if samples == "g X" else matrix(samples)
    here, there = descent_step(start, data * s + x * t), descent_step(back, G * data * s + moved * t)
    wanted = here._replace(weights=here.weights * transpose(G), buffer=here.buffer * transpose(G))
    return all_of(
        decide.equal_terms(G * data * s + G * x * t, G * (data * s + x * t), ORTHOGONAL_RULES),
        *(decide.equal_terms(a, b, ORTHOGONAL_RULES) for a, b in zip(there, wanted, strict=True)),
        summary="a step on the union from W g' is the step from W, times g'",
    )


@proves(
    "introspective-equivariant",
    "pathwise, for every number of rounds: by induction",
    by=Trust.EXACT,
    mutant=Mutant("the synthesis is not known to commute", synthesis_commutes=False),
    uses=("thm-c.1",),
)
def rounds(synthesis_commutes: bool = True) -> Evidence:
    """The state of Theorem C.1 is (weights, theta, buffers, samples, noise to come); tau(g) moves each as above.

    Words of maps: S synthesises, F trains, the primed ones do so on gD; Phi is the first t rounds; M reads sign f.
    """
    tau, s, s_g, f, f_g = (matrix(name) for name in ("tau", "S", "S'g", "F", "F'g"))
    m, m_g, phi, phi_g, start = (matrix(name) for name in ("M", "M'g", "Phi", "Phi'g", "start"))
    training = rule("training commutes", f_g * tau, tau * f)
    synthesis = [rule("synthesis commutes", s_g * tau, tau * s)] if synthesis_commutes else []
    known = [training, *synthesis, rule("(1)", m_g * tau, m), rule("induction: t rounds", phi_g * tau, tau * phi)]
    return all_of(
        decide.equal_terms(f_g * tau, tau * f, known),
        decide.equal_terms(f_g * s_g * phi_g * tau, tau * f * s * phi, known),
        decide.equal_terms(m_g * phi_g * tau * start, m * phi * start, known),
        summary="F'g S'g Phi'g tau = tau F S Phi, so M'g Phi'g tau = M Phi: (1) and (2) of Theorem C.1 hold",
    )


@proves(
    "introspective-equivariant",
    "the law of weights, first samples and noise is invariant",
    by=Trust.EXACT,
    mutant=Mutant("g is invertible but not orthogonal", rules=INVERSE),
    uses=("table-1", "thm-c.1", "def-3.2"),
)
def invariant_start(rules: Sequence[Rule] = ORTHOGONAL_RULES) -> Evidence:
    """(3) of Theorem C.1: W_0 by Table 1; the density at g x is a function of x' g' g x = x' x, and det(g)^2 = 1.

    A variance of 0 leaves the origin, which g fixes. Independent parts, each of invariant law, are invariant together.
    """
    x, det = matrix("x"), scalar("det g")
    moved = G * x
    volume = rule("det(g) det(g) = det(g' g)", det * det, apply_scalar("det", transpose(G) * G))
    unit = rule("det 1 = 1", apply_scalar("det", one()), one())
    before, after = (apply_scalar("density", transpose(v) * v) for v in (x, moved))
    return all_of(
        decide.equal_terms(after, before, rules),
        decide.equal_terms(det * det, one(), [volume, *rules, unit]),
        decide.equal_terms(G * (x - x), x - x, rules),
        summary="density, volume and the origin are unchanged",
    )


@proves(
    "introspective-equivariant",
    "two rounds in exact arithmetic",
    by=Trust.EXACT,
    mutant=Mutant("the noise is not moved", noise_moves=False),
)
def exact_runs(noise_moves: bool = True) -> Evidence:
    """Nets with activation z + z^2/4, d = 2 and 3, two rounds, rational orthogonal matrices: every number agrees."""
    return decide.every(
        "W' = W g' and X' = g X after two rounds, (d, case)",
        [(d, case) for d in (2, 3) for case in range(4)],
        lambda c: _coupled(*c, noise_moves),
    )


def _coupled(d: int, case: int, noise_moves: bool) -> bool:
    rng = random.Random(100 * d + case)
    g = ORTHOGONAL.exact_element(d, rng)
    loop = Loop(
        curve=Fraction(1, 4), rate=Fraction(1, 16), stride=Fraction(1, 2), heat=Fraction(1, 2), threshold=Fraction(2)
    )
    weights, points, starts, noises = (_entries(rng, *s, d) for s in ((2,), (3,), (2, 2), (2, 2, 2)))
    labels = (1, -1, 1)
    last, found = loop.run(weights, list(points), labels, starts, noises)
    moved, twins = loop.run(
        weights @ g.T, list(points @ g.T), labels, starts @ g.T, noises @ g.T if noise_moves else noises
    )
    return bool((moved == last @ g.T).all()) and all((b == g @ a).all() for a, b in zip(found, twins, strict=True))


def _entries(rng: random.Random, *shape: int) -> NDArray[Any]:
    """Small rational numbers."""
    drawn = [Fraction(rng.randint(-4, 4), 4) for _ in range(int(np.prod(shape)))]
    return np.array(drawn, object).reshape(shape)


@proves(
    "introspective-5.2",
    "the loop is such a learner, so its errors are those of Theorem 5.2",
    by=Trust.EXACT,
    mutant=Mutant("the loop is not known to be equivariant", equivariant=False),
    uses=("introspective-equivariant", "thm-5.2", "thm-5.2-explicit"),
)
def binds(equivariant: bool = True) -> Evidence:
    """A(D), the law of sign f_T, is a function of the labelled data: draws and samples are averaged over.

    Words: A(gD) g = A(D), hence A(gD)(g x) = A(D)(x), which is Definition 3.2 and all that Theorem 5.2 asks for.
    """
    law, moved, g, x = matrix("A(D)"), matrix("A(gD)"), matrix("g"), matrix("x")
    known = [rule("introspective-equivariant", moved * g, law)] if equivariant else []
    return all_of(
        decide.equal_terms(moved * (g * x), law * x, known),
        decide.rational("d^2 where 2d = 8 * 8", Fraction(8 * 8, 2) ** 2, "==", 1024),
        summary="A(gD)(g x) has the law of A(D)(x), for every number of rounds and of pseudo-negatives",
    )

"""What the paper states, number by number, and which claims of the ledger say it.

Written by hand: the list, how far the named claims say what is printed, and what they leave out. Whether the claims
hold is not written here; the page reads it from the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.table1 import CONDITIONS

COVER: Mapping[str, str] = {
    "whole": "✓ whole",
    "partly": "◐ partly",
    "refuted": "✗ refuted as printed,<br>corrected",
    "no": "✗ not covered",
    "unknown": "? text unknown",
}
"""How far claims say what is printed, with a sign that needs no colour."""


@dataclass(frozen=True)
class Statement:
    """One thing that the paper states.

    Attributes:
        name: its number, or what it is called.
        says: what it states, in Markdown.
        cover: a key of `COVER`.
        claims: ids of the claims that say it.
        remark: in Markdown, what is missing or different.
        experiments: the simulations in which it is seen, for statements that no claim says.
    """

    name: str
    says: str
    cover: str
    claims: tuple[str, ...] = ()
    remark: str = ""
    experiments: tuple[str, ...] = ()


RECONSTRUCTED = (
    "The text of the appendix was not at hand; the statement is reconstructed from its use in the main body."
)

ABSTRACT = (
    Statement(
        "Abstract, gap",
        r"On one natural law, orthogonal-equivariant learners need $\Omega(d^2)$ samples and a conv net $O(1)$.",
        "whole",
        ("thm-5.2", "conv-upper-4.1"),
        "The conv net is fitted by empirical risk minimisation; on gradient descent see Theorem 5.2.",
    ),
    Statement(
        "Abstract, all laws",
        r"For one target over all laws the gap is $\Omega(d^2/\varepsilon)$ against a number free of $d$.",
        "whole",
        ("thm-4.1", "conv-upper-4.1"),
    ),
    Statement(
        "Abstract, regression",
        r"The like for $\ell_2$ regression.",
        "whole",
        ("thm-5.4-corrected", "conv-upper-5.4"),
        "With a smaller linear term than printed: see Theorem 5.4. The order of the gap stays.",
    ),
    Statement(
        "Abstract, Adam and AdaGrad",
        r"They are permutation-equivariant, and for such learners there is a gap of $\Omega(d)$ against $O(1)$.",
        "whole",
        ("table-1", "thm-5.5"),
    ),
    Statement(
        "Abstract, training",
        "Fully-connected nets trained by most gradient methods from a Gaussian start are orthogonal-equivariant.",
        "partly",
        ("table-1", "thm-c.1"),
        "Proved for gradient descent with momentum and weight decay. Other optimizers are measured, see "
        "[](atlas.md) and [](optimizers.md); 'most' is no statement that a proof could show.",
    ),
)

DEFINITIONS = (
    Statement(
        "Definition 3.1",
        "Learning algorithm; equality of randomised ones in law.",
        "whole",
        ("def-3.1",),
    ),
    Statement(
        "Definition 3.2",
        r"$G$-equivariant algorithm.",
        "whole",
        ("def-3.2",),
    ),
    Statement(
        "Definition 3.3",
        r"$\mathcal{N}$ and $\mathcal{N}^*$, and the inequalities between them.",
        "whole",
        ("def-3.3",),
        "The middle term is printed with a star, which is a slip; it is stated without.",
    ),
    Statement(
        "Algorithm 1",
        "Iterative training from a random start.",
        "whole",
        ("alg-1",),
    ),
    Statement(
        "Moved laws and tasks",
        r"$P_X \circ g$ and $P \circ g$.",
        "whole",
        ("thm-5.1",),
        "No claim of their own: hypotheses and first steps of Theorem 5.1.",
    ),
    Statement(
        "Fully-connected net",
        "Any depth, width and activation; after the first layer biases, normalisation and so on are allowed.",
        "whole",
        ("alg-1", "table-1"),
        "A hypothesis of these claims: of the net only that its first layer is fully connected is used.",
    ),
    Statement(
        "Conv net",
        "Two layers, one channel, pooling over patches.",
        "partly",
        ("conv-upper-4.1", "conv-upper-5.3", "conv-upper-5.4", "conv-upper-5.5"),
        "Each upper bound names its own small net: filters of size 1, in Theorem 5.5 of size 2. Of nets with larger "
        "filters nothing is claimed. In the definition the paper prints $a_r$ for $a_i$, a slip.",
    ),
)

EQUIVARIANCE = (
    Statement(
        "Theorem C.1",
        "Three conditions under which Algorithm 1 is equivariant.",
        "whole",
        ("thm-c.1",),
        RECONSTRUCTED,
    ),
    Statement(
        "Table 1",
        "Which algorithm, initialisation and regulariser goes with which group.",
        "whole",
        ("table-1",),
        f"Cell by cell below. The paper gives what holds; what fails is ours. {CONDITIONS}",
    ),
    Statement(
        "Kernel regression",
        r"It is $G$-equivariant if the kernel is $G$-invariant, such as inner-product kernels and the neural tangent "
        r"kernel of a fully-connected net under $O(d)$.",
        "partly",
        ("table-1",),
        r"Proved for functions of inner products under $O(d)$. Not stated: other groups (the same words would do), and "
        "that the neural tangent kernel is such a function.",
    ),
    Statement(
        "ERM",
        r"Empirical risk minimisation over $H$ is $G$-equivariant if $H \circ G = H$ and the minimiser is unique.",
        "no",
        (),
        "No claim says it and none needs it.",
    ),
)

SECTION_4 = (
    Statement(
        "Example 1",
        r"For $n < d/2$ every orthogonal-equivariant learner errs with probability at least $1/4$.",
        "whole",
        ("ex-4.1", "ex-4.1-exact"),
        "Beside it, ours: the least error exactly.",
    ),
    Statement(
        "Theorem B.1",
        "The lower bound by the VC dimension, all laws.",
        "whole",
        ("thm-b.1",),
        f"With constants. {RECONSTRUCTED}",
    ),
    Statement(
        "Theorem 4.1, lower bound",
        r"$\Omega((d^2 + \ln(1/\delta))/\varepsilon)$ samples for orthogonal-equivariant learners.",
        "whole",
        ("thm-4.1",),
        r"As a maximum of the two terms, with constants.",
    ),
    Statement(
        "Theorem 4.1, conv net",
        r"$O((\log(1/\varepsilon) + \log(1/\delta))/\varepsilon)$ samples for its ERM.",
        "whole",
        ("conv-upper-4.1",),
        "With the constants of a cited theorem.",
    ),
    Statement(
        "Theorem 4.2",
        r"Learning under a fixed law needs $\Pi_H(n) \ge (1-\delta) D(H, \rho, 2\varepsilon)$.",
        "whole",
        ("thm-4.2",),
        "Cited in the paper, proved here.",
    ),
    Statement(
        "Theorem 4.2, Long's form",
        r"$n \ge (V/e)((1-\delta) D)^{1/V}$, by the Sauer-Shelah lemma.",
        "whole",
        ("long-1995", "sauer-shelah"),
        "Cited in the paper, proved here.",
    ),
)

SECTION_5 = (
    Statement(
        "Theorem 5.1",
        r"Learning $H$ by $G$-equivariant learners is at least as hard as learning $H \circ G$, and as hard if $G$ is "
        "compact.",
        "whole",
        ("thm-5.1",),
        "A condition of measurability is spelled out.",
    ),
    Statement(
        "Theorem 5.2, lower bound",
        r"One law, one function: $\mathcal{N}^*(\varepsilon_0) = \Omega(d^2)$ for orthogonal-equivariant learners.",
        "whole",
        ("thm-5.2", "thm-5.2-explicit"),
        r"With $\varepsilon_0 = 1/100$ and constant 1.",
    ),
    Statement(
        "Theorem 5.2, conv net",
        r"Its ERM needs $O((\log(1/\varepsilon) + \log(1/\delta))/\varepsilon)$ samples.",
        "whole",
        ("conv-upper-4.1",),
        "A bound for all laws, hence for this one.",
    ),
    Statement(
        "Theorem 5.2, gradient descent",
        "The conv net's ERM can be realised by gradient descent.",
        "no",
        (),
        "Not proved, and no claim says it. Conv nets are trained in the simulations named here, by SGD in the warm-up "
        "and Figure 1 and by Adam on the quadratic task. Only the warm-up's is judged, on its own task.",
        ("warmup", "quadratic", "figure1"),
    ),
    Statement(
        "Equation (7)",
        r"$\Omega(d^2 \varepsilon^{-1/2 + 1/(2d)})$ through Long's form.",
        "whole",
        ("eq-7",),
        "With a constant.",
    ),
    Statement(
        "Open problem after (7)",
        r"Is there one task on which all orthogonal-equivariant learners need $\Omega(d^2/\varepsilon)$ samples?",
        "whole",
        ("thm-5.2-rate", "upper-5.2"),
        "Asked by the paper, answered here with yes, given three cited theorems, not refereed, see "
        "[](open-problem.md).",
    ),
    Statement(
        "Theorem 5.3, lower bound",
        r"One law, many functions: $\Omega(d^2/\varepsilon)$.",
        "whole",
        ("thm-5.3",),
        r"With a constant, which asks for a small $\varepsilon$.",
    ),
    Statement(
        "Theorem 5.3, conv net",
        r"$O((d \log(1/\varepsilon) + \log(1/\delta))/\varepsilon)$.",
        "whole",
        ("conv-upper-5.3",),
        "With the constants of a cited theorem.",
    ),
    Statement(
        "Theorem 5.4, lower bound",
        r"Regression: $\mathcal{N}^* \ge \frac{d(d+3)}{2}(1-\varepsilon) - 1$.",
        "refuted",
        ("thm-5.4", "thm-5.4-corrected"),
        "The corrected bound has a smaller linear term, see [](erratum.md).",
    ),
    Statement(
        "Theorem 5.4, conv net",
        r"$\mathcal{N}^* \le d$.",
        "whole",
        ("conv-upper-5.4",),
    ),
    Statement(
        "Theorem 5.5, lower bound",
        r"Permutation-equivariant learners: $\mathcal{N}(1/8, 1/8) \ge \mathcal{N}^*(1/4) \ge d/10$.",
        "whole",
        ("thm-5.5", "thm-5.5-sharp", "upper-5.5"),
        r"For $d \ge 5$, where the task has the points that it is meant to have. Beside it, ours: a larger lower bound "
        "and an upper bound.",
    ),
    Statement(
        "Theorem 5.5, conv net",
        r"$\mathcal{N}(0, \delta) \le \log_2(1/\delta) + 2$ for its ERM.",
        "whole",
        ("thm-5.5", "conv-upper-5.5"),
        r"For $d \ge 5$.",
    ),
)

APPENDIX = (
    Statement("Lemma D.1", "Not at hand.", "unknown"),
    Statement(
        "Lemma D.2",
        r"The bilinear functions $h_U$ lie in the orbit of $h^*$.",
        "whole",
        ("lem-d.2",),
        RECONSTRUCTED,
    ),
    Statement("Lemma D.3", "Not at hand.", "unknown"),
    Statement(
        "Lemma D.4",
        r"$D(\{h_U\}, \rho, \varepsilon) \ge (C/\varepsilon)^{d(d-1)/2}$.",
        "whole",
        ("lem-d.4", "lem-disagreement"),
        f"With a constant. {RECONSTRUCTED}",
    ),
    Statement(
        "The paper's proofs",
        "Long proofs stand in the appendix.",
        "no",
        (),
        "All proofs here are our own. Whether the paper's are right was not examined.",
    ),
)

FIGURE_1 = (
    Statement(
        "Figure 1, left",
        "Gaussian images: the conv net needs far fewer samples than the fully-connected net.",
        "partly",
        ("thm-5.2-explicit",),
        "Simulated with the same nets, and with numbers of samples, step sizes and padding of our choice. What is "
        "judged is that the fully-connected net stays above the certified error. The gap is drawn and not judged.",
        ("figure1",),
    ),
    Statement(
        "Figure 1, right",
        "CIFAR-10: the same.",
        "no",
        (),
        "CIFAR-10 is not shipped. Patches of photographs take its place, for the eye only: no theorem speaks of such "
        "inputs. `orbitgap simulate figure1 --cifar10 DIR` draws the panel from a copy of one's own.",
    ),
)

SECTIONS: Mapping[str, tuple[Statement, ...]] = {
    "Abstract": ABSTRACT,
    "Section 3: definitions": DEFINITIONS,
    "Section 3: what is equivariant": EQUIVARIANCE,
    "Section 4": SECTION_4,
    "Section 5": SECTION_5,
    "Appendix": APPENDIX,
    "Figure 1": FIGURE_1,
}
"""All of them, in the order of the paper."""

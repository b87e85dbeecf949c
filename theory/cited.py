r"""Published theorems that this package uses, or compares with, and does not prove.

Each entry gives author, year and the statement *as it is used here*, in our words. Where the wording or the
number was not compared with the printed paper the source says "number not checked against the paper".
A claim that rests on one of these has trust CITED at best; the ledger shows which.
"""

from __future__ import annotations

from theory.claims import claim

__all__: list[str] = []

UNCHECKED = "number not checked against the paper"

claim(
    "ehrenfeucht-1989",
    kind="cited",
    title="Lower bound on the number of examples (Ehrenfeucht, Haussler, Kearns, Valiant)",
    statement=r"\mathcal{N}(\mathcal{A}, \{P_X \diamond h : P_X \text{ any law},\ h \in H\}, \varepsilon, \delta) "
    r"\ge \frac{V - 1}{32\,\varepsilon} \quad \text{for every learner } \mathcal{A}",
    source="A. Ehrenfeucht, D. Haussler, M. Kearns, L. Valiant, A general lower bound on the number of examples needed "
    f"for learning, Inf. and Comput. 82 (1989) 247-261, Theorem 1 ({UNCHECKED}; our thm-b.1 proves a larger bound)",
    hypotheses=(
        r"V = \operatorname{VCdim}(H) \ge 2",
        r"0 < \varepsilon \le 1/8,\ 0 < \delta \le 1/100",
    ),
)
claim(
    "blumer-1989",
    kind="cited",
    title="Upper bound for consistent learners (Blumer, Ehrenfeucht, Haussler, Warmuth)",
    statement=r"n \ge \max\Bigl(\frac4\varepsilon \log_2 \frac2\delta,\ "
    r"\frac{8V}{\varepsilon} \log_2 \frac{13}{\varepsilon}\Bigr) \implies "
    r"\mathbb{P}\bigl[\mathrm{err}_P(\mathcal{A}(D)) \le \varepsilon\bigr] \ge 1 - \delta "
    r"\quad \text{for every } P = P_X \diamond h,\ h \in H",
    source="A. Blumer, A. Ehrenfeucht, D. Haussler, M. K. Warmuth, Learnability and the Vapnik-Chervonenkis dimension, "
    f"J. ACM 36 (1989) 929-965, Theorem 2.1 (ii) ({UNCHECKED}; the formula agrees with the paper's abstract)",
    hypotheses=(
        r"1 \le V = \operatorname{VCdim}(H) < \infty",
        r"H \text{ is well-behaved (the condition of measurability of that paper)}",
        r"\mathcal{A} \text{ outputs some } g \in H \text{ that agrees with all training labels}",
        r"0 < \varepsilon, \delta < 1",
    ),
)
claim(
    "haussler-littlestone-warmuth",
    kind="cited",
    title="One-inclusion prediction (Haussler, Littlestone, Warmuth)",
    statement=r"\exists \mathcal{A}\ \forall P_X\ \forall h \in H\ \forall n \ge 0:\quad "
    r"\mathbb{E}\,\mathrm{err}_{P_X \diamond h}(\mathcal{A}(D_n)) \le \frac{V}{n + 1}",
    source="D. Haussler, N. Littlestone, M. K. Warmuth, Predicting {0,1}-functions on randomly drawn points, "
    f"Inf. and Comput. 115 (1994) 248-292, Theorem 2.3 ({UNCHECKED}); their m-th trial is our n = m - 1",
    hypotheses=(
        r"1 \le V = \operatorname{VCdim}(H) < \infty",
        r"H \text{ satisfies the condition of measurability of that paper}",
        r"\mathcal{A} \text{ may output hypotheses outside } H",
    ),
)
claim(
    "bishop-gromov",
    kind="cited",
    title="Volume of balls under non-negative Ricci curvature (Bishop, Gromov)",
    statement=r"\operatorname{vol} B(p, r) \le \omega_m r^m \quad \text{for every } p \in M,\ r > 0",
    source="R. L. Bishop, A relation between volume, mean curvature and diameter, Notices AMS 10 (1963) 364; "
    "R. L. Bishop, R. J. Crittenden, Geometry of Manifolds (1964), Section 11.10; beyond the cut locus M. Gromov, "
    f"Structures métriques pour les variétés riemanniennes (1981) ({UNCHECKED})",
    hypotheses=(
        r"M \text{ is a complete Riemannian manifold of dimension } m \text{ with } \operatorname{Ric} \ge 0",
        r"B(p, r) \text{ is the geodesic ball},\ \omega_m \text{ the volume of the unit ball of } \mathbb{R}^m",
    ),
)
claim(
    "barone-basu-2012",
    kind="cited",
    title="Sign conditions on a variety (Barone, Basu)",
    statement=r"\sum_{\sigma \in \{0, 1, -1\}^{\mathcal{P}}} b_0(\sigma, Z) \le "
    r"\sum_{j=0}^{k'} 4^j \binom{s+1}{j} F(j),\quad "
    r"F(j) = \binom{k+1}{k-k'+j+1} (2 D_0)^{k-k'} D^j \max(2 D_0, D)^{k'-j} + 2(k-j+1)",
    source="S. Barone, S. Basu, Refined bounds on the number of connected components of sign conditions on a variety, "
    f"Discrete Comput. Geom. 47 (2012) 577-597, the main theorem ({UNCHECKED}; the formula agrees with the abstract "
    "of arXiv 1104.0636)",
    hypotheses=(
        r"\mathcal{P}, \mathcal{Q} \subset \mathbb{R}[X_1, \dots, X_k] \text{ finite},\ "
        r"\deg \le D \text{ on } \mathcal{P},\ \deg \le D_0 \text{ on } \mathcal{Q},\ s = |\mathcal{P}|",
        r"Z = \{x \in \mathbb{R}^k : Q(x) = 0 \text{ for all } Q \in \mathcal{Q}\} "
        r"\text{ has real dimension at most } k'",
        r"b_0(\sigma, Z) \text{ counts the connected components of } \{x \in Z : \operatorname{sign} P(x) = \sigma_P\}"
        r"; \text{ so the sum is at least the number of sign conditions that occur on } Z",
    ),
)
claim(
    "stirling",
    kind="cited",
    title="Stirling's formula with its remainder (Binet)",
    statement=r"\ln\Gamma(x) = (x - \tfrac12)\ln x - x + \tfrac12\ln 2\pi + \mu(x), "
    r"\quad 0 < \mu(x) < \frac{1}{12x}",
    source="J. Binet (1839); E. T. Whittaker, G. N. Watson, A Course of Modern Analysis (1927), Section 12.33; "
    f"H. Robbins, A remark on Stirling's formula, Amer. Math. Monthly 62 (1955) 26-29, for integers ({UNCHECKED})",
    hypotheses=(r"x > 0 \text{ real}",),
)

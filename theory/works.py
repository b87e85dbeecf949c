"""The entries of `theory.bibliography`, sorted by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ENTRIES", "PAPER", "RECALLED", "Entry"]

PAPER = "li-zhang-arora-2021"
RECALLED = "Recalled, not checked against the text."


@dataclass(frozen=True)
class Entry:
    """One paper or book.

    Attributes:
        key: its name in BibTeX and in links.
        kind: article, book, inproceedings or techreport.
        authors: given names first.
        title: as printed.
        year: of publication.
        venue: the journal, the proceedings, the publisher or the institution, by kind.
        volume: as printed, "" if there is none or it is not known for sure; so are the fields that follow.
        number: issue.
        pages: first and last.
        arxiv: number of the preprint.
        checked: what of it was compared with a text, and with which.
    """

    key: str
    kind: str
    authors: tuple[str, ...]
    title: str
    year: int
    venue: str
    volume: str = ""
    number: str = ""
    pages: str = ""
    arxiv: str = ""
    checked: str = RECALLED


_ALL = (
    Entry(
        "abbe-boix-2022",
        "inproceedings",
        ("Emmanuel Abbe", "Enric Boix-Adserà"),
        "On the non-universality of deep learning: quantifying the cost of symmetry",
        2022,
        "Advances in Neural Information Processing Systems",
    ),
    Entry(
        "barone-basu-2012",
        "article",
        ("Sal Barone", "Saugata Basu"),
        "Refined bounds on the number of connected components of sign conditions on a variety",
        2012,
        "Discrete and Computational Geometry",
        volume="47",
        pages="577-597",
        arxiv="1104.0636",
        checked="The formula agrees with the abstract of the preprint. The proof was not read, its number not looked "
        "up; volume and pages are recalled.",
    ),
    Entry(
        "benedek-itai-1991",
        "article",
        ("Gyora M. Benedek", "Alon Itai"),
        "Learnability with respect to fixed distributions",
        1991,
        "Theoretical Computer Science",
        volume="86",
        number="2",
        pages="377-389",
        checked="Recalled, not checked against the text; the statement is proved here.",
    ),
    Entry(
        "binet-1839",
        "article",
        ("J. Binet",),
        "Mémoire sur les intégrales définies eulériennes",
        1839,
        "Journal de l'École Polytechnique",
    ),
    Entry(
        "bishop-1963",
        "article",
        ("R. L. Bishop",),
        "A relation between volume, mean curvature and diameter",
        1963,
        "Notices of the American Mathematical Society",
        volume="10",
        pages="364",
    ),
    Entry(
        "bishop-crittenden-1964",
        "book",
        ("R. L. Bishop", "R. J. Crittenden"),
        "Geometry of Manifolds",
        1964,
        "Academic Press",
    ),
    Entry(
        "blumer-1989",
        "article",
        ("Anselm Blumer", "Andrzej Ehrenfeucht", "David Haussler", "Manfred K. Warmuth"),
        "Learnability and the Vapnik-Chervonenkis dimension",
        1989,
        "Journal of the ACM",
        volume="36",
        number="4",
        pages="929-965",
        checked="The formula agrees with the paper's abstract. The number of the theorem is recalled, its condition of "
        "measurability was not read.",
    ),
    Entry(
        "bunch-2020",
        "techreport",
        ("Eric Bunch", "Qian You", "Glenn Fung", "Vikas Singh"),
        "Simplicial 2-complex convolutional neural networks",
        2020,
        "arXiv",
        arxiv="2012.06010",
    ),
    Entry(
        "clopper-pearson-1934",
        "article",
        ("C. J. Clopper", "E. S. Pearson"),
        "The use of confidence or fiducial limits illustrated in the case of the binomial",
        1934,
        "Biometrika",
        volume="26",
        number="4",
        pages="404-413",
    ),
    Entry(
        "dudley-1978",
        "article",
        ("R. M. Dudley",),
        "Central limit theorems for empirical measures",
        1978,
        "The Annals of Probability",
        volume="6",
        number="6",
        pages="899-929",
        checked="Recalled, not checked against the text; the statement is proved here.",
    ),
    Entry(
        "efron-1979",
        "article",
        ("B. Efron",),
        "Bootstrap methods: another look at the jackknife",
        1979,
        "The Annals of Statistics",
        volume="7",
        number="1",
        pages="1-26",
    ),
    Entry(
        "ehrenfeucht-1989",
        "article",
        ("Andrzej Ehrenfeucht", "David Haussler", "Michael Kearns", "Leslie Valiant"),
        "A general lower bound on the number of examples needed for learning",
        1989,
        "Information and Computation",
        volume="82",
        number="3",
        pages="247-261",
        checked="Recalled, not checked against the text; a larger bound is proved here.",
    ),
    Entry(
        "foret-2021",
        "inproceedings",
        ("Pierre Foret", "Ariel Kleiner", "Hossein Mobahi", "Behnam Neyshabur"),
        "Sharpness-aware minimization for efficiently improving generalization",
        2021,
        "International Conference on Learning Representations",
    ),
    Entry(
        "gromov-1981",
        "book",
        ("M. Gromov",),
        "Structures métriques pour les variétés riemanniennes",
        1981,
        "CEDIC",
    ),
    Entry(
        "haussler-1994",
        "article",
        ("David Haussler", "Nick Littlestone", "Manfred K. Warmuth"),
        "Predicting {0,1}-functions on randomly drawn points",
        1994,
        "Information and Computation",
        volume="115",
        number="2",
        pages="248-292",
        checked="Recalled, not checked against the text; the fact on graphs behind it is counted here in small cases.",
    ),
    Entry(
        "hoeffding-1963",
        "article",
        ("Wassily Hoeffding",),
        "Probability inequalities for sums of bounded random variables",
        1963,
        "Journal of the American Statistical Association",
        volume="58",
        number="301",
        pages="13-30",
    ),
    Entry(
        "holm-1979",
        "article",
        ("Sture Holm",),
        "A simple sequentially rejective multiple test procedure",
        1979,
        "Scandinavian Journal of Statistics",
        volume="6",
        number="2",
        pages="65-70",
    ),
    Entry(
        "jin-lazarow-tu-2017",
        "techreport",
        ("Long Jin", "Justin Lazarow", "Zhuowen Tu"),
        "Introspective classification with convolutional nets",
        2017,
        "arXiv",
        arxiv="1704.07816",
    ),
    Entry(
        "krizhevsky-2009",
        "techreport",
        ("Alex Krizhevsky",),
        "Learning multiple layers of features from tiny images",
        2009,
        "University of Toronto",
        checked="Recalled. The images are not shipped and were not at hand.",
    ),
    Entry(
        "kumar-2017",
        "techreport",
        ("Sameer Kumar", "Dheeraj Sreedhar", "Vaibhav Saxena", "Yogish Sabharwal", "Ashish Verma"),
        "Efficient training of convolutional neural nets on large distributed systems",
        2017,
        "arXiv",
        arxiv="1711.00705",
    ),
    Entry(
        "kwon-2021",
        "inproceedings",
        ("Jungmin Kwon", "Jeongseop Kim", "Hyunseo Park", "In Kwon Choi"),
        "ASAM: Adaptive sharpness-aware minimization for scale-invariant learning of deep neural networks",
        2021,
        "International Conference on Machine Learning",
    ),
    Entry(
        "lahoti-2024",
        "inproceedings",
        ("Aakash Lahoti", "Stefani Karp", "Ezra Winston", "Aarti Singh", "Yuanzhi Li"),
        "Role of locality and weight sharing in image-based tasks: a sample complexity separation between CNNs, LCNs, "
        "and FCNs",
        2024,
        "International Conference on Learning Representations",
    ),
    Entry(
        PAPER,
        "inproceedings",
        ("Zhiyuan Li", "Yi Zhang", "Sanjeev Arora"),
        "Why Are Convolutional Nets More Sample-Efficient than Fully-Connected Nets?",
        2021,
        "International Conference on Learning Representations",
        arxiv="2010.08515",
        checked="The main body was read in the version submitted to ICLR (OpenReview) and is restated in our words. "
        "The appendix was not at hand: its statements are reconstructed. Later versions were not compared.",
    ),
    Entry(
        "long-1995",
        "article",
        ("Philip M. Long",),
        "On the sample complexity of PAC learning half-spaces against the uniform distribution",
        1995,
        "IEEE Transactions on Neural Networks",
        volume="6",
        number="6",
        pages="1556-1559",
        checked="Recalled, not checked against the text; the statement is proved here.",
    ),
    Entry(
        "malach-shalev-shwartz-2020",
        "techreport",
        ("Eran Malach", "Shai Shalev-Shwartz"),
        "Computational separation between convolutional and fully-connected networks",
        2020,
        "arXiv",
        arxiv="2010.01369",
    ),
    Entry(
        "ng-2004",
        "inproceedings",
        ("Andrew Y. Ng",),
        "Feature selection, L1 vs. L2 regularization, and rotational invariance",
        2004,
        "International Conference on Machine Learning",
    ),
    Entry(
        "pajor-1985",
        "book",
        ("Alain Pajor",),
        "Sous-espaces l_1^n des espaces de Banach",
        1985,
        "Hermann",
        checked="Recalled, not checked against the text; the statement is proved here.",
    ),
    Entry(
        "queiruga-2021",
        "techreport",
        ("Alejandro Queiruga", "N. Benjamin Erichson", "Liam Hodgkinson", "Michael W. Mahoney"),
        "Stateful ODE-nets using basis function expansions",
        2021,
        "arXiv",
        arxiv="2106.10820",
    ),
    Entry(
        "robbins-1955",
        "article",
        ("Herbert Robbins",),
        "A remark on Stirling's formula",
        1955,
        "The American Mathematical Monthly",
        volume="62",
        number="1",
        pages="26-29",
    ),
    Entry(
        "robbins-1970",
        "article",
        ("Herbert Robbins",),
        "Statistical methods related to the law of the iterated logarithm",
        1970,
        "The Annals of Mathematical Statistics",
        volume="41",
        number="5",
        pages="1397-1409",
    ),
    Entry(
        "sauer-1972",
        "article",
        ("N. Sauer",),
        "On the density of families of sets",
        1972,
        "Journal of Combinatorial Theory, Series A",
        volume="13",
        number="1",
        pages="145-147",
        checked="Recalled, not checked against the text; the statement is proved here.",
    ),
    Entry(
        "shelah-1972",
        "article",
        ("Saharon Shelah",),
        "A combinatorial problem; stability and order for models and theories in infinitary languages",
        1972,
        "Pacific Journal of Mathematics",
        volume="41",
        number="1",
        pages="247-261",
        checked="Recalled, not checked against the text; the statement is proved here.",
    ),
    Entry(
        "steele-2014",
        "inproceedings",
        ("Guy L. Steele", "Doug Lea", "Christine H. Flood"),
        "Fast splittable pseudorandom number generators",
        2014,
        "Object-Oriented Programming, Systems, Languages and Applications (OOPSLA)",
    ),
    Entry(
        "wang-wu-2023",
        "inproceedings",
        ("Zihao Wang", "Lei Wu"),
        "Theoretical Analysis of the Inductive Biases in Deep Convolutional Networks",
        2023,
        "Advances in Neural Information Processing Systems",
        volume="36",
        arxiv="2305.08404",
        checked="Title, authors and venue agree with the proceedings, what is said of it with its abstract.",
    ),
    Entry(
        "warmuth-2021",
        "inproceedings",
        ("Manfred K. Warmuth", "Wojciech Kotłowski", "Ehsan Amid"),
        "A case where a spindly two-layer linear network decisively outperforms any neural network with a fully "
        "connected input layer",
        2021,
        "Algorithmic Learning Theory",
    ),
    Entry(
        "waudby-smith-ramdas-2024",
        "article",
        ("Ian Waudby-Smith", "Aaditya Ramdas"),
        "Estimating means of bounded random variables by betting",
        2024,
        "Journal of the Royal Statistical Society, Series B",
        volume="86",
        number="1",
        pages="1-27",
    ),
    Entry(
        "wei-dudley-2012",
        "article",
        ("Fan Wei", "R. M. Dudley"),
        "Two-sample Dvoretzky-Kiefer-Wolfowitz inequalities",
        2012,
        "Statistics and Probability Letters",
        volume="82",
        number="3",
        pages="636-644",
        arxiv="1107.5356",
        checked="The constant 2 for n >= 458 agrees with the abstract. The constant e below is recalled, and "
        "recomputed exactly by the tests.",
    ),
    Entry(
        "whittaker-watson-1927",
        "book",
        ("E. T. Whittaker", "G. N. Watson"),
        "A Course of Modern Analysis",
        1927,
        "Cambridge University Press",
    ),
)

ENTRIES: Mapping[str, Entry] = {entry.key: entry for entry in _ALL}
"""All of them by key."""

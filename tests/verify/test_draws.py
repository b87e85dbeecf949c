"""Draws move with the element where that keeps their law, and nowhere else."""

import numpy as np
import pytest
import torch

from sims.laws import compare
from theory.evidence import Verdict
from theory.groups import ORTHOGONAL, PERMUTATION
from verify.draws import INDEPENDENT, NORMAL, MovedDraws

D = 3
ROTATION = ORTHOGONAL.float_element(D, np.random.default_rng(0))
CYCLE = np.eye(D)[[1, 2, 0]]
FLIP = np.diag([1.0, -1.0, 1.0])
LIKE = torch.zeros(5, D, dtype=torch.float64)
E = {"dtype": torch.float64}

CENTRED = {
    "randn": lambda: torch.randn(5, D, **E),
    "randn_like": lambda: torch.randn_like(LIKE),
    "normal": lambda: torch.normal(0.0, 2.0, (5, D), **E),
    "normal_": lambda: LIKE.clone().normal_(),
    "normal_(0, 2)": lambda: LIKE.clone().normal_(0, 2),
    "new_empty": lambda: LIKE.new_empty(5, D).normal_(std=3),
    "nn.init.normal_": lambda: torch.nn.init.normal_(LIKE.clone()),
    "randn of one row": lambda: torch.randn(D, **E),
    "randn of matrices": lambda: torch.randn(2, 2, D, **E),
}
OTHER = {
    "rand": lambda: torch.rand(5, D, **E),
    "rand_like": lambda: torch.rand_like(LIKE),
    "uniform_": lambda: LIKE.clone().uniform_(),
    "uniform_(-1, 1)": lambda: LIKE.clone().uniform_(-1, 1),
    "bernoulli_": lambda: LIKE.clone().bernoulli_(0.5),
    "randint": lambda: torch.randint(0, 100, (5, D)),
    "randint(low)": lambda: torch.randint(100, (5, D)),
    "randint_like": lambda: torch.randint_like(LIKE, 0, 100),
    "normal with mean 1": lambda: torch.normal(1.0, 1.0, (5, D), **E),
    "normal_(1, 1)": lambda: LIKE.clone().normal_(1, 1),
    "normal_(mean=1)": lambda: LIKE.clone().normal_(mean=1),
}
STILL = {
    "randn of other size": lambda: torch.randn(D, 4, **E),
    "no axis": lambda: torch.randn((), **E),
    "permutation": lambda: torch.randperm(D),
    "of the data": lambda: torch.bernoulli(torch.full((5, D), 0.5, **E)),
    "nothing drawn": lambda: torch.ones(5, D, **E),
}


def draw(compute, element=None) -> torch.Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        if element is None:
            return compute()
        with MovedDraws(element):
            return compute()


@pytest.mark.parametrize("element", [ROTATION, CYCLE, FLIP, -FLIP @ CYCLE])
@pytest.mark.parametrize("name", CENTRED)
def test_centred_normal_draws_move_with_orthogonal_elements(name: str, element: np.ndarray) -> None:
    plain, moved = draw(CENTRED[name]), draw(CENTRED[name], element)
    assert np.allclose(moved.numpy(), plain.numpy() @ element.T, rtol=0, atol=1e-14)
    assert not torch.equal(moved, plain)


@pytest.mark.parametrize("name", OTHER)
def test_other_draws_move_with_permutations(name: str) -> None:
    plain, moved = draw(OTHER[name]), draw(OTHER[name], CYCLE)
    assert np.array_equal(moved.numpy(), plain.numpy() @ CYCLE.T)
    assert moved.dtype == plain.dtype
    assert not torch.equal(moved, plain)


@pytest.mark.parametrize("name", OTHER)
def test_other_draws_move_without_signs(name: str) -> None:
    assert torch.equal(draw(OTHER[name], -CYCLE), draw(OTHER[name], CYCLE))


def test_what_is_drawn_after_a_reseed_does_not_move() -> None:
    def twice() -> torch.Tensor:
        first = torch.randn(5, D)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return first + torch.randn(5, D)

    def constant() -> torch.Tensor:
        torch.rand(5, D)
        torch.manual_seed(0)
        return torch.randn(5, D)

    assert torch.equal(draw(constant), draw(constant, CYCLE))
    assert not np.array_equal(draw(twice, CYCLE).numpy(), draw(twice).numpy() @ CYCLE.T)


@pytest.mark.parametrize("element", [ROTATION, FLIP])
@pytest.mark.parametrize("name", OTHER)
def test_other_draws_do_not_move_with_what_changes_their_law(name: str, element: np.ndarray) -> None:
    assert torch.equal(draw(OTHER[name]), draw(OTHER[name], element))


@pytest.mark.parametrize("element", [ROTATION, CYCLE, FLIP])
@pytest.mark.parametrize("name", STILL)
def test_what_has_no_entry_for_each_input_does_not_move(name: str, element: np.ndarray) -> None:
    assert torch.equal(draw(STILL[name]), draw(STILL[name], element))


@pytest.mark.parametrize("name", {**CENTRED, **OTHER})
def test_an_element_that_is_not_orthogonal_moves_nothing(name: str) -> None:
    compute = {**CENTRED, **OTHER}[name]
    for element in (2 * np.eye(D), ROTATION + 1e-3, np.triu(np.ones((D, D)))):
        assert torch.equal(draw(compute), draw(compute, element))


def test_every_listed_operation_is_tried_here() -> None:
    class Listening(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            called.add(str(func))
            return func(*args, **(kwargs or {}))

    called: set[str] = set()
    for compute in (*CENTRED.values(), *OTHER.values()):
        with Listening():
            draw(compute)
    assert set(NORMAL) | INDEPENDENT <= called


def test_draws_in_place_stay_the_same_tensor() -> None:
    x = LIKE.clone()
    with MovedDraws(ROTATION):
        assert x.normal_() is x
    with torch.no_grad(), MovedDraws(CYCLE):
        p = torch.nn.Parameter(LIKE.clone())
        torch.nn.init.uniform_(p)
    assert p.requires_grad
    assert (p != 0).all()


def test_single_precision_stays_single() -> None:
    assert draw(lambda: torch.randn(5, D), ROTATION).dtype == torch.float32


@pytest.mark.parametrize(
    ("compute", "element"),
    [
        (lambda n: torch.randn(n, D, **E), ROTATION),
        (lambda n: torch.rand(n, D, **E), PERMUTATION.float_element(D, np.random.default_rng(3))),
    ],
)
def test_moved_draws_have_the_law_of_the_draws(compute, element: np.ndarray) -> None:
    n = 4000
    arms = []
    for seed, g in ((1, None), (2, element)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if g is None:
                arms.append(compute(n).numpy())
            else:
                with MovedDraws(g):
                    arms.append(compute(n).numpy())
    functionals = [np.column_stack([a, a.sum(axis=1), np.abs(a).max(axis=1), a[:, 0] * a[:, 1]]) for a in arms]
    assert compare(*functionals, alpha=1e-6).verdict is Verdict.CERTIFIED
    # the planted fault: the same comparison sees draws with another law
    assert compare(functionals[0], functionals[1] * 1.2, alpha=1e-6).verdict is Verdict.REFUTED

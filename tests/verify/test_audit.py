"""Narrow types inside a step are seen and lifted, whatever the code calls to get there."""

import pytest
import torch

from verify.audit import NARROW, Audit, Lifted

X = torch.tensor([1 / 3, 2 / 3], dtype=torch.float64)

NARROWING = {
    "to": lambda t: X.to(t) * 3,
    "keyword": lambda t: X.to(dtype=t) * 3,
    "method": lambda t: getattr(X, {torch.float32: "float", torch.float16: "half"}.get(t, "bfloat16"))() * 3,
    "type": lambda t: X.type(t) * 3,
    "sum": lambda t: X.sum(0, keepdim=True, dtype=t),
    "zeros": lambda t: torch.zeros(2, dtype=t) + X,
    "zeros_like": lambda t: torch.zeros_like(X, dtype=t) + 1,
    "new_zeros": lambda t: X.new_zeros(2, dtype=t) + 1,
    "tensor": lambda t: torch.tensor([1 / 3], dtype=torch.float64).to(t),
    "full": lambda t: torch.full((2,), 1 / 3, dtype=t) * 3,
    "empty, in place": lambda t: torch.empty(2, dtype=t).copy_(X),
    "add_": lambda t: torch.zeros(2, dtype=t).add_(X),
    "addcmul_": lambda t: torch.zeros(2, dtype=t).addcmul_(X.to(t), X.to(t)),
    "foreach": lambda t: torch._foreach_mul([X.to(t)], 2.0)[0],
    "matrix product": lambda t: X.to(t).reshape(1, 2) @ X.to(t).reshape(2, 1),
}


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", NARROWING)
def test_narrow_types_are_seen_and_lifted(name: str, dtype: torch.dtype) -> None:
    compute = NARROWING[name]
    audit = Audit()
    with audit:
        compute(dtype)
    assert audit.narrow == {dtype}
    watched = Audit()
    with watched, Lifted():
        lifted = compute(dtype)
    assert lifted.dtype == torch.float64
    assert not watched.narrow


@pytest.mark.parametrize("name", NARROWING)
def test_what_is_lifted_is_what_double_precision_gives(name: str) -> None:
    with Lifted():
        lifted = NARROWING[name](torch.bfloat16)
    assert torch.equal(lifted, NARROWING[name](torch.float64))


def test_factories_with_the_default_type_are_lifted() -> None:
    with Lifted():
        made = [torch.ones(2), torch.eye(2), torch.linspace(0, 1, 3), torch.empty(2)]
    assert {t.dtype for t in made} == {torch.float64}


def test_a_loop_in_place_keeps_its_digits() -> None:
    """Momentum in single precision, as optimizers keep it: with lifting nothing is lost."""

    def momentum() -> torch.Tensor:
        m = torch.zeros_like(X, dtype=torch.float32)
        for _ in range(5):
            m.mul_(0.9).add_(X, alpha=0.1)
        return m.to(torch.float64)

    exact = X * (1 - 0.9**5)
    assert float((momentum() - exact).abs().max()) > 1e-9
    with Lifted():
        assert float((momentum() - exact).abs().max()) < 1e-15


def test_wide_and_whole_numbers_are_left_alone() -> None:
    audit = Audit()
    with audit, Lifted():
        kinds = [torch.zeros(2, dtype=t).dtype for t in (torch.int32, torch.bool, torch.float64, torch.complex128)]
    assert kinds == [torch.int32, torch.bool, torch.float64, torch.complex128]
    assert not audit.narrow


def test_step_counters_do_not_count() -> None:
    audit = Audit()
    with audit:
        _ = torch.tensor(0.0) + 1
    assert not audit.narrow
    with audit:
        _ = torch.zeros(1) + 1
    assert audit.narrow == {torch.float32}


def test_several_types_are_all_named() -> None:
    audit = Audit()
    with audit:
        _ = X.bfloat16().float().half()
    assert audit.narrow == set(NARROW)


def test_nothing_is_seen_or_lifted_outside() -> None:
    audit = Audit()
    with audit:
        pass
    with Lifted():
        pass
    assert X.bfloat16().dtype == torch.bfloat16
    assert not audit.narrow


@pytest.mark.parametrize("context", [Audit, Lifted])
def test_watching_changes_no_result(context: type) -> None:
    weights = []
    for around in (context, None):
        p = torch.nn.Parameter(X.clone())
        p.grad = X.cos()
        adam = torch.optim.Adam([p], lr=0.1)
        for _ in range(3):
            if around is None:
                adam.step()
            else:
                with around():
                    adam.step()
        weights.append(p.detach())
    assert torch.equal(*weights)

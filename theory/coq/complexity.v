(** def-3.3: the two measures of sample complexity.

    Proved: on [n] samples, an error above [eps] with probability at most [delta] gives an expected error of at most
    [eps + delta] ([expected_from_probable]); an expected error of at most [eps * delta] gives an error above [eps] with
    probability at most [delta] ([probable_from_expected]). With the least [n] that satisfies each, this is
    N*(eps + delta) <= N(eps, delta) <= N*(eps delta).

    Modelled: the error after training is a random variable with values in [0, 1] on a finite probability space. *)

From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Measures.

Variables (R : realFieldType) (Omega : finType) (p err : Omega -> R) (eps delta : R).
Hypothesis p_ge0 : forall o, 0 <= p o.
Hypothesis p_sum1 : \sum_o p o = 1.
Hypothesis err_ge0 : forall o, 0 <= err o.
Hypothesis err_le1 : forall o, err o <= 1.

Definition expected_error := \sum_o p o * err o.
Definition probability_of_failure := \sum_(o | eps < err o) p o.

Theorem expected_from_probable :
  0 <= eps -> probability_of_failure <= delta -> expected_error <= eps + delta.
Proof.
move=> eps0 few; rewrite /expected_error (bigID (fun o => eps < err o)) /= addrC.
apply: ler_add.
  apply: (@le_trans _ _ (\sum_(o | ~~ (eps < err o)) p o * eps)).
    by apply: ler_sum => o; rewrite -leNgt => small; rewrite ler_wpmul2l.
  rewrite -mulr_suml -[leRHS]mul1r ler_wpmul2r // -p_sum1 [leRHS](bigID (fun o => eps < err o)) /=.
  by rewrite ler_addr sumr_ge0.
apply: le_trans few; apply: ler_sum => o _.
by rewrite -[leRHS]mulr1 ler_wpmul2l.
Qed.

Theorem probable_from_expected :
  0 < eps -> expected_error <= eps * delta -> probability_of_failure <= delta.
Proof.
move=> eps0 small; rewrite -(ler_pmul2l eps0); apply: le_trans small.
rewrite /expected_error [leRHS](bigID (fun o => eps < err o)) /= mulr_sumr.
rewrite ler_paddr ?sumr_ge0 // => [o _|]; first by rewrite mulr_ge0.
by apply: ler_sum => o large; rewrite mulrC ler_wpmul2l // ltW.
Qed.

End Measures.

(** thm-5.1: learning a class equivariantly is learning its orbit.

    Proved: for a family of input laws that the group keeps, there is an equivariant learner with expected error at most
    [eps] on every target of [H] if and only if there is a learner, equivariant or not, with expected error at most [eps]
    on every target of the orbit [H o G]. So the least number of samples is the same for both ([thm_5_1]).

    Modelled: a finite set of inputs, a finite group, labels in [bool], numbers in any ordered field. A learner says for
    each data set and each test point the probability that it answers [true]; of a randomised learner's law the expected
    error needs no more, and a law that is equivariant (Definition 3.2) has equivariant probabilities. *)

From mathcomp Require Import all_ssreflect all_algebra fingroup action.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Reduction.

Variables (R : realFieldType) (X : finType) (gT : finGroupType) (to : {action gT &-> X}) (n : nat).

Notation points := {ffun 'I_n -> X}.
Notation data := {ffun 'I_n -> X * bool}.
Notation learner := (data -> X -> R).
Implicit Types (A : learner) (h : X -> bool) (P : X -> R) (g : gT).

Definition labelled h (xs : points) : data := [ffun i => (xs i, h (xs i))].
Definition moved g (D : data) : data := [ffun i => (to (D i).1 g, (D i).2)].
Definition after h g : X -> bool := fun x => h (to x g).

Definition proper A := forall D x, 0 <= A D x <= 1.
Definition equivariant A := forall g D x, A (moved g D) (to x g) = A D x.

(** The probability of a wrong answer at one point; the expected error over samples and test points. *)
Definition wrong (q : R) (y : bool) : R := if y then 1 - q else q.
Definition expected_error A h P : R :=
  \sum_(xs : points) (\prod_i P (xs i)) * (\sum_x P x * wrong (A (labelled h xs) x) (h x)).

(** A learner that first moves everything by [g]. *)
Definition shifted g A : learner := fun D x => A (moved g D) (to x g).

Lemma expected_error_shifted g A h P :
  expected_error (shifted g A) (after h g) P = expected_error A h (fun x => P (to x g^-1%g)).
Proof.
rewrite /expected_error.
pose move (xs : points) : points := [ffun i => to (xs i) g].
have moveK : cancel move (fun xs => [ffun i => to (xs i) g^-1%g]).
  by move=> xs; apply/ffunP => i; rewrite !ffunE actK.
have moveVK : cancel (fun xs : points => [ffun i => to (xs i) g^-1%g]) move.
  by move=> xs; apply/ffunP => i; rewrite !ffunE actKV.
rewrite [RHS](reindex move) /=; last by exists (fun xs => [ffun i => to (xs i) g^-1%g]) => xs _.
apply: eq_bigr => xs _; congr (_ * _).
  by apply: eq_bigr => i _; rewrite ffunE actK.
rewrite [RHS](reindex (to^~ g)) /=; last by exists (to^~ g^-1%g) => x _; [apply: actK | apply: actKV].
apply: eq_bigr => x _; rewrite actK /shifted.
suff -> : moved g (labelled (after h g) xs) = labelled h (move xs) by [].
by apply/ffunP => i; rewrite !ffunE.
Qed.

Lemma eq_expected_error A h h' P : h =1 h' -> expected_error A h P = expected_error A h' P.
Proof.
move=> same; apply: eq_bigr => xs _; congr (_ * _); apply: eq_bigr => x _.
suff -> : labelled h xs = labelled h' xs by rewrite same.
by apply/ffunP => i; rewrite !ffunE same.
Qed.

Lemma eq_expected_error_learner A B h P :
  (forall D x, A D x = B D x) -> expected_error A h P = expected_error B h P.
Proof.
by move=> same; apply: eq_bigr => xs _; congr (_ * _); apply: eq_bigr => x _; rewrite same.
Qed.

(** The average of a learner over the group. *)
Definition average A : learner := fun D x => #|gT|%:R^-1 * \sum_g shifted g A D x.

Lemma order_gt0 : 0 < #|gT|%:R :> R.
Proof. by rewrite ltr0n; apply/card_gt0P; exists 1%g. Qed.

Lemma average_constant (c : R) : #|gT|%:R^-1 * (\sum_(g : gT) c) = c.
Proof. by rewrite sumr_const -[c *+ _]mulr_natl mulKf // gt_eqF // order_gt0. Qed.

Lemma average_equivariant A : equivariant (average A).
Proof.
move=> k D x; rewrite /average; congr (_ * _).
rewrite [RHS](reindex_inj (mulgI k)); apply: eq_bigr => g _; rewrite /shifted actM.
suff -> : moved g (moved k D) = moved (k * g)%g D by [].
by apply/ffunP => i; rewrite !ffunE /= actM.
Qed.

Lemma average_proper A : proper A -> proper (average A).
Proof.
move=> ok D x; rewrite /average mulr_ge0 ?invr_ge0 ?ler0n ?sumr_ge0 //=; last first.
  by move=> g _; case/andP: (ok (moved g D) (to x g)).
rewrite -[leRHS](average_constant 1) ler_wpmul2l ?invr_ge0 ?ler0n // ler_sum // => g _.
by case/andP: (ok (moved g D) (to x g)).
Qed.

Lemma expected_error_average A h P :
  expected_error (average A) h P = #|gT|%:R^-1 * \sum_g expected_error (shifted g A) h P.
Proof.
rewrite /expected_error exchange_big mulr_sumr /=; apply: eq_bigr => xs _.
rewrite -mulr_sumr mulrCA; congr (_ * _).
rewrite exchange_big mulr_sumr /=; apply: eq_bigr => x _.
rewrite -mulr_sumr mulrCA; congr (_ * _); rewrite /average /wrong.
by case: (h x); rewrite // sumrB mulrBr average_constant.
Qed.

(** Laws of inputs that the group keeps, and targets. *)
Variables (laws : (X -> R) -> Prop) (H : (X -> bool) -> Prop).
Hypothesis laws_invariant : forall g P, laws P -> laws (fun x => P (to x g)).

Definition learns_class A eps := forall P h, laws P -> H h -> expected_error A h P <= eps.
Definition learns_orbit A eps := forall P h g, laws P -> H h -> expected_error A (after h g) P <= eps.

Theorem thm_5_1 eps :
  (exists A, [/\ proper A, equivariant A & learns_class A eps]) <-> (exists2 A, proper A & learns_orbit A eps).
Proof.
split=> [[A [ok equi learns]] | [A ok learns]].
  exists A => // P h g lawP targetH.
  rewrite -(@eq_expected_error_learner (shifted g A)) => [|D x]; last by rewrite /shifted equi.
  by rewrite expected_error_shifted; apply: learns => //; apply: laws_invariant.
exists (average A); split; [exact: average_proper | exact: average_equivariant | move=> P h lawP targetH].
rewrite expected_error_average -[leRHS](average_constant eps) ler_wpmul2l ?invr_ge0 ?ler0n // ler_sum // => g _.
rewrite (@eq_expected_error _ _ (after (after h g^-1%g) g)) => [|x]; last by rewrite /after actK.
by rewrite expected_error_shifted; apply: learns => //; apply: laws_invariant.
Qed.

End Reduction.

(** table-1, gradient descent and element-wise rules: which training keeps which group.

    Proved: gradient descent with momentum and weight decay is equivariant under every matrix [U] with [U^T U = 1]
    ([sgd_keeps_orthogonal]); element-wise rules with odd steps under signed permutations
    ([elementwise_keeps_signed_permutations], with Adam and AdaGrad as instances); Newton's step under every
    invertible matrix ([newton_keeps_general_linear]).
    Refuted by rational counterexamples: gradient descent under a shear ([sgd_breaks_general_linear]) and the
    first step of Adam under a rotation ([adam_breaks_orthogonal]).

    Modelled: points are the columns of [D]. Of the network one thing is used: the loss sees the first layer [W] and
    the data through [W *m D] alone. So the gradient in [W] is [slope (W *m D) v *m D^T] by the chain rule, with an
    arbitrary function [slope] of [W *m D] and of the other weights [v], and [v] moves by an arbitrary function of the
    same. Labels, batches and the time of a step are inside these functions. Numbers are any commutative ring (for
    Newton a field); Adam's square root and division are an arbitrary even function of the second moment. *)

From mathcomp Require Import all_ssreflect all_algebra fingroup perm.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section GradientDescent.

Variables (R : comRingType) (h d n : nat) (V : Type).
Variables (slope : nat -> 'M[R]_(h, n) -> V -> 'M[R]_(h, n)) (other : nat -> 'M[R]_(h, n) -> V -> V).
Variables (rate momentum decay : nat -> R).

(** First layer, its momentum, and everything else. *)
Definition state : Type := 'M[R]_(h, d) * 'M[R]_(h, d) * V.

Definition sgd_step (t : nat) (D : 'M[R]_(d, n)) (s : state) : state :=
  let: (W, M, v) := s in
  let gradient := slope t (W *m D) v *m D^T + decay t *: W in
  let M' := momentum t *: M + gradient in
  (W - rate t *: M', M', other t (W *m D) v).

Fixpoint sgd (t : nat) D s : state := if t is r.+1 then sgd_step r D (sgd r D s) else s.

(** The element [U] acts by [U^T], its inverse, on the first layer and on its momentum. *)
Definition moved (U : 'M[R]_d) (s : state) : state := let: (W, M, v) := s in (W *m U^T, M *m U^T, v).

Lemma sgd_step_equivariant (U : 'M[R]_d) t D s :
  U^T *m U = 1%:M -> sgd_step t (U *m D) (moved U s) = moved U (sgd_step t D s).
Proof.
move=> orth; case: s => [[W M] v] /=.
have seen : W *m U^T *m (U *m D) = W *m D by rewrite -!mulmxA (mulmxA U^T) orth mul1mx.
rewrite seen trmx_mul; congr (_, _, _); last first.
  by rewrite !mulmxDl -!scalemxAl mulmxA.
by rewrite mulmxBl -!scalemxAl !mulmxDl -!scalemxAl mulmxA.
Qed.

Theorem sgd_keeps_orthogonal (U : 'M[R]_d) t D s :
  U^T *m U = 1%:M -> sgd t (U *m D) (moved U s) = moved U (sgd t D s).
Proof. by move=> orth; elim: t => [//|t IH] /=; rewrite IH sgd_step_equivariant. Qed.

(** What the net computes of a point is a function of [W *m x] and of the other weights. *)
Corollary sgd_predictions (U : 'M[R]_d) t D W M v (x : 'cV[R]_d) :
  U^T *m U = 1%:M ->
  let s := sgd t D (W, M, v) in let s' := sgd t (U *m D) (W *m U^T, M *m U^T, v) in
  s'.1.1 *m (U *m x) = s.1.1 *m x /\ s'.2 = s.2.
Proof.
move=> orth /=; rewrite (sgd_keeps_orthogonal t D (W, M, v) orth).
case: (sgd _ _ _) => [[W' M'] v'] /=; split=> //.
by rewrite -!mulmxA (mulmxA U^T) orth mul1mx.
Qed.

End GradientDescent.

Section ElementWise.

Variables (R : comRingType) (h d n : nat) (V : Type).

(** A signed permutation of the [d] coordinates: coordinate [j] becomes coordinate [s j], with a sign. *)
Variables (s : 'S_d) (negative : 'I_d -> bool).

Definition on_points (m : nat) (D : 'M[R]_(d, m)) := \matrix_(j, k) ((-1) ^+ negative j * D (s j) k).
Definition on_layer (W : 'M[R]_(h, d)) := \matrix_(i, j) ((-1) ^+ negative j * W i (s j)).

Lemma layer_sees_the_same (m : nat) W (D : 'M[R]_(d, m)) : on_layer W *m on_points D = W *m D.
Proof.
apply/matrixP => i k; rewrite !mxE [RHS](reindex_inj (@perm_inj _ s)) /=.
by apply: eq_bigr => j _; rewrite !mxE mulrACA -expr2 sqrr_sign mul1r.
Qed.

Lemma gradient_moves (G : 'M[R]_(h, n)) (D : 'M[R]_(d, n)) : G *m (on_points D)^T = on_layer (G *m D^T).
Proof.
apply/matrixP => i j; rewrite !mxE mulr_sumr.
by apply: eq_bigr => k _; rewrite !mxE mulrCA.
Qed.

(** A rule with a state of type [S] in each entry: it reads the gradient and the weight there, changes the state and
    says how far the weight moves. It is odd if all of this changes sign with gradient and weight. *)
Variables (S : Type) (flip : S -> S) (absorb : nat -> R -> R -> S -> S) (move_by : nat -> R -> S -> R).
Hypothesis absorb_odd : forall t g w a, absorb t (- g) (- w) (flip a) = flip (absorb t g w a).
Hypothesis move_odd : forall t w a, move_by t (- w) (flip a) = - move_by t w a.

Variables (slope : nat -> 'M[R]_(h, n) -> V -> 'M[R]_(h, n)) (other : nat -> 'M[R]_(h, n) -> V -> V).

Definition elementwise_state : Type := 'M[R]_(h, d) * ('I_h -> 'I_d -> S) * V.

Definition elementwise_step (t : nat) (D : 'M[R]_(d, n)) (a : elementwise_state) : elementwise_state :=
  let: (W, A, v) := a in
  let G := slope t (W *m D) v *m D^T in
  let A' := fun i j => absorb t (G i j) (W i j) (A i j) in
  (\matrix_(i, j) (W i j - move_by t (W i j) (A' i j)), A', other t (W *m D) v).

Fixpoint elementwise t D a : elementwise_state :=
  if t is r.+1 then elementwise_step r D (elementwise r D a) else a.

Definition flip_if (b : bool) (a : S) : S := if b then flip a else a.

(** Two states are the same up to the signed permutation; element by element, as functions are compared by values. *)
Definition corresponds (a b : elementwise_state) : Prop :=
  [/\ b.1.1 = on_layer a.1.1, forall i j, b.1.2 i j = flip_if (negative j) (a.1.2 i (s j)) & b.2 = a.2].

Lemma signE (b : bool) (x : R) : (-1) ^+ b * x = if b then - x else x.
Proof. by case: b; rewrite ?expr1 ?mulN1r // expr0 mul1r. Qed.

Theorem elementwise_keeps_signed_permutations t D a b :
  corresponds a b -> corresponds (elementwise t D a) (elementwise t (on_points D) b).
Proof.
move=> start; elim: t => [//|t /=].
case: (elementwise t D a) => [[W A] v]; case: (elementwise t _ b) => [[W' A'] v'] [/= -> sameA ->].
rewrite /elementwise_step /= layer_sees_the_same gradient_moves.
have kept i j : absorb t (on_layer (slope t (W *m D) v *m D^T) i j) (on_layer W i j) (A' i j) =
    flip_if (negative j) (absorb t ((slope t (W *m D) v *m D^T) i (s j)) (W i (s j)) (A i (s j))).
  by rewrite sameA !mxE; case: (negative j); rewrite /= ?expr1 ?mulN1r ?absorb_odd // expr0 !mul1r.
split=> //=; apply/matrixP => i j; rewrite [LHS]mxE kept !mxE.
case: (negative j); rewrite /= ?expr0 ?mul1r // expr1 !mulN1r move_odd opprB opprK.
exact: addrC.
Qed.

End ElementWise.

Section Instances.

Variables (R : comRingType) (b1 b2 rate decay : nat -> R) (scale : nat -> R -> R).

(** Adam: first and second moment; [scale] is the step size over the root of the second moment, any function of it. *)
Definition adam_absorb t (g w : R) (a : R * R) : R * R :=
  let g' := g + decay t * w in (b1 t * a.1 + (1 - b1 t) * g', b2 t * a.2 + (1 - b2 t) * g' ^+ 2).
Definition adam_move t (w : R) (a : R * R) : R := a.1 * scale t a.2 + rate t * w.
Definition adam_flip (a : R * R) : R * R := (- a.1, a.2).

Lemma adam_absorb_odd t g w a : adam_absorb t (- g) (- w) (adam_flip a) = adam_flip (adam_absorb t g w a).
Proof. by rewrite /adam_absorb /adam_flip /= !mulrN -opprD sqrrN !mulrN -opprD. Qed.

Lemma adam_move_odd t w a : adam_move t (- w) (adam_flip a) = - adam_move t w a.
Proof. by rewrite /adam_move /= mulNr mulrN opprD. Qed.

(** AdaGrad: the last gradient and the sum of squares. *)
Definition adagrad_absorb t (g w : R) (a : R * R) : R * R := (g + decay t * w, a.2 + (g + decay t * w) ^+ 2).

Lemma adagrad_absorb_odd t g w a :
  adagrad_absorb t (- g) (- w) (adam_flip a) = adam_flip (adagrad_absorb t g w a).
Proof. by rewrite /adagrad_absorb /adam_flip /= mulrN -opprD sqrrN. Qed.

End Instances.

Definition adam_keeps_signed_permutations (R : comRingType) h d n V s negative b1 b2 rate decay scale :=
  @elementwise_keeps_signed_permutations R h d n V s negative _ _ _ _
    (@adam_absorb_odd R b1 b2 decay) (@adam_move_odd R rate scale).

Definition adagrad_keeps_signed_permutations (R : comRingType) h d n V s negative rate decay scale :=
  @elementwise_keeps_signed_permutations R h d n V s negative _ _ _ _
    (@adagrad_absorb_odd R decay) (@adam_move_odd R rate scale).

Section Newton.

Variables (F : fieldType) (d n : nat).

(** One neuron with weights [w] (a column): the loss sees [w] through [D^T *m w]. Gradient [D *m r], Hessian
    [D *m C *m D^T], with an arbitrary residual [r] and curvature [C]; the step solves with the Hessian. *)
Variables (residual : 'cV[F]_n -> 'cV[F]_n) (curvature : 'cV[F]_n -> 'M[F]_n).

Definition newton_step (D : 'M[F]_(d, n)) (w : 'cV[F]_d) : 'cV[F]_d :=
  let z := D^T *m w in w - invmx (D *m curvature z *m D^T) *m (D *m residual z).

Lemma inverse_of_product (A B : 'M[F]_d) :
  A \in unitmx -> B \in unitmx -> invmx (A *m B) = invmx B *m invmx A.
Proof.
move=> unitA unitB; have unitAB : A *m B \in unitmx by rewrite unitmx_mul unitA unitB.
by apply: (can_inj (mulKmx unitAB)); rewrite mulmxV // mulmxA mulmxK // mulmxV.
Qed.

Theorem newton_keeps_general_linear (A : 'M[F]_d) D w :
  A \in unitmx -> D *m curvature (D^T *m w) *m D^T \in unitmx ->
  newton_step (A *m D) (invmx A^T *m w) = invmx A^T *m newton_step D w.
Proof.
move=> unitA unitH; rewrite /newton_step trmx_mul.
have unitT : A^T \in unitmx by rewrite unitmx_tr.
rewrite (mulmxA _ (invmx _)) -(mulmxA D^T) mulmxV // mulmx1 mulmxBr; congr (_ - _).
have -> : A *m D *m curvature (D^T *m w) *m (D^T *m A^T) = A *m (D *m curvature (D^T *m w) *m D^T) *m A^T.
  by rewrite !mulmxA.
set H := D *m _ *m _ in unitH *.
have -> : invmx (A *m H *m A^T) = invmx A^T *m (invmx H *m invmx A).
  by rewrite !inverse_of_product // unitmx_mul unitA.
by rewrite -!mulmxA (mulmxA (invmx A)) mulVmx // mul1mx.
Qed.

End Newton.

Section Counterexamples.

Local Open Scope ring_scope.

(** Gradient descent from zero on one point [x] with slope one: the weights become [- x^T], and a shear moves the
    prediction at [x]. *)
Definition pair (R : ringType) (a b : R) : 'cV[R]_2 := \col_i (if i == 0 then a else b).

Definition first_step (R : ringType) (x : 'cV[R]_2) : 'rV[R]_2 := - x^T.

Definition shear : 'M[rat]_2 := \matrix_(i, j) (if (i == 0) || (j == 1) then 1 else 0).

Theorem sgd_breaks_general_linear :
  shear \in unitmx /\ first_step (shear *m pair 1 1) *m (shear *m pair 1 1) != first_step (pair 1 1) *m pair 1 1.
Proof.
split.
  suff /mulmx1_unit[//] : shear *m (\matrix_(i, j) (if i == j then 1 else if i == 0 then - 1 else 0)) = 1%:M.
  apply/matrixP => i j; rewrite !mxE !big_ord_recl !big_ord0 !mxE.
  by case: i => [[|[|i]] ?] //; case: j => [[|[|j]] ?] //; apply/eqP; vm_compute.
apply/eqP => /matrixP /(_ 0 0); rewrite !mxE !big_ord_recl !big_ord0 !mxE !big_ord_recl !big_ord0 !mxE /=.
by move/eqP; vm_compute.
Qed.

(** The first step of Adam (and of AdaGrad), with [eps = 0], from zero: every entry moves by the sign of its gradient. *)
Definition first_sign_step (x : 'cV[rat]_2) : 'rV[rat]_2 := \row_j (- sgz (x j 0))%:~R.

Definition rotation : 'M[rat]_2 :=
  \matrix_(i, j) (if i == j then 3%:Q / 5%:Q else if i == 0 then - (4%:Q / 5%:Q) else 4%:Q / 5%:Q).

Theorem adam_breaks_orthogonal :
  rotation^T *m rotation = 1%:M /\
  first_sign_step (rotation *m pair 1 0) *m (rotation *m pair 1 0) != first_sign_step (pair 1 0) *m pair 1 0.
Proof.
split.
  apply/matrixP => i j; rewrite !mxE !big_ord_recl !big_ord0 !mxE.
  by case: i => [[|[|i]] ?] //; case: j => [[|[|j]] ?] //; apply/eqP; vm_compute.
apply/eqP => /matrixP /(_ 0 0); rewrite !mxE !big_ord_recl !big_ord0 !mxE !big_ord_recl !big_ord0 !mxE /=.
by move/eqP; vm_compute.
Qed.

End Counterexamples.

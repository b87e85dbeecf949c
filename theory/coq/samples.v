(** Learning from [n] uniform samples of finitely many labelled points: what warmup.v and texture.v share.

    Modelled: finitely many points, all equally likely, each with one label and a place in the input space. A learner
    says for each data set and each input the probability that it answers [true]; it is blind to a map of the input
    space if moving the data and the test point changes no answer. *)

From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Samples.

Variables (R : realFieldType) (X : finType) (Z : Type) (place : X -> Z) (label : X -> bool) (n : nat).

Notation points := {ffun 'I_n -> X}.
Notation data := ('I_n -> Z * bool).
Notation learner := (data -> Z -> R).

Definition proper (A : learner) := forall D x, 0 <= A D x <= 1.
Definition labelled (xs : points) : data := fun i => (place (xs i), label (xs i)).

(** The learner sees no difference between [D] and [x], and [E] and [g x], if [E] is [D] moved by [g]. *)
Definition blind (A : learner) (g : Z -> Z) :=
  forall (D E : data) x, (forall i, E i = (g (D i).1, (D i).2)) -> A E (g x) = A D x.

(** The probability of a wrong answer at one point; the expected error over samples and test points. *)
Definition wrong (q : R) (y : bool) : R := if y then 1 - q else q.
Definition expected_error (A : learner) : R :=
  (#|X| ^ n.+1)%:R^-1 * \sum_(xs : points) \sum_x wrong (A (labelled xs) (place x)) (label x).

(** A set of points that no sample fell on. *)
Definition unseen (E : {pred X}) (xs : points) := [forall i, xs i \notin E].

Lemma card_unseen (E : {pred X}) : #|[pred xs : points | unseen E xs]| = ((#|X| - #|E|) ^ n)%N.
Proof.
rewrite -(cardC E) addKn -[X in (_ ^ X)%N]card_ord -card_ffun_on.
by apply: eq_card => xs; apply/forallP/ffun_onP => avoids i; move: (avoids i).
Qed.

(** A map that moves only unseen points fixes the data, so that a point and its image get the same answer: if their
    labels differ, they cost one error between them. *)
Lemma twins_cost_one (A : learner) (E : {pred X}) g xs x x' :
  blind A g -> unseen E xs -> (forall z, z \notin E -> g (place z) = place z) -> g (place x) = place x' ->
  label x' != label x ->
  wrong (A (labelled xs) (place x)) (label x) + wrong (A (labelled xs) (place x')) (label x') = 1.
Proof.
move=> same /forallP avoids fixed <- differ.
rewrite (same _ _ (place x) (_ : forall i, labelled xs i = (g (labelled xs i).1, _))) => [|i]; last first.
  by rewrite /= fixed.
by move: differ; case: (label x); case: (label x') => // _ /=; rewrite ?subrK // addrC subrK.
Qed.

Lemma wrong_ge0 A D x y : proper A -> 0 <= wrong (A D x) y.
Proof. by move=> ok; case/andP: (ok D x) => low high; case: y => //=; rewrite subr_ge0. Qed.

End Samples.

(** thm-c.1: when iterative training is equivariant.

    Proved: if the model and every update commute with the action of a group element, then training that begins at
    moved weights on moved data predicts at moved points what the first training predicts at the points
    ([thm_c_1_pathwise]); if the law of the first weights does not change when they are moved, the hypotheses that
    training returns on moved data, read at moved points, have the same law ([thm_c_1]).

    Modelled: inputs, labels, weights and group elements are arbitrary types; the group enters only by one element's
    actions on inputs and on weights, as no group law is needed. Data are a list of pairs. The update may depend on the
    time of the step and so on anything drawn beforehand and shared by both runs. First weights are a random variable on
    a finite probability space over any ring of numbers; the law of a hypothesis is the joint law of its values at any
    finite list of test points. *)

From mathcomp Require Import all_ssreflect ssralg.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import GRing.Theory.
Local Open Scope ring_scope.

Section Training.

Variables (X Y W : Type).
Notation data := (seq (X * Y)).

(** The model with weights [w] at the input [x]; the update of step [t] from data. *)
Variables (model : W -> X -> Y) (update : nat -> W -> data -> W).

(** Algorithm 1: the weights after [t] steps, and the hypothesis they give. *)
Fixpoint weights (t : nat) (w0 : W) (D : data) : W :=
  if t is s.+1 then update s (weights s w0 D) D else w0.

Definition hypothesis t w0 D : X -> Y := model (weights t w0 D).

(** One element of the group: how it acts on inputs and on weights. *)
Variables (g : X -> X) (tau : W -> W).

Definition moved (D : data) : data := [seq (g p.1, p.2) | p <- D].

Hypothesis model_equivariant : forall w x, model (tau w) (g x) = model w x.
Hypothesis update_equivariant : forall t w D, update t (tau w) (moved D) = tau (update t w D).

Lemma weights_equivariant t w0 D : weights t (tau w0) (moved D) = tau (weights t w0 D).
Proof. by elim: t => [//|t IH] /=; rewrite IH update_equivariant. Qed.

Theorem thm_c_1_pathwise t w0 D x : hypothesis t (tau w0) (moved D) (g x) = hypothesis t w0 D x.
Proof. by rewrite /hypothesis weights_equivariant model_equivariant. Qed.

(** Random first weights. *)
Variables (R : ringType) (Omega : finType) (p : Omega -> R) (w0 : Omega -> W).

Definition probability (event : pred Omega) : R := \sum_(o | event o) p o.

Hypothesis init_invariant :
  forall event : pred W, probability (fun o => event (tau (w0 o))) = probability (fun o => event (w0 o)).

Theorem thm_c_1 t D (xs : seq X) (event : pred (seq Y)) :
  probability (fun o => event [seq hypothesis t (w0 o) (moved D) (g x) | x <- xs]) =
  probability (fun o => event [seq hypothesis t (w0 o) D x | x <- xs]).
Proof.
rewrite -(init_invariant (fun w => event [seq hypothesis t w (moved D) (g x) | x <- xs])).
apply: eq_bigl => o; congr (event _).
by apply: eq_map => x; apply: thm_c_1_pathwise.
Qed.

End Training.

(** ex-4.1-exact: the least error of a learner that flips of coordinates do not change.

    Proved: on the points [y e_i] with label [y], [i < d], every learner whose answers do not change when coordinates of
    data and test point are flipped has expected error at least 1/2 (1 - 1/d)^n after [n] samples
    ([warmup_lower_bound]), and voting by inner products attains this ([warmup_attained]); so it is the minimum, for every
    [d >= 1] and [n].

    Modelled: the point [y e_i] is the pair [(i, y)], with [y] a boolean; flipping coordinate [k] changes [y] where
    [i = k]. Voting uses inner products alone, so it is equivariant under all of O(d); here it is shown for flips. *)

From mathcomp Require Import all_ssreflect all_algebra.
Require Import samples.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Warmup.

Variables (R : realFieldType) (d n : nat).
Hypothesis d_gt0 : (0 < d)%N.

Notation X := ('I_d * bool)%type.
Notation learner := (('I_n -> X * bool) -> X -> R).

Definition label (x : X) : bool := x.2.

(** Flip the coordinates in [s]. *)
Definition flip (s : pred 'I_d) (x : X) : X := (x.1, x.2 (+) s x.1).
Definition equivariant (A : learner) := forall s, blind A (flip s).

Definition least : R := 2^-1 * (1 - d%:R^-1) ^+ n.

Definition at_coordinate (i : 'I_d) : {pred X} := [pred x : X | x.1 == i].

Lemma card_coordinate_unseen i :
  #|[pred xs : {ffun 'I_n -> X} | unseen (at_coordinate i) xs]| = ((2 * d - 2) ^ n)%N.
Proof.
rewrite card_unseen card_prod card_ord card_bool mulnC; congr ((_ - _) ^ _)%N.
have -> : #|at_coordinate i| = #|[set (i, true); (i, false)]|.
  by apply: eq_card => -[j b]; rewrite !inE !xpair_eqE; case: b; rewrite ?andbT ?andbF ?orbF.
by rewrite cards2 xpair_eqE andbF.
Qed.

Lemma dR_neq0 : d%:R != 0 :> R. Proof. by rewrite pnatr_eq0 -lt0n. Qed.

(** The average of [1] over unseen coordinates is the bound. *)
Lemma average_unseen :
  (#|{: X}| ^ n.+1)%:R^-1 * (\sum_(xs : {ffun 'I_n -> X}) \sum_(i | unseen (at_coordinate i) xs) 1) = least.
Proof.
have -> : \sum_(xs : {ffun 'I_n -> X}) \sum_(i | unseen (at_coordinate i) xs) 1 = (d * (2 * d - 2) ^ n)%:R :> R.
  rewrite (exchange_big_dep xpredT) //= natrM -[X in X%:R]card_ord -sum1_card natr_sum mulr_suml.
  by apply: eq_bigr => i _; rewrite mul1r -(card_coordinate_unseen i) -sum1_card natr_sum.
rewrite card_prod card_ord card_bool mulnC /least.
have double : (2 * d - 2)%:R = (2 * d)%:R * (1 - d%:R^-1) :> R.
  by rewrite mulrBr mulr1 natrB ?leq_pmulr // natrM mulfK ?dR_neq0.
rewrite natrM !natrX double exprMn; set u := (2 * d)%:R; set c := (1 - _) ^+ n.
have u_neq0 : u != 0 :> R by rewrite pnatr_eq0 muln_eq0 /= -lt0n.
apply: (mulfI (expf_neq0 n.+1 u_neq0)); rewrite mulVKf ?expf_neq0 // exprS.
have -> : u * u ^+ n * (2^-1 * c) = 2%:R * (2^-1 * (d%:R * (u ^+ n * c))).
  rewrite [X in X * _ * _]natrM -!mulrA; congr (_ * _).
  by rewrite (mulrCA (u ^+ n)) (mulrCA d%:R).
by rewrite mulVKf // pnatr_eq0.
Qed.

Lemma by_coordinate (F : X -> R) : \sum_x F x = \sum_i (F (i, true) + F (i, false)).
Proof.
rewrite (eq_bigr (fun x => F (x.1, x.2))) => [|[i b] _] //.
by rewrite -(pair_bigA _ (fun i b => F (i, b))); apply: eq_bigr => i _; rewrite big_bool.
Qed.

Theorem warmup_lower_bound (A : learner) : proper A -> equivariant A -> least <= expected_error id label A.
Proof.
move=> ok equi; rewrite -average_unseen /expected_error ler_wpmul2l ?invr_ge0 ?ler0n //.
apply: ler_sum => xs _.
rewrite by_coordinate [leRHS](bigID (fun i => unseen (at_coordinate i) xs)) ler_paddr //.
  by apply: sumr_ge0 => i _; apply: addr_ge0; apply: wrong_ge0.
apply: ler_sum => i hidden.
have := @twins_cost_one R _ _ id label n A (at_coordinate i) (flip (pred1 i)) xs (i, true) (i, false) (equi _) hidden.
rewrite /label /flip /= eqxx /= => -> // z; rewrite inE /= => /negbTE ->.
by rewrite addbF -surjective_pairing.
Qed.

(** Votes for [true] minus votes for [false] by inner products: sample [(i, b)] with label [y] votes at [(i, c)]. *)
Definition inner (x z : X) : int := if x.1 == z.1 then (-1) ^+ (x.2 (+) z.2) else 0.
Definition votes (D : 'I_n -> X * bool) (x : X) : int :=
  \sum_i (-1) ^+ (~~ (D i).2) * inner (D i).1 x.
Definition voting : learner := fun D x => if votes D x == 0 then 2^-1 else if 0 < votes D x then 1 else 0.

Lemma voting_proper : proper voting.
Proof.
move=> D x; rewrite /voting; do 2?case: ifP => _; rewrite ?ler01 ?lexx ?invr_ge0 ?ler0n //=.
by rewrite invf_le1 ?ltr0n // ler1n.
Qed.

Lemma inner_flip s x z : inner (flip s x) (flip s z) = inner x z.
Proof.
by rewrite /inner /flip /=; case: eqP => // ->; rewrite addbACA addbb addbF.
Qed.

Lemma voting_equivariant : equivariant voting.
Proof.
move=> s D E x moved; rewrite /voting; suff -> : votes E (flip s x) = votes D x by [].
by apply: eq_bigr => i _; rewrite moved inner_flip.
Qed.

(** On data of the task every vote at [(i, b)] is for [b], one for each sample on coordinate [i]. *)
Lemma votes_on_task xs i b :
  votes (labelled id label xs) (i, b) = (-1) ^+ (~~ b) * (\sum_j ((xs j).1 == i))%:R.
Proof.
rewrite natr_sum mulr_sumr; apply: eq_bigr => j _; rewrite /inner /label /=.
by case: eqP => _; rewrite ?mulr0 ?mulr1 //; case: (xs j).2; case: b.
Qed.

Lemma voting_wrong xs i b :
  wrong (voting (labelled id label xs) (i, b)) b = (if unseen (at_coordinate i) xs then 2^-1 else 0) :> R.
Proof.
rewrite /voting votes_on_task; set k := (\sum_j _)%N.
have -> : unseen (at_coordinate i) xs = (k == 0)%N.
  by rewrite /k sum_nat_eq0; apply: eq_forallb => j; rewrite inE /= eqb0.
case: k => [|k] /=; first by rewrite mulr0 eqxx; case: b => //=; rewrite -[1]/(1%:R) {1}(splitr 1) mul1r addrK.
by rewrite mulf_eq0 signr_eq0 pnatr_eq0 /=; case: b; rewrite /= ?expr0 ?mul1r ?ltr0n ?subrr //= expr1 mulN1r oppr_gt0 ltrn0.
Qed.

Theorem warmup_attained : expected_error id label voting = least.
Proof.
rewrite -average_unseen /expected_error; congr (_ * _); apply: eq_bigr => xs _.
rewrite by_coordinate [RHS]big_mkcond; apply: eq_bigr => i _; rewrite !voting_wrong; case: ifP => _; last exact: addr0.
by rewrite -mulr2n -mulr_natl mulfV // pnatr_eq0.
Qed.

End Warmup.

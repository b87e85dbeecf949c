(** thm-5.5-sharp: what permutation-equivariant learners need to tell two textures apart.

    Proved: on the [2d] points [s_i = e_i + e_(i+2)], labelled [true], and [t_i = e_i + e_(i+1)], labelled [false], indices
    modulo [d], for every [d >= 5] and every [n]: a learner whose answers do not change when the pixels of data and test
    point are permuted has expected error at least (1 - 7/(2d))^n - 1/2 (1 - 9/(2d))^n ([texture_lower_bound]).

    Modelled: a point is the set of its two pixels, [d] is written [m + 5], and the learner is defined on all sets of
    pixels. Only exchanges of two pixels are used. *)

From mathcomp Require Import all_ssreflect all_algebra fingroup perm.
Require Import samples.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Texture.

Variables (R : realFieldType) (m n : nat).

Notation d := m.+4.+1.
Notation pixel := 'I_d.
Notation X := (pixel * bool)%type.
Notation Z := {set pixel}.
Notation learner := (('I_n -> Z * bool) -> Z -> R).

(** [(i, true)] is [s_i] and [(i, false)] is [t_i]. *)
Definition label (x : X) : bool := x.2.
Definition place (x : X) : Z := [set x.1; x.1 + (if x.2 then 2%:R else 1)].

Definition equivariant (A : learner) := forall s : {perm pixel}, blind A (fun z => [set s j | j in z]).

(** Points that touch pixel [i] or [i + 1], and points that touch [i], [i + 1] or [i + 2]. *)
Definition touch2 (i : pixel) : {pred X} := [pred x | (i \in place x) || (i + 1 \in place x)].
Definition touch3 (i : pixel) : {pred X} := [pred x | (x \in touch2 i) || (i + 2%:R \in place x)].

Definition seven (i : pixel) : seq X :=
  [:: (i - 1, false); (i, false); (i + 1, false); (i - 2%:R, true); (i - 1, true); (i, true); (i + 1, true)].
Definition nine (i : pixel) : seq X :=
  [:: (i - 1, false); (i, false); (i + 1, false); (i + 2%:R, false);
      (i - 2%:R, true); (i - 1, true); (i, true); (i + 1, true); (i + 2%:R, true)].

Lemma one_less_two (i : pixel) : i + 1 - 2%:R = i - 1.
Proof. by rewrite mulr2n opprD addrA addrK. Qed.

Lemma two_less_one (i : pixel) : i + 2%:R - 1 = i + 1.
Proof. by rewrite mulr2n addrA addrK. Qed.

Lemma in_place (i j : pixel) b : (i \in place (j, b)) = (j == i) || (j == i - (if b then 2%:R else 1)).
Proof. by rewrite in_set2 /= [i == j]eq_sym -subr_eq [_ == j]eq_sym. Qed.

Lemma touch2_seven i : touch2 i =i seven i.
Proof.
move=> [j b]; rewrite inE /= !in_place !inE !xpair_eqE.
case: b; rewrite ?one_less_two ?addrK ?andbT ?andbF ?orbF /=.
  by case: (j == i); case: (j == i - 2%:R); case: (j == i - 1); case: (j == i + 1).
by case: (j == i); case: (j == i - 1); case: (j == i + 1).
Qed.

Lemma touch3_nine i : touch3 i =i nine i.
Proof.
move=> [j b]; rewrite inE /= touch2_seven !in_place !inE !xpair_eqE.
case: b; rewrite ?two_less_one ?addrK ?andbT ?andbF ?orbF /=.
  by case: (j == i); case: (j == i - 2%:R); case: (j == i - 1); case: (j == i + 1); case: (j == i + 2%:R).
by case: (j == i); case: (j == i - 1); case: (j == i + 1); case: (j == i + 2%:R).
Qed.

Lemma card_touch2 i : (#|touch2 i| <= 7)%N.
Proof. by rewrite (eq_card (touch2_seven i)); apply: card_size (seven i). Qed.

Lemma shift_neq (i : pixel) (a b : nat) : (a < 5)%N -> (b < 5)%N -> (i + a%:R == i + b%:R) = (a == b).
Proof.
move=> a5 b5; rewrite (inj_eq (addrI i)) -val_eqE /= !Zp_nat /= !modn_small //.
  exact: leq_trans b5 _.
exact: leq_trans a5 _.
Qed.

Lemma nine_shifts i : nine i = [seq (i - 2%:R + p.1%:R, p.2) |
  p <- [:: (1, false); (2, false); (3, false); (4, false); (0, true); (1, true); (2, true); (3, true); (4, true)]%N].
Proof.
have e1 : i - 2%:R + 1%:R = i - 1 by rewrite addrAC one_less_two.
have e2 : i - 2%:R + 2%:R = i by rewrite subrK.
have e3 : i - 2%:R + 3%:R = i + 1 by rewrite -[3%N]/(2 + 1)%N natrD addrA e2.
have e4 : i - 2%:R + 4%:R = i + 2%:R by rewrite -[4%N]/(2 + 2)%N natrD addrA e2.
by rewrite /= e1 e2 e3 e4 addr0.
Qed.

Lemma card_touch3 i : #|touch3 i| = 9%N.
Proof.
rewrite (eq_card (touch3_nine i)) -[RHS]/(size (nine i)).
by apply/card_uniqP; rewrite nine_shifts /= !inE !xpair_eqE !shift_neq.
Qed.

(** A pixel that no sample touches. *)
Definition hidden (xs : {ffun 'I_n -> X}) (i : pixel) : bool := [forall k, i \notin place (xs k)].

Lemma unseen_touch2 xs i : unseen (touch2 i) xs = hidden xs i && hidden xs (i + 1).
Proof.
apply/forallP/andP => [avoids | [/forallP hi /forallP hj] k]; last by rewrite inE negb_or hi hj.
by split; apply/forallP => k; have := avoids k; rewrite inE negb_or => /andP[].
Qed.

Lemma unseen_touch3 xs i : unseen (touch3 i) xs = [&& hidden xs i, hidden xs (i + 1) & hidden xs (i + 2%:R)].
Proof.
rewrite andbA -unseen_touch2; apply/forallP/andP => [avoids | [/forallP h2 /forallP h3] k]; last first.
  by rewrite inE negb_or h2 h3.
by split; apply/forallP => k; have := avoids k; rewrite inE negb_or => /andP[].
Qed.

Section Learner.

Variable A : learner.
Hypothesis ok : proper A.
Hypothesis equi : equivariant A.

Definition cost xs (x : X) : R := wrong (A (labelled place label xs) (place x)) x.2.

Lemma cost_ge0 xs x : 0 <= cost xs x. Proof. exact: wrong_ge0. Qed.

(** Exchanging two hidden neighbours [j] and [j + 1] carries the point with pixels [i], [j] to that with [i], [j + 1]. *)
Lemma twins xs (i j : pixel) x x' :
  hidden xs j -> hidden xs (j + 1) -> i != j -> i != j + 1 ->
  place x = [set i; j] -> place x' = [set i; j + 1] -> x'.2 != x.2 -> cost xs x + cost xs x' = 1.
Proof.
move=> hj hj1 ij ij1 px px' differ; rewrite /cost -/(label x) -/(label x').
pose g (z : Z) : Z := [set tperm j (j + 1) k | k in z].
apply: (@twins_cost_one R _ _ place label n A (touch2 j) g xs x x') => //; first exact: equi.
- by rewrite unseen_touch2 hj hj1.
- move=> z; rewrite inE negb_or => /andP[zj zj1].
  rewrite /g -[RHS]imset_id; apply: eq_in_imset => k kz.
  by rewrite tpermD //; [apply: contraNneq zj => -> | apply: contraNneq zj1 => ->].
- by rewrite px px' /g imsetU !imset_set1 tpermL tpermD // eq_sym.
Qed.

(** [t_(j-1)] and [s_(j-1)], if [j] and [j + 1] are hidden. *)
Lemma low_twins xs j : hidden xs j -> hidden xs (j + 1) -> cost xs (j - 1, false) + cost xs (j - 1, true) = 1.
Proof.
move=> hj hj1; apply: (twins hj hj1 (i := j - 1)) => //=.
- by rewrite -(inj_eq (addIr 1)) subrK -[X in X == _]addr0 (shift_neq j (a := 0) (b := 1)).
- by rewrite -(inj_eq (addIr 1)) subrK -addrA -[X in X == _]addr0 (shift_neq j (a := 0) (b := 2)).
- by rewrite /place /= subrK.
- by rewrite /place /=; congr [set _; _]; rewrite mulr2n addrA subrK.
Qed.

(** [s_j] and [t_(j+1)], if [j] and [j + 1] are hidden. *)
Lemma high_twins xs j : hidden xs j -> hidden xs (j + 1) -> cost xs (j, true) + cost xs (j + 1, false) = 1.
Proof.
move=> hj hj1; apply: (twins hj hj1 (i := j + 2%:R)) => //=.
- by rewrite eq_sym -[X in X == _]addr0 (shift_neq j (a := 0) (b := 2)).
- by rewrite (shift_neq j (a := 2) (b := 1)).
- by rewrite /place /= setUC.
- by rewrite /place /= setUC -addrA.
Qed.

Definition low xs j : bool := hidden xs j && hidden xs (j + 1).
Definition high xs j : bool := low xs j && ~~ hidden xs (j + 2%:R).

(** No point is in two of these pairs. *)
Lemma no_overlap_s xs j : (low xs (j + 1))%:R + (high xs j)%:R <= 1 :> R.
Proof.
rewrite /high /low; have -> : j + 1 + 1 = j + 2%:R by rewrite -addrA.
by case: (hidden xs j); case: (hidden xs (j + 1)); case: (hidden xs (j + 2%:R));
  rewrite /= ?addr0 ?add0r ?lexx ?ler01.
Qed.

Lemma no_overlap_t xs j : (low xs (j + 1))%:R + (high xs (j - 1))%:R <= 1 :> R.
Proof.
rewrite /high /low; have -> : j - 1 + 2%:R = j + 1 by rewrite mulr2n addrA subrK.
by case: (hidden xs (j - 1)); case: (hidden xs (j - 1 + 1)); case: (hidden xs (j + 1)); case: (hidden xs (j + 1 + 1));
  rewrite /= ?addr0 ?add0r ?lexx ?ler01.
Qed.

Lemma low_twins_next xs j : low xs (j + 1) -> cost xs (j, true) + cost xs (j, false) = 1.
Proof. by case/andP=> h1 h2; have := low_twins h1 h2; rewrite addrK addrC. Qed.

Lemma pairs_cost xs : \sum_j ((low xs j)%:R + (high xs j)%:R) <= \sum_x cost xs x :> R.
Proof.
have by_label (F : X -> R) : \sum_x F x = \sum_j F (j, true) + \sum_j F (j, false).
  rewrite -big_split (eq_bigr (fun x => F (x.1, x.2))) => [|[j b] _] //=.
  by rewrite -(pair_bigA _ (fun j b => F (j, b))); apply: eq_bigr => j _; rewrite big_bool.
have lows : \sum_j (low xs j)%:R =
    \sum_j ((low xs (j + 1))%:R * cost xs (j, true) + (low xs (j + 1))%:R * cost xs (j, false)).
  rewrite [LHS](reindex_inj (addIr 1)); apply: eq_bigr => j _; rewrite -mulrDr.
  by case E: (low _ _); rewrite ?mul0r // low_twins_next // mul1r.
have highs : \sum_j (high xs j)%:R = \sum_j (high xs j)%:R * cost xs (j, true) +
    \sum_j (high xs (j - 1))%:R * cost xs (j, false).
  rewrite [X in _ + X](reindex_inj (addIr 1)) -big_split; apply: eq_bigr => j _ /=; rewrite addrK -mulrDr.
  case E: (high _ _); rewrite ?mul0r //.
  by move/andP: E => [/andP[h1 h2] _]; rewrite high_twins // mul1r.
rewrite big_split /= lows highs by_label big_split /= addrACA.
by apply: ler_add; rewrite -big_split /=; apply: ler_sum => j _;
  rewrite -mulrDl ler_pimull ?cost_ge0 ?no_overlap_s ?no_overlap_t.
Qed.

End Learner.

Definition least : R := (1 - 7%:R / (2 * d)%:R) ^+ n - 2^-1 * (1 - 9%:R / (2 * d)%:R) ^+ n.

Lemma share (k : nat) : (k <= 2 * d)%N -> ((2 * d - k) ^ n)%:R = (2 * d)%:R ^+ n * (1 - k%:R / (2 * d)%:R) ^+ n :> R.
Proof.
by move=> small; rewrite natrX -exprMn mulrBr mulr1 mulrCA mulfV ?pnatr_eq0 // mulr1 natrB.
Qed.

Lemma card_X : #|{: X}| = (2 * d)%N.
Proof. by rewrite card_prod card_ord card_bool mulnC. Qed.

Lemma sum_indicator (p : pixel -> pred {ffun 'I_n -> X}) :
  \sum_(xs : {ffun 'I_n -> X}) \sum_j (p j xs)%:R = \sum_j #|p j|%:R :> R.
Proof.
rewrite exchange_big /=; apply: eq_bigr => j _; rewrite -sum1_card natr_sum [RHS]big_mkcond /=.
by apply: eq_bigr => xs _; rewrite unfold_in; case: (p j xs).
Qed.

Lemma card_low j : ((2 * d - 7) ^ n <= #|low^~ j|)%N.
Proof.
apply: leq_trans (_ : #|[pred xs : {ffun 'I_n -> X} | unseen (touch2 j) xs]| <= _)%N; last first.
  by apply: subset_leq_card; apply/subsetP => xs; rewrite !inE unseen_touch2.
rewrite card_unseen card_X; case: n => [|k]; first by rewrite !expn0.
by rewrite leq_exp2r // leq_sub2l // card_touch2.
Qed.

Lemma card_hidden3 j :
  #|[pred xs : {ffun 'I_n -> X} | [&& hidden xs j, hidden xs (j + 1) & hidden xs (j + 2%:R)]]| = ((2 * d - 9) ^ n)%N.
Proof.
rewrite -(card_touch3 j) -card_X -card_unseen.
by apply: eq_card => xs; rewrite !inE unseen_touch3.
Qed.

(** What is low and not high has three hidden neighbours. *)
Lemma low_high xs j :
  (low xs j)%:R + (high xs j)%:R =
  2%:R * (low xs j)%:R - ([&& hidden xs j, hidden xs (j + 1) & hidden xs (j + 2%:R)])%:R :> R.
Proof.
rewrite /high /low; case: (hidden xs j); case: (hidden xs (j + 1)); case: (hidden xs (j + 2%:R));
  by rewrite /= ?mulr0 ?subr0 ?addr0 ?mulr1 // mulr2n addrK.
Qed.

Lemma ten : (10 <= 2 * d)%N. Proof. by rewrite -[10%N]/(2 * 5)%N leq_mul2l. Qed.

Lemma least_as_counts : least = ((2 * d) ^ n.+1)%:R^-1 *
  (d%:R * (2%:R * ((2 * d - 7) ^ n)%:R - ((2 * d - 9) ^ n)%:R)).
Proof.
have half (a u P Q : R) : 2%:R * a * u * (P - 2^-1 * Q) = a * (2%:R * (u * P) - u * Q).
  rewrite !mulrBr; congr (_ - _); first by rewrite -!mulrA mulrCA.
  by rewrite -!mulrA (mulrCA u) (mulrCA a) mulVKf // pnatr_eq0.
have two_d : (2 * d)%:R != 0 :> R by rewrite pnatr_eq0.
rewrite !share; try exact: leq_trans ten.
rewrite natrX; apply: (mulfI (expf_neq0 n.+1 two_d)).
by rewrite mulVKf ?expf_neq0 // exprS [X in X * _ * _]natrM half.
Qed.

Theorem texture_lower_bound (A : learner) :
  proper A -> equivariant A -> least <= expected_error place label A.
Proof.
move=> ok equi; rewrite /expected_error card_X least_as_counts ler_wpmul2l ?invr_ge0 ?ler0n //.
apply: le_trans (ler_sum _ (fun xs _ => pairs_cost ok equi xs)).
pose three j (xs : {ffun 'I_n -> X}) := [&& hidden xs j, hidden xs (j + 1) & hidden xs (j + 2%:R)].
have -> : \sum_xs \sum_j ((low xs j)%:R + (high xs j)%:R) =
    2%:R * (\sum_j #|low^~ j|%:R) - \sum_j #|three j|%:R :> R.
  rewrite -(sum_indicator (fun j xs => low xs j)) -(sum_indicator three) mulr_sumr -sumrB.
  apply: eq_bigr => xs _; rewrite mulr_sumr -sumrB.
  by apply: eq_bigr => j _; rewrite low_high.
have threes j : #|three j| = ((2 * d - 9) ^ n)%N by rewrite -(card_hidden3 j); apply: eq_card.
under [X in _ <= _ - X]eq_bigr do rewrite threes.
rewrite sumr_const card_ord -[X in _ <= _ - X]mulr_natl mulrBr ler_sub // mulrCA ler_wpmul2l ?ler0n //.
rewrite mulr_natl -[d in _ *+ d]card_ord -sumr_const.
by apply: ler_sum => j _; rewrite ler_nat card_low.
Qed.

End Texture.

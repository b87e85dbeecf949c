(** thm-4.2: packing against growth (Benedek, Itai), and long-1995, what Sauer and Shelah make of it.

    Proved: if a learner comes within [eps] of every target of [H] with probability at least [1 - delta], from [n]
    samples, then (1 - delta) D <= Pi(n) <= 2^n, with D the largest number of members of [H] that are pairwise more than
    2 [eps] apart and Pi(n) the largest number of label patterns that [H] shows on [n] points ([thm_4_2]); Pi(n) is at
    most C(n, 0) + ... + C(n, V) for V the VC dimension of [H] ([thm_4_2_vc]); and that is at most (n/V)^V times the sum
    of V^i/i!, i <= V, the beginning of the series of e^V, if n >= V >= 1 ([long_1995]).

    Modelled: finitely many points under any law, numbers in any ordered field; a hypothesis is the set of the points
    that it labels [true]. The learner has a coin on a finite space, drawn independently of the sample, and says for
    each coin, each data set and each point the probability that it answers [true] there; its error is the expected
    share of wrong answers. So it may answer outside [H], and both readings are covered: drawn, if all these
    probabilities are 0 or 1 ([error_drawn]), and averaged, if the coin has one side. *)

From mathcomp Require Import all_ssreflect all_algebra.
Require Import sauer_shelah.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** What a class shows on a list of points, and the most that it shows on any. *)
Section Growth.

Variables (X : finType) (n : nat).
Implicit Types (H : {set {set X}}) (h : {set X}) (xs : {ffun 'I_n -> X}).

Definition pattern xs h : {set 'I_n} := [set i | xs i \in h].
Definition patterns xs H : {set {set 'I_n}} := pattern xs @: H.
Definition growth H : nat := \max_xs #|patterns xs H|.

Lemma growth_exp H : (growth H <= 2 ^ n)%N.
Proof.
apply/bigmax_leqP => xs _; rewrite -[X in (2 ^ X)%N]card_ord -cardsT -card_powerset.
by apply: subset_leq_card; apply/subsetP => S _; rewrite inE subsetT.
Qed.

(** Points whose labels are free are distinct, and their labels are free in [H]. *)
Lemma vc_dim_patterns xs H : (vc_dim (patterns xs H) <= vc_dim H)%N.
Proof.
apply/bigmax_leqP => S /shattersP all.
have free (B : {set 'I_n}) : B \subset S -> exists2 h, h \in H & pattern xs h :&: S = B.
  by case/all => _ /imsetP[h inH ->] trace; exists h.
have xs_inj : {in S &, injective xs}.
  move=> i j iS jS same; have [|h _ /setP trace] := free [set j]; first by rewrite sub1set.
  by apply/set1P; rewrite -trace !inE iS andbT same; move: (trace j); rewrite !inE eqxx jS andbT => ->.
rewrite -(card_in_imset xs_inj) leq_vc_dim //; apply/shattersP => B /subsetP sub.
have [|h inH /setP trace] := free [set i in S | xs i \in B].
  by apply/subsetP => i; rewrite inE => /andP[].
exists h => //; apply/setP => y; rewrite inE; apply/andP/idP => [[yh /imsetP[i iS eqy]] | yB].
  by move: (trace i); rewrite !inE iS -eqy yh /= => /esym.
by have /imsetP[i iS eqy] := sub _ yB; move: (trace i); rewrite !inE iS -eqy yB eqy andbT imset_f.
Qed.

Lemma growth_vc H : (growth H <= \sum_(i < (vc_dim H).+1) 'C(n, i))%N.
Proof.
by apply/bigmax_leqP => xs _; have := sauer_shelah (vc_dim_patterns xs H); rewrite card_ord.
Qed.

End Growth.

Section Packing.

Variables (R : realFieldType) (X : finType) (p : X -> R) (n : nat).
Hypothesis p_ge0 : forall x, 0 <= p x.
Hypothesis p_sum1 : \sum_x p x = 1.

Notation points := {ffun 'I_n -> X}.
Notation data := {ffun 'I_n -> X * bool}.
Implicit Types (H P : {set {set X}}) (h : {set X}) (xs : points) (g : X -> R).

(** How far apart two hypotheses are; a set of hypotheses pairwise more than [r] apart; the size of the largest. *)
Definition rho h h' : R := \sum_(x | (x \in h) != (x \in h')) p x.
Definition packed (r : R) P := [forall h in P, forall h' in P, (h != h') ==> (r < rho h h')].
Definition packing_number H (r : R) : nat := \max_(P : {set {set X}} | (P \subset H) && packed r P) #|P|.

(** The probability of a wrong answer at one point, and on average over points. *)
Definition wrong (q : R) (y : bool) : R := if y then 1 - q else q.
Definition error g h : R := \sum_x p x * wrong (g x) (x \in h).

Lemma error_drawn h h' : error (fun x => (x \in h)%:R) h' = rho h h'.
Proof.
rewrite /rho [RHS]big_mkcond; apply: eq_bigr => x _.
by rewrite /wrong; case: (x \in h); case: (x \in h'); rewrite /= ?subrr ?subr0 ?mulr0 ?mulr1.
Qed.

(** The triangle inequality, point by point. *)
Lemma rho_triangle g h h' : (forall x, 0 <= g x <= 1) -> rho h h' <= error g h + error g h'.
Proof.
move=> ok; rewrite /rho big_mkcond -big_split /= ler_sum // => x _; rewrite -mulrDr /wrong.
case/andP: (ok x) => low high; have rest : 0 <= 1 - g x by rewrite subr_ge0.
case: (x \in h); case: (x \in h') => /=.
- by rewrite mulr_ge0 // addr_ge0.
- by rewrite subrK mulr1.
- by rewrite addrC subrK mulr1.
- by rewrite mulr_ge0 // addr_ge0.
Qed.

(** The learner, its coin, and the probability that it comes close to a target. *)
Variables (Omega : finType) (q : Omega -> R) (A : Omega -> data -> X -> R).
Hypothesis q_ge0 : forall o, 0 <= q o.
Hypothesis q_sum1 : \sum_o q o = 1.
Hypothesis A_proper : forall o D x, 0 <= A o D x <= 1.

Definition labelled h xs : data := [ffun i => (xs i, xs i \in h)].
Definition close (eps : R) o xs h := error (A o (labelled h xs)) h <= eps.
Definition success (eps : R) h : R := \sum_o q o * \sum_(xs : points) (\prod_i p (xs i)) * (close eps o xs h)%:R.

(** On one sample and one coin, packed targets that are all met show different patterns. *)
Lemma close_patterns eps o xs H P : P \subset H -> packed (2%:R * eps) P ->
  (\sum_(h in P) close eps o xs h <= growth n H)%N.
Proof.
move=> /subsetP sub /forall_inP far; rewrite -big_mkcondr sum1_card.
have inj : {in [pred h in P | close eps o xs h] &, injective (pattern xs)}.
  move=> h h' /andP[inP near] /andP[inP' near'] same; apply/eqP/negPn/negP => differ.
  have := implyP (forall_inP (far _ inP) _ inP') differ; apply/negP; rewrite -leNgt.
  have same_data : labelled h' xs = labelled h xs.
    by apply/ffunP => i; rewrite !ffunE; congr (_, _); move/setP/(_ i): same; rewrite !inE.
  apply: le_trans (rho_triangle _ _ (A_proper o (labelled h xs))) _.
  by rewrite mulrDl mul1r ler_add // -same_data.
rewrite -(card_in_image inj); apply: leq_trans (leq_bigmax xs); apply: subset_leq_card.
by apply/subsetP => _ /imageP[h /andP[/sub inH _] ->]; apply: imset_f.
Qed.

Lemma points_sum1 : \sum_(xs : points) \prod_i p (xs i) = 1.
Proof. by rewrite -(bigA_distr_bigA (fun (i : 'I_n) x => p x)) /= big1. Qed.

Lemma average (I : finType) (w : I -> R) (c : R) : \sum_i w i = 1 -> c = \sum_i w i * c.
Proof. by move=> sum1; rewrite -mulr_suml sum1 mul1r. Qed.

(** Summed over the packed targets: on average over samples and coins, few of them are met. *)
Lemma thm_4_2_packing H P eps delta : (forall h, h \in H -> 1 - delta <= success eps h) ->
  P \subset H -> packed (2%:R * eps) P -> (1 - delta) * #|P|%:R <= (growth n H)%:R.
Proof.
move=> learns sub far; apply: (@le_trans _ _ (\sum_(h in P) success eps h)).
  by rewrite mulr_natr -sumr_const ler_sum // => h /(subsetP sub)/learns.
rewrite exchange_big /= [leRHS](average _ q_sum1) ler_sum // => o _.
rewrite -mulr_sumr ler_wpmul2l // exchange_big [leRHS](average _ points_sum1) /= ler_sum // => xs _.
by rewrite -mulr_sumr ler_wpmul2l ?prodr_ge0 // -natr_sum ler_nat (close_patterns _ _ sub).
Qed.

Theorem thm_4_2 H eps delta : (forall h, h \in H -> 1 - delta <= success eps h) ->
  (1 - delta) * (packing_number H (2%:R * eps))%:R <= (growth n H)%:R /\ (growth n H <= 2 ^ n)%N.
Proof.
move=> learns; split; last exact: growth_exp.
rewrite /packing_number; elim/big_ind: _ => [|a b boundA boundB|P /andP[sub far]].
- by rewrite mulr0 ler0n.
- by rewrite /maxn; case: ifP.
- exact: thm_4_2_packing far.
Qed.

Theorem thm_4_2_vc H eps delta : (forall h, h \in H -> 1 - delta <= success eps h) ->
  (1 - delta) * (packing_number H (2%:R * eps))%:R <= (\sum_(i < (vc_dim H).+1) 'C(n, i))%:R.
Proof. by move=> /thm_4_2[bound _]; apply: le_trans bound _; rewrite ler_nat growth_vc. Qed.

Theorem long_1995 H eps delta : let V := vc_dim H in (0 < V <= n)%N ->
  (forall h, h \in H -> 1 - delta <= success eps h) ->
  (1 - delta) * (packing_number H (2%:R * eps))%:R <= (n%:R / V%:R) ^+ V * \sum_(i < V.+1) V%:R ^+ i / i`!%:R.
Proof. by move=> V range /thm_4_2_vc bound; apply: le_trans bound (sauer_shelah_growth _ range). Qed.

End Packing.

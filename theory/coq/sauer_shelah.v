(** sauer-shelah: the Sauer-Shelah lemma, in Pajor's form.

    Proved: a class has at most as many members as it shatters sets ([sauer_shelah_pajor]), hence at most
    C(n, 0) + ... + C(n, V) on [n] points, [V] being its VC dimension ([sauer_shelah]). For n >= V >= 1 that sum is at
    most (n/V)^V times the sum of V^i/i!, i <= V, which is the beginning of the series of e^V ([sauer_shelah_growth]).

    Modelled: a class is a finite set of subsets of a finite set of points; a subset stands for the labelling that says
    [true] on it. The induction is on the size of the class: split at a point where two members differ. *)

From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.

Section Shattering.

Variable T : finType.
Implicit Types (H : {set {set T}}) (S A B : {set T}).

(** What [H] leaves on [S]; it shatters [S] if that is every subset. *)
Definition traces H S : {set {set T}} := [set A :&: S | A in H].
Definition shatters H S := powerset S \subset traces H S.

Definition shattered H : {set {set T}} := [set S | shatters H S].
Definition vc_dim H : nat := \max_(S in shattered H) #|S|.

Lemma shattersP H S : reflect (forall B, B \subset S -> exists2 A, A \in H & A :&: S = B) (S \in shattered H).
Proof.
rewrite inE; apply: (iffP subsetP) => [all B | all B]; last by rewrite inE => /all[A] inH <-; apply: imset_f.
by rewrite -powersetE => /all/imsetP[A inH ->]; exists A.
Qed.

Lemma shattered_subset H H' : H \subset H' -> shattered H \subset shattered H'.
Proof.
by move=> /subsetP sub; apply/subsetP => S /shattersP all; apply/shattersP => B /all[A /sub inH' <-]; exists A.
Qed.

(** The members with and without a point. *)
Definition having x H : {set {set T}} := [set A in H | x \in A].
Definition lacking x H : {set {set T}} := [set A in H | x \notin A].

Lemma card_split x H : #|H| = (#|lacking x H| + #|having x H|)%N.
Proof.
rewrite addnC -(cardsID [set A : {set T} | x \in A] H).
by congr (_ + _)%N; apply: eq_card => A; rewrite !inE // andbC.
Qed.

(** A set with the point is shattered by neither half, but by the whole class if both shatter the rest. *)
Lemma having_shatters x H S : S \in shattered (having x H) -> x \notin S.
Proof.
move=> /shattersP all; apply/negP => xS.
by have [A] := all set0 (sub0set _); rewrite inE => /andP[_ xA] /setP/(_ x); rewrite !inE xA xS.
Qed.

Lemma lacking_shatters x H S : S \in shattered (lacking x H) -> x \notin S.
Proof.
move=> /shattersP all; apply/negP => xS.
by have [A] := all S (subxx _); rewrite inE => /andP[_ xA] /setP/(_ x); rewrite !inE xS (negPf xA).
Qed.

Lemma shatters_more x H S :
  S \in shattered (lacking x H) -> S \in shattered (having x H) -> x |: S \in shattered H.
Proof.
move=> lack have_; have xS := having_shatters have_; apply/shattersP => B subB.
have subB' : B :\ x \subset S by rewrite subDset.
have [xB | xB] := boolP (x \in B).
  have /shattersP/(_ _ subB')[A] := have_; rewrite inE => /andP[inH xA] trace; exists A => //.
  by rewrite setIUr trace (setIidPr _) ?sub1set // setD1K.
have /shattersP/(_ _ subB')[A] := lack; rewrite inE => /andP[inH xA] trace; exists A => //.
rewrite setIUr trace (_ : A :&: [set x] = set0); last first.
  by apply/setP => y; rewrite !inE andbC; case: eqP => // ->; apply: negPf.
by rewrite set0U; apply/setDidPl; rewrite disjoint_sym disjoints1.
Qed.

(** So the whole class shatters at least as many sets as its two halves together. *)
Lemma shattered_split x H : #|shattered (lacking x H)| + #|shattered (having x H)| <= #|shattered H|.
Proof.
set S0 := shattered (lacking x H); set S1 := shattered (having x H).
have out0 S : S \in S0 -> x \notin S by apply: lacking_shatters.
have out1 S : S \in S1 -> x \notin S by apply: having_shatters.
pose added := [set x |: S | S in S0 :&: S1].
have add_inj : {in S0 :&: S1 &, injective (fun S => x |: S)}.
  move=> S S' /setIP[/out0 xS _] /setIP[/out0 xS' _] same.
  by rewrite -(setU1K xS) same setU1K.
have apart : [disjoint S0 :|: S1 & added].
  rewrite disjoint_sym disjoints_subset; apply/subsetP => _ /imsetP[S _ ->]; rewrite in_setC.
  by apply/negP => /setUP[/out0 | /out1]; rewrite setU11.
rewrite -cardsUI -(card_in_imset add_inj) -/added.
have /eqP <- : #|(S0 :|: S1) :|: added| == #|S0 :|: S1| + #|added| by rewrite (leq_card_setU _ _).2.
have part (P : pred {set T}) : [set A in H | P A] \subset H by apply/subsetP => A; rewrite inE => /andP[].
apply: subset_leq_card; rewrite !subUset !shattered_subset ?part //=.
by apply/subsetP => _ /imsetP[S /setIP[in0 in1] ->]; apply: shatters_more.
Qed.

(** Two members differ at some point, and either half is smaller than the class. *)
Lemma split_point H : 1 < #|H| -> exists x, (lacking x H != set0) && (having x H != set0).
Proof.
case/card_gt1P => A [B [inA inB /eqP differ]].
have [x xAB] : exists x, (x \in A) != (x \in B).
  by apply/existsP; apply/negbNE/negP => /existsPn same; apply: differ; apply/setP => x; apply/eqP/negbNE/same.
exists x; apply/andP; case xA: (x \in A) xAB; case xB: (x \in B) => // _; split; apply/set0Pn.
- by exists B; rewrite inE inB xB.
- by exists A; rewrite inE inA xA.
- by exists A; rewrite inE inA xA.
- by exists B; rewrite inE inB xB.
Qed.

Theorem sauer_shelah_pajor H : #|H| <= #|shattered H|.
Proof.
have [m] := ubnP #|H|; elim: m H => // m IH H /ltnSE small.
have [few | /split_point[x /andP[lack have_]]] := leqP #|H| 1.
  have [-> | [A inH]] := set_0Vmem H; first by rewrite cards0.
  apply: leq_trans few _; apply/card_gt0P; exists set0; apply/shattersP => B.
  by rewrite subset0 => /eqP ->; exists A; rewrite ?setI0.
apply: leq_trans (shattered_split x H); move: small; rewrite (card_split x H).
rewrite -!card_gt0 in lack have_ => small; apply: leq_add; apply: IH; apply: leq_trans small.
  by rewrite -addn1 leq_add2l.
by rewrite -add1n leq_add2r.
Qed.

Lemma leq_vc_dim H S : S \in shattered H -> #|S| <= vc_dim H.
Proof. by move=> shat; rewrite /vc_dim (bigD1 S) //= leq_maxl. Qed.

(** A class shatters no set that is larger than its VC dimension, so few sets. *)
Lemma card_shattered H V : vc_dim H <= V -> #|shattered H| <= \sum_(i < V.+1) 'C(#|T|, i).
Proof.
move=> atmost; pose size S : 'I_V.+1 := inord #|S|.
rewrite -sum1_card (partition_big size predT) //=; apply: leq_sum => i _.
rewrite sum1_card -(card_draws T i); apply: subset_leq_card; apply/subsetP => S.
rewrite !inE => /andP[shat /eqP <-]; rewrite /size inordK // ltnS.
by rewrite (leq_trans (leq_vc_dim _) atmost) // inE.
Qed.

Theorem sauer_shelah H V : vc_dim H <= V -> #|H| <= \sum_(i < V.+1) 'C(#|T|, i).
Proof. by move=> /card_shattered; apply: leq_trans (sauer_shelah_pajor H). Qed.

End Shattering.

(** The sum of binomials is at most (n/V)^V times the beginning of the series of e^V, and so is each term. *)
Lemma ffact_leq_exp n i : n ^_ i <= n ^ i.
Proof. by elim: i => // i IH; rewrite ffactnSr expnSr leq_mul // leq_subr. Qed.

Lemma binomial_term n V i : i <= V -> V <= n -> V ^ V * ('C(n, i) * i`!) <= n ^ V * V ^ i.
Proof.
move=> iV Vn; rewrite bin_ffact (leq_trans (leq_mul (leqnn _) (ffact_leq_exp n i))) //.
rewrite -{2 3}(subnK iV) !expnD mulnAC leq_mul // leq_mul //.
by case: (posnP (V - i)) => [-> //|pos]; rewrite leq_exp2r.
Qed.

Local Open Scope ring_scope.

Theorem sauer_shelah_growth (R : realFieldType) n V : (0 < V <= n)%N ->
  (\sum_(i < V.+1) 'C(n, i))%:R <= (n%:R / V%:R) ^+ V * \sum_(i < V.+1) V%:R ^+ i / i`!%:R :> R.
Proof.
move=> /andP[V_gt0 Vn]; have VV : 0 < V%:R ^+ V :> R by rewrite exprn_gt0 // ltr0n.
rewrite expr_div_n mulrAC ler_pdivl_mulr // natr_sum mulr_suml mulr_sumr ler_sum // => i _.
have fact : 0 < i`!%:R :> R by rewrite ltr0n fact_gt0.
rewrite mulrA ler_pdivl_mulr // -mulrA mulrCA -!natrX -!natrM ler_nat.
by rewrite binomial_term // -ltnS.
Qed.

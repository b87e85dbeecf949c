(** thm-5.4-corrected (linear algebra) and thm-5.4 (the printed constant is too large).

    Proved: an orthogonal projector of rank [r] on [D] dimensions keeps on average over any orthonormal basis
    exactly the share [r/D] of the squared length ([average_share]); [n] linear measurements of [D] unknowns leave a
    projector, unseen by them, of rank at least [D - n] ([unseen_projector]); so every learner that is told the [n]
    measurements of a unit vector errs on average over [2D] unit vectors, a basis and its reflections, by at least
    [1 - n/D] ([measurements_leave]), and every learner that is linear in the measurements, under any finite law of
    measurements, by that much on average over any orthonormal basis ([linear_learners_err]). And: the printed bound
    [d(d+3)/2 (1-eps) - 1] exceeds [D = d(d+1)/2] exactly where [eps < 2(d-1)/(d(d+3))] ([printed_exceeds]),
    although the values at [D] points, [e_i] and [e_i + e_j], determine a quadratic form ([corners_determine],
    [corners_fit]; together [thm_5_4_refuted]), and a form that is the only one to fit turns with the points
    ([only_fit_turns]).

    Modelled: forms are symmetric matrices, or in the first part their coordinates in an orthonormal basis for the
    loss norm, so that the relative loss is a ratio of squared lengths; numbers are any ordered field. Gaussian
    averages are replaced by finite ones. That almost all samples are as good as the [D] points (a polynomial that
    is not zero somewhere vanishes almost nowhere) is not here. *)

From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import Ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** Scalar identities, by Coq's [ring]; it wants plain operations. *)
Section Identity.

Variables (T : Type) (zero one : T) (add mul sub : T -> T -> T) (opp : T -> T).
Hypothesis laws : ring_theory zero one add mul sub opp eq.
Add Ring T_ring : laws.

Notation "x + y" := (add x y).
Notation "x - y" := (sub x y).
Notation "x * y" := (mul x y).

Lemma reflection_identity a b c :
  (c - a) * (c - a) + (c - (a - (b + b))) * (c - (a - (b + b))) - (b * b + b * b)
  = (c - a + b) * (c - a + b) + (c - a + b) * (c - a + b).
Proof. by ring. Qed.

Lemma printed_identity x e h :
  x * (x + (one + one + one)) * h * (one - e) - one - x * (x + one) * h
  = x * (h + h) - one - x * (x + (one + one + one)) * e * h.
Proof. by ring. Qed.

End Identity.

Lemma ring_laws (R : comRingType) : ring_theory (0 : R) 1 +%R *%R (fun x y => x - y) -%R eq.
Proof.
split=> //; [exact: add0r | exact: addrC | exact: addrA | exact: mul1r | exact: mulrC | exact: mulrA | exact: mulrDl |].
exact: subrr.
Qed.

(** The trace of an idempotent matrix is its rank. *)
Lemma trace_idempotent (F : fieldType) D (P : 'M[F]_D) : P *m P = P -> \tr P = (\rank P)%:R.
Proof.
move=> idempotent; rewrite -[in LHS](mulmx_base P) mxtrace_mulC.
suff -> : row_base P *m col_base P = 1%:M by rewrite mxtrace1.
have left_cancel (X : 'M_(\rank P)) : col_base P *m X *m row_base P = P -> X = 1%:M.
  move=> same; apply: (row_free_inj (row_base_free P)); apply: (row_full_inj (col_base_full P)).
  by rewrite mul1mx mulmx_base mulmxA.
apply: left_cancel; rewrite mulmxA -mulmxA -[LHS]/(_ *m (_ *m _)).
have -> : col_base P *m row_base P *m (col_base P *m row_base P) = P *m P by rewrite mulmx_base.
exact: idempotent.
Qed.

Section Projectors.

Variables (R : realFieldType) (D : nat).
Implicit Types (P E : 'M[R]_D) (v w : 'cV[R]_D).

(** The squared length of a vector. *)
Definition square v : R := \sum_k v k 0 ^+ 2.

Lemma squareE v : square v = (v^T *m v) 0 0.
Proof. by rewrite mxE; apply: eq_bigr => k _; rewrite mxE expr2. Qed.

Lemma square_ge0 v : 0 <= square v.
Proof. by apply: sumr_ge0 => k _; apply: sqr_ge0. Qed.

Lemma square_trace m (A : 'M[R]_(D, m)) : \sum_k square (col k A) = \tr (A^T *m A).
Proof. by apply: eq_bigr => k _; rewrite mxE; apply: eq_bigr => l _; rewrite !mxE expr2. Qed.

(** Orthogonal projectors. *)
Definition projector P := P^T = P /\ P *m P = P.

Lemma projector_gram P : projector P -> P^T *m P = P.
Proof. by case=> -> ->. Qed.

(** Over an orthonormal basis, the columns of [E], the squared lengths of the images add up to the rank. *)
Lemma sum_share P E : projector P -> E^T *m E = 1%:M -> \sum_k square (P *m col k E) = (\rank P)%:R.
Proof.
move=> proj orthonormal; under eq_bigr do rewrite colE mulmxA -colE.
rewrite square_trace trmx_mul -mulmxA mxtrace_mulC -!mulmxA (mulmx1C orthonormal) mulmx1 projector_gram //.
by apply: trace_idempotent; case: proj.
Qed.

Lemma basis_unit E k : E^T *m E = 1%:M -> square (col k E) = 1.
Proof.
move=> /matrixP/(_ k k); rewrite !mxE eqxx mulr1n => <-.
by apply: eq_bigr => l _; rewrite !mxE expr2.
Qed.

(** A ratio of squared lengths, averaged over the basis. *)
Theorem average_share P E : projector P -> E^T *m E = 1%:M ->
  D%:R^-1 * (\sum_k square (P *m col k E) / square (col k E)) = (\rank P)%:R / D%:R.
Proof.
move=> proj orthonormal; rewrite mulrC -(sum_share proj orthonormal); congr (_ * _).
by apply: eq_bigr => k _; rewrite basis_unit // divr1.
Qed.

(** The projector on the span of independent rows. *)
Lemma gram_unit r (k : 'M[R]_(r, D)) : row_free k -> k *m k^T \in unitmx.
Proof.
move=> free; rewrite -row_free_unit -kermx_eq0; apply/eqP/row_matrixP => i; rewrite row0.
set v := row i _; have zero : v *m k *m k^T = 0 by rewrite -mulmxA /v -row_mul mulmx_ker row0.
apply: (row_free_inj free); rewrite mul0mx.
have : (v *m k *m (v *m k)^T) 0 0 = 0 by rewrite trmx_mul mulmxA zero mul0mx mxE.
rewrite mxE => /eqP; rewrite psumr_eq0 => [/allP squares|j _]; last by rewrite [_^T _ _]mxE -expr2 sqr_ge0.
apply/matrixP => a j; rewrite ord1 [RHS]mxE; apply/eqP.
by have := squares j (mem_index_enum j); rewrite /= [_^T _ _]mxE mulf_eq0 orbb.
Qed.

Definition span r (k : 'M[R]_(r, D)) : 'M[R]_D := k^T *m invmx (k *m k^T) *m k.

Lemma span_projector r (k : 'M[R]_(r, D)) : row_free k -> projector (span k).
Proof.
move=> free; rewrite /span; split; first by rewrite !trmx_mul trmxK trmx_inv trmx_mul trmxK mulmxA.
by rewrite -!mulmxA (mulmxA k) mulKmx ?gram_unit.
Qed.

Lemma span_rank r (k : 'M[R]_(r, D)) : row_free k -> \rank (span k) = r.
Proof.
move=> free; rewrite /span mxrankMfree // -mxrank_tr trmx_mul trmxK mxrankMfree // mxrank_tr.
by rewrite mxrank_unit ?unitmx_inv ?gram_unit.
Qed.

Variable n : nat.
Implicit Types m : 'M[R]_(n, D).

(** What [n] measurements, the rows of [m], do not see. *)
Theorem unseen_projector m : exists P, [/\ projector P, m *m P = 0 & (D - n <= \rank P)%N].
Proof.
have free := row_base_free (kermx m^T); exists (span (row_base (kermx m^T))); split.
- exact: span_projector.
- rewrite /span !mulmxA; suff -> : m *m (row_base (kermx m^T))^T = 0 by rewrite !mul0mx.
  by apply: trmx_inj; rewrite trmx_mul trmxK trmx0; apply/sub_kermxP; rewrite eq_row_base.
by rewrite span_rank // mxrank_ker mxrank_tr leq_sub2l // rank_leq_row.
Qed.

(** A vector and its reflection in what is seen: the same measurements, the same length, opposite unseen parts. *)
Definition reflected P v := v - (P *m v + P *m v).

Lemma reflected_seen m P v : m *m P = 0 -> m *m reflected P v = m *m v.
Proof. by move=> unseen; rewrite /reflected mulmxBr mulmxDr !mulmxA unseen !mul0mx addr0 subr0. Qed.

Lemma reflected_square P v : projector P -> square (reflected P v) = square v.
Proof.
move=> [symmetric idempotent]; pose N := 1%:M - (P + P).
have -> : reflected P v = N *m v by rewrite /reflected /N mulmxBl mulmxDl mul1mx.
have mirror : N^T *m N = 1%:M.
  have -> : N^T = N by rewrite /N linearB /= linearD /= trmx1 symmetric.
  have flips : P *m N = - P by rewrite /N mulmxBr mulmx1 mulmxDr idempotent opprD addrA subrr sub0r.
  by rewrite {1}/N mulmxBl mul1mx mulmxDl flips -opprD opprK subrK.
by rewrite !squareE trmx_mul mulmxA -(mulmxA v^T) mirror mulmx1.
Qed.

(** Any one answer to both is wrong by the unseen part, at least on average over the two. *)
Lemma answers_both P v w :
  square (P *m v) + square (P *m v) <= square (w - v) + square (w - reflected P v).
Proof.
rewrite /square -!big_split; apply: ler_sum => k _ /=.
pose a := v k 0; pose b := (P *m v) k 0; pose c := w k 0.
have -> : (w - v) k 0 = c - a by rewrite /a /c !mxE.
have -> : (w - reflected P v) k 0 = c - (a - (b + b)) by rewrite /a /b /c /reflected !mxE.
rewrite -/b.
rewrite -subr_ge0 !expr2 (reflection_identity (ring_laws R)).
by rewrite -!expr2 addr_ge0 // sqr_ge0.
Qed.

(** The forms met have length one, by [basis_unit] and [reflected_square].
    A learner answers with a function of the measurements. It meets each basis vector and its reflection. *)
Theorem measurements_leave m (learner : 'cV[R]_n -> 'cV[R]_D) E : (0 < D)%N -> E^T *m E = 1%:M ->
  exists P, projector P /\
  1 - n%:R / D%:R <= (D + D)%:R^-1 *
    \sum_k (square (learner (m *m col k E) - col k E)
            + square (learner (m *m reflected P (col k E)) - reflected P (col k E))).
Proof.
move=> D_gt0 orthonormal; have [P [proj unseen large]] := unseen_projector m; exists P; split=> //.
have DD_gt0 : 0 < (D + D)%:R :> R by rewrite ltr0n addn_gt0 D_gt0.
have D_neq0 : D%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
rewrite [leRHS]mulrC ler_pdivl_mulr //.
apply: (@le_trans _ _ ((\rank P)%:R + (\rank P)%:R)).
  have -> : (1 - n%:R / D%:R) * (D + D)%:R = (D%:R - n%:R) + (D%:R - n%:R) :> R.
    by rewrite natrD mulrDr mulrBl mul1r divfK.
  by rewrite ler_add // ler_subl_addr -natrD ler_nat addnC -leq_subLR.
rewrite -(sum_share proj orthonormal) -big_split; apply: ler_sum => k _ /=.
by rewrite reflected_seen //; apply: answers_both.
Qed.

(** A learner that is linear in the measurements, [L], leaves at least [D - n] on the whole basis. *)
Lemma linear_leaves m (L : 'M[R]_(D, n)) E : E^T *m E = 1%:M ->
  D%:R - n%:R <= \sum_k square (L *m (m *m col k E) - col k E).
Proof.
move=> orthonormal; have [P [proj unseen large]] := unseen_projector m; pose G := L *m m - 1%:M.
have -> : \sum_k square (L *m (m *m col k E) - col k E) = \tr (G^T *m G).
  transitivity (\sum_k square (col k (G *m E))).
    by apply: eq_bigr => k _; rewrite [col k (G *m E)]colE -mulmxA -colE /G mulmxBl mul1mx mulmxA.
  by rewrite square_trace trmx_mul -mulmxA mxtrace_mulC -!mulmxA (mulmx1C orthonormal) mulmx1.
have GP : G *m P = - P by rewrite /G mulmxBl mul1mx -mulmxA unseen mulmx0 sub0r.
have share (Q : 'M[R]_D) : projector Q -> \tr (G^T *m G *m Q) = \tr ((G *m Q)^T *m (G *m Q)).
  by case=> symmetric idempotent; rewrite trmx_mul symmetric -[in RHS]mulmxA [RHS]mxtrace_mulC -!mulmxA idempotent.
have rest : projector (1%:M - P).
  case: proj => symmetric idempotent; split; first by rewrite linearB /= trmx1 symmetric.
  by rewrite mulmxBl mul1mx mulmxBr mulmx1 idempotent subrr subr0.
have -> : G^T *m G = G^T *m G *m P + G^T *m G *m (1%:M - P) by rewrite -mulmxDr addrC subrK mulmx1.
rewrite mxtraceD !share // GP [(- P)^T]linearN /= mulNmx mulmxN opprK projector_gram // (trace_idempotent (proj2 proj)).
rewrite -square_trace -[leLHS]addr0 ler_add //; last by apply: sumr_ge0 => k _; apply: square_ge0.
by rewrite ler_subl_addr -natrD ler_nat addnC -leq_subLR.
Qed.

(** Measurements and learner drawn by any finite law: the expected loss, averaged over the basis. *)
Theorem linear_learners_err (O : finType) (law : O -> R) (m : O -> 'M[R]_(n, D)) (L : O -> 'M[R]_(D, n)) E :
  (0 < D)%N -> (forall o, 0 <= law o) -> \sum_o law o = 1 -> E^T *m E = 1%:M ->
  1 - n%:R / D%:R <= D%:R^-1 * \sum_k \sum_o law o * square (L o *m (m o *m col k E) - col k E).
Proof.
move=> D_gt0 law_ge0 total orthonormal.
rewrite [leRHS]mulrC ler_pdivl_mulr ?ltr0n // mulrBl mul1r divfK ?pnatr_eq0 -?lt0n // exchange_big /=.
rewrite -[leLHS]mul1r -total mulr_suml; apply: ler_sum => o _.
by rewrite -mulr_sumr ler_wpmul2l // total linear_leaves.
Qed.

End Projectors.

(** Theorem 5.4 as printed. *)
Section Printed.

Variables (R : realFieldType) (d : nat).
Hypothesis d_gt0 : (0 < d)%N.

(** [D], and the printed bound. *)
Definition dimension : R := d%:R * (d%:R + 1) / 2%:R.
Definition printed (eps : R) : R := d%:R * (d%:R + 3%:R) / 2%:R * (1 - eps) - 1.

Theorem printed_exceeds eps :
  (dimension < printed eps) = (eps < 2%:R * (d%:R - 1) / (d%:R * (d%:R + 3%:R))).
Proof.
have factor_gt0 : 0 < d%:R * (d%:R + 3%:R) :> R by rewrite mulr_gt0 ?ltr0n // addr_gt0 ?ltr0n.
have half : 2%:R^-1 + 2%:R^-1 = 1 :> R by rewrite -mulr2n -[LHS]mulr_natl mulfV // pnatr_eq0.
have three : 3%:R = 1 + 1 + 1 :> R by rewrite !mulrS mulr0n addr0 addrA.
have := printed_identity (ring_laws R) d%:R eps 2%:R^-1; cbv beta; rewrite half mulr1 -three => identity.
rewrite [RHS]ltr_pdivl_mulr // -[RHS]subr_gt0 -[LHS]subr_gt0 /dimension /printed.
rewrite identity; set F := d%:R * (d%:R + 3%:R).
have -> : 2%:R * (d%:R - 1) - eps * F = 2%:R * (d%:R - 1 - F * eps / 2%:R).
  by rewrite [RHS]mulrBr; congr (_ - _); rewrite [RHS]mulrC divfK ?pnatr_eq0 // mulrC.
by rewrite pmulr_rgt0 ?ltr0n.
Qed.

End Printed.

(** The values at [e_i] and [e_i + e_j] determine a quadratic form. *)
Section Corners.

Variables (F : fieldType) (d : nat).
Hypothesis two : 2%:R != 0 :> F.
Implicit Types B C : 'M[F]_d.

(** The form [x^T B x], and the points. *)
Definition form B (x : 'cV[F]_d) : F := (x^T *m B *m x) 0 0.
Definition corner (i j : 'I_d) : 'cV[F]_d := if i == j then delta_mx i 0 else delta_mx i 0 + delta_mx j 0.

Lemma entry B i j : ((delta_mx i 0 : 'cV_d)^T *m B *m (delta_mx j 0 : 'cV_d)) 0 0 = B i j.
Proof. by rewrite trmx_delta -rowE -colE !mxE. Qed.

Lemma corner_value B i j : B^T = B ->
  form B (corner i j) = if i == j then B i i else B i i + B j j + 2%:R * B i j.
Proof.
move=> symmetric; rewrite /form /corner; case: ifP => _; first exact: entry.
have add (X Y : 'M[F]_1) : (X + Y) 0 0 = X 0 0 + Y 0 0 by rewrite mxE.
rewrite [(_ + _)^T]linearD /= mulmxDr !mulmxDl !add.
rewrite !entry; have -> : B j i = B i j by rewrite -{1}symmetric mxE.
by rewrite mulr_natl mulr2n [B i j + B j j]addrC addrACA.
Qed.

(** The number of these points. *)
Lemma card_corners : #|[pred k : 'I_d * 'I_d | (k.1 <= k.2)%N]| = (d * d.+1)./2.
Proof.
have -> : (d * d.+1)./2 = (\sum_(j < d) j.+1)%N.
  by rewrite mulnC -(bin2 d.+1) -triangular_sum big_nat_recl // add0n big_mkord.
rewrite -sum1_card -(pair_big_dep xpredT (fun i j : 'I_d => (i <= j)%N) (fun _ _ => 1%N)) /=.
rewrite (exchange_big_dep xpredT) //=; apply: eq_bigr => j _.
by rewrite -(big_ord_widen d (fun=> 1%N) (ltn_ord j)) sum_nat_const card_ord muln1.
Qed.

Theorem corners_determine B C : B^T = B -> C^T = C ->
  (forall i j : 'I_d, (i <= j)%N -> form B (corner i j) = form C (corner i j)) -> B = C.
Proof.
move=> symB symC same.
have diagonal i : B i i = C i i by have := same i i (leqnn i); rewrite !corner_value // eqxx.
have above (i j : 'I_d) : (i <= j)%N -> B i j = C i j.
  move=> le_ij; have := same i j le_ij; rewrite !corner_value //; case: eqP => [<- //|_].
  by rewrite !diagonal => /addrI/(mulfI two).
apply/matrixP => i j; case/orP: (leq_total i j) => order; first exact: above.
by rewrite -symB -symC !mxE above.
Qed.

(** Every choice of values is taken. *)
Definition fit (v : 'I_d -> 'I_d -> F) : 'M[F]_d :=
  \matrix_(i, j) if i == j then v i i else ((if (i <= j)%N then v i j else v j i) - (v i i + v j j)) / 2%:R.

Lemma fit_symmetric v : (fit v)^T = fit v.
Proof.
apply/matrixP => i j; rewrite !mxE eq_sym; case: eqP => [-> //|/eqP other]; rewrite (addrC (v j j)).
by case: (ltngtP i j) => // /val_inj same; rewrite same eqxx in other.
Qed.

Theorem corners_fit v (i j : 'I_d) : (i <= j)%N -> form (fit v) (corner i j) = v i j.
Proof.
move=> le_ij; rewrite corner_value ?fit_symmetric // !mxE !eqxx; case: eqP => [<- //|_].
by rewrite le_ij mulrC divfK // addrC subrK.
Qed.

(** Where the points determine the form, so do their images, and the form found turns with them. *)
Theorem only_fit_turns (T : Type) (xs : T -> 'cV[F]_d) (g B C : 'M[F]_d) : g^T *m g = 1%:M ->
  (forall A A' : 'M[F]_d, A^T = A -> A'^T = A' -> (forall k, form A (xs k) = form A' (xs k)) -> A = A') ->
  B^T = B -> C^T = C -> (forall k, form C (g *m xs k) = form B (xs k)) -> C = g *m B *m g^T.
Proof.
move=> orthogonal determine symB symC same; have orthogonal' := mulmx1C orthogonal.
have back : g^T *m C *m g = B.
  apply: determine => [|//|k]; first by rewrite !trmx_mul trmxK symC mulmxA.
  by rewrite -same /form trmx_mul !mulmxA.
by rewrite -back !mulmxA orthogonal' mul1mx -mulmxA orthogonal' mulmx1.
Qed.

End Corners.

(** At these [D] points one learner is exact, though the printed bound asks for more than [D] samples. *)
Theorem thm_5_4_refuted (R : realFieldType) (d : nat) (eps : R) :
  (1 < d)%N -> 0 < eps < 2%:R * (d%:R - 1) / (d%:R * (d%:R + 3%:R)) ->
  let points := [pred k : 'I_d * 'I_d | (k.1 <= k.2)%N] in
  #|points|%:R < printed d eps /\
  exists learner : ('I_d * 'I_d -> R) -> 'M[R]_d,
    forall B, B^T = B -> learner (fun k => if k \in points then form B (corner R k.1 k.2) else 0) = B.
Proof.
move=> d_gt1 /andP[_ small] points; have two : 2%:R != 0 :> R by rewrite pnatr_eq0.
split.
  have -> : #|points|%:R = dimension R d; last by rewrite printed_exceeds // ltnW.
  have -> : dimension R d = (d * d.+1)%:R / 2%:R by rewrite /dimension natrM -(addn1 d) natrD.
  by apply: (mulIf two); rewrite card_corners divfK // -natrM muln2 -[in RHS](odd_double_half (d * d.+1)) oddM /= andbN.
exists (fun y => fit (fun i j => y (i, j))) => B symB.
apply: (corners_determine two) => // [|i j le_ij]; first exact: fit_symmetric.
by rewrite (corners_fit two) //= inE /= le_ij.
Qed.

(** lem-d.2 and thm-4.1 (the lower bound on the VC dimension): the orbit of the quadratic target under O(2d).

    Proved: for [U] with [U U^T = 1] an explicit orthogonal [V] has [V^T J V = [[0, U], [U^T, 0]]], so that the
    target at [V x] has the sign of the bilinear form [x_1^T U x_2], at every [x] and zeros included ([lem_d_2]);
    and for every [d] and every labelling of the [d^2] points [(e_i; e_j)] a rational orthogonal [U], the Cayley
    transform of [[0, tS], [-tS^T, 0]] with [t = 1/(3d)], makes the target at [U x] positive or negative as asked,
    never zero ([thm_4_1_shatters]): the orbit shatters [d^2] points.

    Modelled: points are columns of length [d + d] over any ordered field (for [lem_d_2] real closed, as a square
    root of 2 is needed; [bilinear_in_orbit] takes any [r] with [2 r^2 = 1] in any commutative ring). The target is
    [|x_1|^2 - |x_2|^2] and labels are its signs; so whichever label is fixed for zero, the statements hold. The
    estimate uses sums of absolute values in place of the ledger's eigenvalues, at the same [t]. The upper bound on
    the VC dimension and the number of samples are not here. *)

From mathcomp Require Import all_ssreflect all_algebra.
From Coq Require Import Ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(** Scalar identities, by Coq's [ring]; it wants plain operations. *)
Section Identities.

Variables (T : Type) (zero one : T) (add mul sub : T -> T -> T) (opp : T -> T).
Hypothesis laws : ring_theory zero one add mul sub opp eq.
Add Ring T_ring : laws.

Notation "x + y" := (add x y).
Notation "x - y" := (sub x y).
Notation "x * y" := (mul x y).

(** With [pk] for [p] against its image under [k] factors, likewise [qk] and [ck]: eight times the form. *)
Lemma orbit_identity p0 p2 p4 p6 q0 q2 q4 q6 c1 c3 c5 :
  let side x0 x2 x4 c y2 := x0 - (x2 + x2) + x4 + (c + c + (c + c)) + (y2 + y2 + (y2 + y2)) in
  let eight x := (x + x + (x + x)) + (x + x + (x + x)) in
  p0 + p2 + (p2 + p4) = one -> q0 + q2 + (q2 + q4) = one ->
  p2 + p4 + (p4 + p6) = q2 + q4 + (q4 + q6) ->
  side p0 p2 p4 (c1 - c3) q2 - side q0 q2 q4 (opp c1 + c3) p2
  = eight (c1 + c3 + (c3 + c5) - (c3 + c5 + c3 + c3) + (p4 + p6 + p4) - (q4 + q6 + q4)).
Proof.
move=> side eight unit_p unit_q diagonal; rewrite /side /eight.
have -> : p0 = one - (p2 + (p2 + p4)) by rewrite -unit_p; ring.
have -> : q0 = one - (q2 + (q2 + q4)) by rewrite -unit_q; ring.
have -> : p6 = q2 + q4 + (q4 + q6) - p2 - p4 - p4 by rewrite -diagonal; ring.
by ring.
Qed.

Lemma regroup_product x y z t a b c : x * y * (z * t) * (a * b * c) = x * a * (y * b) * (z * c) * t.
Proof. by ring. Qed.

Lemma square_factor t d : t * t * d * t * d = d * t * (d * t) * t.
Proof. by ring. Qed.

Lemma cube_factor t d : t * t * d * t * d * t * d = d * t * (d * t) * (d * t) * t.
Proof. by ring. Qed.

End Identities.

Lemma ring_laws (R : comRingType) : ring_theory (0 : R) 1 +%R *%R (fun x y => x - y) -%R eq.
Proof.
split=> //; [exact: add0r | exact: addrC | exact: addrA | exact: mul1r | exact: mulrC | exact: mulrA | exact: mulrDl |].
exact: subrr.
Qed.

Section InnerProduct.

Variable R : comRingType.

(** The inner product [x^T y] of two columns. *)
Definition dot m (x y : 'cV[R]_m) : R := (x^T *m y) 0 0.

Lemma dotE m (x y : 'cV[R]_m) : dot x y = \sum_k x k 0 * y k 0.
Proof. by rewrite /dot mxE; apply: eq_bigr => k _; rewrite mxE. Qed.

Lemma dotC m (x y : 'cV[R]_m) : dot x y = dot y x.
Proof. by rewrite !dotE; apply: eq_bigr => k _; rewrite mulrC. Qed.

Lemma dotDr m (x y z : 'cV[R]_m) : dot x (y + z) = dot x y + dot x z.
Proof. by rewrite /dot mulmxDr mxE. Qed.

Lemma dotDl m (x y z : 'cV[R]_m) : dot (x + y) z = dot x z + dot y z.
Proof. by rewrite dotC dotDr !(dotC z). Qed.

Lemma dotNr m (x y : 'cV[R]_m) : dot x (- y) = - dot x y.
Proof. by rewrite /dot mulmxN mxE. Qed.

Lemma dotNl m (x y : 'cV[R]_m) : dot (- x) y = - dot x y.
Proof. by rewrite dotC dotNr dotC. Qed.

Lemma dotZ m r (x : 'cV[R]_m) : dot (r *: x) (r *: x) = r * r * dot x x.
Proof. by rewrite !dotE mulr_sumr; apply: eq_bigr => k _; rewrite !mxE mulrACA. Qed.

(** A matrix moves to the other side as its transpose. *)
Lemma dotM m k (G : 'M[R]_(m, k)) x (y : 'cV[R]_m) : dot (G *m x) y = dot x (G^T *m y).
Proof. by rewrite /dot trmx_mul mulmxA. Qed.

Lemma dot_square m (x y : 'cV[R]_m) : dot (x + y) (x + y) = dot x x + (dot x y + dot x y) + dot y y.
Proof. by rewrite dotDr !dotDl (dotC y x) !addrA. Qed.

Lemma dot_square_sub m (x y : 'cV[R]_m) : dot (x - y) (x - y) = dot x x - (dot x y + dot x y) + dot y y.
Proof. by rewrite dot_square !dotNr dotNl opprK opprD. Qed.

End InnerProduct.

Section Orbit.

Variables (R : comRingType) (d : nat).

(** [J], the target [|x_1|^2 - |x_2|^2 = x^T J x], and [x_1^T U x_2]. *)
Definition signature : 'M[R]_(d + d) := block_mx 1%:M 0 0 (- 1%:M).
Definition target (x : 'cV[R]_(d + d)) : R := dot (usubmx x) (usubmx x) - dot (dsubmx x) (dsubmx x).
Definition bilinear (U : 'M[R]_d) (x : 'cV[R]_(d + d)) : R := dot (usubmx x) (U *m dsubmx x).

Lemma targetE x : target x = dot x (signature *m x).
Proof.
rewrite -[x in RHS]vsubmxK /signature mul_block_col !mul1mx !mul0mx addr0 add0r mulNmx mul1mx.
by rewrite /dot tr_col_mx mul_row_col mulmxN mxE [X in _ + X]mxE.
Qed.

Section Lemma_d_2.

Variables (U : 'M[R]_d) (r : R).
Hypotheses (orthogonal : U *m U^T = 1%:M) (half : r * r + r * r = 1).

(** The matrix of Lemma D.2, where [r] is the square root of 1/2. *)
Definition rotation : 'M[R]_(d + d) := r *: block_mx 1%:M U (- U^T) 1%:M.

Lemma orthogonal_left : U^T *m U = 1%:M. Proof. exact: mulmx1C. Qed.

Lemma rotation_tr : rotation^T = r *: block_mx 1%:M (- U) U^T 1%:M.
Proof.
have -> : rotation^T = r *: (block_mx 1%:M U (- U^T) 1%:M)^T by apply/matrixP => i j; rewrite !mxE.
by rewrite tr_block_mx !trmx1 linearN /= trmxK.
Qed.

Lemma twice (A : 'M[R]_d) : (r * r) *: (A + A) = A.
Proof. by rewrite scalerDr -scalerDl half scale1r. Qed.

Lemma rotation_orthogonal : rotation^T *m rotation = 1%:M.
Proof.
rewrite rotation_tr /rotation -scalemxAl -scalemxAr scalerA mulmx_block !(mul1mx, mulmx1).
rewrite mulNmx mulmxN opprK orthogonal orthogonal_left !subrr scale_block_mx !twice !scaler0.
by rewrite -scalar_mx_block.
Qed.

Theorem lem_d_2_matrix : rotation^T *m signature *m rotation = block_mx 0 U U^T 0.
Proof.
rewrite rotation_tr /rotation /signature -!scalemxAl -scalemxAr scalerA !mulmx_block !(mul1mx, mulmx1, mulmx0).
rewrite !(addr0, add0r).
rewrite !(mulNmx, mulmxN, mulmx1, mul1mx, opprK) orthogonal orthogonal_left !subrr.
by rewrite scale_block_mx !twice !scaler0.
Qed.

Theorem bilinear_in_orbit x : target (rotation *m x) = bilinear U x + bilinear U x.
Proof.
rewrite targetE dotM !mulmxA lem_d_2_matrix -[x]vsubmxK mul_block_col !mul0mx addr0 add0r /bilinear.
rewrite col_mxKu col_mxKd /dot tr_col_mx mul_row_col mxE; congr (_ + _).
by rewrite -[LHS]/(dot _ _) dotC dotM trmxK.
Qed.

End Lemma_d_2.
End Orbit.

(** Over the reals, or any real closed field: [h_U] is [h* o V] for an orthogonal [V]. *)
Theorem lem_d_2 (R : rcfType) (d : nat) (U : 'M[R]_d) :
  U *m U^T = 1%:M ->
  exists V : 'M[R]_(d + d), V^T *m V = 1%:M /\ forall x, Num.sg (target (V *m x)) = Num.sg (bilinear U x).
Proof.
move=> orthogonal; pose r : R := Num.sqrt (2%:R^-1).
have half : r * r + r * r = 1.
  by rewrite -expr2 sqr_sqrtr ?invr_ge0 ?ler0n // -mulr2n -mulr_natl mulfV // pnatr_eq0.
exists (rotation U r); split=> [|x]; first exact: rotation_orthogonal.
by rewrite bilinear_in_orbit // -mulr2n -mulr_natl sgrM sgr_nat mul1r.
Qed.

(** Thm 4.1. First the value of the form, as an identity. *)
Lemma regroup (V : zmodType) (x a b c : V) : x - a + (b + b) + (- b + c + (a + a)) = x + a + (b + c).
Proof.
by rewrite [X in _ + X = _]addrC addrACA; congr (_ + _); [rewrite addrA subrK | rewrite addrA addrK].
Qed.

Definition eight (R : comRingType) (x : R) : R := (x + x + (x + x)) + (x + x + (x + x)).

Section Value.

Variables (R : comRingType) (d : nat) (M : 'M[R]_d) (p q ei ej : 'cV[R]_d).
Hypotheses (p_ei : p + M *m (M^T *m p) = ei) (q_ej : q + M^T *m (M *m q) = ej).

Definition skew : 'M[R]_(d + d) := block_mx 0 M (- M^T) 0.

(** The image of [(ei; ej)] under the Cayley transform of [skew]. *)
Definition upper := p - M *m (M^T *m p) + (M *m q + M *m q).
Definition lower := q - M^T *m (M *m q) + (- (M^T *m p) - M^T *m p).

Lemma image_cayley : (1%:M - skew) *m col_mx upper lower = (1%:M + skew) *m col_mx ei ej.
Proof.
rewrite mulmxBl mulmxDl !mul1mx /skew !mul_block_col !mul0mx !add0r !addr0 !mulNmx.
rewrite opp_col_mx !add_col_mx /upper /lower -p_ei -q_ej !(mulmxDr, mulmxN, opprD, opprK).
congr col_mx; first exact: regroup.
by have := regroup q (M^T *m (M *m q)) (- (M^T *m p)) (- (M^T *m (M *m (M^T *m p)))); rewrite opprK.
Qed.

Lemma side_square (x y z : 'cV[R]_d) :
  dot (x - y + (z + z)) (x - y + (z + z)) =
  dot x x - (dot x y + dot x y) + dot y y + (dot (x - y) z + dot (x - y) z + (dot (x - y) z + dot (x - y) z))
  + (dot z z + dot z z + (dot z z + dot z z)).
Proof. by rewrite dot_square dot_square_sub dotDr (dotDr (z + z)) !(dotDl z). Qed.

Lemma orbit_value :
  dot ei ei = 1 -> dot ej ej = 1 -> dot ei (M *m (M^T *m ei)) = dot ej (M^T *m (M *m ej)) ->
  target (col_mx upper lower) =
  eight (dot ei (M *m ej) - dot (ei + p + p) (M *m (M^T *m (M *m q)))
         + dot (ei + p) (M *m (M^T *m (M *m (M^T *m p)))) - dot (ej + q) (M^T *m (M *m (M^T *m (M *m q))))).
Proof.
pose p0 := dot p p; pose p2 := dot p (M *m (M^T *m p)); pose p4 := dot p (M *m (M^T *m (M *m (M^T *m p)))).
pose p6 := dot p (M *m (M^T *m (M *m (M^T *m (M *m (M^T *m p)))))).
pose q0 := dot q q; pose q2 := dot q (M^T *m (M *m q)); pose q4 := dot q (M^T *m (M *m (M^T *m (M *m q)))).
pose q6 := dot q (M^T *m (M *m (M^T *m (M *m (M^T *m (M *m q)))))).
pose c1 := dot p (M *m q); pose c3 := dot p (M *m (M^T *m (M *m q))).
pose c5 := dot p (M *m (M^T *m (M *m (M^T *m (M *m q))))).
rewrite -p_ei -q_ej !(mulmxDr, dotDr, dotDl, dotM, trmxK) -/p0 -/p2 -/p4 -/p6 -/q0 -/q2 -/q4 -/q6 -/c1 -/c3 -/c5.
move=> unit_p unit_q diagonal.
rewrite /target /upper /lower col_mxKu col_mxKd !side_square.
rewrite !(mulmxN, dotDl, dotDr, dotNl, dotNr, dotM, trmxK, opprK).
have -> : dot q (M^T *m p) = c1 by rewrite dotC dotM trmxK.
have -> : dot q (M^T *m (M *m (M^T *m p))) = c3 by rewrite dotC !dotM !trmxK.
exact: (orbit_identity (ring_laws R) c1 c3 c5 unit_p unit_q diagonal).
Qed.

End Value.

(** An invertible matrix is one whose kernel is zero. *)
Lemma unit_of_kernel (F : fieldType) n (A : 'M[F]_n) : (forall x : 'cV_n, A *m x = 0 -> x = 0) -> A \in unitmx.
Proof.
move=> kernel; rewrite -unitmx_tr -row_free_unit -kermx_eq0; apply/eqP/row_matrixP => i; rewrite row0.
apply: trmx_inj; rewrite trmx0; apply: kernel; apply: trmx_inj.
by rewrite trmx0 trmx_mul trmxK -row_mul mulmx_ker row0.
Qed.

Section Cayley.

Variable R : realFieldType.

Lemma dot_ge0 n (x : 'cV[R]_n) : 0 <= dot x x.
Proof. by rewrite dotE sumr_ge0 // => k _; apply: sqr_ge0. Qed.

Lemma dot_eq0 n (x : 'cV[R]_n) : dot x x = 0 -> x = 0.
Proof.
rewrite dotE => /eqP; rewrite psumr_eq0 => [/allP zero|k _]; last exact: sqr_ge0.
apply/matrixP => k j; rewrite ord1 mxE; apply/eqP.
by have := zero k (mem_index_enum k); rewrite /= mulf_eq0 orbb.
Qed.

Variables (n : nat) (A : 'M[R]_n).
Hypothesis skew_A : A^T = - A.

(** The rational orthogonal matrix [(1 - A)^-1 (1 + A)]. *)
Definition cayley : 'M[R]_n := invmx (1%:M - A) *m (1%:M + A).

Lemma minus_unit : 1%:M - A \in unitmx.
Proof.
apply: unit_of_kernel => x; rewrite mulmxBl mul1mx => /eqP; rewrite subr_eq0 => /eqP fixed.
apply: dot_eq0; have : dot x (A *m x) = - dot x (A *m x) by rewrite -{1}[A]trmxK -dotM skew_A mulNmx dotNl dotC.
by rewrite -fixed => /eqP; rewrite -addr_eq0 -mulr2n mulrn_eq0 /= => /eqP.
Qed.

Lemma plus_unit : 1%:M + A \in unitmx.
Proof. by rewrite -unitmx_tr linearD /= trmx1 skew_A minus_unit. Qed.

Lemma cayley_orthogonal : cayley^T *m cayley = 1%:M.
Proof.
have back : cayley^T = (1%:M - A) *m invmx (1%:M + A).
  by rewrite /cayley trmx_mul trmx_inv !linearD /= linearN /= trmx1 skew_A opprK.
apply: mulmx1C; rewrite back /cayley mulmxA -(mulmxA _ _ (1%:M - A)).
have -> : (1%:M + A) *m (1%:M - A) = (1%:M - A) *m (1%:M + A).
  by rewrite mulmxDl mulmxBl !mul1mx !mulmxDr mulmxN !mulmx1 opprD !addrA subrK addrK.
by rewrite mulKmx ?minus_unit // mulmxV ?plus_unit.
Qed.

Lemma cayley_image (x w : 'cV_n) : (1%:M - A) *m w = (1%:M + A) *m x -> cayley *m x = w.
Proof. by move=> same; rewrite /cayley -mulmxA -same mulKmx ?minus_unit. Qed.

End Cayley.

(** Estimates by the sum of absolute values. *)
Section Estimates.

Variable R : realFieldType.

Definition norm1 n (x : 'cV[R]_n) : R := \sum_k `|x k 0|.

Lemma norm1_ge0 n (x : 'cV[R]_n) : 0 <= norm1 x.
Proof. by apply: sumr_ge0. Qed.

Lemma norm1D n (x y : 'cV[R]_n) : norm1 (x + y) <= norm1 x + norm1 y.
Proof. by rewrite -big_split; apply: ler_sum => k _; rewrite mxE ler_norm_add. Qed.

Lemma norm1N n (x : 'cV[R]_n) : norm1 (- x) = norm1 x.
Proof. by apply: eq_bigr => k _; rewrite mxE normrN. Qed.

Lemma norm1_delta n (i : 'I_n) : norm1 (delta_mx i 0) = 1.
Proof.
rewrite /norm1 (bigD1 i) //= big1 => [|k /negbTE other]; rewrite mxE ?eqxx ?other /= ?normr0 //.
by rewrite normr1 addr0.
Qed.

Definition bounded m k (g : R) (G : 'M[R]_(m, k)) := forall i j, `|G i j| <= g.

Lemma bounded_entry m k (G : 'M[R]_(m, k)) g (y : 'cV_k) i : bounded g G -> `|(G *m y) i 0| <= norm1 y * g.
Proof.
move=> small; rewrite mxE (le_trans (ler_norm_sum _ _ _)) // /norm1 mulr_suml ler_sum // => j _.
by rewrite normrM mulrC ler_wpmul2l.
Qed.

Lemma dot_bound m k (G : 'M[R]_(m, k)) g x y : bounded g G -> `|dot x (G *m y)| <= norm1 x * norm1 y * g.
Proof.
move=> small; rewrite dotE (le_trans (ler_norm_sum _ _ _)) // [norm1 x]/norm1 !mulr_suml ler_sum // => i _.
by rewrite normrM -mulrA ler_wpmul2l // bounded_entry.
Qed.

Lemma bounded_mul m k l (G : 'M[R]_(m, k)) (H : 'M_(k, l)) g h :
  bounded g G -> bounded h H -> bounded (g * h * k%:R) (G *m H).
Proof.
move=> smallG smallH i j; rewrite mxE (le_trans (ler_norm_sum _ _ _)) //.
rewrite mulr_natr -[X in _ *+ X]card_ord -sumr_const ler_sum // => n _.
by rewrite normrM ler_pmul.
Qed.

Lemma bounded_tr m k (G : 'M[R]_(m, k)) g : bounded g G -> bounded g G^T.
Proof. by move=> small i j; rewrite mxE. Qed.

Lemma norm1_mul m k (G : 'M[R]_(m, k)) g x : bounded g G -> norm1 (G *m x) <= norm1 x * g * m%:R.
Proof.
move=> small; rewrite mulr_natr -[X in _ *+ X]card_ord -sumr_const ler_sum // => i _.
exact: bounded_entry.
Qed.

Lemma dot_delta m k (G : 'M[R]_(m, k)) i j : dot (delta_mx i 0) (G *m delta_mx j 0) = G i j.
Proof. by rewrite /dot trmx_delta -colE -rowE !mxE. Qed.

Lemma dot_delta1 n (i : 'I_n) : dot (delta_mx i 0) (delta_mx i 0) = 1 :> R.
Proof. by rewrite -[X in dot _ X]mul1mx dot_delta mxE eqxx. Qed.

Section Resolvent.

Variables (d : nat) (t : R) (M : 'M[R]_d).
Hypotheses (t_ge0 : 0 <= t) (small : (d%:R * t) * 3%:R <= 1) (entries : bounded t M).

Let tau := d%:R * t.

Lemma tau_ge0 : 0 <= tau. Proof. by rewrite mulr_ge0 ?ler0n. Qed.

Lemma square_small : tau * tau * 9%:R <= 1.
Proof.
by rewrite (_ : 9 = 3 * 3)%N // natrM mulrACA mulr_ile1 ?mulr_ge0 ?ler0n ?tau_ge0.
Qed.

Lemma cube_small : tau * tau * tau * 27%:R <= 1.
Proof.
rewrite (_ : 27 = 9 * 3)%N // natrM mulrACA mulr_ile1 ?square_small //.
  by rewrite !mulr_ge0 ?ler0n ?tau_ge0.
by rewrite !mulr_ge0 ?ler0n ?tau_ge0.
Qed.

Lemma resolvent_norm p i : p + M *m (M^T *m p) = delta_mx i 0 -> norm1 p * 4%:R <= 5%:R.
Proof.
move=> equation; have bound : norm1 p <= 1 + norm1 p * (tau * tau).
  have {1}-> : p = delta_mx i 0 - M *m (M^T *m p) by rewrite -equation addrK.
  rewrite (le_trans (norm1D _ _)) // norm1_delta norm1N ler_add2l mulmxA.
  apply: le_trans (norm1_mul p (bounded_mul entries (bounded_tr entries))) _.
  by rewrite /tau -mulrA ler_wpmul2l ?norm1_ge0 // le_eqVlt; apply/orP; left; apply/eqP; rewrite mulrACA mulrC mulrA.
have : norm1 p * 9%:R <= 9%:R + norm1 p.
  apply: le_trans (ler_wpmul2r (ler0n R 9) bound) _.
  by rewrite mulrDl mul1r ler_add2l -mulrA -[leRHS]mulr1 ler_wpmul2l ?norm1_ge0 ?square_small.
rewrite {1}(natrD _ 8 1) mulrDr mulr1 ler_add2r => most.
rewrite -(ler_pmul2r (ltr0n R 2)) -mulrA -!natrM; apply: le_trans most _; by rewrite ler_nat.
Qed.

Lemma product_bound (x y z a b c A B : R) :
  0 <= x -> 0 <= y -> 0 <= z -> 0 <= a -> 0 <= b -> 0 <= c ->
  x * a <= A -> y * b <= B -> z * c <= 1 -> x * y * (z * t) * (a * b * c) <= A * B * t.
Proof.
move=> *; rewrite (regroup_product (ring_laws R)) ler_wpmul2r // -[leRHS]mulr1.
by rewrite !ler_pmul ?mulr_ge0 //.
Qed.

Lemma cross_small i p q : norm1 p * 4%:R <= 5%:R -> norm1 q * 4%:R <= 5%:R ->
  `|dot (delta_mx i 0 + p + p) (M *m (M^T *m (M *m q)))| * 144%:R <= 70%:R * t.
Proof.
move=> small_p small_q; have := bounded_mul (bounded_mul entries (bounded_tr entries)) entries.
rewrite (square_factor (ring_laws R) t) -/tau => small_M; rewrite !mulmxA.
apply: le_trans (ler_wpmul2r (ler0n R 144) (dot_bound _ q small_M)) _.
rewrite (_ : 144 = 4 * 4 * 9)%N // (_ : 70 = 14 * 5)%N // !natrM.
apply: product_bound; rewrite ?norm1_ge0 ?mulr_ge0 ?ler0n ?tau_ge0 ?square_small //.
apply: le_trans (ler_wpmul2r (ler0n R 4) (le_trans (norm1D _ _) (ler_add (norm1D _ _) (lexx _)))) _.
by rewrite norm1_delta !mulrDl mul1r (_ : 14 = 4 + 5 + 5)%N // !natrD !ler_add.
Qed.

Lemma diagonal_small i p : norm1 p * 4%:R <= 5%:R ->
  `|dot (delta_mx i 0 + p) (M *m (M^T *m (M *m (M^T *m p))))| * 432%:R <= 45%:R * t.
Proof.
move=> small_p; have turned := bounded_tr entries.
have := bounded_mul (bounded_mul (bounded_mul entries turned) entries) turned.
rewrite (cube_factor (ring_laws R) t) -/tau => small_M; rewrite !mulmxA.
apply: le_trans (ler_wpmul2r (ler0n R 432) (dot_bound _ p small_M)) _.
rewrite (_ : 432 = 4 * 4 * 27)%N // (_ : 45 = 9 * 5)%N // !natrM.
apply: product_bound; rewrite ?norm1_ge0 ?mulr_ge0 ?ler0n ?tau_ge0 ?cube_small //.
apply: le_trans (ler_wpmul2r (ler0n R 4) (norm1D _ _)) _.
by rewrite norm1_delta mulrDl mul1r (_ : 9 = 4 + 5)%N // natrD ler_add.
Qed.

End Resolvent.

(** The three error terms together are less than [t]. *)
Lemma errors_small (t x y z : R) : 0 < t ->
  `|x| * 144%:R <= 70%:R * t -> `|y| * 432%:R <= 45%:R * t -> `|z| * 432%:R <= 45%:R * t -> `|- x + y - z| < t.
Proof.
move=> t_gt0 small_x small_y small_z.
apply: le_lt_trans (ler_norm_sub _ _) _; apply: le_lt_trans (ler_add (ler_norm_add _ _) (lexx _)) _.
rewrite normrN -(ltr_pmul2r (ltr0n R 432)) !mulrDl [ltRHS]mulrC.
apply: (@le_lt_trans _ _ (210%:R * t + 45%:R * t + 45%:R * t)).
  rewrite !ler_add // (_ : 432 = 144 * 3)%N // (_ : 210 = 70 * 3)%N // !natrM mulrA [70%:R * _ * t]mulrAC.
  by rewrite ler_wpmul2r ?ler0n.
by rewrite -!mulrDl -!natrD ltr_pmul2r // ltr_nat.
Qed.

End Estimates.

(** The points, and what it means that the orbit shatters a family of points. *)
Definition point (R : ringType) d (k : 'I_d * 'I_d) : 'cV[R]_(d + d) := col_mx (delta_mx k.1 0) (delta_mx k.2 0).

Definition orbit_shatters (R : realFieldType) d (T : finType) (points : T -> 'cV[R]_(d + d)) :=
  injective points /\
  forall label : T -> bool, exists2 U : 'M[R]_(d + d), U^T *m U = 1%:M &
    forall k, if label k then 0 < target (U *m points k) else target (U *m points k) < 0.

Section Shattering.

Variables (R : realFieldType) (d : nat).

Definition signs (label : 'I_d * 'I_d -> bool) (t : R) : 'M[R]_d := \matrix_(i, j) if label (i, j) then t else - t.

Lemma signs_square label t i j : signs label t i j * signs label t i j = t * t.
Proof. by rewrite mxE; case: ifP; rewrite ?mulrNN. Qed.

Lemma signs_bounded label t : 0 <= t -> bounded t (signs label t).
Proof. by move=> t_ge0 i j; rewrite mxE; case: ifP; rewrite ?normrN ger0_norm. Qed.

(** Rows and columns of a sign matrix all have the same length, so the large diagonal terms cancel. *)
Lemma signs_diagonal label t i j : let M := signs label t in
  dot (delta_mx i 0) (M *m (M^T *m delta_mx i 0)) = dot (delta_mx j 0) (M^T *m (M *m delta_mx j 0)).
Proof.
move=> M; have gram (N : 'M[R]_d) k : (forall l, N k l * N k l = t * t) ->
    dot (delta_mx k 0) (N *m (N^T *m delta_mx k 0)) = \sum_(l < d) t * t.
  by move=> same; rewrite mulmxA dot_delta mxE; apply: eq_bigr => l _; rewrite mxE same.
rewrite gram => [|l]; last exact: signs_square.
by have := gram M^T j; rewrite trmxK => -> // l; rewrite [M^T j l]mxE; exact: signs_square.
Qed.

Lemma resolvent_unit (M : 'M[R]_d) : 1%:M + M *m M^T \in unitmx.
Proof.
apply: unit_of_kernel => x; rewrite mulmxDl mul1mx => zero; apply: dot_eq0.
have : dot x x + dot (M^T *m x) (M^T *m x) = 0 by rewrite dotM trmxK -dotDr mulmxA zero /dot mulmx0 mxE.
by move=> /eqP; rewrite paddr_eq0 ?dot_ge0 // => /andP[/eqP].
Qed.

Lemma resolvent (M : 'M[R]_d) (e : 'cV_d) : exists p, p + M *m (M^T *m p) = e.
Proof.
exists (invmx (1%:M + M *m M^T) *m e); set p := _ *m e.
have -> : p + M *m (M^T *m p) = (1%:M + M *m M^T) *m p by rewrite mulmxDl mul1mx -mulmxA.
by rewrite mulKVmx ?resolvent_unit.
Qed.

Lemma skew_tr (M : 'M[R]_d) : (skew M)^T = - skew M.
Proof. by rewrite /skew tr_block_mx opp_block_mx !trmx0 linearN /= trmxK opprK !oppr0. Qed.

Lemma eight_gt0 (x : R) : 0 < x -> 0 < eight x.
Proof. by move=> positive; rewrite /eight !addr_gt0. Qed.

Lemma eight_lt0 (x : R) : x < 0 -> eight x < 0.
Proof.
move=> negative; have : 0 < eight (- x) by apply: eight_gt0; rewrite oppr_gt0.
by rewrite /eight -!opprD oppr_gt0.
Qed.

Lemma point_inj : injective (@point R d).
Proof.
have delta_inj (i j : 'I_d) : delta_mx i 0 = delta_mx j 0 :> 'cV[R]_d -> i = j.
  move=> /matrixP/(_ i 0); rewrite !mxE !eqxx !andbT => /eqP.
  by case: (i =P j) => // _; rewrite oner_eq0.
by move=> [i j] [k l] /eq_col_mx[/delta_inj /= -> /delta_inj /= ->].
Qed.

(** The step [t = 1/(3d)]. *)
Definition step : R := (d%:R * 3%:R)^-1.

(** The target at the image of a point under the Cayley transform of the signs. *)
Definition value label k : R := target (cayley (skew (signs label step)) *m point R k).

Theorem cayley_sign label k : if label k then 0 < value label k else value label k < 0.
Proof.
case: k => i j; rewrite /value; set t := step; set M := signs label t.
have d_gt0 : (0 < d)%N by case: (d) i => // -[].
have t_gt0 : 0 < t by rewrite invr_gt0 mulr_gt0 ?ltr0n.
have small : d%:R * t * 3%:R <= 1 by rewrite mulrAC /t /step mulfV // mulf_neq0 ?pnatr_eq0 -?lt0n.
have entries := signs_bounded label (ltW t_gt0).
have [p p_ei] := resolvent M (delta_mx i 0).
have [q q_ej] := resolvent M^T (delta_mx j 0); rewrite trmxK in q_ej.
have norm_p := resolvent_norm (ltW t_gt0) small entries p_ei.
have norm_q : norm1 q * 4%:R <= 5%:R.
  by apply: (resolvent_norm (M := M^T) (ltW t_gt0) small (bounded_tr entries) (i := j)); rewrite trmxK.
rewrite (cayley_image (skew_tr M) (image_cayley p_ei q_ej)) (orbit_value p_ei q_ej) ?dot_delta1 //; last first.
  exact: signs_diagonal.
have := diagonal_small (ltW t_gt0) small (bounded_tr entries) j norm_q; rewrite trmxK => small_q.
have := errors_small t_gt0 (cross_small (ltW t_gt0) small entries i norm_p norm_q)
  (diagonal_small (ltW t_gt0) small entries i norm_p) small_q.
rewrite dot_delta [M i j]mxE -!addrA; set rest := - _ + (_ - _); rewrite ltr_norml => /andP[low high].
case: (label (i, j)); [apply: eight_gt0 | apply: eight_lt0].
  by rewrite -[X in _ < X + _]opprK addrC subr_gt0.
by rewrite addrC subr_lt0.
Qed.

Theorem thm_4_1_shatters : orbit_shatters (@point R d) /\ #|{: 'I_d * 'I_d}| = (d ^ 2)%N.
Proof.
split; last by rewrite card_prod !card_ord.
split=> [|label]; first exact: point_inj.
exists (cayley (skew (signs label step))); first exact/cayley_orthogonal/skew_tr.
by move=> k; apply: cayley_sign.
Qed.

End Shattering.

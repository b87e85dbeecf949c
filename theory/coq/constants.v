(** The constants of the quadratic task, over Coq's real numbers; the enclosures are found by coq-interval.

    Proved: kappa_d >= sqrt(2/(pi d)) for every d >= 1, and kappa_d exactly for some d ([lem_disagreement_kappa]);
    0.1038 < C, and C < C_d at d <= 4, C_1 exactly ([lem_ball_C], [lem_ball_orbit_constant]); the start of the
    induction that gives C < C_d for every d and the positive remainder of its step, for the orbit and for rotations;
    eps_0 = 1/100 in [thm_5_2]; c_d(1/2) > 0.00119 for every d, from C < C_d ([thm_5_2_rate_uniform]). Of claims on
    learners, the real form of the last step: sums of binomials are at most (e n/V)^V ([sauer_shelah_exp]), thm-4.2
    and long-1995 solved for the number of samples ([thm_4_2_log], [long_1995_root]).

    Modelled: the Gamma function at half-integers, by its two first values and Gamma(x + 1) = x Gamma(x). Unlike the
    other files this one rests on the axioms of Coq's real numbers: sig_forall_dec, sig_not_dec,
    functional_extensionality_dep and classic. *)

From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic Float.Specific_stdz Float.Specific_ops.
From mathcomp Require Import all_ssreflect.
Require Import sauer_shelah.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Local Open Scope R_scope.

(** Enclosures computed on Coq's own integers: no axioms of machine numbers enter. *)
Module Floats := SpecificFloat StdZRadix2.
Module Enclosure := IntervalTactic Floats.
Import Enclosure.
Ltac enclose := interval with (i_prec 40).

(** The Gamma function at k/2 for k >= 1, from its values at 1/2 and 1 and Gamma(x + 1) = x Gamma(x). *)
Fixpoint gamma_half (k : nat) : R :=
  match k with
  | S (S (S _ as j)) => INR j / 2 * gamma_half j
  | 1%nat => sqrt PI
  | _ => 1
  end.

Definition kappa (d : nat) : R := gamma_half d / (sqrt PI * gamma_half d.+1).

(** Wallis' integrals. *)
Definition wallis (n : nat) : R := RInt (fun x => sin x ^ n) 0 (PI / 2).

Lemma wallis_integrable n : ex_RInt (fun x => sin x ^ n) 0 (PI / 2).
Proof. by apply: ex_RInt_continuous => x _; apply: ex_derive_continuous; auto_derive. Qed.

Lemma wallis0 : wallis 0 = PI / 2.
Proof. by rewrite /wallis (RInt_ext _ (fun _ => 1)) // RInt_const /scal /= /mult /=; lra. Qed.

Lemma wallis_step n : INR n.+2 * wallis n.+2 = INR n.+1 * wallis n.
Proof.
have whole : is_RInt (fun x => INR n.+2 * sin x ^ n.+2 - INR n.+1 * sin x ^ n) 0 (PI / 2)
    (- cos (PI / 2) * sin (PI / 2) ^ n.+1 - - cos 0 * sin 0 ^ n.+1).
  apply: (is_RInt_derive (fun x => - cos x * sin x ^ n.+1)) => x _.
    auto_derive => //; change (match n with O => 1 | S _ => INR n + 1 end) with (INR n.+1); rewrite !S_INR.
    have square : cos x * cos x = 1 - sin x * sin x by have := sin2_cos2 x; rewrite /Rsqr; lra.
    rewrite -!tech_pow_Rmult; transitivity (sin x * sin x * sin x ^ n - cos x * cos x * ((INR n + 1) * sin x ^ n)).
      by ring.
    by rewrite square; ring.
  by apply: ex_derive_continuous; auto_derive.
have parts : is_RInt (fun x => INR n.+2 * sin x ^ n.+2 - INR n.+1 * sin x ^ n) 0 (PI / 2)
    (INR n.+2 * wallis n.+2 - INR n.+1 * wallis n).
  by apply: is_RInt_minus; apply: is_RInt_scal; apply: RInt_correct; apply: wallis_integrable.
have := is_RInt_unique _ _ _ _ parts; rewrite (is_RInt_unique _ _ _ _ whole) cos_PI2 sin_0 pow_i; last lia.
lra.
Qed.

Lemma wallis1 : wallis 1 = 1.
Proof.
have whole : is_RInt (fun x => sin x ^ 1) 0 (PI / 2) (- cos (PI / 2) - - cos 0).
  apply: (is_RInt_derive (fun x => - cos x)) => x _; last by apply: ex_derive_continuous; auto_derive.
  by auto_derive => //; ring.
by rewrite /wallis (is_RInt_unique _ _ _ _ whole) cos_PI2 cos_0; ring.
Qed.

Lemma wallis_decreasing n : wallis n.+1 <= wallis n.
Proof.
have := PI_RGT_0 => pos; apply: RInt_le; [lra | apply: wallis_integrable | apply: wallis_integrable | move=> x range].
have low : 0 <= sin x by apply: sin_ge_0; lra.
by have := pow_le _ n low; have := SIN_bound x; rewrite -tech_pow_Rmult; nra.
Qed.

Lemma wallis_product n : INR n.+1 * wallis n.+1 * wallis n = PI / 2.
Proof.
elim: n => [|n IH]; first by rewrite wallis0 wallis1 /=; ring.
by rewrite wallis_step -IH; ring.
Qed.

(** kappa by its formula is kappa by Wallis' integrals. *)
Lemma gamma_half_gt0 k : 0 < gamma_half k.
Proof.
suff [] : 0 < gamma_half k /\ 0 < gamma_half k.+1 by [].
have root : 0 < sqrt PI by apply: sqrt_lt_R0; apply: PI_RGT_0.
elim: k => [|[|k] [this next]]; split=> //=; try lra.
by apply: Rmult_lt_0_compat this; have := lt_0_INR k.+1 (Nat.lt_0_succ k); rewrite /=; lra.
Qed.

Lemma kappa_step d : kappa d.+3 = INR d.+1 / INR d.+2 * kappa d.+1.
Proof.
rewrite /kappa -[gamma_half d.+3]/(INR d.+1 / 2 * gamma_half d.+1).
rewrite -[gamma_half d.+4]/(INR d.+2 / 2 * gamma_half d.+2).
have root : 0 < sqrt PI by apply: sqrt_lt_R0; apply: PI_RGT_0.
have := gamma_half_gt0 d.+2; have := lt_0_INR d.+2 (Nat.lt_0_succ _) => pos pos'.
by field; split; lra.
Qed.

Lemma kappa_wallis d : kappa d.+1 = 2 / PI * wallis d.
Proof.
suff [] : kappa d.+1 = 2 / PI * wallis d /\ kappa d.+2 = 2 / PI * wallis d.+1 by [].
have pos := PI_RGT_0; have root : 0 < sqrt PI by apply: sqrt_lt_R0.
elim: d => [|d [this next]]; split=> //.
- by rewrite wallis0 /kappa /=; field; split; lra.
- rewrite wallis1 /kappa /= -[X in _ = 2 / X * _](sqrt_sqrt PI); last lra.
  by field; lra.
rewrite kappa_step this; have := wallis_step d => step.
have := lt_0_INR d.+2 (Nat.lt_0_succ _) => pos'.
by rewrite (_ : wallis d.+2 = INR d.+1 * wallis d / INR d.+2); [field | rewrite -step; field]; lra.
Qed.

Theorem lem_disagreement_kappa d : (0 < d)%N -> sqrt (2 / (PI * INR d)) <= kappa d.
Proof.
case: d => // d _; rewrite kappa_wallis; have pos := PI_RGT_0.
have pos' := lt_0_INR d.+1 (Nat.lt_0_succ _).
have product := wallis_product d; have less := wallis_decreasing d.
have nonneg : 0 <= wallis d.
  by apply: RInt_ge_0; [lra | apply: wallis_integrable | move=> x range; apply: pow_le; apply: sin_ge_0; lra].
have coef : 0 < 2 / PI by apply: Rdiv_lt_0_compat; lra.
rewrite -(sqrt_square (2 / PI * wallis d)); last by apply: Rmult_le_pos; lra.
apply: sqrt_le_1_alt.
have -> : 2 / (PI * INR d.+1) = (2 / PI) * (2 / PI) * (wallis d.+1 * wallis d).
  by rewrite (_ : wallis d.+1 * wallis d = PI / 2 / INR d.+1); [field | rewrite -product; field]; lra.
have -> : 2 / PI * wallis d * (2 / PI * wallis d) = 2 / PI * (2 / PI) * (wallis d * wallis d) by ring.
apply: Rmult_le_compat_l; first by nra.
exact: Rmult_le_compat_r.
Qed.

Theorem lem_disagreement_kappa_values :
  [/\ kappa 2 = 2 / PI, kappa 3 = 1 / 2, kappa 4 = 4 / (3 * PI) & kappa 8 = 32 / (35 * PI)].
Proof.
have pos := PI_RGT_0.
have two : kappa 2 = 2 / PI by rewrite kappa_wallis wallis1; ring.
have one : kappa 1 = 1 by rewrite kappa_wallis wallis0; field; lra.
by split; rewrite ?kappa_step ?two ?one //=; field; lra.
Qed.

Theorem lem_disagreement_bilinear : 2539 / 10000 <= sqrt (2 / PI) / PI.
Proof. by enclose. Qed.

(** The constant of the orbit, for every d and in the limit. *)
Definition C : R := exp (1 / 4) / (PI ^ 2 * sqrt (PI / 2)).

Theorem lem_ball_C : 1038 / 10000 < C < 10381 / 100000.
Proof. by rewrite /C; split; enclose. Qed.

Theorem lem_d_4_C : 2076 / 10000 <= 2 * C.
Proof. by rewrite /C; enclose. Qed.

(** Areas of spheres, the volumes of Gr(d, 2d) and of the unit ball of R^m, and C_d. *)
Definition sphere_area (i : nat) : R := 2 * Rpower PI (INR i / 2) / gamma_half i.
Fixpoint areas (i : nat) : R := if i is S j then areas j * sphere_area i else 1.
Definition grassmannian (d : nat) : R := areas (2 * d) / areas d / areas d.
Definition unit_ball (m : nat) : R := Rpower PI (INR m / 2) / gamma_half m.+2.
Definition orbit_constant (d : nat) : R :=
  2 * kappa d / PI ^ 2 * Rpower (grassmannian d / unit_ball (d * d)) (1 / INR (d * d)).

Theorem lem_ball_orbit_constant :
  [/\ C < orbit_constant 1, C < orbit_constant 2, C < orbit_constant 3 & C < orbit_constant 4].
Proof.
by split; rewrite /C /orbit_constant /grassmannian /unit_ball /kappa /= /sphere_area /Rpower /=; enclose.
Qed.

Theorem lem_ball_orbit_constant_1 : orbit_constant 1 = 1 / PI.
Proof.
have pos := PI_RGT_0; have root : 0 < sqrt PI by apply: sqrt_lt_R0.
have whole : Rpower PI (2 / 2) = PI by rewrite (_ : 2 / 2 = 1); [apply: Rpower_1 | lra].
have half : Rpower PI (1 / 2) = sqrt PI by rewrite (_ : 1 / 2 = / 2); [apply: Rpower_sqrt | lra].
rewrite /orbit_constant; have -> : grassmannian 1 = PI.
  by rewrite /grassmannian /= /sphere_area /= (_ : 1 + 1 = 2) ?whole ?half; [field | ]; lra.
have -> : unit_ball 1 = 2 by rewrite /unit_ball /= half; field; lra.
by rewrite kappa_wallis wallis0 (_ : 1 / INR (1 * 1) = 1) ?Rpower_1 /=; [field | | ]; lra.
Qed.

(** The start and the step of the induction over d, for the orbit and for rotations. *)
Theorem lem_ball_start : 0 < ln 2 / 2 - 3 / 4 + ln PI.
Proof. by enclose. Qed.

Theorem lem_ball_step D : 2 <= D -> 0 < ln 2 / 2 + 7 / (12 * D) - 1 / (12 * D - 6).
Proof.
move=> large; have log : 0 < ln 2 / 2 by enclose.
suff : 0 < 7 / (12 * D) - 1 / (12 * D - 6) by lra.
have -> : 7 / (12 * D) - 1 / (12 * D - 6) = (72 * D - 42) / (12 * D * (12 * D - 6)) by field; lra.
by apply: Rdiv_lt_0_compat; nra.
Qed.

Theorem lem_d_4_start : 0 < ln (1 / 2) / 2 - 3 / 4 + ln PI / 2 + ln (2 * sqrt PI).
Proof. by enclose. Qed.

Theorem lem_d_4_step d : 2 <= d -> 0 < ln 2 / 2 - 1 / 8 - 1 / (8 * d) - 1 / (6 * (d + 1)).
Proof.
move=> large; have log : 0 < ln 2 / 2 - 1 / 8 - 1 / 16 - 1 / 18 by enclose.
have first : 1 / (8 * d) <= 1 / 16.
  by rewrite /Rdiv !Rmult_1_l; apply: Rinv_le_contravar; lra.
have second : 1 / (6 * (d + 1)) <= 1 / 18.
  by rewrite /Rdiv !Rmult_1_l; apply: Rinv_le_contravar; lra.
by lra.
Qed.

(** eps_0 = 1/100: the bound with constants is at least d^2, for every d >= 1. *)
Theorem thm_5_2 d : (0 < d)%N -> INR d ^ 2 <= INR d ^ 2 * (ln (C / (2 * (1 / 100))) / ln 2) - 1.
Proof.
move=> /leP/le_INR pos; have log : 2 <= ln (C / (2 * (1 / 100))) / ln 2 by rewrite /C; enclose.
have square : 1 <= INR d ^ 2 by apply: pow_R1_Rle.
by nra.
Qed.

(** The bound per d^2 in the limit at eps = 1/100, delta = 1/2. *)
Theorem thm_5_2_explicit_limit : Rabs (ln (C / (1 / 100)) / ln 2 - 33757 / 10000) <= 1 / 10000.
Proof. by rewrite /C; enclose. Qed.

(** The rate for one task. *)
Theorem thm_5_2_rate_limit : 238 / 100000 < C / (16 * exp 1).
Proof. by rewrite /C; enclose. Qed.

Definition s_d (d : nat) : R := 1 + (4 * INR d ^ 2 + 2 * INR d) * (4 / 4 ^ (d + d * d)).
Definition rate (Cd : R) (d : nat) : R :=
  Cd / (16 * exp 1) * Rpower (1 / 2 * (4 / 4 ^ d) / s_d d) (1 / INR (d * d)).

(** 16 x <= 4^x from x = 3 on, so that s_d <= 2, and the base of the root is at least 2^(-d^2). *)
Lemma exp4_large x : (3 <= x)%N -> 16 * INR x <= 4 ^ x.
Proof.
elim: x => // x IH; rewrite leq_eqVlt => /orP[/eqP [<-] | three]; first by rewrite /=; lra.
have := IH three; move/leP/(le_INR 3 x): (three : (3 <= x)%N); rewrite (S_INR x) -tech_pow_Rmult [INR 3]/=; lra.
Qed.

Lemma s_d_range d : (2 <= d)%N -> 1 <= s_d d <= 2.
Proof.
move=> two; have large : 2 <= INR d by move/leP/le_INR: two; rewrite /=; lra.
have : 16 * INR (d + d * d) <= 4 ^ (d + d * d).
  by apply: exp4_large; apply: leq_trans (leq_addl _ _); apply: leq_trans (leq_mul two two).
rewrite plus_INR mult_INR /s_d; move: (4 ^ (d + d * d)) => P le.
have pos : 0 < P by nra.
have -> : (4 * INR d ^ 2 + 2 * INR d) * (4 / P) = (16 * INR d ^ 2 + 8 * INR d) / P by field; lra.
have ratio : (16 * INR d ^ 2 + 8 * INR d) / P <= 1.
  by apply: (Rmult_le_reg_r P) => //; rewrite /Rdiv Rmult_assoc Rinv_l; nra.
have : 0 <= (16 * INR d ^ 2 + 8 * INR d) / P by apply: Rmult_le_pos; [nra | apply: Rlt_le; apply: Rinv_0_lt_compat].
by lra.
Qed.

Lemma root_large d : (2 <= d)%N -> 1 / 2 <= Rpower (1 / 2 * (4 / 4 ^ d) / s_d d) (1 / INR (d * d)).
Proof.
move=> two; have [s_ge1 s_le2] := s_d_range two.
have square : 0 < INR (d * d) by apply: lt_0_INR; apply/leP; rewrite muln_gt0 (ltnW two).
have {1}-> : 1 / 2 = Rpower (/ 2 ^ (d * d)) (1 / INR (d * d)).
  rewrite -Rpower_pow; last lra.
  rewrite -Rpower_Ropp Rpower_mult (_ : - INR (d * d) * (1 / INR (d * d)) = - 1); last by field; lra.
  by rewrite Rpower_Ropp Rpower_1; lra.
apply: Rle_Rpower_l; first by apply: Rlt_le; apply: Rdiv_lt_0_compat; lra.
have p2 : 0 < 2 ^ (d * d) by apply: pow_lt; lra.
have p4 : 0 < 4 ^ d by apply: pow_lt; lra.
split; first exact: Rinv_0_lt_compat.
have le : 4 ^ d <= 2 ^ (d * d).
  rewrite (_ : 4 = 2 ^ 2); last by rewrite /=; lra.
  by rewrite -pow_mult; apply: Rle_pow; [lra | apply/leP; rewrite multE leq_mul2r two orbT].
apply: (@Rle_trans _ (/ 4 ^ d)); first exact: Rinv_le_contravar.
rewrite (_ : 1 / 2 * (4 / 4 ^ d) / s_d d = / 4 ^ d * (2 / s_d d)); last by field; lra.
rewrite -[X in X <= _]Rmult_1_r; apply: Rmult_le_compat_l; first by apply: Rlt_le; apply: Rinv_0_lt_compat.
by apply: (Rmult_le_reg_r (s_d d)); [lra | rewrite /Rdiv Rmult_assoc Rinv_l; lra].
Qed.

(** C_d > C is lem-ball; at d = 1 the exact value of C_1 is needed. *)
Theorem thm_5_2_rate_uniform Cd d : (2 <= d)%N -> C < Cd -> 119 / 100000 < rate Cd d.
Proof.
move=> /root_large root large; rewrite /rate.
have e_pos : 0 < 16 * exp 1 by have := exp_pos 1; lra.
have limit : 119 / 100000 < C / (16 * exp 1) * (1 / 2) by rewrite /C; enclose.
have c_pos : 0 < C by rewrite /C; enclose.
apply: (Rlt_le_trans _ _ _ limit); apply: Rmult_le_compat => //; try lra.
by apply: Rmult_le_compat_r; [apply: Rlt_le; apply: Rinv_0_lt_compat | lra].
Qed.

Theorem thm_5_2_rate_1 : 119 / 100000 < rate (orbit_constant 1) 1.
Proof. by rewrite lem_ball_orbit_constant_1 /rate /s_d /Rpower /=; enclose. Qed.

(** From natural numbers to real ones. *)
Lemma INR_expn m k : INR (m ^ k) = INR m ^ k.
Proof. by elim: k => // k IH; rewrite expnS -multE mult_INR IH. Qed.

Lemma INR_factorial k : INR k`! = INR (fact k).
Proof. by elim: k => // k IH; rewrite factS -multE mult_INR IH -mult_INR. Qed.

Lemma INR_leq m k : (m <= k)%N -> INR m <= INR k.
Proof. by move/leP/le_INR. Qed.

(** The last inequality of sauer-shelah: the sum of binomials is at most (e n/V)^V. *)
Lemma series_le_exp V k : sum_f_R0 (fun i => / INR (fact i) * INR V ^ i) k <= exp (INR V).
Proof.
have conv : Un_cv (sum_f_R0 (fun i => / INR (fact i) * INR V ^ i)) (exp (INR V)).
  by rewrite /exp; case: (exist_exp (INR V)) => l /=.
apply: (sum_incr _ _ _ conv) => i; apply: Rmult_le_pos; last by apply: pow_le; apply: pos_INR.
by apply: Rlt_le; apply: Rinv_0_lt_compat; apply: INR_fact_lt_0.
Qed.

Lemma binomial_sum n V k : (k <= V <= n)%N ->
  INR V ^ V * INR (\sum_(i < k.+1) 'C(n, i)) <= INR n ^ V * sum_f_R0 (fun i => / INR (fact i) * INR V ^ i) k.
Proof.
have term i : (i <= V)%N -> (V <= n)%N -> INR V ^ V * INR 'C(n, i) <= INR n ^ V * (/ INR (fact i) * INR V ^ i).
  move=> iV Vn; have fact_pos := INR_fact_lt_0 i.
  have := INR_leq (binomial_term iV Vn); rewrite -!multE !mult_INR !INR_expn INR_factorial => le.
  apply: (Rmult_le_reg_r (INR (fact i))) => //.
  rewrite (_ : INR n ^ V * (/ INR (fact i) * INR V ^ i) * INR (fact i) = INR n ^ V * INR V ^ i); first lra.
  by field; lra.
elim: k => [|k IH] /andP[kV Vn]; first by rewrite big_ord_recl big_ord0 addn0; apply: term.
rewrite big_ord_recr /= -plusE plus_INR !Rmult_plus_distr_l.
by apply: Rplus_le_compat; [apply: IH; rewrite (ltnW kV) | apply: term].
Qed.

Theorem sauer_shelah_exp n V : (0 < V <= n)%N -> INR (\sum_(i < V.+1) 'C(n, i)) <= (exp 1 * INR n / INR V) ^ V.
Proof.
move=> /andP[V_gt0 Vn]; have pos : 0 < INR V by apply: lt_0_INR; apply/ltP.
have VV : 0 < INR V ^ V by apply: pow_lt.
have sum : (V <= V <= n)%N by rewrite leqnn.
have powers : exp (INR V) = exp 1 ^ V by rewrite -Rpower_pow ?/Rpower ?ln_exp ?Rmult_1_r //; apply: exp_pos.
apply: (Rmult_le_reg_l (INR V ^ V)) => //; apply: Rle_trans (binomial_sum sum) _.
rewrite /Rdiv !Rpow_mult_distr pow_inv.
rewrite (_ : INR V ^ V * (exp 1 ^ V * INR n ^ V * / INR V ^ V) = INR n ^ V * exp 1 ^ V); last by field; lra.
rewrite -powers; apply: Rmult_le_compat_l; [by apply: pow_le; apply: pos_INR | exact: series_le_exp].
Qed.

(** thm-4.2 and long-1995 solved for n; the hypothesis is the conclusion of packing.v. *)
Theorem thm_4_2_log D delta n : 0 < D -> delta < 1 -> (1 - delta) * D <= 2 ^ n ->
  ln D / ln 2 + ln (1 - delta) / ln 2 <= INR n.
Proof.
move=> D_pos small le; have log : 0 < ln 2 by enclose.
have prod : 0 < (1 - delta) * D by nra.
have := ln_le _ _ prod le; rewrite ln_mult ?ln_pow; [|lra..] => bound.
apply: (Rmult_le_reg_r (ln 2)) => //.
by rewrite (_ : (ln D / ln 2 + ln (1 - delta) / ln 2) * ln 2 = ln (1 - delta) + ln D); [lra | field; lra].
Qed.

Theorem long_1995_root D delta n V : 0 < D -> delta < 1 -> (0 < V <= n)%N ->
  (1 - delta) * D <= INR (\sum_(i < V.+1) 'C(n, i)) ->
  INR V / exp 1 * Rpower ((1 - delta) * D) (1 / INR V) <= INR n.
Proof.
move=> D_pos small range le; have := Rle_trans _ _ _ le (sauer_shelah_exp range).
case/andP: range => V_gt0 Vn; have pos : 0 < INR V by apply: lt_0_INR; apply/ltP.
have n_pos : 0 < INR n by have := INR_leq Vn; lra.
have e_pos := exp_pos 1; have prod : 0 < (1 - delta) * D by nra.
set x := _ * INR n / _ => bound; have x_pos : 0 < x by apply: Rdiv_lt_0_compat => //; nra.
have root : Rpower ((1 - delta) * D) (1 / INR V) <= x.
  have -> : x = Rpower (x ^ V) (1 / INR V).
    by rewrite -Rpower_pow // Rpower_mult (_ : INR V * (1 / INR V) = 1) ?Rpower_1 //; field; lra.
  apply: Rle_Rpower_l; last by split.
  by apply: Rlt_le; apply: Rdiv_lt_0_compat; lra.
rewrite (_ : INR n = INR V / exp 1 * x); last by rewrite /x; field; lra.
by apply: Rmult_le_compat_l => //; apply: Rlt_le; apply: Rdiv_lt_0_compat.
Qed.

"""What is claimed, and why: the ledger, the proofs and the explicit constants."""

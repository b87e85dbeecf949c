"""A table of what was measured, at the end of the run."""

from __future__ import annotations

from typing import Any

HEADER = (
    f"{'nets':>5} {'d':>5} {'h':>5} {'batch':>6} {'act':>5} | {'batched':>10} {'plain':>10} | "
    f"{'ratio':>7} {'(least, most)':>16} | {'batched':>8} {'plain':>7}  of the matrix rate"
)


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Print net-steps per second of both sides, their ratio and fractions of the matrix-product rate."""
    session = getattr(config, "_benchmarksession", None)
    rows = [row.extra_info for row in getattr(session, "benchmarks", ()) if "ratio" in row.extra_info]
    if not rows:
        return
    terminalreporter.section("batched training against the plain torch.optim loop: net-steps per second, medians")
    terminalreporter.write_line(HEADER)
    for row in rows:
        spread = f"({row['least']:.2f}, {row['most']:.2f})"
        terminalreporter.write_line(
            f"{row['nets']:>5} {row['d']:>5} {row['h']:>5} {row['batch']:>6} {row['activation']:>5} | "
            f"{row['batched']:>10.0f} {row['plain']:>10.0f} | {row['ratio']:>7.2f} {spread:>16} | "
            f"{row['batched_fraction']:>8.1%} {row['plain_fraction']:>7.1%}  {row['matrix_rate'] / 1e9:.0f} GFLOP/s"
        )

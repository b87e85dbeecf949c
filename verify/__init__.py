"""The one held against the other: coupled runs, the suite, the command `orbitgap`."""

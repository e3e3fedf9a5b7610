"""What chance alone gives: tests of gaps, and intervals of trials over the choice of rows, from counts of cells."""

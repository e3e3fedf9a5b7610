"""The known data sets, one file each, and their simulations."""

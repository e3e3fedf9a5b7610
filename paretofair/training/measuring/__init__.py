"""What is measured on trials: metrics on every split at the end, curves on the way."""

"""What is called from Python with data in memory: comparisons, chosen models and a scikit-learn estimator."""

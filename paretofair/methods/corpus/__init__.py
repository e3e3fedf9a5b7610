"""Methods that look at how often predictions of several tasks occur together."""

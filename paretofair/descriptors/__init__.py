"""Descriptor models: distributions of examples with learned filters, from which Langevin chains draw.

`energy` has the models, `langevin` the chains, `learning` fits a model to examples, `diagnostics` says how well, and
`stored` keeps models by the hash of what they were learned from.
"""

"""Everything that imports Ray: packs as Tune trials, on this machine or on a cluster."""

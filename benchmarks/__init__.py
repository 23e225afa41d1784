"""Campaigns against the real service and the real gallery; see `benchmarks.reliability`."""

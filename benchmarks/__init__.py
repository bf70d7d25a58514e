"""Benchmarks: each prints ratios against what a user would pick instead."""

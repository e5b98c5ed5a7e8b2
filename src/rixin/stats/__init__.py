"""Numbers that a decision may rest on: tests, intervals and sample sizes.

Import the module you need (`rixin.stats.eprocess`, `pairs`, `intervals`, `planning`); this package
imports nothing by itself, so that `import rixin` stays fast. scipy is imported on first use.
"""

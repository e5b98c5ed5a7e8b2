"""What happened: the append-only store. All SQL of Rixin is in this package.

`Ledger` opens, migrates and locks the database; `cases` holds data-set snapshots, `outcomes`
the rows on which everything is decided, `tallies` sums them, `decisions` keeps the verdicts.
"""

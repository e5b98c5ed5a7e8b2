"""The work: cases go through solvers, limits, retries and judges into the ledger.

`run` drives candidates over a sample, `runner` is the path of one solver from case to stored
outcome, `transport` the HTTP client, `limits`, `retry` and `spend` what holds it back,
`judge` scorers and guards, `writer` group commits, `progress` what a person sees meanwhile.
"""

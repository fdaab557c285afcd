"""Every agent program that is registered, live: the real program in a real sandbox against the scripted model.

`bench.py` is the way a run takes without Dagster; `cases.py` the table of faults and what each program makes of them;
`suite.py` what every harness guarantees. A new harness adds one `test_NAME.py` with one class of `WholeConformance`;
one that is slow to start tries less, and says so there.
"""

"""Tallybook beside what people write instead, on the same input, in the same run.

::

    lines, generate        seeded request logs, and the rows that a correct reader finds in them
    events                 a lake of seeded usage events, written as the pipeline itself writes
    rows, comparing        what every contender is asked for, and how answers are compared
    reading, aggregating, rating    the contenders: one module per library
    contenders             their list; runs one of them in a process of its own
    measure, launch        whole processes taking turns: time, CPU, memory
    suites                 what is measured against what
    report                 tables, on the terminal and in docs/performance.md
    run                    the command

Speeds are ratios within one run and never a promise about a machine. Does not own the sample logs' content
(``make_sample`` does).
"""

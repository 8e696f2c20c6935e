"""Tallybook beside what people write instead, on the same input, in the same run.

::

    inputs                 seeded request logs with the rows that a correct reader finds in them, lakes of usage
                           events as the pipeline itself writes them, books, spending, and the committed sample
    reading, aggregating, rating    the contenders: one module per library
    turns                  whole processes taking turns, how answers are compared, and tables of it
    run                    the command
    families, formats, steps        reading, by family, by format and by step
    fuzz, learned_rules    the kernel beside the plain reader, on made-up lines
    nights, books          what nights, and large books, cost
    mutants                what tests notice where one thing is changed

Speeds are ratios within one run and never a promise about a machine. Does not own the sample logs' content
(``inputs.make_sample`` does).
"""

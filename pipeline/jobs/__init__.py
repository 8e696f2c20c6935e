"""The jobs: the only code that joins the parts.

Each arrow of the way of the data is one function here; ``nightly`` is those in order.
"""

"""Contenders that take turns in processes of their own, what each answered, and tables of it."""

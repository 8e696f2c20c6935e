"""``python -m benchmarks.mutants kernel`` and ``python -m benchmarks.mutants sql``."""

import click

from benchmarks.mutants import kernel, sql


@click.group()
def main() -> None:
    """Try mutants of the kernel, or of the statements in sql/."""


main.add_command(kernel.main)
main.add_command(sql.main)

if __name__ == "__main__":
    main()

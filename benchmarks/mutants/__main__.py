"""``python -m benchmarks.mutants`` with what is changed: ``kernel``, ``python`` or ``sql``."""

import importlib

import click

_OF = ("kernel", "python", "sql")


class _Kinds(click.Group):
    """Imports a kind when it is asked for: each needs other libraries, and trials begin before the project is there."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the kinds."""
        del ctx
        return list(_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a kind."""
        del ctx
        if cmd_name not in _OF:
            return None
        found: click.Command = importlib.import_module(f"benchmarks.mutants.{cmd_name}").main
        return found


@click.group(cls=_Kinds)
def main() -> None:
    """Try mutants of the kernel, of modules, or of the statements in sql/."""


if __name__ == "__main__":
    main()

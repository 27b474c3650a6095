"""A command that is listed at once and loaded when it is called: `penstock --version` need not wait for database drivers."""

from __future__ import annotations

from typing import Any, cast

import typer
from typer.core import TyperCommand


class LateCommand(TyperCommand):
    """Registered with a function that gives the command's own function."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Here a command meets its command line: from now on the loaded one stands for it."""
        return self._loaded().make_context(info_name, args, parent, **extra)

    def _loaded(self) -> TyperCommand:
        if self.callback is None:
            raise AssertionError(f"{self.name} is registered with what loads it")
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=self.rich_markup_mode)
        app.command(self.name)(self.callback())
        return cast("TyperCommand", typer.main.get_command(app))

"""The command `sightline`: one root, composed of every package's commands.

Nothing heavy is imported before its command runs: the table below names modules, not objects. A
command whose extra is not installed says which one to install.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from model.terminal import console, failures_as_exit
from service.release import release

SERVE_EXAMPLES = """
Examples:

  sightline serve

  sightline serve --gallery ./gallery --port 8080

  sightline serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem

Without any key the service listens on this machine only. Every flag, and every limit, is also a
setting: SIGHTLINE_PORT=8080, SIGHTLINE_QUEUE=16 …
"""

root = typer.Typer(
    name="sightline",
    help="Video person re-identification: index, serve, query, train.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@dataclass(frozen=True)
class Command:
    """Where a command lives, and the extra of the project that it needs."""

    module: str
    attribute: str
    extra: str
    summary: str


COMMANDS: Final[dict[str, Command]] = {
    "index": Command("indexer.commands.index", "index", "cpu", "Index an archive."),
    "query": Command("indexer.commands.query", "query", "cpu", "Who is this? Rank identities."),
    "gallery": Command("indexer.commands.gallery", "gallery", "cpu", "Look after a gallery."),
    "keys": Command("indexer.commands.keys", "keys", "cpu", "Create, list and revoke keys."),
    "synth": Command("model.synthetic.command", "synth", "synth", "Make synthetic tracklets."),
    "train": Command("model.learning.commands", "train", "train", "Train a network."),
    "average": Command("model.learning.averaging", "average", "train", "Average weights."),
    "evaluate": Command("service.evaluate", "evaluate", "train", "Evaluate a model."),
    "ablate": Command("model.learning.ablation", "ablate", "train", "Compare the paper's rows."),
    "explain": Command("model.learning.commands", "explain", "train", "See what a model looks at."),
    "calibrate": Command("service.calibrate", "calibrate", "train", "Find what scores mean."),
    "export": Command("export.command", "export", "export", "Make a model bundle."),
    "bench": Command("service.bench", "bench", "cpu", "Measure embedding and search."),
    "demo": Command("service.demo", "demo", "cpu", "Try it all on the sample archive."),
}


def main() -> None:
    """Entry point of the console script."""
    for name, command in COMMANDS.items():
        _add(name, command)
    root()


@root.command(help="Serve a gallery over HTTP.", epilog=SERVE_EXAMPLES)
def serve(
    gallery: Annotated[Path | None, typer.Option(help="Folder; made where absent.")] = None,
    model: Annotated[Path | None, typer.Option(help="Model bundle.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port.")] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where model and index run.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads; 0 takes all cores.")] = None,
    keys_file: Annotated[Path | None, typer.Option(help="File with key hashes.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key, PEM.")] = None,
) -> None:
    flags = {
        "gallery": gallery,
        "model": model,
        "host": host,
        "port": port,
        "device": device,
        "threads": threads,
        "keys_file": keys_file,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
    }
    with failures_as_exit():
        code = _serve(flags)
    raise typer.Exit(code)


def _serve(flags: dict[str, Any]) -> int:
    from indexer.settings import read_settings
    from service.app import create_app
    from service.heap import return_large_buffers
    from service.logs import configure_logs
    from service.parts import open_parts
    from service.server import bind
    from service.server import serve as serve_app
    from service.settings import Settings

    return_large_buffers()
    settings = read_settings(Settings, flags)
    configure_logs(settings.log_level)
    with bind(settings.host, settings.port) as listener, open_parts(settings) as parts:
        return serve_app(create_app(settings, parts), parts, listener)


@root.command("version", help="Print the version.", epilog="Example:\n\n  sightline version")
def show_version() -> None:
    typer.echo(release())


def _add(name: str, command: Command) -> None:
    """Register a command that passes all its arguments on to the real one."""

    def forward(context: typer.Context) -> None:
        try:
            load(command)(args=context.args, prog_name=f"sightline {name}")
        except ModuleNotFoundError as error:
            _explain_missing(name, command, error)
            raise typer.Exit(1) from error

    root.command(
        name,
        help=command.summary,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(forward)


def load(command: Command) -> typer.Typer:
    """Import a command: a typer application, or a function that becomes one."""
    found = getattr(import_module(command.module), command.attribute)
    if isinstance(found, typer.Typer):
        return found
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(found)
    return app


def _explain_missing(name: str, command: Command, error: ModuleNotFoundError) -> None:
    """Name the extra that brings a missing library. Our own modules are never missing."""
    if (error.name or "").partition(".")[0] in {"model", "export", "indexer", "service"}:
        raise error
    console.print(
        f"error: `sightline {name}` needs {error.name}: install the extra `{command.extra}` "
        f"(pip install 'sightline[{command.extra}]')",
        style="red",
        markup=False,
    )


if __name__ == "__main__":
    main()

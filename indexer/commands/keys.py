"""`sightline keys …`: make, list and revoke API keys."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from indexer.commands.gallery import AsJson, opened
from indexer.commands.printing import print_rows
from model.errors import InvalidParameter
from model.terminal import console, failures_as_exit, output, print_json
from model.times import format_time

if TYPE_CHECKING:
    from contextlib import ExitStack

    from indexer.keys import ApiKey, KeyStore

KEYS_VARIABLE = "SIGHTLINE_KEYS_FILE"
"""Read here and not by typer: a `--gallery` that is given must win over the environment."""

keys = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke API keys.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Folder = Annotated[Path | None, typer.Option("--gallery", help="Keep keys in this gallery.")]
KeysFile = Annotated[
    Path | None,
    typer.Option(help=f"Keep keys in this JSON file instead of a gallery, or in {KEYS_VARIABLE}."),
]


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="Who the key is for; it stands in the audit log.")],
    role: Annotated[
        Literal["query", "enrol", "admin"], typer.Option(help="Each includes those before it.")
    ] = "query",
    expires: Annotated[
        str | None, typer.Option(help="Period after which it ends, such as 90d; never if absent.")
    ] = None,
    folder: Folder = None,
    keys_file: KeysFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once.

    \b
    Examples:
      sightline keys create --gallery ./gallery --name guard-desk --role query --expires 90d
      sightline keys create --keys-file ./keys.json --name ops --role admin --json
    """
    with failures_as_exit(), _stack() as stack:
        from indexer.keys import parse_period

        period = None if expires is None else parse_period(expires)
        key, text = _key_store(stack, folder, keys_file).create(name, role, period)
        if as_json:
            print_json({"id": key.key_id, "key": text})
        else:
            console.print(f"key {key.key_id} for {key.name}; it is not shown again:", markup=False)
            output.print(text, markup=False)


@keys.command(name="list")
def list_keys(folder: Folder = None, keys_file: KeysFile = None, as_json: AsJson = False) -> None:
    """List keys, expired and revoked ones too; never their texts.

    \b
    Example:
      sightline keys list --gallery ./gallery
    """
    with failures_as_exit(), _stack() as stack:
        known = [_as_json(key) for key in _key_store(stack, folder, keys_file).list()]
        if as_json:
            print_json({"items": known})
            return
        print_rows(
            ("id", "name", "role", "created", "expires", "revoked"),
            (key.values() for key in known),
            nothing="no keys",
        )


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, from the list.")],
    folder: Folder = None,
    keys_file: KeysFile = None,
    as_json: AsJson = False,
) -> None:
    """End a key at once.

    \b
    Example:
      sightline keys revoke 3f2a90c1b7de4410 --gallery ./gallery
    """
    with failures_as_exit(), _stack() as stack:
        key = _key_store(stack, folder, keys_file).revoke(key_id)
        if as_json:
            print_json(_as_json(key))
        else:
            output.print(f"key {key.key_id} of {key.name} is revoked", markup=False)


def _stack() -> "ExitStack":
    from contextlib import ExitStack

    return ExitStack()


def _key_store(stack: "ExitStack", folder: Path | None, keys_file: Path | None) -> "KeyStore":
    if folder is not None and keys_file is not None:
        raise InvalidParameter("give --gallery or --keys-file, not both")
    if folder is None and keys_file is None and os.environ.get(KEYS_VARIABLE):
        keys_file = Path(os.environ[KEYS_VARIABLE])
    if keys_file is not None:
        from indexer.keys import FileKeys

        return FileKeys(keys_file)
    return stack.enter_context(opened(folder)).keys


def _as_json(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.key_id,
        "name": key.name,
        "role": key.role,
        "created_at": format_time(key.created_at),
        "expires_at": None if key.expires_at is None else format_time(key.expires_at),
        "revoked_at": None if key.revoked_at is None else format_time(key.revoked_at),
    }

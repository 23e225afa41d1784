"""The parts of the user documentation that are made from the code itself.

A page holds generated tables between markers, `<!-- flags: gallery list -->` … `<!-- end -->`.
`python -m tests.support.reference` writes them anew; a test compares them with what stands there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import typer
from prometheus_client.core import Metric
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from service.cli import COMMANDS, load, root
from service.gauges import INFO, INFO_LABELS, OF_THE_GALLERY, OF_THE_SERVICE
from service.metrics import Metrics
from service.settings import Settings

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

_BLOCK = re.compile(r"(?s)<!-- (settings|flags|metrics)(?:: ([a-z ]+))? -->\n.*?<!-- end -->")
_WORDS: Final[Mapping[Any, str]] = {int: "N", float: "NUMBER", Path: "PATH", str: "TEXT"}


def commands() -> dict[str, Any]:
    """Every command by what one types after `sightline`, subcommands as `gallery list`."""
    tops = dict(typer.main.get_command(root).commands)  # type: ignore[attr-defined]
    tops |= {name: typer.main.get_command(load(command)) for name, command in COMMANDS.items()}
    return dict(leaf for name, command in tops.items() for leaf in _leaves(name, command))


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for sub, found in below.items():
        yield from _leaves(f"{name} {sub}", found)


def flags(command: Any) -> list[Any]:
    """The options of a command but `--help`; arguments are named in the page's own words."""
    return [one for one in command.params if one.opts[0].startswith("-") and one.opts != ["--help"]]


def settings_table() -> str:
    """One row per field of `Settings`."""
    rows = [
        (f"`SIGHTLINE_{name.upper()}`", _default(name, field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _table(("variable", "default", "meaning"), rows)


def flags_table(name: str) -> str:
    """One row per flag of a command."""
    command = commands()[name]
    return _table(("flag", "default", "meaning"), [_flag_row(flag) for flag in flags(command)])


def metrics_table() -> str:
    """One row per figure of `GET /metrics`, by the names that queries use."""
    rows = [
        (f"`{_shown(family)}`", family.type, ", ".join(map(_code, labels)), family.documentation)
        for family, labels in metric_families()
    ]
    return _table(("figure", "kind", "labels", "meaning"), rows)


def metric_families() -> list[tuple[Metric, tuple[str, ...]]]:
    """Every figure with its labels."""
    counted = [
        (family, tuple(_instrument_labels(collector)))
        for collector in Metrics().registry._collector_to_names
        for family in collector.collect()
    ]
    gauges = [*OF_THE_SERVICE, *OF_THE_GALLERY]
    read = [(Metric(f"sightline_{one.name}", one.description, "gauge"), ()) for one in gauges]
    return [*counted, *read, (Metric("sightline_info", INFO, "gauge"), INFO_LABELS)]


def _instrument_labels(collector: Any) -> Sequence[str]:
    return getattr(collector, "_labelnames", ())


def _shown(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def rendered(page: str) -> str:
    """A page with all its generated blocks as they should be."""
    return _BLOCK.sub(_block, page)


def _block(found: "re.Match[str]") -> str:
    kind, name = found.groups()
    marker = kind if name is None else f"{kind}: {name}"
    tables = {"settings": settings_table, "metrics": metrics_table}
    table = tables[kind]() if kind in tables else flags_table(name)
    return f"<!-- {marker} -->\n{table}<!-- end -->"


def _default(name: str, field: FieldInfo) -> str:
    if name == "model":
        return "the bundle that ships"
    if name == "gallery":
        return "`~/.local/share/sightline/gallery`"
    value = field.default
    if value is PydanticUndefined:
        raise ValueError(f"the setting {name} has a default that this table cannot tell")
    return _code(value)


def _flag_row(flag: Any) -> tuple[str, str, str]:
    values = _values(flag)
    named = f"{flag.opts[-1]} {values}".strip() if not flag.is_flag else flag.opts[0]
    meaning = (flag.help or "").strip()
    if flag.multiple and "repeat" not in meaning:
        meaning += " Repeatable."
    if flag.envvar:
        meaning += f" Also `{flag.envvar}`."
    return f"`{named}`", _flag_default(flag), meaning.strip()


def _flag_default(flag: Any) -> str:
    setting = flag.opts[0].removeprefix("--").replace("-", "_")
    value = flag.default.value if isinstance(flag.default, Enum) else flag.default
    if flag.required:
        return "required"
    if value is None and not flag.multiple and setting in Settings.model_fields:
        return f"`SIGHTLINE_{setting.upper()}`"
    if isinstance(value, Path):
        # A default in this checkout must not tell where the checkout lies.
        inside = value.is_relative_to(ROOT)
        return f"`{value.relative_to(ROOT)}`" if inside else _code(value)
    return "" if flag.is_flag or value in ([], ()) else _code(value)


def _values(flag: Any) -> str:
    """What follows a flag: the words to choose from, a range, or what kind of text."""
    annotation = flag.type_descriptor.annotation
    if get_origin(annotation) in (list, tuple, Sequence):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(member.value) for member in annotation)
    word = _WORDS.get(annotation, "TEXT")
    if flag.min is None and flag.max is None:
        return word
    return "..".join("" if end is None else f"{end:g}" for end in (flag.min, flag.max))


def _code(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write every page's generated blocks anew."""
    for page in sorted(DOCS.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (wanted := rendered(text)) != text:
            page.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()

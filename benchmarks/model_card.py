"""Writes the model card from the bundle and from reports: prose is the template's, figures theirs.

    python -m benchmarks.model_card --bundle model/bundles/default --evaluation evaluation.json \
        --calibration calibration-report.json --out docs/model-card.md

The evaluation must hold the bundle, as `sightline evaluate --baseline … --attention …` reports it;
where it also holds the checkpoint that the bundle was made of, the loss of storing it is stated.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.bundle import Manifest
from model.errors import InvalidParameter
from model.learning.bootstrap import paired_intervals
from model.learning.reporting import retrieval_from_json
from model.reports import read_json

TEMPLATE = Path(__file__).with_suffix(".md")
_PLACE = re.compile(r"\{\{(\w+)\}\}")
Json = Mapping[str, Any]


def model_card(bundle: Path, evaluation: Json, calibration: Json) -> str:
    """The page. Raises `InvalidParameter` where a report is about another model."""
    manifest = Manifest.load(bundle)
    if calibration["model_id"] != manifest.model_id:
        raise InvalidParameter("the calibration report is about another model")
    ours = [
        one for one in evaluation["reports"] if Path(one["model"]).resolve() == bundle.resolve()
    ]
    if not ours:
        raise InvalidParameter(f"the evaluation does not hold {bundle}")
    others = [one for one in evaluation["reports"] if one not in ours]
    fields = {
        "name": manifest.name,
        "version": manifest.version,
        "model_id": manifest.model_id,
        "sha256": manifest.sha256,
        "megabytes": f"{(bundle / 'model.onnx').stat().st_size / 1e6:.1f}",
        "storage": manifest.storage,
        "precision": manifest.precision,
        "frames": str(manifest.frames_per_tracklet),
        "height": str(manifest.frame_height),
        "width": str(manifest.frame_width),
        "width_out": str(manifest.embedding_width),
        "licences": ", ".join(manifest.licences),
        "training": _training(manifest.training),
        "dataset": ", ".join(dict.fromkeys(one["dataset"] for one in ours)),
        "evaluation": _evaluation([*ours, *others]),
        "differences": _differences(evaluation, ours),
        "machine": evaluation["machine"],
        "cores": str(evaluation["cores"]),
        "minutes": f"{evaluation['seconds'] / 60:.1f}",
        "attention": _attention(evaluation, ours),
        "calibration": _calibration(calibration),
        "parity": _parity(manifest),
        "storage_loss": _storage_loss(ours, others),
    }
    return _PLACE.sub(lambda found: fields[found[1]], TEMPLATE.read_text(encoding="utf-8"))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _training(training: Json) -> str:
    """One column for each training, the last one first: it started from what the next one gave."""
    chain = [training]
    while chain[-1].get("before"):
        chain.append(chain[-1]["before"])
    columns = [_facts(one) for one in chain]
    heads = ["", "last training", *["the one before"] * (len(chain) - 1)]
    rows = [(name, *(one[name] for one in columns)) for name in columns[0]]
    return _table(heads, rows)


def _facts(training: Json) -> dict[str, str]:
    recipe = training.get("recipe", {})
    stages = recipe.get("stages", [])
    facts = {
        "data": training.get("data"),
        "people, tracklets": f"{training.get('identities')}, {training.get('tracklets')}",
        "initial weights": training.get("initial_weights"),
        "recipe, seed": f"{recipe.get('preset')}, {recipe.get('seed')}",
        "stages, steps": ", ".join(f"{stage['name']} {stage['steps']}" for stage in stages),
        "last stage, its steps": f"{training.get('stage')}, {training.get('steps')}",
        "averaged with": "; ".join(map(_other, training.get("averaged_with", []))) or "nothing",
    }
    return {name: str(fact) for name, fact in facts.items()}


def _other(training: Json) -> str:
    """A training that the weights were averaged with."""
    seed = training.get("recipe", {}).get("seed")
    return f"seed {seed} after {training.get('steps')} steps ({training['share']:.0%})"


def _evaluation(reports: Sequence[Json]) -> str:
    protocols = list(dict.fromkeys(p["protocol"] for one in reports for p in one["protocols"]))
    rows = []
    for one in reports:
        found = {p["protocol"]: p for p in one["protocols"]}
        cells = (_scores(found[name]) if name in found else "" for name in protocols)
        rows.append((_called(one["model"]), str(one["frames_per_tracklet"]), *cells))
    return _table(("", "frames", *protocols), rows)


def _called(model: str) -> str:
    return f"`{Path(model).name}`"


def _scores(protocol: Json) -> str:
    cells = []
    for name in ("rank-1", "mAP"):
        low, high = (100 * bound for bound in protocol["intervals_95"][name])
        cells.append(f"{100 * protocol['scores'][name]:.1f} ({low:.1f} to {high:.1f})")
    return " / ".join(cells)


def _differences(evaluation: Json, ours: Sequence[Json]) -> str:
    names = {one["model"] for one in ours}
    rows = []
    for one in evaluation["differences_to_baselines"]:
        if one["model"] in names:
            low, high = (100 * bound for bound in one["intervals_95"]["mAP"])
            frames = str(one["frames_per_tracklet"])
            bounds = f"{low:+.1f} to {high:+.1f}"
            rows.append((one["baseline"], frames, one["protocol"], bounds))
    if not rows:
        raise InvalidParameter("the evaluation holds no baselines")
    return _table(("baseline", "frames", "protocol", "95 %"), rows)


def _attention(evaluation: Json, ours: Sequence[Json]) -> str:
    names = {one["model"] for one in ours}
    found = [one for one in evaluation["attention"] if one["model"] in names]
    if not found:
        raise InvalidParameter("the evaluation did not look at attention")
    rows = []
    for one in found:
        for name, figure in one.items():
            if isinstance(figure, dict):
                value, bounds = figure["value"], figure["interval_95"]
                text = "–" if value is None else f"{value:.2f}"
                spread = "–" if bounds is None else f"{bounds[0]:.2f} to {bounds[1]:.2f}"
                rows.append((one["dataset"], name.replace("_", " "), text, spread))
    return _table(("world", "", "value", "95 %"), rows)


def _calibration(report: Json) -> str:
    source = report["source"]
    parts = [
        f"From {report['data']} data: {source['people']} people, {source['cameras']} cameras, "
        f"{source['genuine_pairs']} pairs of the same person and {source['impostor_pairs']} of "
        "different people ([calibration.md](calibration.md))."
    ]
    for table in report["tables"]:
        kind = "Camera-normalised" if table["camera_normalised"] else "Raw"
        worlds = list(dict.fromkeys(name for rate in table["rates"] for name in rate["realised"]))
        rows = []
        for rate in table["rates"]:
            shown = "no support" if rate["threshold"] is None else f"{rate['threshold']:.3f}"
            cells = (rate["realised"].get(name) for name in worlds)
            realised = ("–" if one is None else f"{one:.1e}" for one in cells)
            rows.append((f"{rate['far']:.0e}", shown, str(rate["impostor_pairs"]), *realised))
        heads = ("false-accept rate", "threshold", "pairs behind it", *worlds)
        parts.append(
            f"{kind} scores, and the rate realised on each world:\n\n{_table(heads, rows)}"
        )
    return "\n\n".join(parts)


def _parity(manifest: Manifest) -> str:
    parity = manifest.parity
    rows = [
        (
            f"{row.batch} x {row.length}{', padded' if row.padded else ''}",
            f"{max(row.differences.values()):.1e}",
            f"{row.cosine:.6f}",
        )
        for row in parity.rows
    ]
    return f"Against {parity.reference}, tolerance {parity.tolerance:g}:\n\n" + _table(
        ("tracklets x frames", "largest difference", "smallest cosine"), rows
    )


def _storage_loss(ours: Sequence[Json], others: Sequence[Json]) -> str:
    """mAP of the file that ships minus that of the checkpoint, over the same queries."""
    rows = []
    for own in ours:
        for other in others:
            same = ("dataset", "frames_per_tracklet")
            if not other["model"].endswith(".safetensors") or any(own[k] != other[k] for k in same):
                continue
            for a, b in zip(own["protocols"], other["protocols"], strict=True):
                people = np.array(a["per_query"]["identity"], np.int64)
                stored, source = (retrieval_from_json(one["per_query"]) for one in (a, b))
                bounds_of = paired_intervals(stored, source, people)
                low, high = (100 * bound for bound in bounds_of["mAP"])
                change = 100 * (a["scores"]["mAP"] - b["scores"]["mAP"])
                bounds = f"{low:+.2f} to {high:+.2f}"
                frames = str(own["frames_per_tracklet"])
                rows.append((a["protocol"], frames, f"{change:+.2f}", bounds))
    if not rows:
        return "What storing the weights compactly costs in mAP was not measured in this run."
    heads = ("protocol", "frames", "mAP of the file minus the checkpoint, points", "95 %")
    return _table(heads, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bundle", "evaluation", "calibration", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    text = model_card(given.bundle, read_json(given.evaluation), read_json(given.calibration))
    given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""A small real model bundle without a network: a hand-made ONNX graph with the full contract.

It has the inputs, outputs, dynamic axes and masking of the real export and is made in well under a
second, without torch. Its embedding is a fixed random projection of where which colours are (an
8 x 4 grid of mean colours), pooled by an attention that is real: frames that look unlike the rest
of their tracklet weigh less. So the same clip gives the same vector, and people in other clothes
give other vectors.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model.bundle import (
    GOLDEN,
    MANIFEST,
    MODEL,
    GoldenSpec,
    Manifest,
    Parity,
    Precision,
    TensorSpec,
    file_sha256,
    golden_inputs,
)

GRID = (8, 4)
OPSET = 20
CELLS = GRID[0] * GRID[1]
FEATURES = CELLS * 3 + 3  # colours of the cells, the globally attended colour


def make_bundle(
    folder: Path,
    *,
    seed: int = 0,
    width: int = 32,
    frame: tuple[int, int] = (64, 32),
    precision: Precision = "fp32",
) -> Path:
    """Write a bundle of embedding width `width` for frames of `frame` = (height, width) pixels.

    Bundles of one `seed` and `width` share a `model_id`, whatever their precision; another seed is
    another model. Returns `folder`.
    """
    height, columns = frame
    if height % GRID[0] or columns % GRID[1]:
        raise ValueError(f"frame sides must be multiples of {GRID}, not {frame}")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    projection = rng.standard_normal((FEATURES, width)).astype(np.float32)
    onnx.save(_graph(projection, frame, precision), folder / MODEL)
    draft = _manifest(folder, projection, frame, precision)
    embeddings = _embed(folder, golden_inputs(draft))
    np.savez(folder / GOLDEN, embeddings=embeddings)
    golden = draft.golden.model_copy(update={"sha256": file_sha256(folder / GOLDEN)})
    draft.model_copy(update={"golden": golden}).save(folder)
    return folder


def edit_manifest(folder: Path, **changes: Any) -> None:
    """Overwrite top-level fields of a bundle's manifest, unchecked."""
    fields = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**fields, **changes}))


def person(seed: int, n: int, *, size: tuple[int, int] = (64, 32)) -> NDArray[np.uint8]:
    """n frames uint8 [n, H, W, 3] of one made-up person: coloured blocks with a little noise.

    Two seeds look different to the fake model; two calls with one seed give the same pixels.
    """
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (GRID[0], GRID[1], 3))
    tall = blocks.repeat(-(-size[0] // GRID[0]), axis=0)[: size[0]]
    look = tall.repeat(-(-size[1] // GRID[1]), axis=1)[:, : size[1]]
    noise = rng.integers(-12, 13, (n, *size, 3))
    clipped: NDArray[np.uint8] = np.clip(look + noise, 0, 255).astype(np.uint8)
    return clipped


def _graph(
    projection: NDArray[np.float32], frame: tuple[int, int], precision: Precision
) -> onnx.ModelProto:
    """The graph as one list of nodes; comments give the shape of each node's result."""
    height, width = frame
    cells = [0, 0, GRID[0], height // GRID[0], GRID[1], width // GRID[1], 3]
    constants: dict[str, Any] = {
        "half": np.float32(127.5),
        "projection_stored": projection if precision == "fp32" else projection.astype(np.float16),
        "to_cells": np.array(cells),
        "to_flat": np.array([0, 0, CELLS * 3]),
        "to_colours": np.array([0, 0, CELLS, 3]),
        "to_grid": np.array([0, 0, *GRID]),
        "to_line": np.array([0, -1]),
        "to_tokens": np.array([0, -1, 3]),
        "like_grid": np.array([0, -1, *GRID]),
        "inside": np.array([3, 5]),
        "one_axis": np.array([1]),
        "two_axis": np.array([2]),
        "last": np.array([-1]),
        "penalty": np.float32(1e9),
        "one": np.float32(1),
        "sharp": np.float32(-0.5),
        "contrast": np.float32(4),
        "bias": np.float32(0.05),
    }
    nodes = [
        _node("Cast", "frames", "pixels", to=TensorProto.FLOAT),
        _node("Div", "pixels half", "scaled"),
        _node("Sub", "scaled one", "centred"),
        _node("Reshape", "centred to_cells", "blocks"),
        _node("ReduceMean", "blocks inside", "cells", keepdims=0),  # B L 8 4 3
        _node("Reshape", "cells to_flat", "flat"),  # B L 96
        _node("Reshape", "cells to_colours", "colours"),  # B L 32 3
        _node("Cast", "mask", "valid", to=TensorProto.FLOAT),  # B L
        _node("Unsqueeze", "valid last", "valid3"),
        _node("Mul", "flat valid3", "seen"),
        _node("ReduceSum", "seen one_axis", "seen_sum", keepdims=1),  # B 1 96
        _node("ReduceSum", "valid3 one_axis", "count", keepdims=1),  # B 1 1
        _node("Div", "seen_sum count", "usual"),
        _node("Sub", "flat usual", "deviation"),
        _node("ReduceSumSquare", "deviation two_axis", "oddness", keepdims=0),  # B L
        _node("Mul", "oddness sharp", "familiarity"),
        _node("Sub", "valid one", "minus_hidden"),
        _node("Mul", "minus_hidden penalty", "hiding"),
        _node("Add", "familiarity hiding", "frame_logits"),
        _node("Softmax", "frame_logits", "temporal_attention", axis=-1),
        _node("ReduceMean", "colours two_axis", "frame_colour", keepdims=1),  # B L 1 3
        _node("Sub", "colours frame_colour", "relief"),
        _node("ReduceSumSquare", "relief last", "strength", keepdims=0),  # B L 32
        _node("Mul", "strength contrast", "cell_logits"),
        _node("Softmax", "cell_logits", "spatial_line", axis=-1),
        _node("Reshape", "spatial_line to_grid", "spatial_attention"),
        _node("Unsqueeze", "frame_logits last", "frame_logits3"),
        _node("Add", "cell_logits frame_logits3", "token_logits"),  # B L 32
        _node("Reshape", "token_logits to_line", "token_line"),  # B L*32
        _node("Softmax", "token_line", "global_line", axis=-1),
        _node("Reshape", "global_line like_grid", "global_attention"),
        _node("Unsqueeze", "temporal_attention last", "frame_weights"),
        _node("Mul", "flat frame_weights", "weighted"),
        _node("ReduceSum", "weighted one_axis", "temporal_token", keepdims=0),  # B 96
        _node("Reshape", "colours to_tokens", "tokens"),  # B L*32 3
        _node("Unsqueeze", "global_line last", "token_weights"),
        _node("Mul", "tokens token_weights", "token_colours"),
        _node("ReduceSum", "token_colours one_axis", "global_token", keepdims=0),  # B 3
        _node("Concat", "temporal_token global_token", "features", axis=1),  # B 99
        _node("Cast", "projection_stored", "projection", to=TensorProto.FLOAT),
        _node("MatMul", "features projection", "projected"),
        _node("Add", "projected bias", "raw"),  # a grey tracklet still has a direction
        _node("LpNormalization", "raw", "embedding", axis=1, p=2),
    ]
    graph = helper.make_graph(
        nodes,
        "fake",
        [_value(spec) for spec in _inputs(frame)],
        [_value(spec) for spec in _outputs(projection.shape[1])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def _node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], name=output, **attributes)


def _value(spec: TensorSpec) -> onnx.ValueInfoProto:
    kinds = {"uint8": TensorProto.UINT8, "bool": TensorProto.BOOL, "float32": TensorProto.FLOAT}
    return helper.make_tensor_value_info(spec.name, kinds[spec.dtype], list(spec.shape))


def _inputs(frame: tuple[int, int]) -> tuple[TensorSpec, ...]:
    return (
        TensorSpec(name="frames", dtype="uint8", shape=("B", "L", *frame, 3)),
        TensorSpec(name="mask", dtype="bool", shape=("B", "L")),
    )


def _outputs(width: int) -> tuple[TensorSpec, ...]:
    return (
        TensorSpec(name="embedding", dtype="float32", shape=("B", width)),
        TensorSpec(name="temporal_attention", dtype="float32", shape=("B", "L")),
        TensorSpec(name="spatial_attention", dtype="float32", shape=("B", "L", *GRID)),
        TensorSpec(name="global_attention", dtype="float32", shape=("B", "L", *GRID)),
    )


def _manifest(
    folder: Path, projection: NDArray[np.float32], frame: tuple[int, int], precision: Precision
) -> Manifest:
    weights = f"projection {projection.shape}".encode() + projection.tobytes()
    return Manifest(
        name="fake",
        version="1",
        model_id=hashlib.sha256(weights).hexdigest()[:16],
        sha256=file_sha256(folder / MODEL),
        precision=precision,
        embedding_width=projection.shape[1],
        frames_per_tracklet=32,
        frame_height=frame[0],
        frame_width=frame[1],
        attention_grid=GRID,
        opset=OPSET,
        inputs=_inputs(frame),
        outputs=_outputs(projection.shape[1]),
        golden=GoldenSpec(seed=7, lengths=(1, 5), sha256="0" * 64),
        parity=Parity(
            tolerance=0, reference="none: made by hand, of no network", rows=(), padding_cosine=1
        ),
        network={"kind": "fake"},
        training={"trained": False},
    )


def _embed(folder: Path, tracklets: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(folder / MODEL, options, providers=["CPUExecutionProvider"])
    rows = [
        session.run(["embedding"], {"frames": t[None], "mask": np.ones((1, len(t)), dtype=bool)})[0]
        for t in tracklets
    ]
    stacked: NDArray[np.float32] = np.concatenate(rows)
    return stacked

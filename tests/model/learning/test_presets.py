"""The paper's section 4.2, number by number, and what presets promise."""

import pytest

from model.learning.config import TrainingConfig
from model.learning.experiment import PLAN
from model.learning.presets import RecipeName, recipe, with_budget, with_layout
from model.learning.rows import ROWS, Row
from model.learning.variants import with_row


def test_paper_is_section_4_2() -> None:
    (stage,) = recipe("paper").stages

    (shape,) = stage.batch.shapes
    assert (shape.identities, shape.tracklets, shape.frames, shape.size) == (15, 4, 8, 60)
    assert stage.batch.environments is None
    assert (stage.network.height, stage.network.width) == (256, 128)
    assert stage.network.token_width == 768
    assert stage.network.attention_heads == 6
    assert stage.network.global_layers == 2
    assert stage.network.depths == (3, 4, 6)
    assert stage.network.temporal_query == "cls"
    assert stage.losses.smoothing == 0.1
    assert stage.losses.margin == 0.3
    optimiser = stage.optimiser
    assert (optimiser.rate, optimiser.classifier_rate) == (3.5e-4, 1.75e-3)
    assert optimiser.weight_decay == 5e-4
    assert optimiser.warmup == 200
    assert stage.epochs == 200
    assert [share * 200 for share in optimiser.milestones] == [80, 160]
    assert optimiser.gamma == 0.1
    assert optimiser.average_decay is None
    augment = stage.augment
    assert (augment.flip, augment.crop_padding) == (0.5, 10)
    assert (augment.erasing, augment.erasing_area, augment.erasing_aspect) == (
        0.5,
        (0.02, 0.4),
        0.3,
    )
    assert (augment.patch, augment.patch_pool, augment.patch_area) == (0.5, 50_000, (0.01, 0.5))
    assert augment.autoaugment > 0


def test_paper_has_the_papers_losses_at_weight_one_and_none_of_ours() -> None:
    weights = dict(recipe("paper").stages[0].losses.weights)

    assert {name for name, weight in weights.items() if weight} == {
        "cnn_xent",
        "spatial_xent",
        "spatial_part_xent",
        "temporal_xent",
        "temporal_triplet",
        "temporal_attention",
        "global_xent",
    }
    assert set(weights.values()) == {0, 1}
    stage = recipe("paper").stages[0]
    assert not stage.losses.only_visible
    assert not stage.identity_initialise
    assert stage.batch.foreign_rate == 0
    assert stage.augment.background == 0
    assert stage.freeze.stages == -1
    assert not stage.freeze.statistics


@pytest.mark.parametrize("name", ["paper", "cpu", "longer", "full-size", "small", "tiny"])
def test_a_recipe_survives_json(name: RecipeName) -> None:
    config = recipe(name)

    assert TrainingConfig.model_validate_json(config.model_dump_json()) == config


def test_the_cpu_recipe_keeps_frames_per_batch_nearly_constant() -> None:
    for stage in recipe("cpu").stages:
        frames = [shape.size * shape.frames for shape in stage.batch.shapes]
        assert max(frames) <= 2 * min(frames)
        assert not stage.losses.weights.classify


def test_going_on_for_longer_keeps_what_the_transformers_have_learnt() -> None:
    (stage,) = recipe("longer").stages
    second = recipe("cpu").stages[1]

    assert not stage.identity_initialise
    assert stage.losses == second.losses
    assert stage.batch == second.batch


def test_a_budget_is_divided_over_the_stages() -> None:
    stages = with_budget(recipe("cpu"), 200).stages

    assert [stage.steps for stage in stages] == [50, 150]
    assert with_budget(recipe("paper"), 100).stages[0].steps == 100
    assert with_budget(recipe("paper"), 100).stages[0].epochs is None


def test_a_layout_reaches_every_stage() -> None:
    stages = with_layout(recipe("cpu"), "torchvision").stages

    assert {stage.network.layout for stage in stages} == {"torchvision"}


PAPER = ("cnn", "cnn-three-stages", "vanilla", "spatial", "temporal", "global")
OURS = ("mean-query", "identity", "contrast", "visibility", "ours")


@pytest.mark.parametrize("row", PAPER)
def test_rows_of_the_papers_tables_differ_by_what_they_say(row: Row) -> None:
    (stage,) = with_row(recipe("cpu"), row).stages

    on = {name for name, weight in stage.losses.weights if weight}
    assert ("spatial_part_xent" in on) == (row in {"spatial", "temporal", "global"})
    assert ("temporal_attention" in on) == (row in {"temporal", "global"})
    assert ("global_xent" in on) == (row == "global") == (stage.network.variant == "stt-gt")
    assert (stage.network.variant == "cnn") == row.startswith("cnn")
    assert len(stage.network.depths) == (4 if row == "cnn" else 3)
    # Nothing of ours is left in them, whatever the recipe has.
    assert stage.network.temporal_query == "cls"
    assert not stage.identity_initialise
    assert not stage.losses.only_visible
    assert stage.batch.foreign_rate == 0
    assert not on & {"contrast", "temporal_visibility", "global_visibility"}


@pytest.mark.parametrize("row", OURS)
def test_rows_of_our_own_change_one_thing_of_the_papers_last_row(row: Row) -> None:
    (theirs,) = with_row(recipe("paper-small"), "global").stages
    (ours,) = with_row(recipe("paper-small"), row).stages

    on = {name for name, weight in ours.losses.weights if weight}
    base = {name for name, weight in theirs.losses.weights if weight}
    changed = {
        "mean-query": ours.network.temporal_query == "cls+mean",
        "identity": ours.identity_initialise,
        "contrast": "contrast" in on,
        "visibility": ours.batch.foreign_rate > 0
        and ours.losses.only_visible
        and {"temporal_visibility", "global_visibility"} <= on,
    }
    assert {name for name, is_on in changed.items() if is_on} == (
        set(OURS[:-1]) if row == "ours" else {row}
    )
    assert base <= on


def test_every_row_has_its_place_in_the_ablation_and_is_compared_with_one_before_it() -> None:
    places = {(cell.row, cell.pretrained): place for place, cell in enumerate(PLAN)}

    assert {cell.row for cell in PLAN} == set(ROWS)
    assert len(places) == len(PLAN)
    assert sum(cell.group == "paper" for cell in PLAN) == 7
    for place, cell in enumerate(PLAN[1:], start=1):
        assert cell.compared_with is not None
        assert places[cell.compared_with] < place

"""Every loss against a value worked out by hand."""

import math

import pytest
import torch

from model.learning import losses


def test_cross_entropy_smooths_labels_and_counts_only_what_it_is_told_to() -> None:
    logits = torch.tensor([[math.log(3.0), 0.0], [50.0, -50.0]])
    counted = torch.tensor([True, False])

    loss = losses.cross_entropy(logits, torch.tensor([0, 1]), counted, 0.1)

    # Probabilities are 3/4 and 1/4; smoothing over two classes makes the target .95 and .05.
    assert loss.item() == pytest.approx(-0.95 * math.log(0.75) - 0.05 * math.log(0.25))


def test_cross_entropy_of_nothing_is_zero_and_differentiable() -> None:
    logits = torch.ones(2, 3, requires_grad=True)

    loss = losses.cross_entropy(logits, torch.tensor([0, 1]), torch.tensor([False, False]), 0.1)
    loss.backward()

    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().sum() == 0


def test_part_cross_entropy_is_the_mean_over_parts_not_over_frames() -> None:
    # Part 0 is counted in two frames at ln 2 each, part 1 in one frame at ln 4.
    logits = torch.zeros(1, 2, 2, 4)
    logits[0, :, 0, 2:] = -torch.inf
    counted = torch.tensor([[[True, True], [True, False]]])

    loss = losses.part_cross_entropy(logits, torch.zeros(1, 2, dtype=torch.int64), counted, 0.0)

    assert loss.item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_triplet_takes_the_farthest_positive_and_the_nearest_negative() -> None:
    features = torch.tensor([[0.0], [1.0], [3.0], [3.5]])
    labels = torch.tensor([0, 0, 0, 1])

    loss = losses.batch_hard_triplet(features, labels, 0.3)

    # Anchors 0, 1, 2; the fourth has no positive.
    expected = [0.3 + 3 - 3.5, 0.3 + 2 - 2.5, 0.3 + 3 - 0.5]
    assert loss.item() == pytest.approx(sum(max(x, 0) for x in expected) / 3, abs=1e-5)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_triplet_without_negatives_or_positives_is_zero(labels: list[int]) -> None:
    features = torch.randn(3, 4, requires_grad=True)

    loss = losses.batch_hard_triplet(features, torch.tensor(labels), 0.3)
    loss.backward()

    assert loss.item() == 0


def test_triplet_gradient_is_finite_where_features_coincide() -> None:
    features = torch.zeros(4, 3, requires_grad=True)

    losses.batch_hard_triplet(features, torch.tensor([0, 0, 1, 1]), 0.3).backward()

    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_supervised_contrast_by_hand() -> None:
    features = torch.tensor([[2.0, 0.0], [5.0, 0.0], [0.0, 1.0]])

    loss = losses.supervised_contrast(features, torch.tensor([0, 0, 1]), 0.5)

    # Cosines 1 with the positive and 0 with the other; the third has no positive.
    assert loss.item() == pytest.approx(-math.log(math.e**2 / (math.e**2 + 1)))


def test_supervised_contrast_averages_over_positives() -> None:
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])

    loss = losses.supervised_contrast(features, torch.tensor([0, 0, 0, 1]), 1.0)

    total = math.e + 1 + 1 / math.e
    first = -(math.log(math.e / total) + math.log(1 / total)) / 2
    third = -math.log(1 / 3)
    assert loss.item() == pytest.approx((2 * first + third) / 3)


def test_supervised_contrast_without_any_positive_is_zero() -> None:
    features = torch.randn(3, 4, requires_grad=True)

    loss = losses.supervised_contrast(features, torch.tensor([0, 1, 2]), 0.1)
    loss.backward()

    assert loss.item() == 0


class TestTemporalAttention:
    """Eq. 5 at L = 8, where alpha is the paper's .15."""

    mask = torch.ones(1, 8, dtype=torch.bool)

    def loss(self, attention: torch.Tensor) -> float:
        return losses.temporal_attention(attention, losses.even_limit(self.mask)).item()

    def test_uniform_attention_costs_nothing(self) -> None:
        assert self.loss(torch.full((1, 8), 1 / 8)) == 0

    def test_one_frame_alone_costs_one_minus_alpha(self) -> None:
        assert self.loss(torch.eye(8)[:1]) == pytest.approx(1 - 0.15)

    def test_the_edge_is_at_the_limit(self) -> None:
        # Attention even over m frames has a concentration of 1 / m: 6.67 frames are demanded.
        over_seven = torch.tensor([[1 / 7] * 7 + [0.0]])
        over_six = torch.tensor([[1 / 6] * 6 + [0.0] * 2])

        assert self.loss(over_seven) == 0
        assert self.loss(over_six) == pytest.approx(1 / 6 - 0.15, abs=1e-6)

    def test_padding_changes_nothing(self) -> None:
        mask = torch.tensor([[True] * 4 + [False] * 4])
        attention = torch.tensor([[0.7, 0.1, 0.1, 0.1, 0, 0, 0, 0]])

        padded = losses.temporal_attention(attention, losses.even_limit(mask))
        alone = losses.temporal_attention(attention[:, :4], losses.even_limit(mask[:, :4]))

        assert padded.item() == pytest.approx(alone.item())
        assert losses.even_limit(mask).item() == pytest.approx(1.2 / 4)

    def test_gradient_is_finite_where_attention_is_zero(self) -> None:
        logits = torch.tensor([[200.0, 0.0, 0.0, 0.0]], requires_grad=True)

        limit = losses.even_limit(torch.ones(1, 4, dtype=torch.bool))
        losses.temporal_attention(logits.softmax(1), limit).backward()

        assert logits.grad is not None
        assert logits.grad.isfinite().all()

    def test_the_mean_over_the_batch_is_taken(self) -> None:
        attention = torch.stack([torch.full((8,), 1 / 8), torch.eye(8)[0]])

        loss = losses.temporal_attention(attention, torch.full((2,), 0.15))

        assert loss.item() == pytest.approx(0.85 / 2)


def test_visibility_target_by_hand() -> None:
    visible = torch.tensor([[0.95, 0.45, 0.95, 0.0]])
    foreign = torch.tensor([[False, False, True, False]])
    mask = torch.tensor([[True, True, True, False]])

    target = losses.visibility_target(visible, foreign, mask)

    assert target.tolist() == [pytest.approx([1 / 1.25, 0.25 / 1.25, 0, 0])]


def test_the_adapted_limit_lets_attention_reach_the_target() -> None:
    target = torch.tensor([[0.5, 0.5, 0, 0, 0, 0, 0, 0]])

    limit = losses.target_limit(target)

    assert limit.item() == pytest.approx(1.2 / 2)
    assert losses.temporal_attention(target, limit).item() == 0
    even = losses.even_limit(torch.ones(1, 8, dtype=torch.bool))
    assert losses.temporal_attention(target, even).item() == pytest.approx(0.5 - 0.15)


def test_attention_divergence_by_hand() -> None:
    target = torch.tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    attention = torch.tensor([[0.25, 0.25, 0.5], [1.0, 0.0, 0.0]])

    loss = losses.attention_divergence(target, attention)

    assert loss.item() == pytest.approx(math.log(2) / 2)

"""The losses, one function each; `objective` weighs and adds them up.

Everything is computed in float32 and averaged (the paper writes sums over the batch; a mean keeps
the weights independent of the batch size). A loss with nothing to count is 0, still attached to
the graph. Axis letters: B tracklets, L frames, P parts, D width, K identities, n anything counted.
"""

import torch
from torch import Tensor
from torch.nn import functional

ALPHA_FRAMES = 1.2
"""Eq. 5's alpha times the number of frames: the paper's .15 at 8 frames."""
TARGET_FLOOR = 0.05
"""Added to a frame's visible share before squaring, so that no frame's target is quite 0."""


def cross_entropy(logits: Tensor, labels: Tensor, counted: Tensor, smoothing: float) -> Tensor:
    """Eq. 1 with label smoothing: logits [*, K], labels [*] -> mean over counted bool [*]."""
    chosen = logits[counted].float()
    if not len(chosen):
        return logits.float().sum() * 0.0
    return functional.cross_entropy(chosen, labels[counted], label_smoothing=smoothing)


def part_cross_entropy(logits: Tensor, labels: Tensor, counted: Tensor, smoothing: float) -> Tensor:
    """Eq. 3: the mean over P parts of their own cross entropies.

    logits [B, L, P, K], labels [B, L], counted bool [B, L, P].
    """
    P = logits.shape[2]
    parts = [cross_entropy(logits[:, :, p], labels, counted[:, :, p], smoothing) for p in range(P)]
    return torch.stack(parts).mean()


def batch_hard_triplet(features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Eq. 2: [margin + farthest positive - nearest negative]+ of features [n, D], labels [n].

    Euclidean distances of raw features; the mean over anchors that have a positive and a negative.
    """
    distance = _euclidean(features.float())
    same = labels[:, None] == labels
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    anchors = positive.any(1) & ~same.all(1)
    if not anchors.any():
        return features.float().sum() * 0.0
    farthest = distance.masked_fill(~positive, -torch.inf).amax(1)[anchors]
    nearest = distance.masked_fill(same, torch.inf).amin(1)[anchors]
    return functional.relu(margin + farthest - nearest).mean()


def _euclidean(x: Tensor) -> Tensor:
    """Pairwise distances [n, n]; the floor keeps the root's gradient finite at 0."""
    square = x.square().sum(1)
    return (square[:, None] + square - 2 * x @ x.T).clamp_min(1e-12).sqrt()


def supervised_contrast(features: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, L_out) of features [n, D], labels [n].

    The mean over anchors that have a positive of -mean_p log softmax(cosine / temperature)_p.
    """
    x = functional.normalize(features.float())
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = (labels[:, None] == labels) & ~itself
    anchors = positive.any(1)
    if not anchors.any():
        return features.float().sum() * 0.0
    logits = (x @ x.T / temperature).masked_fill(itself, -torch.inf)
    # The diagonal is -inf in the softmax and must not meet a weight of 0.
    log_share = logits.log_softmax(1).masked_fill(itself, 0.0)
    weight = positive.float() / positive.sum(1, keepdim=True).clamp_min(1)
    return -(log_share * weight).sum(1)[anchors].mean()


def concentration(attention: Tensor) -> Tensor:
    """exp(sum_k a_k log a_k) of each row [B, L] -> [B]: 1 / the effective number of frames."""
    return torch.xlogy(attention, attention).sum(1).exp()


def temporal_attention(attention: Tensor, limit: Tensor) -> Tensor:
    """Eq. 5: [concentration(attention [B, L]) - limit [B]]+, the mean over the batch.

    Padded frames hold an attention of 0, which adds nothing to the entropy.
    """
    # Attention of exactly 0 has an infinite slope in a log a.
    safe = attention.float().clamp_min(1e-8) * (attention > 0)
    return functional.relu(concentration(safe) - limit).mean()


def even_limit(mask: Tensor) -> Tensor:
    """Eq. 5's alpha for each tracklet's own number of real frames: bool [B, L] -> [B]."""
    return ALPHA_FRAMES / mask.sum(1)


def target_limit(target: Tensor) -> Tensor:
    """Eq. 5's alpha where a target [B, L] says how concentrated attention shall be: [B]."""
    return ALPHA_FRAMES * concentration(target)


def visibility_target(visible: Tensor, foreign: Tensor, mask: Tensor) -> Tensor:
    """How much of its attention each frame deserves: [B, L], rows sum to 1.

    (v + .05)^2, 0 for a frame of another person and for padding; even where no frame is one's own.
    """
    own = mask & ~foreign
    weight = (visible + TARGET_FLOOR).square() * torch.where(own.any(1, keepdim=True), own, mask)
    return weight / weight.sum(1, keepdim=True)


def attention_divergence(target: Tensor, attention: Tensor) -> Tensor:
    """KL(target || attention) of rows [B, L], the mean over the batch."""
    log_attention = attention.float().clamp_min(1e-8).log()
    return (torch.xlogy(target, target) - target * log_attention).sum(1).mean()

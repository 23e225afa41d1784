"""The training loop: stages after stages, resumable at any step.

<out>/config.json            the recipe
<out>/checkpoint.pt          the latest state; a run that was killed goes on from it
<out>/latest.safetensors     the weights at that state, for a run that is not brought to its end
<out>/0-<stage>.safetensors  what each finished stage gave, and <stage>-best, chosen by the
                             development protocol
<out>/weights.safetensors    the last stage's
<out>/log.jsonl, tensorboard/
"""

import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from model.datasets.tracklets import Dataset, Protocol
from model.errors import InvalidParameter
from model.learning.batch import Batch
from model.learning.checkpoint import CHECKPOINT, RunState, load_state
from model.learning.config import Stage, TrainingConfig
from model.learning.ema import WeightAverage
from model.learning.embed import NetworkEmbedder
from model.learning.evaluate import embed_protocols
from model.learning.loader import BatchMaker, load_batches
from model.learning.objective import objective
from model.learning.parallel import Processes
from model.learning.precision import autocast_pays
from model.learning.progress import Progress
from model.learning.sampler import PKSampler
from model.learning.schedule import make_optimiser, rate_factor, set_rates
from model.learning.stages import build_stage, load_initial
from model.network.stt_gt import SttGt
from model.network.variants import Network
from model.network.weights import load_weights, save_weights

WEIGHTS = "weights.safetensors"
LATEST = "latest.safetensors"
CONFIG = "config.json"


@dataclass(frozen=True)
class Run:
    """What does not change while training."""

    config: TrainingConfig
    dataset: Dataset
    development: Protocol | None
    """What evaluations during training use."""
    folder: Path
    device: torch.device
    processes: Processes
    source: str
    """Where the initial weights came from, for the provenance."""
    before: dict[str, Any] | None = None
    """How those were trained, where this program did it."""

    def maker(self, number: int) -> tuple[PKSampler, BatchMaker]:
        """The batches of stage `number`, the same for every call."""
        stage = self.config.stages[number]
        seed = self.config.seed * 1000 + number
        sampler = PKSampler(self.dataset.train, stage.batch, seed)
        maker = BatchMaker(
            self.dataset.train,
            sampler,
            stage.augment,
            (stage.network.height, stage.network.width),
            seed=seed,
            rank=self.processes.rank,
            world=self.processes.world,
        )
        return sampler, maker

    def provenance(self, number: int, step: int) -> dict[str, Any]:
        """How weights came about, for the file that holds them."""
        return {
            "trained": True,
            "data": self.dataset.name,
            "identities": len({tracklet.identity for tracklet in self.dataset.train}),
            "tracklets": len(self.dataset.train),
            "initial_weights": self.source,
            "before": self.before,
            "stage": self.config.stages[number].name,
            "steps": step,
            "recipe": self.config.model_dump(mode="json"),
        }


def train(run: Run, *, resume: bool, init: Path | None) -> Path:
    """Train every stage that is not finished; returns the file of the final weights.

    Raises `InvalidParameter` where the folder holds another run, nothing to resume, or the data
    set has nothing to train on.
    """
    if not run.dataset.train:
        raise InvalidParameter(f"{run.dataset.name} has no tracklets to train on")
    state = _starting_state(run, resume=resume)
    previous = load_initial(init, run.config) if init is not None else None
    for number, stage in enumerate(run.config.stages):
        finished = stage_file(run.folder, number, stage)
        if state is not None and number < state.stage:
            previous = load_weights(finished) if finished.exists() else previous
            continue
        if isinstance(previous, SttGt) and stage.network.variant == "cnn":
            continue  # what this stage is for has been done
        resumed = state if state is not None and state.stage == number else None
        training = StageTraining(run, number, previous, resumed)
        previous = training.run()
        state = None
        if run.processes.leads:
            save_weights(finished, previous, run.provenance(number, training.steps))
        run.processes.wait()
    final = run.folder / WEIGHTS
    if run.processes.leads:
        shutil.copyfile(finished, final)
    return final


def stage_file(folder: Path, number: int, stage: Stage) -> Path:
    """The weights that a stage ended with."""
    return folder / f"{number}-{stage.name}.safetensors"


def _starting_state(run: Run, *, resume: bool) -> RunState | None:
    """The state to go on from, or None for a fresh run in a fresh folder."""
    run.folder.mkdir(parents=True, exist_ok=True)
    there = (run.folder / CHECKPOINT).exists()
    if resume and there:
        state = load_state(run.folder)
        if state.config != run.config:
            raise InvalidParameter(f"{run.folder} holds a run with another recipe")
        return state
    if there:
        raise InvalidParameter(f"{run.folder} holds a run already; resume it or choose another")
    if run.processes.leads:
        text = run.config.model_dump_json(indent=2) + "\n"
        (run.folder / CONFIG).write_text(text, encoding="utf-8")
    run.processes.wait()
    return None


class StageTraining:
    """One stage, from its first step or from a checkpoint."""

    def __init__(
        self, run: Run, number: int, previous: Network | None, state: RunState | None
    ) -> None:
        self._run, self._number = run, number
        self._stage = run.config.stages[number]
        sampler, self._maker = run.maker(number)
        self.steps = self._stage.steps or round((self._stage.epochs or 0) * sampler.steps_per_epoch)
        network = build_stage(
            self._stage, previous, len(sampler.people), self._maker, run.config.seed
        )
        network.to(run.device)
        # Convolutions on a CPU and on tensor cores are fastest with channels last.
        self._network = network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        settings = self._stage.optimiser
        self._optimiser = make_optimiser(network, settings)
        self._average = (
            WeightAverage(network, settings.average_decay) if settings.average_decay else None
        )
        self._autocast = autocast_pays(run.device)
        self._step, self._best = 0, 0.0
        if state is not None:
            self._restore(state)

    @property
    def network(self) -> Network:
        """What evaluations and files use: the average where there is one."""
        return self._network if self._average is None else self._average.network

    def run(self) -> Network:
        """Every step that is left; returns the stage's network in evaluation mode."""
        run = self._run
        batches = load_batches(
            self._maker,
            range(self._step, self.steps),
            workers=run.config.workers,
            pin=run.device.type == "cuda",
        )
        if not run.processes.leads:
            for batch in batches:
                self._train_step(batch)
            return self.network.eval()
        with Progress(run.folder, self._stage.name, self.steps, self._step) as progress:
            recent: dict[str, list[float]] = defaultdict(list)
            for batch in batches:
                parts = self._train_step(batch)
                progress.saw(int(batch.mask.sum()) * run.processes.world)
                for name, value in parts.items():
                    recent[name].append(value.item())
                self._after_step(progress, recent)
        return self.network.eval()

    def _train_step(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Forward, backward, update; returns the loss parts."""
        settings, run = self._stage.optimiser, self._run
        batch = batch.to(run.device)
        factor = rate_factor(self._step, self.steps, settings)
        set_rates(self._optimiser, factor)
        whole = bool(batch.mask.all())
        with torch.autocast(run.device.type, torch.bfloat16, enabled=self._autocast):
            output = self._network(batch.frames, None if whole else batch.mask)
        loss = objective(output, batch, self._stage.losses, run.processes.gather)
        self._optimiser.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        run.processes.average_gradients(self._network.parameters())
        if settings.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), settings.clip_norm)
        self._optimiser.step()
        if self._average is not None:
            self._average.update(self._network, self._step)
        self._step += 1
        return {name: part.detach() for name, part in loss.parts.items()} | {
            "total": loss.total.detach()
        }

    def _after_step(self, progress: Progress, recent: dict[str, list[float]]) -> None:
        """Report, evaluate and save where it is time to."""
        config, step = self._run.config, self._step
        last = step == self.steps
        if step % config.log_every == 0 or last:
            means = {name: mean(values) for name, values in recent.items()}
            progress.report(step, means, self._optimiser.param_groups[-1]["lr"])
            recent.clear()
        if step % config.evaluate_every == 0 or last:
            self._evaluate(progress)
        if step % config.checkpoint_every == 0 or last:
            self._save()

    def _evaluate(self, progress: Progress) -> None:
        """Score the development protocol and keep the best weights of the stage."""
        run = self._run
        if run.development is None:
            return
        embedder = NetworkEmbedder(self.network, run.device, autocast=self._autocast)
        frames = run.config.evaluation_frames
        report = embed_protocols([run.development], embedder, frames=frames)[0].report()
        self._network.train()
        progress.evaluated(self._step, report.scores, report.protocol)
        if report.scores["mAP"] > self._best:
            self._best = report.scores["mAP"]
            path = run.folder / f"{self._number}-{self._stage.name}-best.safetensors"
            chosen = {"development": {"protocol": report.protocol, **report.scores}}
            save_weights(path, self.network, run.provenance(self._number, self._step) | chosen)

    def _save(self) -> None:
        provenance = self._run.provenance(self._number, self._step)
        save_weights(self._run.folder / LATEST, self.network, provenance)
        RunState(
            config=self._run.config,
            stage=self._number,
            step=self._step,
            network=self._network.state_dict(),
            average=None if self._average is None else self._average.network.state_dict(),
            optimiser=self._optimiser.state_dict(),
            best=self._best,
        ).save(self._run.folder)

    def _restore(self, state: RunState) -> None:
        self._network.load_state_dict(state.network)
        if self._average is not None and state.average is not None:
            self._average.network.load_state_dict(state.average)
        self._optimiser.load_state_dict(state.optimiser)
        self._step, self._best = state.step, state.best

"""Everything that a search is of: the model, its data, its targets with their budgets, and what decides its points."""

from functools import cached_property
from typing import Any

from exporter.config.targets import load_targets
from exporter.data.errors import UsageProblem
from exporter.data.progress import Progress
from exporter.data.settings.target import Budgets, Target, Tolerances
from exporter.search.study import Asked
from exporter.store.cache import open_cache
from exporter.store.code import code_digest
from exporter.tasks.keys import task_key
from exporter.use_cases.job.model import ModelAtHand
from exporter.use_cases.job.request import RunRequest
from exporter.use_cases.job.tools import tool_versions
from exporter.use_cases.search.limits import limited
from exporter.use_cases.search.request import SearchRequest
from exporter.use_cases.search.sample import sample_notes


class Work:
    """What a search is of, each part loaded as late as possible."""

    def __init__(self, request: SearchRequest, progress: Progress) -> None:
        if request.calibration is None:
            raise UsageProblem(
                "a search measures how much each layer bears on representative data: give --calibration."
            )
        self.request = request
        self.model = ModelAtHand(self.run, open_cache(request.cache_root, progress.note), progress)

    @cached_property
    def run(self) -> RunRequest:
        """What all trials share."""
        request = self.request
        return RunRequest(
            spec=request.spec,
            settings=request.settings,
            target_names=(),
            output=request.output,
            calibration=request.calibration,
            evaluation=request.evaluation,
            training=request.training,
            calibration_samples=request.calibration_samples,
            evaluation_samples=request.evaluation_samples,
            cache_root=request.cache_root,
            measure=self.timed,
            devices=request.devices,
            wait_s=request.wait_s,
        )

    @property
    def timed(self) -> bool:
        """Whether readings decide something, for which trials run one at a time."""
        request = self.request
        return request.max_latency_s is not None or request.minimize in ("latency", "energy") or bool(request.devices)

    @property
    def at_once(self) -> int | None:
        """How many trials run together."""
        return 1 if self.timed else self.request.workers

    @cached_property
    def targets(self) -> list[Target]:
        """With the budgets of the command line."""
        task = self.model.settings.task
        given = load_targets(self.request.target_names, user_file=self.request.targets_file)
        found = [limited(target, self.request, task, labelled=self.labelled) for target in given]
        for target in found:
            if target.tolerances == Tolerances() and target.budgets == Budgets():
                raise UsageProblem(
                    f"target {target.name} has neither tolerances nor budgets, so that nothing says which file is the "
                    "better one: give --max-drop or --max-size."
                )
        return found

    @property
    def labelled(self) -> bool:
        """Whether the evaluation data says what is true."""
        data = self.model.evaluation
        return data.truths is not None or data.labels is not None

    @property
    def decided_by(self) -> list[Any]:
        """What decides sensitivities and points beside their settings."""
        request, data = self.request, (self.model.calibration, self.model.evaluation, self.model.training)
        return [
            code_digest(),
            tool_versions(),
            self.model.description.digest,
            [None if one is None else one.digest for one in data],
            request.calibration_samples,
            request.evaluation_samples,
            request.settings.model_dump(mode="json"),
            task_key(self.model.settings.task),
            self.timed,
            list(request.devices),
        ]

    @property
    def asked(self) -> Asked:
        """For the study."""
        request = self.request
        return Asked(
            model=request.spec,
            digest=self.model.description.digest,
            targets={target.name: target.model_dump(mode="json") for target in self.targets},
            options={
                "calibration": request.calibration,
                "evaluation": request.evaluation,
                "training": request.training,
                "training_epochs": request.training_epochs,
                "calibration_samples": request.calibration_samples,
                "evaluation_samples": request.evaluation_samples,
                "devices": list(request.devices),
                "minimize": request.minimize,
                "settings": request.settings.model_dump(mode="json"),
            },
            notes=tuple(self.notes),
            command_line=request.command_line,
        )

    @property
    def notes(self) -> list[str]:
        """What a person should know of the data."""
        size = min(self.model.evaluation.size, self.request.evaluation_samples or self.model.evaluation.size)
        return sample_notes(size, self.request.max_drop, labelled=self.labelled)

"""Optuna over a space of stages: TPE on the reward, or NSGA-II on accuracy and cost, both through its own ask and tell.

As in `strategies.optuna` the study is built again from the evidence for each proposal. NSGA-II keeps the generation of
a trial with the trial; here it is counted from the order of those that are complete.
"""

from typing import TYPE_CHECKING, Any, Literal

from scaling_search.evidence import Choices, Evidence, Trial
from scaling_search.strategies.base import mean_top1
from scaling_search.strategies.optuna import silent_optuna
from scaling_search.strategies.staged import Staged, cost_of

if TYPE_CHECKING:
    import optuna


class StagesOptuna(Staged):
    """Proposals of one of Optuna's samplers.

    Attributes:
        sampler: tree-structured Parzen estimator, or NSGA-II; None: NSGA-II where the goal is a frontier.
    """

    strategy: Literal["stages-optuna"] = "stages-optuna"
    sampler: Literal["tpe", "nsga2"] | None = None

    @property
    def asked_sampler(self) -> Literal["tpe", "nsga2"]:
        return self.sampler or ("nsga2" if self.goal.kind == "frontier" else "tpe")

    @property
    def generation(self) -> int:
        """Networks of one generation of NSGA-II."""
        return min(max(self.proposals // 4, 4), 50)

    def propose(self, evidence: Evidence) -> Choices:
        """What the sampler asks for; where that was proposed before, a neighbour of it that was not."""
        optuna = silent_optuna()
        study = optuna.create_study(directions=self._directions(), sampler=self._sampler(len(evidence.proposals)))
        study.add_trials(self._told(evidence))
        asked = study.ask(self._questions()).params
        found = tuple(int(asked[_name(place)]) for place in range(len(self.answers)))
        known = {self.start, *(proposal.choices for proposal in evidence.proposals)}
        generator = self.generator(evidence)
        return found if found not in known else self.new(evidence, lambda: self.mutated(found, generator))

    def _directions(self) -> list[str]:
        return ["maximize", "minimize"] if self.goal.kind == "frontier" else ["maximize"]

    def _sampler(self, number: int) -> Any:
        samplers, seed = silent_optuna().samplers, 1000 * self.random + number
        if self.asked_sampler == "nsga2":
            return samplers.NSGAIISampler(seed=seed, population_size=self.generation)
        return samplers.TPESampler(seed=seed, n_startup_trials=max(4, self.proposals // 4))

    def _questions(self) -> dict[str, Any]:
        from optuna.distributions import CategoricalDistribution

        return {
            _name(place): CategoricalDistribution(tuple(range(answers))) for place, answers in enumerate(self.answers)
        }

    def _told(self, evidence: Evidence) -> "list[optuna.trial.FrozenTrial]":
        """The candidates in their order: complete, failed or running."""
        optuna = silent_optuna()
        states, told, complete = optuna.trial.TrialState, [], 0
        key = optuna.samplers.NSGAIISampler._get_generation_key()
        for name, choices in evidence.choices.items():
            values, state, attributes = self._values(evidence, name), states.COMPLETE, {}
            if values is None:
                state = states.FAIL if self._ended(evidence, name) else states.RUNNING
            else:
                attributes, complete = {key: complete // self.generation}, complete + 1
            told.append(
                optuna.trial.create_trial(
                    params={_name(place): answer for place, answer in enumerate(choices)},
                    distributions=self._questions(), values=values, state=state, system_attrs=attributes,
                )
            )  # fmt: skip
        return told

    def _values(self, evidence: Evidence, name: str) -> list[float] | None:
        """The reward, or accuracy and cost."""
        assert self.epochs is not None and self.seeds is not None, "the plan has filled these in"
        top1 = mean_top1(evidence, name, seeds=self.seeds, epochs=self.epochs)
        if top1 is None:
            return None
        cost = cost_of(evidence, name)
        return [top1, cost] if self.goal.kind == "frontier" else [self.goal.reward(top1, cost)]

    def _ended(self, evidence: Evidence, name: str) -> bool:
        assert self.epochs is not None and self.seeds is not None, "the plan has filled these in"
        return all(evidence.has(Trial(candidate=name, seed=seed), self.epochs) for seed in range(self.seeds))


def _name(place: int) -> str:
    return f"q{place:03d}"

"""The noise that the next question is asked by comes from the unscaled network's seeds too."""

from scaling_search.coefficients import lattice
from scaling_search.evidence import UNSCALED, Evidence, Reading, Trial
from scaling_search.strategies.surface import Known

POINTS = [point.as_tuple() for point in lattice(3)]


def reading(name: str, seed: int, top1: float, *, epoch: int = 2) -> Reading:
    trial = Trial(candidate=name, seed=seed)
    return Reading(trial=trial, epoch=epoch, status="paused", top1=top1, val_loss=2.4 - 2 * top1)


def known(spread: float, *, epoch: int = 2) -> Known:
    """Ten candidates of one seed each, and three seeds of the unscaled network, so far apart."""
    candidates = {f"c{index:02d}": point for index, point in enumerate(POINTS)}
    trials = [reading(name, 0, 0.6 + 0.01 * point[0]) for name, point in candidates.items()]
    base = [reading(UNSCALED, seed, 0.4 + spread * (seed - 1), epoch=epoch) for seed in range(3)]
    return Known(Evidence.of(candidates, [*trials, *base]), epochs=2, under_way=())


def test_seeds_of_the_unscaled_network_tell_how_noisy_a_trial_is() -> None:
    quiet, loud = (known(spread).outlook(known(spread).read) for spread in (0.002, 0.06))
    assert (loud.trial_variance > 4 * quiet.trial_variance).all()
    assert loud.loss() > quiet.loss()


def test_they_count_at_the_epochs_of_the_candidates() -> None:
    early = known(0.06, epoch=1)
    variance = early.outlook(early.read).trial_variance
    assert (variance < known(0.06).outlook(early.read).trial_variance).all()

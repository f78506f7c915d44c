"""Search for better recipe fields with Optuna: resumable, pruned, with several workers on one study."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning

from ..errors import ModelError, ParticleViTError, RecipeError, RunError
from ..files import atomic_path
from ..recipe import Recipe, parse_recipe, recipe_dict, recipe_yaml
from ..run_folder import RunFolder
from ..store import Store, open_store
from .checkpoint import load_network
from .history import read_history
from .run import train

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

OBJECTIVES = ("auc", "auc,flops")
DEFAULT_SPACE: dict[str, Any] = {
    "training.learning_rate": {"low": 3e-4, "high": 1e-2, "log": True},
    "training.weight_decay": {"low": 1e-3, "high": 0.2, "log": True},
    "training.warmup_fraction": {"low": 0.02, "high": 0.3},
    "training.label_smoothing": [0.0, 0.05, 0.1],
    "training.batch_size": [128, 256, 512],
}
_HEARTBEAT_SECONDS = 30


class PruningCallback(lightning.Callback):
    """Reports each epoch's AUC to the study, and stops a trial that is worse than the others were."""

    def __init__(self, trial: optuna.Trial) -> None:
        self.trial = trial

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Report, and stop where the study's pruner says so."""
        import optuna

        self.trial.report(float(trainer.callback_metrics["validation_auc"]), trainer.current_epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def tune(
    recipe: Recipe,
    store: Store,
    folder: Path,
    *,
    space: Mapping[str, Any] | None = None,
    trials: int = 20,
    objective: str = "auc",
    workers: int = 1,
) -> list[dict[str, Any]]:
    """Search until the study in `folder` has `trials` finished trials; the same command continues it.

    Args:
        recipe: where the search starts; fields outside `space` keep its values.
        store: the events.
        folder: receives study.db, trials/ (run folders), best.yaml, trials.json and plots.
        space: dotted recipe key -> list of choices, or mapping with low, high and perhaps log and step.
        trials: finished trials, pruned ones included.
        objective: `auc`, or `auc,flops` for the Pareto front of both (without pruning).
        workers: processes that work on the study; more may join from other machines by the same command.

    Returns:
        The best trials, for `auc` one, each with its values and overrides.

    Raises:
        RecipeError: a key or range of `space` is wrong, or optuna is not installed.
        RunError: the study's storage is unreadable, vanished, or of another search.
    """
    space = dict(space or DEFAULT_SPACE)
    _check_space(recipe, space, objective)
    folder.mkdir(parents=True, exist_ok=True)
    _check_same_search(recipe, store, space, objective, folder)
    _open_study(folder, objective)
    arguments = (recipe_dict(recipe), store.path, folder, space, trials, objective)
    context = multiprocessing.get_context("spawn")
    helpers = [context.Process(target=_help, args=arguments) for _ in range(workers - 1)]
    for helper in helpers:
        helper.start()
    try:
        _work(*arguments)
    finally:
        for helper in helpers:
            helper.join()
    return _write_results(recipe, folder, objective)


def _help(*arguments: Any) -> None:
    """Work in a process of its own, which ends in silence: the first process says what is wrong."""
    try:
        _work(*arguments)
    except (KeyboardInterrupt, ParticleViTError):
        sys.exit(1)


def _work(
    content: dict[str, Any], store: Path, folder: Path, space: dict[str, Any], trials: int, objective: str
) -> None:
    """Run trials until the study has enough."""
    import optuna
    from optuna.trial import TrialState

    recipe = parse_recipe(content, {}, str(folder))
    study = _open_study(folder, objective)
    enough = optuna.study.MaxTrialsCallback(trials, states=(TrialState.COMPLETE, TrialState.PRUNED))
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    if len(done) >= trials:
        return

    def run_trial(trial: optuna.Trial) -> float | tuple[float, ...]:
        return _trial(trial, recipe, store, folder, space, objective)

    try:
        study.optimize(run_trial, callbacks=[enough], show_progress_bar=False)
    except ParticleViTError:
        raise
    except Exception as error:
        if not (folder / "study.db").exists():
            raise RunError(f"{folder}/study.db: vanished while the study ran; start again") from error
        raise


def _trial(
    trial: optuna.Trial, recipe: Recipe, store: Path, folder: Path, space: dict[str, Any], objective: str
) -> float | tuple[float, ...]:
    """Train one trial's recipe; a retried trial continues in the folder of its overrides."""
    import optuna

    overrides = {key: _suggest(trial, key, entry) for key, entry in space.items()}
    key = hashlib.sha256(json.dumps(overrides, sort_keys=True).encode()).hexdigest()[:12]
    run = folder / "trials" / key
    trial.set_user_attr("overrides", overrides)
    trial.set_user_attr("run", str(run.relative_to(folder)))
    logger.info("trial %d: %s", trial.number, overrides)
    callbacks = [PruningCallback(trial)] if objective == "auc" else []
    try:
        train(parse_recipe(recipe_dict(recipe), overrides, str(folder)), open_store(store), run, callbacks)
    except ModelError as error:
        logger.warning("trial %d: %s", trial.number, error)
        raise optuna.TrialPruned from error
    network, _ = load_network(RunFolder(run).best_checkpoint)
    auc = max(row["validation_auc"] for row in read_history(RunFolder(run).history_file))
    flops = float(network.flops_per_event())
    trial.set_user_attr("flops_per_event", flops)
    return auc if objective == "auc" else (auc, flops)


def _suggest(trial: optuna.Trial, key: str, entry: Any) -> Any:
    """Draw the value of one key."""
    if isinstance(entry, list):
        return trial.suggest_categorical(key, entry)
    low, high = entry["low"], entry["high"]
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(key, low, high, step=entry.get("step", 1), log=entry.get("log", False))
    return trial.suggest_float(key, low, high, step=entry.get("step"), log=entry.get("log", False))


def _open_study(folder: Path, objective: str) -> optuna.Study:
    """Open or make the study; trials of a worker that died are taken up again by the others."""
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise RecipeError("tuning needs optuna, which is not installed; pip install optuna") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it prints the traceback of a trial that Ctrl-C ends
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return _create_study(folder, objective)
    except Exception as error:  # SQLAlchemy's errors are its own
        reason = " ".join(str(error).split())[:120]
        raise RunError(f"{folder}/study.db: not a readable study ({reason}); give another folder") from error


def _create_study(folder: Path, objective: str) -> optuna.Study:
    import optuna

    storage = optuna.storages.RDBStorage(
        f"sqlite:///{folder.absolute() / 'study.db'}",
        engine_kwargs={"connect_args": {"timeout": 60}},
        heartbeat_interval=_HEARTBEAT_SECONDS,
        heartbeat_stale_trial_callback=_take_up_again,
    )
    up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
    return optuna.create_study(
        storage=storage, study_name="study", load_if_exists=True,
        directions=[up] if objective == "auc" else [up, down],
        sampler=optuna.samplers.TPESampler(multivariate=True, constant_liar=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    )  # fmt: skip


def _take_up_again(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
    """Let the trial of a worker that died be continued by another."""
    study.enqueue_trial(trial.params)


def _check_space(recipe: Recipe, space: Mapping[str, Any], objective: str) -> None:
    if objective not in OBJECTIVES:
        raise RecipeError(f"objective '{objective}'; known: {'; '.join(OBJECTIVES)}")
    for key, entry in space.items():
        is_choice = isinstance(entry, list) and bool(entry)
        is_range = isinstance(entry, Mapping) and {"low", "high"} <= set(entry) <= {
            "low",
            "high",
            "log",
            "step",
        }
        if not (is_choice or is_range):
            raise RecipeError(f"search space: {key} is {entry!r}, expected a list or low and high")
        first = entry[0] if is_choice else entry["low"]
        parse_recipe(recipe_dict(recipe), {key: first}, "search space")


def _check_same_search(
    recipe: Recipe, store: Store, space: Mapping[str, Any], objective: str, folder: Path
) -> None:
    """Keep what the search is about beside the study; refuse a folder of another one."""
    mine = {"objective": objective, "space": space, "store": store.info.id, "recipe": recipe_dict(recipe)}
    mine = json.loads(json.dumps(mine))
    path = folder / "search.json"
    if path.exists():
        if not (folder / "study.db").exists():
            raise RunError(f"{folder}/study.db: vanished; restore it, or give another folder for the study")
        theirs = _read_search(path)
        for key, value in mine.items():
            if theirs.get(key) != value:
                raise RunError(f"{folder}: holds a study of another {key}; give another folder")
        return
    with atomic_path(path) as partial:
        _open_study(folder, objective)
        partial.write_text(json.dumps(mine, indent=2) + "\n", encoding="utf-8")


def _read_search(path: Path) -> dict[str, Any]:
    """Return what a study searches, with today's keys at their defaults where it was begun without them."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {**content, "recipe": recipe_dict(parse_recipe(content["recipe"], {}, str(path)))}
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise RunError(
            f"{path}: damaged ({reason}); restore it, or give another folder for the study"
        ) from error


def _write_results(recipe: Recipe, folder: Path, objective: str) -> list[dict[str, Any]]:
    """Write trials.json, the recipe of each best trial, and the plots."""
    study = _open_study(folder, objective)
    trials = [
        {"number": t.number, "state": t.state.name, "values": t.values, **t.user_attrs} for t in study.trials
    ]
    with atomic_path(folder / "trials.json") as partial:
        partial.write_text(json.dumps(trials, indent=2) + "\n", encoding="utf-8")
    if not any(trial["state"] == "COMPLETE" for trial in trials):
        raise RunError(
            f"{folder}: no trial was finished; look at {folder}/trials.json, or ask for more trials"
        )
    best = [study.best_trial] if objective == "auc" else study.best_trials
    for number, trial in enumerate(sorted(best, key=lambda t: -t.values[0])):
        name = "best.yaml" if number == 0 else f"pareto_{number}.yaml"
        tuned = parse_recipe(recipe_dict(recipe), trial.user_attrs["overrides"], name)
        with atomic_path(folder / name) as partial:
            partial.write_text(recipe_yaml(tuned), encoding="utf-8")
    _plot(study, objective, folder)
    numbers = {trial.number for trial in best}
    return [trial for trial in trials if trial["number"] in numbers]


def _plot(study: optuna.Study, objective: str, folder: Path) -> None:
    """Draw the study with Optuna's own figures."""
    import matplotlib as mpl

    mpl.use("Agg")
    import optuna.visualization.matplotlib as figures
    from matplotlib import pyplot as plt

    both = objective == "auc,flops"
    drawings: Sequence[tuple[str, Any]] = (
        [
            (
                "pareto",
                lambda: figures.plot_pareto_front(study, target_names=["validation AUC", "FLOPs per event"]),
            )
        ]
        if both
        else [
            ("history", lambda: figures.plot_optimization_history(study)),
            ("slices", lambda: figures.plot_slice(study)),
            ("parallel", lambda: figures.plot_parallel_coordinate(study)),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's figures are marked experimental
        for name, draw in drawings:
            draw()
            with atomic_path(folder / "plots" / f"{name}.png") as partial:
                plt.savefig(partial, bbox_inches="tight")
            plt.close("all")

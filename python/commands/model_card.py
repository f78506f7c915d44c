"""MODEL_CARD.md: what one must know of a model before trusting its scores, from the artefacts of its run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from ..artefacts import Artefact
from ..deployment.targets import TARGETS
from ..deployment.validation import Validation
from ..errors import OutputError, ParticleViTError
from ..evaluation.robustness import LABELS, Robustness, Scan
from ..files import check_writable, sha256
from ..geometry.description import Domain
from ..inference.manifest import FILES, Manifest
from ..inference.metrics import Metrics, SplitMetrics
from ..inference.run import Run
from ..ingest.domain import measured_domain
from ..recipe import Training
from ..report.markdown import Markdown
from ..report.quantity import kinematic, with_error
from ..simulation import is_simulated
from ..store import StoreInfo, open_store
from ..store.schema import InputInfo
from ..training.optimizer import muon_matrices
from .model_failures import known_failures

CARD = "MODEL_CARD.md"
LIBRARY = "particlevit"  # as the head of a card has it
SOURCES = {
    "images": "images of hits",
    "rhtree": "ntuples of hits",
    "ispy": "CMS event displays",
    "particles": "lists of particles",
    "delphes": "Delphes trees",
    "pfnano": "NanoAOD with particle-flow candidates",
    "edm4hep": "EDM4hep files",
}
TIERS = {
    "full": "all hits, of RECO",
    "reduced": "the reduced collections of hits, of AOD",
    "mini": "the hits that MiniAOD keeps around electrons and photons",
    "particles": "particles, not hits",
}
OPTIMISERS = {"adamw": "AdamW", "muon": "Muon for matrices of transformer blocks and AdamW for the rest"}
LIMITS = {"pt": "pT (GeV)", "abs_eta": "abs(eta)", "seed_rows": "row of the seed"}
T = TypeVar("T", bound=Artefact)


def write_card(run: Run, path: Path | None = None, licence: str | None = None) -> Path:
    """Write the card of a run's export; return its path.

    Args:
        run: run folder with an export.
        path: file to write; None: MODEL_CARD.md in the folder of the export, NAME.md beside NAME.json.
        licence: of the model, an SPDX name; None: what the export says.

    Raises:
        DeploymentError: the run was not exported, or the file is damaged.
        OutputError: it cannot be written.
    """
    path = path or (run.path.with_suffix(".md") if run.is_description else run.export / CARD)
    name = run.name if path.name == CARD else path.stem
    model_card(run, name, licence).write(path)
    return path


def check_place(path: Path) -> None:
    """Check that a card can be written to a file, and replaces nothing but another card.

    Raises:
        OutputError: it cannot, or there is something else.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it")
    check_writable(path.parent)
    if path.is_file() and LIBRARY.encode() not in path.read_bytes()[:4096]:
        raise OutputError(f"{path}: is there already, and no model card; choose another name")


def model_card(run: Run, name: str, licence: str | None = None) -> Markdown:
    """Return the card of a run's export; what the run does not have is left out. Raises as `write_card`."""
    manifest = run.manifest
    licence = licence or manifest.licence
    metrics = existing(Metrics, run.metrics_file) or manifest.metrics
    scan = _scan(run)
    card = Markdown(name, _front(name, manifest, metrics, licence))
    card.text(_purpose(manifest))
    _description(card, manifest, metrics, licence)
    _training(card, run)
    _figures(card, manifest, metrics)
    _phase_space(card, metrics)
    _robustness(card, scan)
    _exports(card, existing(Validation, run.validation_file))
    card.heading("Known failures and limits")
    card.items([*_origins(run, manifest), *known_failures(manifest.image, metrics, scan)])
    _use(card, manifest)
    _files(card, run, manifest)
    return card


def existing(kind: type[T], path: Path) -> T | None:
    """Return an artefact, None where it is missing or damaged: a report shows what there is."""
    try:
        return kind.read(path, path.parent)
    except ParticleViTError:
        return None


def _front(name: str, manifest: Manifest, metrics: Metrics | None, licence: str) -> dict[str, Any]:
    """Return the head of the card, as model hubs read it."""
    front: dict[str, Any] = {
        "license": licence.lower() or "unknown",
        "library_name": LIBRARY,
        "pipeline_tag": "image-classification",
        "tags": ["particle-physics", "cms", manifest.name, *manifest.classes],
    }
    proof = metrics.best_proof if metrics else None
    if metrics and proof:
        split = "test" if metrics.test else "validation"
        front["model-index"] = [
            {
                "name": name,
                "results": [
                    {
                        "task": {"type": "image-classification"},
                        "dataset": {"name": f"{_study(manifest)}, {split} split", "type": _study(manifest)},
                        "metrics": [
                            {"type": "auc", "value": round(proof.auc, 5)},
                            {"type": "auc_error", "value": round(proof.auc_error, 5)},
                            {"type": "accuracy", "value": round(proof.accuracy, 5)},
                        ],
                    }
                ],
            }
        ]
    return front


def _study(manifest: Manifest) -> str:
    return str((manifest.recipe or {}).get("name", "unknown"))


def _purpose(manifest: Manifest) -> str:
    *others, last = manifest.classes
    classes = f"{', '.join(others)} from {last}" if len(others) == 1 else f"{', '.join(others)} and {last}"
    image = manifest.image
    window = f"{image.height} x {image.width} {'crystals' if image.grid.kind == 'crystals' else 'cells'}"
    if image.grid.half_widths:
        eta, phi = image.grid.half_widths
        window += f" within {eta:g} in eta and {phi:g} rad in phi"
    return (
        f"Tells {classes}, from an image of {window} around the seed. Input: the raw image, (N, "
        f"{', '.join(map(str, image.shape))}) float32; output: a probability for each class."
    )


def _description(card: Markdown, manifest: Manifest, metrics: Metrics | None, licence: str) -> None:
    image = manifest.image
    found = {label: getattr(image.domain, name) for name, label in LIMITS.items()}
    limits = [f"{label} {_range(values)}" for label, values in found.items() if isinstance(values, tuple)]
    rows = {
        "network": f"`{manifest.name}`",
        "classes": ", ".join(manifest.classes),
        "channels": ", ".join(f"{one.name} ({one.unit}, {one.kind})" for one in image.channels),
        "seed cell": f"row {image.seed[0]}, column {image.seed[1]}",
        "tier": f"{image.tier}: {TIERS[image.tier]}",
        "domain": "; ".join(limits) or "not limited",
        "loads in": _loads_in(manifest),
        "licence": licence or "not stated",
    }
    if metrics:
        rows["parameters"] = f"{metrics.model.parameters:,}"
        rows["operations"] = f"{metrics.model.flops_per_event / 1e6:.1f} MFLOP per image"
    card.mapping(rows)
    if limits:
        card.text("Candidates outside of the domain get no score, but a status that says why.")


def _loads_in(manifest: Manifest) -> str:
    known, onnx = TARGETS.get(manifest.target), manifest.onnx
    if known is None or onnx is None:
        return "not known"
    operators = ", ".join(sorted(onnx.operators))
    release = f"{manifest.target} and later (onnxruntime {known.onnxruntime})"
    return f"{release}; opset {onnx.opset}, IR {onnx.ir_version}: {operators}"


def _range(limits: tuple[float | None, float | None]) -> str:
    low, high = limits
    if low is not None and low == high:
        return f"{low:g}"
    if low is None or high is None:
        return f"up to {high:g}" if low is None and high is not None else f"from {low:g}" if low else "any"
    return f"{low:g} to {high:g}"


def _training(card: Markdown, run: Run) -> None:
    """Say what the model was trained on, as far as the run and its store are there."""
    card.heading("Trained on")
    try:
        checkpoint, recipe = run.checkpoint, run.recipe
    except ParticleViTError:
        card.text("The run is not here; only its export is.")
        return
    settings = recipe.training
    source = SOURCES.get(recipe.inputs.source, recipe.inputs.source)
    card.text(
        f"Study `{recipe.name}`, from {source}; {settings.max_epochs} epochs at most, "
        f"{_optimiser(settings, run.trained_network)}, learning rate {settings.learning_rate:g}, batches of "
        f"{settings.batch_size}, {_average(settings)}, {_augmentation(settings)}, seed {settings.seed}."
    )
    try:
        info = open_store(Path(checkpoint.store.path)).info
    except ParticleViTError:
        card.text("The store of the training is not here any more.")
        return
    card.table(("split", "events", *info.classes), _splits(info))
    header = ("input", "entries", "selected", "sha256")
    card.table(header, [(one.file, one.entries, one.selected, one.sha256[:16]) for one in info.inputs])


def _optimiser(settings: Training, network: nn.Module) -> str:
    return OPTIMISERS[settings.optimizer if muon_matrices(network) else "adamw"]


def _average(settings: Training) -> str:
    decay = settings.ema_decay
    return f"weights averaged (decay {decay:g})" if decay else "weights not averaged"


def _augmentation(settings: Training) -> str:
    names = [f"`{step.name}`" for step in settings.augmentation]
    return f"augmentation {', '.join(names)}" if names else "no augmentation"


def _origins(run: Run, manifest: Manifest) -> Iterator[str]:
    """Say what limits the trust in the events: simulated ones, and ranges that nobody measured."""
    by_hand = (manifest.recipe or {}).get("image", {}).get("domain", {})
    inputs, measured = _trained_on(run, bool(by_hand))
    if any(is_simulated(one.file, one.entries) for one in inputs):
        yield (
            "Trained and tested on this package's own simulation, not on CMS simulation and not on data: the "
            "figures above hold for it alone. Train your own before you draw a conclusion from a score."
        )
    for name, limits in by_hand.items():
        found = getattr(measured, name)
        events = f"is {_range(found)}: elsewhere nothing was tested" if found else "is not known"
        yield (
            f"The domain's {LIMITS[name]}, {_range(limits)}, was set by hand; that of the training events "
            f"{events}."
        )


def _trained_on(run: Run, measure: bool) -> tuple[Sequence[InputInfo], Domain]:
    """Return the files and, if asked for, the ranges of the training events, while the store is there."""
    try:
        store = open_store(Path(run.checkpoint.store.path))
        shards = store.shards("train") if measure else []
        return store.info.inputs, measured_domain(store.image, shards)
    except ParticleViTError:
        return (), Domain()


def _splits(info: StoreInfo) -> list[tuple[Any, ...]]:
    return [(name, one.events, *one.per_class.values()) for name, one in info.splits.items() if one.events]


def _figures(card: Markdown, manifest: Manifest, metrics: Metrics | None) -> None:
    card.heading("Figures of merit")
    if metrics is None:
        card.text("The model was not evaluated.")
        return
    targets = list(next(iter(metrics.splits.values())).background_rejection) if metrics.splits else []
    header = ("split", "events", "AUC", "accuracy", *(f"rejection at {one}" for one in targets))
    card.table(header, [_figure_row(split, entry) for split, entry in metrics.splits.items()])
    card.text(
        "Errors are statistical (AUC: DeLong). The rejection is 1 / background efficiency at a signal "
        "efficiency. Between trainings with other seeds, the AUC varies too."
    )
    points = manifest.working_points or metrics.working_points
    rows = [
        (label, float(target), f"{threshold:.4f}")
        for label, thresholds in points.items()
        for target, threshold in thresholds.items()
    ]
    card.table(("working point of", "background efficiency", "least score"), rows)


def _figure_row(split: str, entry: SplitMetrics) -> tuple[Any, ...]:
    error = (entry.accuracy * (1 - entry.accuracy) / max(entry.events, 1)) ** 0.5
    rejections = (f"{value:.3g}" for value in entry.background_rejection.values())
    area = with_error(entry.auc, entry.auc_error)
    return split, entry.events, area, with_error(entry.accuracy, error), *rejections


def _phase_space(card: Markdown, metrics: Metrics | None) -> None:
    for name, bins in (metrics.phase_space.auc_in_bins if metrics else {}).items():
        if len(bins) > 1:
            quantity = kinematic(name).plain
            rows = [(f"{b.low:.4g} to {b.high:.4g}", b.events, with_error(b.auc, b.auc_error)) for b in bins]
            card.table((quantity, "events", "AUC"), rows)


def _scan(run: Run) -> Scan | None:
    """Return the run's scan of robustness.json, also where it was scanned beside others."""
    found = existing(Robustness, run.path / "robustness.json")
    return next((one for one in found.runs if Path(one.run).name == run.name), None) if found else None


def _robustness(card: Markdown, scan: Scan | None) -> None:
    card.heading("Robustness")
    if scan is None:
        card.text("Not measured; `particlevit robustness --runs RUN` does.")
        return
    rows = [
        (LABELS[kind], f"{row.strength:g}", with_error(row.auc, row.auc_error))
        for kind, found in scan.scans.items()
        for row in found
    ]
    card.text(f"AUC of {scan.events:,} disturbed events of the {scan.split} split:")
    card.table(("disturbance", "strength", "AUC"), rows)


def _exports(card: Markdown, validation: Validation | None) -> None:
    card.heading("Agreement of the exports")
    if validation is None:
        card.text("Not measured; `particlevit validate --run RUN` does.")
        return
    verdict = "agree with" if validation.passed else "DO NOT AGREE with"
    events = f"{validation.events:,} {validation.split} events"
    card.text(f"The exports {verdict} the trained network on {events}.")
    rows = [
        (name, f"{one.auc_difference:+.1e}", f"{one.max_abs_difference:.1e}")
        for name, one in validation.backends.items()
    ]
    card.table(("backend", "AUC difference", "largest score difference"), rows)


def _use(card: Markdown, manifest: Manifest) -> None:
    card.heading("Use")
    card.code(
        f"particlevit predict --run FOLDER_OF_MODEL_JSON --backend onnx --files 'FILES' --output scores\n"
        f"# columns particlevit_{manifest.classes[-1]}, ..., particlevit_status, in a friend tree",
        "bash",
    )
    card.text("In CMSSW: `plugins/README.md` of the package.")


def _files(card: Markdown, run: Run, manifest: Manifest) -> None:
    card.heading("Files")
    entries = [(kind, manifest.exported(kind)) for kind in FILES]
    rows: Sequence[tuple[Any, ...]] = [
        (kind, one.bytes, f"`{one.sha256}`") for kind, one in entries if one is not None
    ]
    card.table(("file", "bytes", "sha256"), rows)
    if run.best_checkpoint.is_file():
        card.text(f"Checkpoint: sha256 `{sha256(run.best_checkpoint)}`.")
    made = ", ".join(f"{package} {version}" for package, version in manifest.versions.items())
    card.text(f"Made with {made}; this card by `particlevit report`, from the files of the run.")

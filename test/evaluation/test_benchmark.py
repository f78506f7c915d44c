import json
import re
import shutil

import pytest
import torch

from RecoE2E.ParticleViT.commands.run_page import write_report
from RecoE2E.ParticleViT.deployment import export_run, validate_run
from RecoE2E.ParticleViT.evaluation import benchmark, evaluate_run
from RecoE2E.ParticleViT.evaluation.cost import Benchmark
from RecoE2E.ParticleViT.inference.predictors import BackendUnavailableError


def test_only_what_no_cheaper_model_beats_is_on_the_front():
    points = [
        benchmark.Point(*one, 0.001) for one in (("a", 1, 0.8), ("b", 2, 0.7), ("c", 3, 0.9), ("d", 3, 0.85))
    ]
    assert [point.label for point in benchmark.pareto(points)] == ["a", "c"]


def test_benchmark_and_report_show_a_whole_run(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    evaluate_run(run)
    export_run(run)
    validate_run(run, backends=("onnx", "torchscript"))
    content = benchmark.benchmark_runs([run], run, threads=(1, 2), batch_sizes=(1, 8))
    assert Benchmark.read(run / "benchmark.json", run) == content
    (entry,) = content.runs
    assert entry.flops_per_event > 0
    parameters = entry.memory_mb["weights"] * 1e6 / 4
    assert entry.parameters <= parameters < 1.2 * entry.parameters + 1000
    assert 0 <= entry.memory_mb["batch_64"] < entry.memory_mb["process_peak"] / 2
    assert sum(row.share for row in entry.layers) <= 1.001
    assert {(row.backend, row.threads, row.batch) for row in entry.speed} == {
        (backend, threads, batch) for backend in ("eager", "onnx") for threads in (1, 2) for batch in (1, 8)
    }
    assert json.loads((run / "traces/run_cpu.json").read_text())["traceEvents"]
    assert (run / "plots/pareto_auc_flops.png").exists()
    assert (run / "benchmark.html").stat().st_size > 10_000

    text = write_report(run).read_text()
    for words in ("Data", "Figures of merit", "Exports", "Validation against eager PyTorch", "Benchmark"):
        assert f"<h2>{words}</h2>" in text
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("data:image/png;base64,") >= 5
    captions = re.findall("<figcaption>(.*?)</figcaption>", text)
    assert len(set(captions)) == len(captions) >= 5


def test_a_report_shows_what_there_is(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    (run / "metrics.json").write_text("{")
    text = write_report(run).read_text()
    assert "<h2>Data</h2>" in text
    assert "<h2>Validation" not in text


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_absent_is_named(small_run, tmp_path):
    with pytest.raises(BackendUnavailableError, match="torch finds no GPU here; use --device cpu"):
        benchmark.benchmark_runs([small_run], tmp_path, device="cuda")


def test_no_threads_are_refused(small_run, script):
    done = script("benchmark", "--runs", small_run, "--threads", 0, check=2)
    assert "--threads has 0; give 1 or more" in done.stderr
    assert not (small_run / "benchmark.json").exists()

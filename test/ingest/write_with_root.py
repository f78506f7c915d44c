"""Write arrays as a TTree with ROOT itself. Run: python write_with_root.py IN.npz OUT.root [FOLDER/]TREE

Arrays (N,) become scalar branches, (N, n) vector<float>, (N, m, n) vector<vector<float>>.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
import ROOT  # noqa: E402

ROOT.gInterpreter.Declare("""
void fillFlat(std::vector<float>& v, const float* p, size_t n) { v.assign(p, p + n); }
void fillNested(std::vector<std::vector<float>>& v, const float* p, size_t m, size_t n) {
  v.clear();
  for (size_t i = 0; i < m; ++i) v.emplace_back(p + i * n, p + (i + 1) * n);
}
""")


def main(source: str, target: str, name: str) -> None:
    with np.load(source) as content:
        arrays = {key: np.ascontiguousarray(content[key], dtype=np.float32) for key in content}
    file = ROOT.TFile(target, "RECREATE")
    folder, _, tree_name = name.rpartition("/")
    if folder:
        file.mkdir(folder).cd()
    tree = ROOT.TTree(tree_name, "")
    buffers = {}
    for key, array in arrays.items():
        if array.ndim == 1:
            buffers[key] = np.zeros(1, np.float32)
            tree.Branch(key, buffers[key], f"{key}/F")
        else:
            inner = "float" if array.ndim == 2 else "std::vector<float>"
            buffers[key] = ROOT.std.vector[inner]()
            tree.Branch(key, buffers[key])
    for entry in range(len(next(iter(arrays.values())))):
        for key, array in arrays.items():
            if array.ndim == 1:
                buffers[key][0] = array[entry]
            elif array.ndim == 2:
                ROOT.fillFlat(buffers[key], array[entry], array.shape[1])
            else:
                ROOT.fillNested(buffers[key], array[entry].reshape(-1), *array.shape[1:])
        tree.Fill()
    tree.Write()
    file.Close()


if __name__ == "__main__":
    main(*sys.argv[1:])

#!/usr/bin/env bash
# onnxruntimeHeaders.sh DIR: put the headers of ONNX Runtime, which its Python wheel lacks, into DIR/usr/include/onnxruntime.
# Debian packages them from release 13 (trixie) on; on an earlier Debian the package is only unpacked, not installed.
set -euo pipefail
mkdir -p "$1/lists"
cd "$1"
sed -e 's/^Suites:.*/Suites: trixie/' /etc/apt/sources.list.d/debian.sources | sed '/^$/q' > trixie.sources
options=(-o "Dir::Etc::sourcelist=$PWD/trixie.sources" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$PWD/lists")
apt-get -qq "${options[@]}" update
apt-get -qq "${options[@]}" download libonnxruntime-dev
dpkg-deb -x libonnxruntime-dev_*.deb .

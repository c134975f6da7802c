#!/usr/bin/env bash
# bench.sh - builds the programs as they are released and measures them; figures go to standard output.
#
#   scripts/bench.sh                      every scenario
#   scripts/bench.sh submit drain         these
#   scripts/bench.sh --runs 5 all         with flags of errand-bench (errand-bench --help names them)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh
# shellcheck source=scripts/lib/programs.sh
source scripts/lib/programs.sh

need_packages "${packages_build[@]}"
mkdir -p build
build_folder build/release "${release_options[@]}"
[[ $# -gt 0 ]] || set -- all
# The data folders are made below build/, on the same disk as the project.
cd build
exec release/bin/errand-bench "$@"

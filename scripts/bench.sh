#!/usr/bin/env bash
# bench.sh - builds the programs as they are released and measures them; figures go to standard output,
# as JSON to build/figures, plots beside it.
#
#   scripts/bench.sh                        everything: all scenarios, other job servers, Python workers
#   scripts/bench.sh submit drain           these scenarios; `python` is the one of Python workers
#   scripts/bench.sh --runs 5 all           with flags of errand-bench (errand-bench --help names them)
#   scripts/bench.sh --json all.json all    all figures in one file
#   scripts/bench.sh --update-docs          all, then puts them and the plots into docs/
#   scripts/bench.sh --update-docs none     puts those of build/figures there, and measures nothing
#   scripts/bench.sh --install-peers ...    installs the Debian packages to compare with; otherwise what
#                                           is not there is left out, and said
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/usage.sh
source scripts/lib/usage.sh
usage "$@"
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh
# shellcheck source=scripts/lib/programs.sh
source scripts/lib/programs.sh

flags=() names=() runs=3 json='' update_docs=''
while [[ $# -gt 0 ]]; do
    case $1 in
    --update-docs) update_docs=yes ;;
    --install-peers) want_packages "${packages_peers[@]}" ;;
    --runs | --json)
        [[ $# -gt 1 ]] || die "$1 needs a value"
        if [[ $1 == --runs ]]; then runs=$2; else json=$(realpath -m "$2"); fi
        shift
        ;;
    --*)
        [[ $# -gt 1 ]] || die "$1 needs a value"
        flags+=("$1" "$2")
        shift
        ;;
    *) names+=("$1") ;;
    esac
    shift
done

# errand_bench and python_bench measure one scenario; a failure is told, and the others go on.
errand_bench() {
    local times=$runs
    [[ $1 != backlog ]] || times=1 # it takes minutes
    ../release/bin/errand-bench --runs "$times" --json "$1.json" "${flags[@]}" "$1"
}

python_bench() {
    /usr/bin/python3 ../../bench/python_worker.py --errandd ../release/bin/errandd --runs "$runs" \
        --json python.json
}

need_packages "${packages_build[@]}"
mkdir -p build/figures
build_folder build/release "${release_options[@]}"
[[ ${#names[@]} -gt 0 ]] || names=(all)
if [[ ${names[*]} == all ]]; then
    mapfile -t names < <(build/release/bin/errand-bench --scenarios)
    names+=(python)
fi
[[ ${names[*]} != none ]] || names=()

failed=()
for name in "${names[@]}"; do
    say "$name"
    # Data folders are made below build/, on the same disk as the project.
    if [[ $name == python ]]; then
        (cd build/figures && python_bench) || failed+=("$name")
    else
        (cd build/figures && errand_bench "$name") || failed+=("$name")
    fi
done

outputs=(--plots build/figures)
[[ -z $update_docs ]] || outputs=(--plots docs/img --docs docs/performance.md)
[[ -z $json ]] || outputs+=(--json "$json")
/usr/bin/python3 bench/figures.py build/figures "${outputs[@]}"
[[ ${#failed[@]} -eq 0 ]] || die "Not measured: ${failed[*]}"

#!/usr/bin/env bash
# test.sh - installs what the tests need, builds, and runs all of them.
#
#   scripts/test.sh                    everything
#   scripts/test.sh -R sentence        tests whose name matches
#   ERRAND_CMAKE_OPTIONS=-D... scripts/test.sh    with other options for the build
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/usage.sh
source scripts/lib/usage.sh
usage "$@"
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh
# shellcheck source=scripts/lib/programs.sh
source scripts/lib/programs.sh

need_packages "${packages_test[@]}"
want_packages "${packages_python[@]}"
mkdir -p build
read -r -a options <<<"${ERRAND_CMAKE_OPTIONS:-}"
build_folder build/test -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON "${options[@]}"
run_ctest build/test "$@"

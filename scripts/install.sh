#!/usr/bin/env bash
# install.sh - installs what the build needs, builds, and installs the programs.
#
#   scripts/install.sh [PREFIX]    PREFIX defaults to /usr/local
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh
# shellcheck source=scripts/lib/programs.sh
source scripts/lib/programs.sh

prefix=${1:-/usr/local}
need_packages "${packages_build[@]}"
mkdir -p build
build_folder build/release "${release_options[@]}"
say "Installing to $prefix"
if [[ -w $prefix || ! -e $prefix && -w $(dirname "$prefix") ]]; then
    cmake --install build/release --prefix "$prefix" >/dev/null
else
    as_root cmake --install build/release --prefix "$prefix" >/dev/null
fi

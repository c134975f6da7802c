#!/usr/bin/env bash
# install.sh - installs what the build needs, builds, and installs the programs.
#
#   scripts/install.sh [PREFIX]    PREFIX defaults to /usr/local
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/usage.sh
source scripts/lib/usage.sh
usage "$@"
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh
# shellcheck source=scripts/lib/programs.sh
source scripts/lib/programs.sh

prefix=${1:-/usr/local}
[[ $prefix != -* && $# -lt 2 ]] || die "install.sh: found $*, expected one PREFIX or none"
need_packages "${packages_build[@]}"
mkdir -p build
build_folder build/release "${release_options[@]}"
say "Installing to $prefix"
run=()
[[ -w $prefix || ! -e $prefix && -w $(dirname "$prefix") ]] || run=(as_root)
"${run[@]}" cmake --install build/release --prefix "$prefix" >/dev/null
# Tells the dynamic linker of liberrand, where it looks.
if [[ $prefix == /usr || $prefix == /usr/local ]]; then
    "${run[@]}" env PATH="$PATH:/sbin:/usr/sbin" ldconfig
fi

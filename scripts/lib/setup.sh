# shellcheck shell=bash
# setup - installs the Debian packages that a script needs, only those that are missing. Sourced.
# shellcheck disable=SC2034  # the lists are for those who source this

# What the programs are built from, and with.
packages_build=(
    gcc libc6-dev cmake ninja-build pkg-config
    libnng-dev libprotobuf-c-dev protobuf-c-compiler libprotobuf-dev libcurl4-openssl-dev
    libcivetweb-dev libsqlite3-dev libuv1-dev libjansson-dev libyaml-dev libssl-dev zlib1g-dev uthash-dev
)
packages_demo=("${packages_build[@]}" curl ca-certificates python3)
packages_test=(
    "${packages_demo[@]}" libcmocka-dev protobuf-compiler python3-pytest python3-protobuf python3-yaml python3-jsonschema iproute2 openssl valgrind
)
# What the Python client and its examples are tested with; without them those tests are skipped.
packages_python=(
    python3-aiohttp python3-fastapi python3-uvicorn python3-tqdm python3-setuptools python3-wheel
    python3-typing-extensions mypy
)
# What scripts/bench.sh compares with, draws with and looks with; each is left out where it is missing.
packages_peers=(
    beanstalkd redis-server postgresql libpq-dev python3-aiohttp python3-celery python3-redis python3-rq
    python3-matplotlib strace wrk
)
packages_lint=("${packages_test[@]}" clang-14 clang-format-14 clang-tidy-14 shellcheck)

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

package_is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed* ]]
}

# as_root runs a command as root, asking sudo when needed; it fails where there is neither.
as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && [[ -t 0 ]]; then
        sudo "$@"
    elif command -v sudo >/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

install_packages() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    as_root "${apt[@]}" update </dev/null &&
        as_root "${apt[@]}" install -y --no-install-recommends "$@" </dev/null >/dev/null
}

# need_packages NAME... makes sure that all are installed. Needs no network when they are.
need_packages() {
    local package missing=()
    command -v dpkg-query >/dev/null ||
        die "This script knows Debian 12 and its relatives only. What it needs there: $*"
    for package in "$@"; do
        package_is_installed "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "Installing Debian packages: ${missing[*]}"
    if ! install_packages "${missing[@]}"; then
        die "Could not install them. As root: apt-get install --no-install-recommends ${missing[*]}"
    fi
}

# want_packages NAME... installs what is missing, and says so and goes on when that is not possible.
want_packages() {
    local package missing=()
    for package in "$@"; do
        package_is_installed "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "Installing Debian packages: ${missing[*]}"
    install_packages "${missing[@]}" || say "Could not install them: what needs them is skipped."
}

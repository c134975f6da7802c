#!/usr/bin/env bash
# package_test.sh BUILD CPACK - the Debian package holds what it should, and its units are sound.
set -euo pipefail
build=$1 cpack=$2
here=$(cd "$(dirname "$0")/.." && pwd)

for tool in dpkg-deb dpkg-shlibdeps; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed: skipped"; exit 77; }
done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

"$cpack" --config "$build/CPackConfig.cmake" -G DEB -B "$place/made" >"$place/log" 2>&1 ||
    { cat "$place/log"; exit 1; }
package=$(ls "$place"/made/*.deb)
dpkg-deb -c "$package" | awk '{print $6}' >"$place/files"

for file in usr/bin/errandd usr/bin/errand usr/bin/errand-worker usr/bin/errand-gateway \
    usr/libexec/errand/errand-launcher usr/libexec/errand/libssl.so usr/libexec/errand/libcrypto.so \
    usr/lib/systemd/system/errandd.service usr/lib/systemd/system/errand-worker.service \
    usr/lib/systemd/system/errand-gateway.service etc/errand/errandd.yaml \
    usr/share/man/man1/errandd.1 usr/share/man/man1/errand.1 \
    usr/share/bash-completion/completions/errand usr/share/zsh/vendor-completions/_errand \
    usr/share/fish/vendor_completions.d/errand.fish usr/share/doc/errand/examples/errand.rules.yml; do
    grep -q -x -e "./$file" -e "./$file.gz" "$place/files" || { echo "not in the package: $file"; exit 1; }
done
if grep -v -e '^\./$' -e '^\./usr/' -e '^\./etc/' "$place/files"; then
    echo "in a strange place"
    exit 1
fi

# What it needs is named, so that apt brings it.
depends=$(dpkg-deb -f "$package" Depends)
for library in libc6 libnng1 libcurl4 libsqlite3-0 libcivetweb1 libssl3; do
    [[ $depends == *$library* ]] || { echo "$library is not among: $depends"; exit 1; }
done

# The settings that come with it are taken by the programs that come with it.
dpkg-deb -x "$package" "$place/root"
for program in errandd errand-worker errand-gateway; do
    "$place/root/usr/bin/$program" --config "$place/root/etc/errand/$program.yaml" --check-config
done
sh -n "$here"/deploy/debian/postinst && sh -n "$here"/deploy/debian/prerm && sh -n "$here"/deploy/debian/postrm

# The units name programs of the package, are sound, and keep the daemons in.
for unit in "$place"/root/usr/lib/systemd/system/*.service; do
    started=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
    [[ -x $place/root$started ]] || { echo "$unit: no $started in the package"; exit 1; }
    for line in DynamicUser=yes ProtectSystem=strict NoNewPrivileges=yes CapabilityBoundingSet=; do
        grep -q -x "$line" "$unit" || { echo "$unit: no $line"; exit 1; }
    done
done
command -v systemd-analyze >/dev/null || { echo "systemd-analyze is not installed: units not verified"; exit 0; }
for unit in "$place"/root/usr/lib/systemd/system/*.service; do
    # The programs are not installed on this host.
    faults=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -e "^${unit##*/}" -e "$unit" |
        grep -v 'is not executable' || true)
    [[ -z $faults ]] || { echo "$faults"; exit 1; }
done

#!/usr/bin/env bash
# update-docs.sh - writes the table of settings into docs/configuration.md, as errandd makes it.
#
#   scripts/update-docs.sh [ERRANDD]    the program; default: that of the demo's build
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/usage.sh
source scripts/lib/usage.sh
usage "$@"

errandd=${1:-build/release/bin/errandd}
page=docs/configuration.md
table=$(mktemp)
trap 'rm -f "$table" "$table.page"' EXIT

"$errandd" --markdown >"$table"
awk -v table="$table" '
    /^<!-- end of table -->/ { inside = 0 }
    !inside { print }
    /^<!-- table:/ { inside = 1; while ((getline line < table) > 0) print line }
' "$page" >"$table.page"
cat "$table.page" >"$page"

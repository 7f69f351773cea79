#!/usr/bin/env bash
# Cross-compiles all functions at once for each architecture, arm64 unless others are named, and
# prints how large they are. cargo-lambda writes every architecture to the same place; here each has
# a folder of its own: target/lambda/ARCHITECTURE/FUNCTION/bootstrap.
set -euo pipefail
cd "$(dirname "$0")/../.."

if (($# == 0)); then
    set -- arm64
fi
readonly FUNCTIONS=(command projector query migrate)

for architecture in "$@"; do
    case $architecture in
        arm64) flag=--arm64 target=aarch64-unknown-linux-gnu ;;
        x86_64) flag=--x86-64 target=x86_64-unknown-linux-gnu ;;
        *) echo "build.sh: arm64 or x86_64, not $architecture" >&2 && exit 2 ;;
    esac
    if command -v rustup >/dev/null; then
        rustup --quiet target add "$target"
    fi
    folder=target/lambda/$architecture
    cargo lambda build --quiet --release "$flag" --lambda-dir "$folder" "${FUNCTIONS[@]/#/--package=}"
    for function in "${FUNCTIONS[@]}"; do
        bootstrap=$folder/$function/bootstrap
        printf '%-7s %-10s %5.1f MB, %4.1f MB zipped\n' "$architecture" "$function" \
            "$(stat -c %s "$bootstrap" | awk '{ print $1 / 1e6 }')" \
            "$(gzip --stdout "$bootstrap" | wc -c | awk '{ print $1 / 1e6 }')"
    done
done

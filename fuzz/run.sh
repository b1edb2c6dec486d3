#!/bin/sh
# Runs fuzz targets in turn, each for MINUTES on one core: fuzz/run.sh MINUTES [TARGET...]
# Stable toolchains need RUSTC_BOOTSTRAP=1 for the sanitizer; findings land in fuzz/artifacts/TARGET.
set -eu
cd "$(dirname "$0")"
minutes=$1
shift
[ $# -gt 0 ] || set -- archive_open archive_resealed salvage model_file roundtrip
export RUSTC_BOOTSTRAP=1
for target; do
    mkdir -p "corpus/$target"
    cargo fuzz run "$target" -- -max_total_time=$((minutes * 60)) -rss_limit_mb=1024 -timeout=20 -max_len=4096 \
        -print_final_stats=1
done

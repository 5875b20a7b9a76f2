#!/bin/sh
# Secrets are files named after the variable that they become: `docker inspect` shows an environment, not these.
set -eu
for file in /run/secrets/*; do
    [ -f "$file" ] || continue
    name=$(basename "$file")
    value=$(cat "$file")
    export "$name=$value"
done
exec "$@"

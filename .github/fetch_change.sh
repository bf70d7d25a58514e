#!/usr/bin/env bash
# Fetches the commit CHANGE as git's objects, whichever fork it is of: nothing is checked out, no
# submodule is followed, and malformed objects are refused. TOKEN may read the repository.
set -euo pipefail

[[ $CHANGE =~ ^[0-9a-f]{40}$ ]]
login=$(printf 'x-access-token:%s' "$TOKEN" | base64 --wrap=0)
# In the environment, since any process may read another's arguments.
export GIT_CONFIG_COUNT=3 \
    GIT_CONFIG_KEY_0=http.extraheader GIT_CONFIG_VALUE_0="Authorization: Basic $login" \
    GIT_CONFIG_KEY_1=fetch.fsckobjects GIT_CONFIG_VALUE_1=true \
    GIT_CONFIG_KEY_2=core.hookspath GIT_CONFIG_VALUE_2=/dev/null
git fetch --quiet --no-tags --no-recurse-submodules --no-write-fetch-head origin "$CHANGE"

#!/bin/sh
# The CI part of the sample as one would write it by hand, one thing after another. For measuring
# only: it handles no failure but the first.
# usage: plain_ci.sh REPOSITORY DOCKER PROJECT
set -eu
repository=$1 docker=$2 project=$3
commit=$(git rev-parse HEAD)
export PATH="$PWD/node_modules/.bin:$PATH" DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1

compose() {
    if command -v docker-compose >/dev/null 2>&1; then
        docker-compose -p "$project" -f docker-compose.integration.yml "$@"
    else
        "$docker" compose -p "$project" -f docker-compose.integration.yml "$@"
    fi
}

pnpm install --frozen-lockfile
eslint .
prettier --check .
tsc --noEmit
vitest run --project unit
node esbuild.config.js
code=0
compose up --build --timeout 1 --exit-code-from tests || code=$?
compose down --volumes --remove-orphans --timeout 1
[ "$code" = 0 ] || exit "$code"
"$docker" build -t "$repository:sha-$commit" --build-arg BUILDER_IMAGE --build-arg BASE_IMAGE \
    --build-arg "COMMIT=$commit" --label "commit=$commit" .
"$docker" push "$repository:sha-$commit"

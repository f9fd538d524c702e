#!/bin/sh
# The same delivery as Shipway's, as one would write it by hand: checks, image, push, deployment,
# watch, verification. For measuring only: it handles no failure.
# usage: plain.sh SERVICE REGISTRY ECS-URL SHIPWAY-URL
set -eu
service=$1 registry=$2 ecs=$3 SHIPWAY_URL=$4
export SHIPWAY_URL

call() { # call OPERATION BODY
    curl -sSf -X POST "$ecs/" -H 'content-type: application/x-amz-json-1.1' \
        -H "x-amz-target: AmazonEC2ContainerServiceV20141113.$1" -d "$2"
}
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }

commit=$(git rev-parse HEAD)
git status --porcelain
node --check server.js
node -e "setTimeout(() => {}, 300)"
image=$registry/$service:sha-$commit
DOCKER_BUILDKIT=1 docker build -q -t "$image" --build-arg BASE_IMAGE --label "commit=$commit" . >/dev/null
docker push "$image" >/dev/null
digest=$(docker inspect --format '{{index .RepoDigests 0}}' "$image")
digest=${digest##*@}
container=$(printf '{"name":"%s","image":"000000000000.dkr.ecr.eu-central-1.amazonaws.com/%s@%s","essential":true,"portMappings":[{"containerPort":3000}],"environment":[{"name":"SHIPWAY_COMMIT","value":"%s"},{"name":"SHIPWAY_IMAGE_DIGEST","value":"%s"}],"stopTimeout":30}' \
    "$service" "$service" "$digest" "$commit" "$digest")
family=staging-$service
revision=$(call RegisterTaskDefinition "{\"family\":\"$family\",\"networkMode\":\"awsvpc\",\"requiresCompatibilities\":[\"FARGATE\"],\"cpu\":\"256\",\"memory\":\"512\",\"containerDefinitions\":[$container]}" |
    field taskDefinitionArn)
call UpdateService "{\"cluster\":\"staging\",\"service\":\"$service\",\"taskDefinition\":\"$revision\"}" >/dev/null
deployment=$(call DescribeServices "{\"cluster\":\"staging\",\"services\":[\"$service\"]}" | field currentServiceDeployment)
until call DescribeServiceDeployments "{\"serviceDeploymentArns\":[\"$deployment\"]}" | grep -q '"SUCCESSFUL"'; do
    sleep 0.25
done
for _ in 1 2 3 4 5; do curl -sSf "$SHIPWAY_URL/healthz" >/dev/null; done
SHIPWAY_IMAGE_DIGEST=$digest node accept.js

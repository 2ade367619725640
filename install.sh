#!/usr/bin/env bash
# Installs nasd: to try it, to test it, or as a service. `./install.sh --help` says how.
# Everything goes into a private Python environment; the distribution's own Python packages are not touched.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
readonly here
readonly constraints="$here/nasd/constraints.txt"
readonly torch_version=2.13.0
# Packages an installation with the CPU build of torch must not contain.
readonly gpu_packages='^(nvidia-|cuda-|triton$|pytorch-triton)'

usage() {
    cat <<'EOF'
nasd installer

  ./install.sh --try [FOLDER] [--ask QUESTION | --search QUERY]
        Install privately, index FOLDER (the sample documents without one), then search and ask at a prompt;
        with --ask or --search, answer once. Nothing is started or left running.
  ./install.sh --test [PYTEST ARGUMENTS]
        Make a fresh environment and run every check: ruff, mypy, import contracts, pytest.
  ./install.sh [--system | --user]
        Install or upgrade the service: for the whole machine (needs root, the default for root) or for you alone.
  ./install.sh --uninstall [--system | --user]
        Remove the service and its programs. Configuration and state stay; their places are printed.
  ./install.sh --help

Environment:
  NASD_PYTHON=PATH        the Python to use (3.11, 3.12 or 3.13) instead of the first one that works
  NASD_TORCH_WHEEL=FILE   a torch wheel to use, where no CPU build can be fetched
pip's own configuration (mirrors, certificates, --find-links) is respected.
EOF
}

say() { printf '%s\n' "$*" >&2; }
step() { say "==> $*"; }
die() {
    printf 'install.sh: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# --- Where things lie -------------------------------------------------------------------------------------------

home_folder() {
    local home=${HOME:-}
    [ -n "$home" ] || home=$(getent passwd "$(id -u)" | cut -d: -f6)
    [ -n "$home" ] || die "no home folder is known for user $(id -un)" "Set HOME and run this again."
    printf '%s' "$home"
}

HOME=$(home_folder)
export HOME
readonly data="${XDG_DATA_HOME:-$HOME/.local/share}/nasd"
readonly user_units="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"

is_root() { [ "$(id -u)" -eq 0 ]; }

# --- Debian packages --------------------------------------------------------------------------------------------

# Installs the named Debian packages where that is permitted, else ends with the exact command.
need_debian_packages() {
    local why=$1 command="apt-get install -y --no-install-recommends ${*:2}"
    shift
    command -v apt-get >/dev/null || die "$why" "Install the equivalent of these Debian packages: $*"
    local as_root=()
    if ! is_root; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            die "$why" "Run this (without sudo as root), then start again:" "sudo apt-get update && sudo $command"
        fi
    fi
    step "$why: $command"
    local log=$data/apt.log
    mkdir -p "$data"
    { "${as_root[@]}" apt-get update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
        >"$log" 2>&1 9>&- || {
        tail -n 15 "$log" >&2
        die "apt-get could not install: $*" "The whole output is in $log"
    }
}

# --- Python -----------------------------------------------------------------------------------------------------

# A candidate is run, not just found: version managers leave commands behind that only print an error.
python_works() {
    "$1" - >/dev/null 2>&1 <<'EOF'
import ensurepip, sqlite3, ssl, sys, venv
assert (3, 11) <= sys.version_info[:2] <= (3, 13) and sys.implementation.name == "cpython"
sqlite3.connect(":memory:")
EOF
}

find_python() {
    local candidate
    for candidate in python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null && python_works "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

choose_python() {
    if [ -n "${NASD_PYTHON:-}" ]; then
        python_works "$NASD_PYTHON" || die "NASD_PYTHON=$NASD_PYTHON cannot be used" \
            "It must be CPython 3.11, 3.12 or 3.13 with venv, ensurepip, ssl and sqlite3."
        python=$("$NASD_PYTHON" -c 'import sys; print(sys.executable)')
    elif ! python=$(find_python); then
        need_debian_packages "Python 3.11 to 3.13 with venv is needed" python3 python3-venv
        python=$(find_python) || die "no usable Python: 3.11, 3.12 or 3.13 is needed" \
            "python3 here is: $(python3 --version 2>&1 || true)" \
            "Name another one with NASD_PYTHON=/path/to/python3."
    fi
}

check_machine() {
    [ "$(uname -s)" = Linux ] || die "nasd runs on Linux; this is $(uname -s)"
    case $(uname -m) in
    x86_64 | aarch64) ;;
    *) die "nasd's packages exist for x86-64 and aarch64; this is $(uname -m)" ;;
    esac
    getconf GNU_LIBC_VERSION >/dev/null 2>&1 ||
        die "nasd's packages need the GNU C library" "Use Debian 12 or 13, or Ubuntu 24.04."
}

# Ends early rather than half way when the file system cannot hold the environment.
check_space() {
    local folder=$1 needed_mib=$2 free_mib
    free_mib=$(df -Pk "$folder" | awk 'NR == 2 {print int($4 / 1024)}')
    [ "$free_mib" -ge "$needed_mib" ] ||
        die "$folder has $free_mib MiB free, $needed_mib MiB are needed" \
            "Free some space, or choose another place with XDG_DATA_HOME."
}

has_nvidia_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; }

# --- The private environment ------------------------------------------------------------------------------------

# Runs a command into the log with a running clock on a terminal; on failure shows the end of the log.
logged() {
    local what=$1 log=$2 began=$SECONDS pid
    shift 2
    printf '\n# %s: %s\n' "$what" "$*" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null 9>&- &
    pid=$!
    if [ -t 2 ]; then
        while kill -0 "$pid" 2>/dev/null; do
            printf '\r    %s … %d s ' "$what" $((SECONDS - began)) >&2
            sleep 0.5
        done
        printf '\r\033[K' >&2
    fi
    if wait "$pid"; then
        say "    $what: $((SECONDS - began)) s"
    else
        tail -n 20 "$log" >&2
        return 1
    fi
}

pip_failed() {
    die "$1 failed; the end of pip's output is above, the whole in $2" \
        "No network: connect, or point pip at a mirror (pip config set global.index-url URL)." \
        "A certificate error: pip config set global.cert /path/to/ca.crt" \
        "Then run the same command again."
}

in_env() {
    local env=$1
    shift
    "$env/bin/python" -m pip --no-input --disable-pip-version-check "$@"
}

# Installs torch. With an NVIDIA GPU that is pip's default build. Without one only a CPU build will do: from what
# pip is configured to see, else by uv, which knows where each build of torch is published.
install_torch() {
    local env=$1 log=$2
    if [ -n "${NASD_TORCH_WHEEL:-}" ]; then
        logged "torch from $NASD_TORCH_WHEEL" "$log" in_env "$env" install -c "$constraints" "$NASD_TORCH_WHEEL" ||
            pip_failed "Installing $NASD_TORCH_WHEEL" "$log"
    elif has_nvidia_gpu; then
        logged "torch $torch_version for the NVIDIA GPU" "$log" \
            in_env "$env" install -c "$constraints" "torch==$torch_version" || pip_failed "Installing torch" "$log"
        return
    elif in_env "$env" install --dry-run --no-deps "torch==$torch_version+cpu" >>"$log" 2>&1; then
        logged "torch $torch_version+cpu" "$log" in_env "$env" install -c "$constraints" \
            "torch==$torch_version+cpu" || pip_failed "Installing torch" "$log"
    else
        logged "uv, to fetch torch for the CPU" "$log" in_env "$env" install -c "$constraints" uv ||
            pip_failed "Installing uv" "$log"
        logged "torch $torch_version for the CPU" "$log" "$env/bin/uv" pip install --python "$env/bin/python" \
            --torch-backend=cpu --constraints "$constraints" "torch==$torch_version" ||
            die "no CPU build of torch $torch_version could be fetched; the whole output is in $log" \
                "Fetch a wheel of torch $torch_version+cpu for $("$env/bin/python" --version) on $(uname -m), then" \
                "NASD_TORCH_WHEEL=/path/to/the.whl ./install.sh …" \
                "or put it in a folder that pip knows: pip config set global.find-links /that/folder"
    fi
    local strays
    strays=$(in_env "$env" list --format=freeze 2>>"$log" | grep -E "$gpu_packages" || true)
    [ -z "$strays" ] || die "a build of torch for GPUs was installed on a machine without one:" "$strays" \
        "Give the CPU wheel by NASD_TORCH_WHEEL=/path/to/the.whl"
}

# What the environment depends on besides nasd's own sources.
requirements_digest() {
    {
        cat "$here/pyproject.toml" "$constraints" "$here/install.sh"
        "$python" --version
        printf '%s %s %s\n' "$python" "$1" "${NASD_TORCH_WHEEL:-}"
        has_nvidia_gpu && echo gpu
        true
    } | sha256sum | cut -c1-16
}

source_digest() {
    (cd "$here" && find nasd tui migrations systemd pyproject.toml README.md LICENSE -type f \
        ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16
}

# Ends the installer's part: what runs from here on inherits neither its lock nor its variables, which nasd would
# refuse as unknown settings.
enter() {
    exec 9>&-
    unset NASD_PYTHON NASD_TORCH_WHEEL
}

# Makes ENV hold nasd with the named extras ("" or "[test]"): nothing to do, the sources alone, or everything.
prepare_environment() {
    local env=$1 extras=$2 requirements sources began=$SECONDS
    local log=$1.log
    check_machine
    choose_python
    mkdir -p "$(dirname "$env")" || die "cannot write to $(dirname "$env")"
    # One installer at a time in one place; the lock ends with this process.
    exec 9>"$(dirname "$env")/.install.lock"
    flock -n 9 || { say "    waiting for another install.sh to end"; flock 9; }
    requirements=$(requirements_digest "$extras")
    sources=$(source_digest)
    if [ "$(cat "$env/.nasd-requirements" 2>/dev/null)" = "$requirements" ]; then
        [ "$(cat "$env/.nasd-sources" 2>/dev/null)" != "$sources" ] || return 0
        step "Refreshing nasd in $env"
        : >"$log"
        rm -f "$env/.nasd-sources"
        logged "nasd" "$log" in_env "$env" install --no-deps --force-reinstall --no-build-isolation "$here" ||
            pip_failed "Installing nasd" "$log"
    else
        step "Installing nasd and its packages into $env (about 1.8 GB, once)"
        rm -rf "$env"
        check_space "$(dirname "$env")" "$(has_nvidia_gpu && echo 9000 || echo 3000)"
        : >"$log"
        say "    $("$python" --version) ($python), log: $log"
        logged "environment" "$log" "$python" -m venv "$env" || die "python -m venv failed; see $log"
        install_torch "$env" "$log"
        # The build tool is pinned like everything else, so nasd is built without pip fetching another.
        logged "packages" "$log" in_env "$env" install -c "$constraints" hatchling || pip_failed "Installing" "$log"
        logged "nasd and its packages" "$log" \
            in_env "$env" install -c "$constraints" --no-build-isolation "$here$extras" ||
            pip_failed "Installing nasd" "$log"
        printf '%s\n' "$requirements" >"$env/.nasd-requirements"
        say "    ready after $((SECONDS - began)) s"
    fi
    printf '%s\n' "$sources" >"$env/.nasd-sources"
}

# --- Modes ------------------------------------------------------------------------------------------------------

try() {
    # Said now rather than after the installation.
    if [ $# -gt 0 ] && [[ $1 != -* ]] && [ ! -d "$1" ]; then
        die "$1 is not a folder" "Name a folder with documents: ./install.sh --try FOLDER"
    fi
    prepare_environment "$data/try" ""
    enter
    exec "$data/try/bin/nasd" try "$@"
}

# The one list of checks. pytest comes last, so that its summary ends the output.
run_checks() {
    local env=$data/test failed=()
    command -v systemd-analyze >/dev/null ||
        need_debian_packages "systemd-analyze is needed to check the units" systemd
    rm -rf "$env"
    prepare_environment "$env" "[test,ocr,llm]"
    enter
    cd "$here"
    export PATH="$env/bin:$PATH" VIRTUAL_ENV=$env
    check() {
        step "$*"
        "$@" || failed+=("${*:1:2}")
    }
    check ruff check .
    check ruff format --check .
    check mypy
    check lint-imports
    # Half of a test's time is waiting for a daemon: two at once, each file in one process, in their order, as
    # otherwise the longest file, which is one test, comes last. More processes are not
    # quicker on two cores, and each holds a model.
    check pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder "$@"
    rm -rf "$env"
    [ ${#failed[@]} -eq 0 ] || die "failed: $(printf '%s; ' "${failed[@]}")"
}

# Upgrades are built beside the running version and switched by one symbolic link, so that a failed upgrade
# leaves the old service as it was.
install_programs() {
    # The runtime for language models (34 MB) does nothing before a model is there.
    local base=$1 bin=$2 version extras="[llm]"
    choose_python
    # Text in pictures needs an engine: the distribution's is quicker and smaller, and needs no package of ours.
    if ! command -v tesseract >/dev/null; then
        extras="[ocr,llm]"
        say "    tesseract is not installed: RapidOCR is installed with nasd (300 MB) to recognise text in pictures."
        say "    To use tesseract instead: sudo apt install tesseract-ocr, then run this again."
    fi
    version=env-$(requirements_digest "$extras")-$(source_digest)
    prepare_environment "$base/$version" "$extras"
    enter
    "$base/$version/bin/nasd" version >/dev/null || die "the installed nasd does not start" "See $base/$version.log"
    ln -sfn "$version" "$base/.current" && mv -T "$base/.current" "$base/current"
    mkdir -p "$bin"
    ln -sfn "$base/current/bin/nasd" "$bin/nasd"
    ln -sfn "$base/current/bin/nasd-tui" "$bin/nasd-tui"
}

remove_old_programs() {
    local base=$1 current old
    current=$(readlink "$base/current")
    for old in "$base"/env-*; do
        case $(basename "$old") in
        "$current" | "$current.log") ;;
        *) rm -rf "$old" ;;
        esac
    done
}

install_system() {
    is_root || die "a system service needs root" "Run: sudo ./install.sh --system   (or ./install.sh --user)"
    if ! command -v systemd-sysusers >/dev/null || ! command -v systemd-tmpfiles >/dev/null; then
        need_debian_packages "systemd is needed for a system service" systemd
    fi
    # The service's user must be able to run this Python: none from root's home, readable by everyone.
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    umask 022
    install_programs /opt/nasd /usr/local/bin
    step "Installing the service"
    install -D -m 0644 "$here/systemd/nasd.sysusers.conf" /etc/sysusers.d/nasd.conf
    install -D -m 0644 "$here/systemd/nasd.tmpfiles.conf" /etc/tmpfiles.d/nasd.conf
    install -D -m 0644 "$here/systemd/nasd.service" /etc/systemd/system/nasd.service
    systemd-sysusers /etc/sysusers.d/nasd.conf
    systemd-tmpfiles --create /etc/tmpfiles.d/nasd.conf
    if [ ! -e /etc/nasd/nasd.toml ]; then
        install -m 0640 -g nasd "$here/systemd/nasd.toml" /etc/nasd/nasd.toml
        say "    /etc/nasd/nasd.toml written: name your folders there"
    fi
    /opt/nasd/current/bin/nasd --config /etc/nasd/nasd.toml config check >/dev/null ||
        die "the configuration is not valid; the service was not restarted" "Correct /etc/nasd/nasd.toml, then run this again."
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        systemctl enable --quiet nasd.service
        systemctl restart nasd.service || die "nasd did not start" "See: journalctl -u nasd -e"
        say "    nasd runs: sudo nasd status"
    else
        systemctl enable --quiet nasd.service
        say "    systemd is not running here; nasd starts with the next boot"
    fi
    remove_old_programs /opt/nasd
}

user_systemd_runs() { command -v systemctl >/dev/null && systemctl --user show-environment >/dev/null 2>&1; }

install_user() {
    install_programs "$data" "$HOME/.local/bin"
    if user_systemd_runs; then
        step "Installing the service for $(id -un)"
        mkdir -p "$user_units"
        sed "s|@PROGRAMS@|$data/current/bin|g" "$here/systemd/nasd-user.service" >"$user_units/nasd.service"
        systemctl --user daemon-reload
        systemctl --user enable --quiet nasd.service
        systemctl --user restart nasd.service || die "nasd did not start" "See: journalctl --user -u nasd -e"
        say "    nasd runs: $HOME/.local/bin/nasd status"
        say "    To keep it running after you log out: loginctl enable-linger"
    else
        say "    No systemd user session here: start it with $HOME/.local/bin/nasd run"
    fi
    remove_old_programs "$data"
}

uninstall_system() {
    is_root || die "removing the system service needs root" "Run: sudo ./install.sh --uninstall --system"
    if [ -d /run/systemd/system ]; then systemctl disable --now --quiet nasd.service || true; fi
    rm -rf /etc/systemd/system/nasd.service /etc/systemd/system/multi-user.target.wants/nasd.service \
        /etc/sysusers.d/nasd.conf /etc/tmpfiles.d/nasd.conf /usr/local/bin/nasd /usr/local/bin/nasd-tui /opt/nasd
    if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
    say "nasd is removed. Kept: configuration in /etc/nasd, state in /var/lib/nasd, the user nasd."
    say "To remove these too: sudo rm -r /etc/nasd /var/lib/nasd && sudo userdel nasd"
}

uninstall_user() {
    if user_systemd_runs; then
        systemctl --user disable --now --quiet nasd.service || true
        rm -f "$user_units/nasd.service"
        systemctl --user daemon-reload
    fi
    rm -rf "$HOME/.local/bin/nasd" "$HOME/.local/bin/nasd-tui" "$data"
    say "nasd is removed. Kept: configuration in ${XDG_CONFIG_HOME:-$HOME/.config}/nasd," \
        "state in ${XDG_STATE_HOME:-$HOME/.local/state}/nasd."
}

scope() {
    case ${1:-} in
    --system) echo system ;;
    --user) echo user ;;
    "") is_root && echo system || echo user ;;
    *) die "unknown argument: $1" "./install.sh --help lists them." ;;
    esac
}

main() {
    local mode=${1:-} chosen
    [ $# -eq 0 ] || shift
    case $mode in
    --help | -h) usage ;;
    --try) try "$@" ;;
    --test) run_checks "$@" ;;
    --uninstall)
        chosen=$(scope "$@")
        "uninstall_$chosen"
        ;;
    --system | --user | "")
        [ $# -eq 0 ] || die "unknown argument: $1" "./install.sh --help lists them."
        chosen=$(scope "$mode")
        "install_$chosen"
        ;;
    *) die "unknown argument: $mode" "./install.sh --help lists them." ;;
    esac
}

main "$@"

#!/bin/sh
# Builds kubectl-flagger from this folder and installs it, its completions and its man pages.
set -eu

usage() {
    cat <<USAGE
Usage: ./install.sh [--prefix DIR] [--demo] [--uninstall]

  --prefix DIR   where to install [default: ~/.local]
  --demo         install, then play a rollout in the sandbox
  --uninstall    remove what was installed below the prefix
  --help         this text

Needs cargo (Rust 1.95 or newer) and a C compiler. Does not need root unless the prefix does.
USAGE
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

prefix=
demo=no
action=install
while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            [ $# -ge 2 ] || fail "--prefix needs a folder"
            prefix=$2
            shift
            ;;
        --prefix=*) prefix=${1#--prefix=} ;;
        --demo) demo=yes ;;
        --uninstall) action=uninstall ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            usage >&2
            fail "unknown argument: $1"
            ;;
    esac
    shift
done
if [ -z "$prefix" ]; then
    [ -n "${HOME:-}" ] || fail "HOME is not set; say where to install: --prefix DIR"
    prefix=$HOME/.local
fi
case $prefix in
    /*) ;;
    *) prefix=$(pwd)/$prefix ;;
esac
prefix=${prefix%/}

cd "$(dirname "$0")"
top=$(pwd)

bin=$prefix/bin
man=$prefix/share/man/man1
bash_completions=$prefix/share/bash-completion/completions
zsh_completions=$prefix/share/zsh/site-functions
fish_completions=$prefix/share/fish/vendor_completions.d

uninstall() {
    gone=0
    for file in "$bin/kubectl-flagger" "$bin/kubectl_complete-flagger" \
        "$man/kubectl-flagger.1" "$man"/kubectl-flagger-*.1 \
        "$bash_completions/kubectl-flagger" "$zsh_completions/_kubectl-flagger" \
        "$fish_completions/kubectl-flagger.fish"; do
        if [ -e "$file" ] || [ -L "$file" ]; then
            rm -f "$file"
            say "removed   $file"
            gone=$((gone + 1))
        fi
    done
    [ "$gone" -gt 0 ] || say "nothing of kubectl-flagger is below $prefix"
}

c_compiler() {
    for compiler in "${CC:-}" cc gcc clang; do
        # CC may carry flags.
        compiler=${compiler%% *}
        if [ -n "$compiler" ] && command -v "$compiler" >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

how_to_get_a_c_compiler() {
    if command -v apt-get >/dev/null 2>&1; then
        say "apt-get install gcc libc6-dev"
    elif command -v dnf >/dev/null 2>&1; then
        say "dnf install gcc"
    elif command -v apk >/dev/null 2>&1; then
        say "apk add gcc musl-dev"
    elif command -v pacman >/dev/null 2>&1; then
        say "pacman -S gcc"
    elif [ "$(uname -s)" = Darwin ]; then
        say "xcode-select --install"
    else
        say "install gcc or clang"
    fi
}

# copy FILE TARGET MODE
copy() {
    mkdir -p "$(dirname "$2")"
    # Beside the target and then moved: a running process keeps its file.
    cp "$1" "$2.new.$$"
    chmod "$3" "$2.new.$$"
    mv -f "$2.new.$$" "$2"
    say "installed $2"
}

is_on_path() {
    case :${PATH:-}: in
        *:"$1":*) return 0 ;;
        *) return 1 ;;
    esac
}

install_all() {
    # rustup installs here, and a fresh shell may not know it yet.
    if ! command -v cargo >/dev/null 2>&1 && [ -x "${HOME:-}/.cargo/bin/cargo" ]; then
        PATH=$PATH:$HOME/.cargo/bin
        export PATH
    fi
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo is missing. Install Rust 1.95 or newer: https://rustup.rs"
    c_compiler ||
        fail "a C compiler is missing (libgit2 and ring are compiled from source): $(how_to_get_a_c_compiler)"

    say "building  cargo build --release --locked (some minutes the first time)"
    cargo build --release --locked --quiet || fail "the build failed; see above"
    built=${CARGO_TARGET_DIR:-$top/target}/release/kubectl-flagger
    [ -x "$built" ] || fail "the build left no $built"

    copy "$built" "$bin/kubectl-flagger" 755
    # kubectl runs this name to complete "kubectl flagger"; it is the same program.
    if ln -sf kubectl-flagger "$bin/kubectl_complete-flagger" 2>/dev/null; then
        say "installed $bin/kubectl_complete-flagger"
    else
        copy "$top/completions/kubectl_complete-flagger" "$bin/kubectl_complete-flagger" 755
    fi
    for page in "$top"/man/*.1; do
        copy "$page" "$man/$(basename "$page")" 644
    done
    copy "$top/completions/kubectl-flagger.bash" "$bash_completions/kubectl-flagger" 644
    copy "$top/completions/_kubectl-flagger" "$zsh_completions/_kubectl-flagger" 644
    copy "$top/completions/kubectl-flagger.fish" "$fish_completions/kubectl-flagger.fish" 644

    say ""
    if is_on_path "$bin"; then
        found=$(command -v kubectl-flagger || true)
        if [ -n "$found" ] && [ "$found" != "$bin/kubectl-flagger" ]; then
            say "note      another kubectl-flagger comes first on the PATH: $found"
        fi
    else
        say "note      $bin is not on the PATH; kubectl finds plugins only there:"
        # shellcheck disable=SC2016 # the line is for the reader's shell
        say '            export PATH="'"$bin"':$PATH"'
    fi
    command -v kubectl >/dev/null 2>&1 ||
        say "note      kubectl is not on the PATH; kubectl-flagger works by itself too"
    say "ready     $("$bin/kubectl-flagger" version)"
    say "try       kubectl flagger promote --sandbox"
}

if [ "$action" = uninstall ]; then
    uninstall
    exit 0
fi
install_all
if [ "$demo" = yes ]; then
    say ""
    exec "$bin/kubectl-flagger" promote --sandbox
fi

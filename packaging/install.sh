#!/bin/sh
# Installs mfa-cred for one user, or with --prefix for everyone: `sh install.sh --help`.
#
# A version lies whole in a folder of its own, and everything else is a link through `current`, so that one rename
# switches from one version to the next, with both programs at once. The record is written before the links, so that
# --uninstall and the next run know what a killed run has left. Nothing runs before the last line was read: a download
# that breaks off does nothing.
set -eu

version=0.1.0
repository=https://example.com/mfa-cred

usage() {
    cat <<USAGE
Install mfa-cred, or remove what this script installed. It needs no root, curl or wget, and tar.

Usage: install.sh [OPTIONS]

Options:
  --prefix DIR       where to install [default: ~/.local]
  --version VERSION  which version [default: $version]
  --sha256 SUM       the checksum of the archive, if you have it from somewhere else
  --target TARGET    which build, such as x86_64-unknown-linux-musl [default: the one for this system]
  --dry-run          say what would be done, and do nothing
  --uninstall        remove what this script installed
  -h, --help         print this help

Environment:
  MFA_CRED_BASE_URL  the folder with the archive and its .sha256 file, such as a mirror
                     [default: $repository/releases/download/vVERSION]
USAGE
}

say() {
    printf '%s\n' "$*"
}

die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for hint; do
        printf 'hint: %s\n' "$hint" >&2
    done
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# The name of the build for this system, as Rust names its targets.
find_target() {
    system=$(uname -s) machine=$(uname -m)
    case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) die "there is no build for the processor $machine" "build it from source: cargo install mfa-cred --locked" ;;
    esac
    case $system in
    Linux)
        # A kernel of 64 bits may run a system of 32.
        [ "$(getconf LONG_BIT 2>/dev/null || printf 64)" = 64 ] || die 'there is no build for 32-bit systems'
        target=$machine-unknown-linux-$(find_libc)
        ;;
    Darwin)
        # A shell that Rosetta translates sees another processor.
        [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || :)" != 1 ] || machine=aarch64
        target=$machine-apple-darwin
        ;;
    MINGW* | MSYS* | CYGWIN*) die 'this script does not install on Windows' 'use Scoop or winget' ;;
    *) die "there is no build for $system" "build it from source: cargo install mfa-cred --locked" ;;
    esac
}

# `gnu` where the C library is new enough; the static build runs everywhere else.
find_libc() {
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || glibc=''
    minor=${glibc#glibc 2.}
    case $minor in
    *[!0-9]* | '') printf 'musl\n' ;;
    *) if [ "$minor" -ge 34 ]; then printf 'gnu\n'; else printf 'musl\n'; fi ;;
    esac
}

check_base() {
    case $base in
    *://example.com/*)
        die 'this project has no download site yet' \
            'set MFA_CRED_BASE_URL to a folder with the archives that packaging/build makes' \
            'or build it from source: cargo install --path . --locked'
        ;;
    https://* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
    *) die "$base is not https" 'use https; plain http is accepted only from this machine' ;;
    esac
}

# download URL FILE
download() {
    case $1 in
    https://*) protocol='=https' ;;
    *) protocol='=http,https' ;;
    esac
    if has curl; then
        curl --fail --silent --show-error --location --proto "$protocol" --tlsv1.2 --connect-timeout 20 --retry 2 \
            --output "$2" -- "$1" || die "cannot download $1"
    elif has wget; then
        wget -q -O "$2" "$1" || die "cannot download $1"
    else
        die 'neither curl nor wget is installed'
    fi
}

sha256_of() {
    if has sha256sum; then
        sha256sum <"$1" | cut -d ' ' -f 1
    elif has shasum; then
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    elif has openssl; then
        openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
    else
        die 'none of sha256sum, shasum and openssl is installed, so the download cannot be checked'
    fi
}

# Downloads the archive into $work and refuses one with another checksum.
fetch() {
    say "downloading $base/$archive"
    download "$base/$archive" "$work/$archive"
    if [ -z "$sum" ]; then
        download "$base/$archive.sha256" "$work/sum"
        sum=$(cut -d ' ' -f 1 <"$work/sum" | head -n 1)
    fi
    case $sum in
    *[!0-9a-f]*) die "$archive.sha256 is not a SHA-256 checksum" ;;
    esac
    [ ${#sum} -eq 64 ] || die "$archive.sha256 is not a SHA-256 checksum"
    found=$(sha256_of "$work/$archive")
    [ "$found" = "$sum" ] || die "the checksum of $archive is $found, expected $sum; nothing was installed" \
        'the download is damaged or was tampered with: try again, or report it'
    say "checksum verified: $sum"
}

unpack() {
    tar -tzf "$work/$archive" >"$work/list" || die "$archive cannot be read; nothing was installed"
    # Every entry lies in the archive's folder.
    if grep -v "^$name/" "$work/list" >/dev/null || grep -E '(^|/)\.\.(/|$)' "$work/list" >/dev/null; then
        die "$archive has files outside of $name/; nothing was installed"
    fi
    (cd "$work" && umask 022 && tar -xzof "$archive") || die "$archive cannot be unpacked; nothing was installed"
}

# What is linked: the path below the prefix, a tab, and the file in the version's folder.
links() {
    (
        cd "$1"
        for page in man/*.1; do
            printf 'share/man/man1/%s\t%s\n' "${page#man/}" "$page"
        done
    )
    printf '%s\t%s\n' \
        share/bash-completion/completions/mfa-cred completions/mfa-cred.bash \
        share/zsh/site-functions/_mfa-cred completions/_mfa-cred \
        share/fish/vendor_completions.d/mfa-cred.fish completions/mfa-cred.fish \
        bin/mfa-cred mfa-cred
}

# The target of the link of a path: as many steps up as the path has folders.
target_of() {
    printf '%s/lib/mfa-cred/current/%s\n' "$(dirname "$1" | sed 's,[^/][^/]*,..,g')" "$2"
}

# Makes a folder below the prefix, and records those that were not there.
make_folder() {
    [ ! -d "$prefix/$1" ] || return 0
    case $1 in
    */*) make_folder "${1%/*}" ;;
    esac
    printf 'folder\t%s\n' "$1" >>"$record"
    mkdir -p "$prefix/$1"
}

# Is this a link that this script made?
is_ours() {
    case $(readlink "$prefix/$1" 2>/dev/null) in
    ../*lib/mfa-cred/current/*) return 0 ;;
    *) return 1 ;;
    esac
}

refuse_foreign_files() {
    while IFS='	' read -r path file; do
        if [ -e "$prefix/$path" ] || [ -L "$prefix/$path" ]; then
            is_ours "$path" || die "$prefix/$path is there, and was not installed by this script; nothing was installed" \
                'remove it, or choose another --prefix'
        fi
    done <"$work/links"
}

# Replaces a link in one step. `mv` must not follow the old one, which leads to a folder.
switch() {
    rm -f "$home/.current.new"
    ln -s "$1" "$home/.current.new"
    mv -fT "$home/.current.new" "$home/current" 2>/dev/null ||
        mv -fh "$home/.current.new" "$home/current" 2>/dev/null ||
        {
            rm -f "$home/.current.new"
            ln -sfn "$1" "$home/current"
        }
}

# One installation at a time in a prefix: the lock is a link to the number of a process. One whose process is gone is taken.
lock() {
    if ! ln -s "$$" "$home/.lock" 2>/dev/null; then
        holder=$(readlink "$home/.lock" || :)
        if [ -n "$holder" ] && kill -0 "$holder" 2>/dev/null; then
            die "another installation is running (process $holder)"
        fi
        rm -f "$home/.lock"
        ln -s "$$" "$home/.lock" || die 'another installation is running'
    fi
}

# However this ends: before the switch everything is undone, after it nothing.
clean_up() {
    status=$?
    trap '' HUP INT PIPE TERM
    if [ -n "$new" ] && [ "$(readlink "$home/current" 2>/dev/null || :)" != "$new" ]; then
        rm -rf "${home:?}/$new"
    fi
    if [ "$(readlink "$home/.lock" 2>/dev/null || :)" = $$ ]; then
        if [ -L "$home/current" ]; then remove_dangling; else remove_everything; fi
        rm -f "$home/.lock"
    fi
    [ -z "$made" ] || remove_folders
    [ -z "$work" ] || rm -rf "$work"
    exit "$status"
}

# Removes links of ours that lead nowhere.
remove_dangling() {
    [ ! -f "$record" ] || while IFS='	' read -r kind path; do
        if [ "$kind" = link ] && is_ours "$path" && [ ! -e "$prefix/$path" ]; then
            rm -f "$prefix/$path"
        fi
    done <"$record"
}

# Removes our links, then every version.
remove_everything() {
    [ ! -f "$record" ] || while IFS='	' read -r kind path; do
        if [ "$kind" = link ] && is_ours "$path"; then
            rm -f "$prefix/$path"
        fi
    done <"$record"
    rm -f "$home/current" "$home/.current.new" "$home/.installed.new"
    remove_versions
    [ ! -f "$record" ] || made=$(sed -n 's/^folder	//p' "$record")
    rm -f "$record"
}

# Removes all versions but the one that is linked.
remove_versions() {
    for folder in "$home"/*/; do
        case $folder in
        "$home/current/" | "$home/$(readlink "$home/current" 2>/dev/null || :)/") ;;
        *) [ ! -f "${folder}mfa-cred" ] || rm -rf "$folder" ;;
        esac
    done
}

# Removes the folders that were made, deepest first, as far as they are empty.
remove_folders() {
    printf '%s\n' "$made" lib/mfa-cred | while IFS= read -r path; do
        case $path in
        '') ;;
        /*) printf '%s\n' "$path" ;;
        .) printf '%s\n' "$prefix" ;;
        *) printf '%s\n' "$prefix/$path" ;;
        esac
    done | LC_ALL=C sort -ru | while IFS= read -r path; do
        rmdir "$path" 2>/dev/null || :
    done
}

catch_signals() {
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM
}

install() {
    name=mfa-cred-$version-$target archive=mfa-cred-$version-$target.tar.gz
    check_base
    if [ -n "$dry" ]; then
        say "would download $base/$archive" "and check it against ${sum:-$archive.sha256}"
        say "would install it into $home, with links in $prefix/bin and $prefix/share"
        return
    fi
    say "installing mfa-cred $version ($target) into $prefix"
    catch_signals
    work=$(mktemp -d)
    fetch
    unpack
    links "$work/$name" >"$work/links"
    refuse_foreign_files
    put
    remove_versions
    remove_dangling
    report
}

# Puts the version beside the old one, links its files, and switches to it.
put() {
    umask 022
    prepare_home
    new=$version.$$
    rm -rf "${home:?}/$new"
    cp -R "$work/$name" "$home/$new"
    check_program
    while IFS='	' read -r path file; do
        make_folder "${path%/*}"
        printf 'link\t%s\n' "$path" >>"$record"
    done <"$work/links"
    # Links of older versions stay in the record: they may still be there.
    sort -u "$record" >"$home/.installed.new"
    mv -f "$home/.installed.new" "$record"
    while IFS='	' read -r path file; do
        is_ours "$path" || ln -s "$(target_of "$path" "$file")" "$prefix/$path"
    done <"$work/links"
    switch "$new"
}

# add_if_missing FOLDER NAME: adds its name to what is made.
add_if_missing() {
    [ -d "$1" ] || made="$made$2
"
}

# Makes our own folder, locks it, and begins the record with the folders that were not there: those below the prefix, the
# prefix itself (`.`), and those above it with their whole paths.
prepare_home() {
    path=lib/mfa-cred
    while [ "$path" != . ]; do
        add_if_missing "$prefix/$path" "$path"
        path=$(dirname "$path")
    done
    add_if_missing "$prefix/." .
    path=$(dirname "$prefix")
    while [ ! -d "$path" ]; do
        add_if_missing "$path" "$path"
        path=$(dirname "$path")
    done
    mkdir -p "$home" || die "cannot write to $prefix" 'choose another --prefix'
    lock
    [ -z "$made" ] || printf '%s' "$made" | sed 's/^/folder	/' >>"$record"
}

# That it runs is tried where it will lie: a temporary folder may not allow programs.
check_program() {
    ran=$("$home/$new/mfa-cred" --version 2>&1) ||
        die "mfa-cred does not run on this system: $ran" \
            "try the static build: --target $(uname -m)-unknown-linux-musl"
    [ "$ran" = "mfa-cred $version" ] || die "$archive contains \`$ran\`, not mfa-cred $version; nothing was installed"
}

report() {
    say "installed $prefix/bin/mfa-cred, its manual pages, and completions for bash, zsh, and fish"
    case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) say "add it to your PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
    esac
    say 'next: mfa-cred setup'
}

uninstall() {
    [ -f "$record" ] || die "nothing in $prefix was installed by this script" 'give the --prefix that you installed with'
    if [ -n "$dry" ]; then
        say "would remove $home and these links:"
        while IFS='	' read -r kind path; do
            [ "$kind" != link ] || say "    $prefix/$path"
        done <"$record"
        return
    fi
    catch_signals
    lock
    remove_everything
    rm -f "$home/.lock"
    remove_folders
    made=''
    [ ! -d "$home" ] || say "kept $home: it has files that this script did not put there"
    say "removed mfa-cred from $prefix"
    say 'settings, the cache, and sealed access keys were kept; docs/install.md says where they are'
}

main() {
    prefix='' target='' sum='' dry='' action=install
    work='' new='' made=''
    while [ $# -gt 0 ]; do
        option=$1 value=''
        case $option in
        --prefix=* | --version=* | --sha256=* | --target=*) value=${option#*=} option=${option%%=*} ;;
        --prefix | --version | --sha256 | --target)
            [ $# -gt 1 ] || die "$option needs a value" 'see --help'
            value=$2
            shift
            ;;
        esac
        shift
        case $option in
        --prefix) prefix=$value ;;
        --version) version=${value#v} ;;
        --sha256) sum=$value ;;
        --target) target=$value ;;
        --dry-run) dry=yes ;;
        --uninstall) action=uninstall ;;
        -h | --help)
            usage
            exit
            ;;
        *) die "unknown argument $option" 'see --help' ;;
        esac
    done
    case $version-$target in
    -* | *[!0-9A-Za-z._+-]*) die 'a version is like 0.1.0, and a target like x86_64-unknown-linux-musl' ;;
    esac
    [ -n "$prefix${HOME:-}" ] || die 'HOME is not set' 'give --prefix'
    [ -n "$prefix" ] || prefix=$HOME/.local
    case $prefix in
    /*) ;;
    *) prefix=$PWD/$prefix ;;
    esac
    prefix=${prefix%/}
    home=$prefix/lib/mfa-cred record=$prefix/lib/mfa-cred/installed
    base=${MFA_CRED_BASE_URL:-$repository/releases/download/v$version} base=${base%/}
    [ -n "$target" ] || [ "$action" = uninstall ] || find_target
    "$action"
}

main "$@"

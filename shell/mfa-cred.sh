# shellcheck shell=sh
# Printed by `mfa-cred init posix`, for dash, ksh, mksh and other POSIX shells: a function that runs the program. If
# `env` or `unset` succeeds, it evaluates their output in this shell. Its name comes from an alias, because a function's
# name must not contain a `-` here. The backslashes bypass aliases.

__mfa_cred() {
    if \command __BINARY__ __evaluates -- "$@" 2>/dev/null; then
        __mfa_cred_payload=$(\command __BINARY__ --format posix "$@") || \return
        \eval "$__mfa_cred_payload"
        # In `eval $(__COMMAND__ …)`, this is a subshell, and the shell that evaluates is another one.
        if __mfa_cred_is_read; then
            \printf '%s\n' "$__mfa_cred_payload"
        fi
        \unset __mfa_cred_payload
    else
        \command __BINARY__ "$@"
    fi
}

# Is this a subshell whose output is read? ksh93 has no process for a substitution. The others do not say whether they
# are a subshell, but a subshell is another process than `$$`.
__mfa_cred_is_read() {
    case ${KSH_VERSION-} in
    Version*) \eval '[ "${.sh.subshell}" -gt 0 ] && [ ! -t 1 ]' ;;
    *) [ -p /dev/fd/1 ] && IFS=' ' \read -r __mfa_cred_process _ 2>/dev/null </proc/self/stat && [ "$__mfa_cred_process" != "$$" ] ;;
    esac
}

\alias __COMMAND__=__mfa_cred

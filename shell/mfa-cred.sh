# shellcheck shell=sh
# Printed by `mfa-cred init posix`, for dash, ksh, mksh and other POSIX shells: a function that runs the program. If
# `env` or `unset` succeeds, it evaluates their output in this shell. Its name comes from an alias, because a function's
# name must not contain a `-` here. The backslashes bypass aliases.

__mfa_cred() {
    if \command __BINARY__ __evaluates -- "$@" 2>/dev/null; then
        __mfa_cred_payload=$(\command __BINARY__ --format posix "$@") || \return
        \eval "$__mfa_cred_payload"
        \unset __mfa_cred_payload
    else
        \command __BINARY__ "$@"
    fi
}

\alias __COMMAND__=__mfa_cred

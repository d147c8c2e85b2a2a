# shellcheck shell=sh
# What `mfa-cred init posix` prints, for dash, ksh, mksh and their kind: a function that runs the program and takes what
# `env` and `unset` print, when they succeeded, into this shell. An alias gives it its name, since a function's must not
# hold a `-` here. The backslashes keep aliases away.

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

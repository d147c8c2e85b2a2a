# shellcheck shell=bash
# What `mfa-cred init bash` prints: a function that runs the program and takes what `env` and `unset` print, when they
# succeeded, into this shell. The backslashes keep aliases away.

\unalias __COMMAND__ 2>/dev/null || \true

function __COMMAND__() {
    if \command __BINARY__ __evaluates -- "$@" 2>/dev/null; then
        \builtin local __mfa_cred_payload
        __mfa_cred_payload=$(\command __BINARY__ --format posix "$@") || \builtin return
        \builtin eval "$__mfa_cred_payload"
        # What was loaded behind the prompt's segment may have taken it out.
        ! \builtin declare -F __mfa_cred_last >/dev/null || __mfa_cred_last
    else
        \command __BINARY__ "$@"
    fi
}

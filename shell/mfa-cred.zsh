# Printed by `mfa-cred init zsh`: a function that runs the program. If `env` or `unset` succeeds, it evaluates their
# output in this shell. The backslashes bypass aliases.

\builtin unalias __COMMAND__ 2>/dev/null || \builtin true

function __COMMAND__ {
    if \command __BINARY__ __evaluates -- "$@" 2>/dev/null; then
        \builtin local __mfa_cred_payload
        __mfa_cred_payload=$(\command __BINARY__ --format posix "$@") || \builtin return
        \builtin eval "$__mfa_cred_payload"
    else
        \command __BINARY__ "$@"
    fi
}

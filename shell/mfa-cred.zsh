# Printed by `mfa-cred init zsh`: a function that runs the program. If `env` or `unset` succeeds, it evaluates their
# output in this shell. The backslashes bypass aliases.

\builtin unalias __COMMAND__ 2>/dev/null || \builtin true

function __COMMAND__ {
    if \command __BINARY__ __evaluates -- "$@" 2>/dev/null; then
        \builtin local __mfa_cred_payload
        __mfa_cred_payload=$(\command __BINARY__ --format posix "$@") || \builtin return
        \builtin eval "$__mfa_cred_payload"
        # In `eval $(__COMMAND__ …)`, this is a subshell, and the shell that evaluates is another one.
        if (( ZSH_SUBSHELL )) && [[ -p /dev/fd/1 ]]; then
            \builtin printf '%s\n' "$__mfa_cred_payload"
        fi
    else
        \command __BINARY__ "$@"
    fi
}

# Printed by `mfa-cred init fish`: a function that runs the program. If `env` or `unset` succeeds, it evaluates their
# output in this shell. It sees the variables of the function that calls it, so that it can remove a local `AWS_PROFILE`.

function __COMMAND__ --no-scope-shadowing --description 'AWS credentials with MFA'
    if command __BINARY__ __evaluates -- $argv 2>/dev/null
        set -l __mfa_cred_payload (command __BINARY__ --format fish $argv)
        or return
        builtin eval $__mfa_cred_payload
    else
        command __BINARY__ $argv
    end
end

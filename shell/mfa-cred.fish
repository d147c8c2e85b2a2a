# What `mfa-cred init fish` prints: a function that runs the program and takes what `env` and `unset` print, when they
# succeeded, into this shell.

function __COMMAND__ --description 'AWS credentials with MFA'
    if command __BINARY__ __evaluates -- $argv 2>/dev/null
        set -l __mfa_cred_payload (command __BINARY__ --format fish $argv)
        or return
        builtin eval $__mfa_cred_payload
    else
        command __BINARY__ $argv
    end
end

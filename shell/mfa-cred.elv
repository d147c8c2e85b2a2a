# Printed by `mfa-cred init elvish`: a function that runs the program. If `env` or `unset` succeeds, it evaluates their
# output in this shell. A failure is an exception, as with any other command.

var __mfa_cred = (external __BINARY__)

fn __COMMAND__ {|@words|
    if ?($__mfa_cred __evaluates -- $@words 2>/dev/null) {
        var payload = ($__mfa_cred --format elvish $@words | slurp)
        eval $payload
    } else {
        $__mfa_cred $@words
    }
}

# Definitions made within `eval` are lost when it ends, unless they are added to the editor's namespace.
edit:add-var __COMMAND__~ $__COMMAND__~

# What `mfa-cred init elvish` prints: a function that runs the program and takes what `env` and `unset` print, when they
# succeeded, into this shell. A failure is an exception, as with any other command.

var __mfa_cred = (external __BINARY__)

fn __COMMAND__ {|@words|
    if ?($__mfa_cred __evaluates -- $@words 2>/dev/null) {
        var payload = ($__mfa_cred --format elvish $@words | slurp)
        eval $payload
    } else {
        $__mfa_cred $@words
    }
}

# What `eval` defines is gone behind it, unless the editor is told.
edit:add-var __COMMAND__~ $__COMMAND__~

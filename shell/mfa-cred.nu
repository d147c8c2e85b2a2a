# What `mfa-cred init nu` prints: a command that runs the program and takes what `env` and `unset` print, when they
# succeeded, into this shell. Nushell evaluates no text: it reads an object of variables, `null` for one to hide.
# The attribute is there since Nushell 0.108.

@complete external
def --env --wrapped __COMMAND__ [...words] {
    if (^__BINARY__ __evaluates -- ...$words | complete).exit_code == 0 {
        let variables = ^__BINARY__ --format nu ...$words | from json
        for variable in ($variables | transpose name value) {
            if $variable.value == null {
                hide-env --ignore-errors $variable.name
                # In an overlay, that shows what the one below it has.
                if $variable.name in $env {
                    load-env { $variable.name: null }
                }
            } else {
                load-env { $variable.name: $variable.value }
            }
        }
    } else {
        ^__BINARY__ ...$words
    }
}

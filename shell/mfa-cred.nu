# Printed by `mfa-cred init nu`: a command that runs the program. If `env` or `unset` succeeds, it applies their output
# to this shell. Nushell cannot evaluate text: it reads an object of variables, where `null` hides a variable. The
# attribute exists since Nushell 0.108.

@complete external
def --env --wrapped __COMMAND__ [...words] {
    if (^__BINARY__ __evaluates -- ...$words | complete).exit_code == 0 {
        let variables = ^__BINARY__ --format nu ...$words | from json
        for variable in ($variables | transpose name value) {
            if $variable.value == null {
                hide-env --ignore-errors $variable.name
                # In an overlay, hiding a variable reveals the value of the overlay below.
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

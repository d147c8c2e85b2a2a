# Completion for mfa-cred in Nushell. mfa-cred quotes the candidates itself. Other commands are passed to the previous
# external completer.
#   mfa-cred completions nu | save --force ($nu.user-autoload-dirs | first | path join mfa-cred-completion.nu)
def _mfa_cred_complete [spans: list<string>]: nothing -> any {
    let words = $spans | skip 1 | each {|word| $word | str trim --char "'" | str trim --char '"' }
    let found = ^mfa-cred __complete nu -- ...$words | complete | get stdout | lines
    match ($found | first | default "") {
        "values" => ($found | skip 1 | each {|line|
            let parts = $line | split row "\t"
            { value: $parts.0, description: ($parts.1? | default "") }
        })
        _ => null
    }
}
def --env _mfa_cred_register [name: string]: nothing -> nothing {
    let before = $env.config.completions.external.completer?
    $env.config.completions.external.completer = {|spans: list<string>|
        if $spans.0 == $name { _mfa_cred_complete $spans } else if $before != null { do $before $spans }
    }
}
_mfa_cred_register "mfa-cred"

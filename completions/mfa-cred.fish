# Completion for mfa-cred in fish, which quotes what it inserts.
#   mfa-cred completions fish >~/.config/fish/completions/mfa-cred.fish
function __mfa_cred_complete
    set -l words (commandline -opc)
    set -l found (command mfa-cred __complete fish -- $words[2..-1] (commandline -ct) 2>/dev/null)
    switch "$found[1]"
        case files
            __fish_complete_path (commandline -ct | string replace -r '^--[^=]*=' '')
        case folders
            __fish_complete_directories (commandline -ct | string replace -r '^--[^=]*=' '') ''
        case programs
            __fish_complete_command
        case values
            set -q found[2]; and printf '%s\n' $found[2..-1]
    end
end
# Remove earlier registrations, which would be used as well.
for name in mfa-cred; complete -c $name -e; complete -c $name -f -k -a '(__mfa_cred_complete)'; end

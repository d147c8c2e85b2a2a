# Completion for mfa-cred in bash, 3.2 and later. The candidates are mfa-cred's own, quoted already.
#   mfa-cred completions bash >~/.local/share/bash-completion/completions/mfa-cred
_mfa_cred() {
    \builtin local line kind='' IFS=$' \t\n'
    COMPREPLY=()
    while IFS= \read -r line; do
        if [[ -z $kind ]]; then
            kind=$line
            # Much faster than a line at a time, where there is such a thing.
            ! \builtin mapfile -t COMPREPLY 2>/dev/null || \break
        else
            COMPREPLY+=("$line")
        fi
    done < <(\command mfa-cred __complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)
    case $kind in
    files) \compopt -o default 2>/dev/null || \true ;;
    folders) \compopt -o dirnames 2>/dev/null || \true ;;
    programs)
        \compopt -o filenames 2>/dev/null || \true
        while IFS= \read -r line; do COMPREPLY+=("$line"); done < <(\compgen -c -- "$2")
        ;;
    esac
}
\builtin complete -F _mfa_cred mfa-cred 2>/dev/null || \builtin true

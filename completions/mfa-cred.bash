# Completion for mfa-cred in bash 3.2 and later. mfa-cred quotes the candidates itself.
#   mfa-cred completions bash >~/.local/share/bash-completion/completions/mfa-cred
_mfa_cred() {
    \builtin local line kind='' IFS=$' \t\n'
    COMPREPLY=()
    while IFS= \read -r line; do
        if [[ -z $kind ]]; then
            kind=$line
            # Where available, `mapfile` is much faster than reading line by line.
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

# The prompt segment: the profile whose credentials this shell holds, and the time left, in the format of `mfa-cred
# prompt`: green, yellow with a `*` below 15 minutes, then red with `EXPIRED`. It starts no process. The text is in
# `psvar`, which the prompt refers to by number and never expands, so a profile name cannot run code, whatever
# `PROMPT_SUBST` is set to.

function __mfa_cred_precmd {
    \builtin emulate -L zsh -o extended_glob
    \builtin zmodload -F zsh/datetime p:EPOCHSECONDS
    \builtin local name=${MFA_CRED_PROFILE-} end=${AWS_CREDENTIAL_EXPIRATION-} text=
    # Slot 41: no color, 42: green, 43: yellow, 44: red.
    \builtin local -i slot=42 year month day left
    psvar[41]= psvar[42]= psvar[43]= psvar[44]=
    # From the next prompt on, functions that rebuild the prompt run before this one.
    [[ ${precmd_functions[-1]-} == __mfa_cred_precmd ]] ||
        precmd_functions=(${precmd_functions:#__mfa_cred_precmd} __mfa_cred_precmd)
    [[ -n $name ]] || \builtin return 0
    # Only digits reach the arithmetic, which would run code within brackets.
    if [[ $end == [0-9](#c4)-[0-9](#c2)-[0-9](#c2)T[0-9](#c2):[0-9](#c2):[0-9](#c2)Z ]]; then
        year=10#${end[1,4]} month=10#${end[6,7]} day=10#${end[9,10]}
        (( month > 2 ? (month -= 3) : (month += 9, year -= 1) ))
        (( day += 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 719469 ))
        (( left = day * 86400 + 10#${end[12,13]} * 3600 + 10#${end[15,16]} * 60 + 10#${end[18,19]} - EPOCHSECONDS ))
        if (( left <= 0 )); then
            slot=44 text=' EXPIRED'
        elif (( left < 60 )); then
            slot=43 text=" ${left}s*"
        elif (( left < 900 )); then
            slot=43 text=" $(( left / 60 ))m*"
        elif (( left < 3600 )); then
            text=" $(( left / 60 ))m"
        elif (( left % 3600 < 60 )); then
            text=" $(( left / 3600 ))h"
        else
            text=" $(( left / 3600 ))h$(( left % 3600 / 60 ))m"
        fi
    fi
    [[ -z ${NO_COLOR-} ]] || slot=41
    # The characters that change the text direction. zsh itself displays control characters as `^[`.
    psvar[$slot]=${name//[$'\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9']/?}$text
    __mfa_cred_show
}

function __mfa_cred_show {
    if [[ ${PROMPT-} != *'%(41V.'* ]]; then
        PROMPT='%(41V.(%41v%) .)%(42V.%F{green}(%42v%)%f .)%(43V.%B%F{yellow}(%43v%)%f%b .)%(44V.%B%F{red}(%44v%)%f%b .)'${PROMPT-}
    fi
}

\builtin autoload -Uz add-zsh-hook
add-zsh-hook precmd __mfa_cred_precmd
__mfa_cred_show

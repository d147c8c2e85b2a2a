# shellcheck shell=bash
# The prompt's segment: the profile that this shell holds, and for how long, as `mfa-cred prompt` has it: green, below
# 15 minutes yellow with a `*`, then red and `EXPIRED`. It starts no process (bash before 4.2, which cannot tell the
# time, starts `date`). The prompt holds only the name of a variable, whose value bash does not expand again, so that no
# profile's name can run.
#
# What builds the prompt anew each time, as Starship does, takes it out of `PS1`; so it is put back by each run, and each
# run sees to it that it is the last one.

__mfa_cred_segment=

function __mfa_cred_prompt() {
    \builtin local code=$? digit='[0123456789]' color=32 name end left year month day now reordering
    # Behind the backslash `local` is a command like any other, and its words would be split.
    name=${MFA_CRED_PROFILE-} end=${AWS_CREDENTIAL_EXPIRATION-} left=
    __mfa_cred_segment=
    __mfa_cred_last
    [[ -n $name ]] || \builtin return "$code"
    # Nothing but digits gets into the arithmetic, which would run what stands in brackets.
    # shellcheck disable=SC2053 # Patterns are meant.
    if [[ $end == $digit$digit$digit$digit-$digit$digit-${digit}${digit}T$digit$digit:$digit$digit:$digit${digit}Z ]]; then
        ((year = 10#${end:0:4}, month = 10#${end:5:2}, day = 10#${end:8:2}))
        ((month > 2 ? (month -= 3) : (month += 9, year -= 1)))
        ((day += 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 - 719469))
        if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
            \builtin printf -v now '%(%s)T' -1
        else
            now=$(\command date +%s)
        fi
        ((left = day * 86400 + 10#${end:11:2} * 3600 + 10#${end:14:2} * 60 + 10#${end:17:2} - now))
        if ((left <= 0)); then
            color='1;31' left=' EXPIRED'
        elif ((left < 60)); then
            color='1;33' left=" ${left}s*"
        elif ((left < 900)); then
            color='1;33' left=" $((left / 60))m*"
        elif ((left < 3600 || left % 3600 < 60)); then
            ((left >= 3600)) && left=" $((left / 3600))h" || left=" $((left / 60))m"
        else
            left=" $((left / 3600))h$((left % 3600 / 60))m"
        fi
    fi
    # The marks that reorder text, as bytes: before 4.2 bash knows no others.
    reordering=$'\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae'
    reordering+=$'\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9'
    __mfa_cred_segment="(${name//[[:cntrl:]$reordering]/?}$left) "
    [[ -n ${NO_COLOR-} ]] || __mfa_cred_segment=$'\001\e['${color}$'m\002'$__mfa_cred_segment$'\001\e[0m\002'
    __mfa_cred_show
    \builtin return "$code"
}

# The function behind whatever else makes the prompt.
function __mfa_cred_last() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) &&
        [[ $(\builtin declare -p PROMPT_COMMAND 2>/dev/null) == 'declare -a'* ]]; then
        ((${#PROMPT_COMMAND[@]})) && [[ ${PROMPT_COMMAND[-1]} == __mfa_cred_prompt ]] ||
            PROMPT_COMMAND+=(__mfa_cred_prompt)
    elif [[ $'\n'${PROMPT_COMMAND-} != *$'\n'__mfa_cred_prompt ]]; then
        # Before 5.1 of an array the first one runs, which is this one.
        # shellcheck disable=SC2128,SC2178
        PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__mfa_cred_prompt
    fi
}

# The variable in the prompt, behind the line feeds that it starts with. Without that option its name would be shown.
function __mfa_cred_show() {
    \builtin shopt -q promptvars && [[ ${PS1-} != *__mfa_cred_segment* ]] || \builtin return 0
    \builtin local rest start
    rest=$PS1 start=
    while [[ $rest == $'\n'* || $rest == '\n'* ]]; do
        [[ $rest == $'\n'* ]] && start+=$'\n' rest=${rest#$'\n'} || start+='\n' rest=${rest#'\n'}
    done
    # shellcheck disable=SC2016 # It is expanded when the prompt is shown.
    PS1=$start'${__mfa_cred_segment-}'$rest
}

__mfa_cred_last
__mfa_cred_show

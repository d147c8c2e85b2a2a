# shellcheck shell=bash
# The prompt segment: the profile whose credentials this shell holds, and the time left, in the format of `mfa-cred
# prompt`: green, yellow with a `*` below 15 minutes, then red with `EXPIRED`. It starts no process, except `date` in
# bash before 4.2, which has no other way to get the time. The prompt contains only a variable's name. bash does not
# expand its value again, so a profile name cannot run code.
#
# Tools that rebuild the prompt each time, such as Starship, remove the segment from `PS1`. So each run puts it back and
# makes sure that it runs last.

__mfa_cred_segment=

function __mfa_cred_prompt() {
    \builtin local code=$? digit='[0123456789]' color=32 name end left year month day now reordering
    # Because of the backslash, `local` is an ordinary command here, and the words of its arguments would be split.
    name=${MFA_CRED_PROFILE-} end=${AWS_CREDENTIAL_EXPIRATION-} left=
    __mfa_cred_segment=
    __mfa_cred_last
    [[ -n $name ]] || \builtin return "$code"
    # Only digits reach the arithmetic, which would run code within brackets.
    # shellcheck disable=SC2053 # These are patterns on purpose.
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
    # The characters that change the text direction, as bytes: bash before 4.2 has no other notation for them.
    reordering=$'\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xae'
    reordering+=$'\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9'
    __mfa_cred_segment="(${name//[[:cntrl:]$reordering]/?}$left) "
    [[ -n ${NO_COLOR-} ]] || __mfa_cred_segment=$'\001\e['${color}$'m\002'$__mfa_cred_segment$'\001\e[0m\002'
    __mfa_cred_show
    \builtin return "$code"
}

# Makes our function the last one that changes the prompt.
function __mfa_cred_last() {
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) &&
        [[ $(\builtin declare -p PROMPT_COMMAND 2>/dev/null) == 'declare -a'* ]]; then
        ((${#PROMPT_COMMAND[@]})) && [[ ${PROMPT_COMMAND[-1]} == __mfa_cred_prompt ]] ||
            PROMPT_COMMAND+=(__mfa_cred_prompt)
    elif [[ $'\n'${PROMPT_COMMAND-} != *$'\n'__mfa_cred_prompt ]]; then
        # Before 5.1, bash runs only the first element of an array, which is this one.
        # shellcheck disable=SC2128,SC2178
        PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__mfa_cred_prompt
    fi
}

# Inserts the variable into the prompt, after any leading line feeds. Without the option `promptvars` its name would be
# displayed.
function __mfa_cred_show() {
    \builtin shopt -q promptvars && [[ ${PS1-} != *__mfa_cred_segment* ]] || \builtin return 0
    \builtin local rest start
    rest=$PS1 start=
    while [[ $rest == $'\n'* || $rest == '\n'* ]]; do
        [[ $rest == $'\n'* ]] && start+=$'\n' rest=${rest#$'\n'} || start+='\n' rest=${rest#'\n'}
    done
    # shellcheck disable=SC2016 # It is expanded when the prompt is displayed.
    PS1=$start'${__mfa_cred_segment-}'$rest
}

__mfa_cred_last
__mfa_cred_show

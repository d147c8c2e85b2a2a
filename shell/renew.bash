# shellcheck shell=bash
# Renews the credentials of this shell when less than five minutes are left, before a command starts, and before the
# prompt. It starts a process only then, at most once a minute: `mfa-cred __renew`, which ends within three seconds, asks
# nothing and prints no message. bash before 4.2 learns the time once, and then counts its own seconds.
#
# A trap runs before each command. If another tool has set one, bash-preexec calls our function; without that, the
# credentials are renewed before the prompt only.

__mfa_cred_tried=0 __mfa_cred_second=-1

function __mfa_cred_renew() {
    # In a loop, one look a second is enough.
    ((${SECONDS-0} != __mfa_cred_second)) || \builtin return 0
    __mfa_cred_second=${SECONDS--1}
    \builtin local due now payload
    due=${MFA_CRED_RENEWAL-}
    # Another tool's keys, and another profile, are left alone.
    [[ -n $due && ${due#*/*/*/} == "${AWS_ACCESS_KEY_ID-}" ]] &&
        [[ ${AWS_PROFILE:-${MFA_CRED_PROFILE-}} == "${MFA_CRED_PROFILE-}" ]] &&
        [[ ${AWS_DEFAULT_PROFILE:-${MFA_CRED_PROFILE-}} == "${MFA_CRED_PROFILE-}" ]] || \builtin return 0
    due=${due%%/*}
    # Only digits reach the arithmetic, which would run code within brackets.
    [[ -n $due && $due != *[!0123456789]* ]] || \builtin return 0
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 402)); then
        \builtin printf -v now '%(%s)T' -1
    else
        now=$((__mfa_cred_start + SECONDS))
    fi
    ((now >= due && (now < __mfa_cred_tried || now >= __mfa_cred_tried + 60))) || \builtin return 0
    __mfa_cred_tried=$now
    # New keys beside an old token would be worse than none.
    case $(\builtin readonly -p) in
    *' AWS_ACCESS_KEY_ID='* | *' AWS_SECRET_ACCESS_KEY='* | *' AWS_SESSION_TOKEN='*) \builtin return 0 ;;
    *' AWS_CREDENTIAL_EXPIRATION='* | *' MFA_CRED_RENEWAL='*) \builtin return 0 ;;
    esac
    if payload=$(\command __BINARY__ __renew --format posix 2>/dev/null </dev/null); then
        \builtin eval "$payload"
    fi
    \builtin return 0
}

# The argument is `$_`, which the command that comes next must see. With `extdebug`, a failure would skip that command.
function __mfa_cred_before() {
    ((BASH_SUBSHELL > 0)) || __mfa_cred_renew
    \builtin : "$1"
}

function __mfa_cred_at_prompt() {
    \builtin local code=$?
    __mfa_cred_renew
    \builtin return "$code"
}

if [[ $- == *i* ]]; then
    # `env` fills it in where it is set.
    \builtin export MFA_CRED_RENEWAL="${MFA_CRED_RENEWAL:--}"
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 402)); then
        __mfa_cred_start=$(($(\command date +%s) - SECONDS))
    fi
    case $(\builtin trap -p DEBUG) in
    '') \builtin trap '__mfa_cred_before "$_"' DEBUG ;;
    *__mfa_cred_before*) ;;
    *)
        if [[ -n ${preexec_functions+x} && ${preexec_functions[*]-} != *__mfa_cred_renew* ]]; then
            preexec_functions+=(__mfa_cred_renew)
        fi
        ;;
    esac
    # shellcheck disable=SC2128,SC2178 # The first element of an array, if it is one.
    if [[ ${PROMPT_COMMAND[*]-} != *__mfa_cred_at_prompt* ]]; then
        PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__mfa_cred_at_prompt
    fi
fi

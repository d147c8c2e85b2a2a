# Renews the credentials of this shell when less than five minutes are left, before a command starts, and before the
# prompt. It starts a process only then, at most once a minute: `mfa-cred __renew`, which ends within three seconds, asks
# nothing and prints no message.

function __mfa_cred_renew {
    \builtin emulate -L zsh
    \builtin local due=${MFA_CRED_RENEWAL-} held=${MFA_CRED_PROFILE-} name payload
    # Another tool's keys, and another profile, are left alone.
    [[ -n $due && ${due#*/*/*/} == "${AWS_ACCESS_KEY_ID-}" && ${AWS_PROFILE:-$held} == "$held" &&
        ${AWS_DEFAULT_PROFILE:-$held} == "$held" ]] || \builtin return 0
    due=${due%%/*}
    # Only digits reach the arithmetic, which would run code within brackets.
    [[ -n $due && $due != *[^0-9]* ]] || \builtin return 0
    \builtin zmodload -F zsh/datetime p:EPOCHSECONDS || \builtin return 0
    (( EPOCHSECONDS >= due && (EPOCHSECONDS < __mfa_cred_tried || EPOCHSECONDS >= __mfa_cred_tried + 60) )) ||
        \builtin return 0
    __mfa_cred_tried=$EPOCHSECONDS
    # New keys beside an old token would be worse than none.
    for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION MFA_CRED_RENEWAL; do
        [[ ${(Pt)name} != *readonly* ]] || \builtin return 0
    done
    if payload=$(\command __BINARY__ __renew --format posix 2>/dev/null </dev/null); then
        \builtin eval "$payload"
    fi
    \builtin return 0
}

if [[ -o interactive ]]; then
    \builtin typeset -gi __mfa_cred_tried=0
    # `env` fills it in where it is set.
    \builtin export MFA_CRED_RENEWAL="${MFA_CRED_RENEWAL:--}"
    \builtin autoload -Uz add-zsh-hook
    add-zsh-hook preexec __mfa_cred_renew
    add-zsh-hook precmd __mfa_cred_renew
fi

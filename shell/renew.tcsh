# Renews the credentials of this shell when less than five minutes are left, before a command starts. It starts a process
# only then, at most once a minute: `mfa-cred __renew`, which ends within three seconds, asks nothing and prints no
# message. tcsh has no built-in way to get the time, but it can tell when the terminal was read: when the line was typed.
#
# `precmd` runs before the prompt and finds out from when on to renew. `postcmd`, despite its name, runs before a command,
# and may neither source nor evaluate anything. Both keep what they did before, and the status.

if ("$1" == __mfa_cred_look) then
    set __mfa_cred_due = 99999999999
    # Another tool's keys, and another profile, are left alone.
    if (! $?AWS_ACCESS_KEY_ID || ! $?MFA_CRED_PROFILE || ! $?MFA_CRED_RENEWAL || "$tty" == '') exit
    if ("$MFA_CRED_RENEWAL:t" != "$AWS_ACCESS_KEY_ID") exit
    if ($?AWS_PROFILE) then
        if ("$AWS_PROFILE" != '' && "$AWS_PROFILE" != "$MFA_CRED_PROFILE") exit
    endif
    if ($?AWS_DEFAULT_PROFILE) then
        if ("$AWS_DEFAULT_PROFILE" != '' && "$AWS_DEFAULT_PROFILE" != "$MFA_CRED_PROFILE") exit
    endif
    set __mfa_cred_time = "$MFA_CRED_RENEWAL:h:h:h"
    if ("$__mfa_cred_time" == '' || "$__mfa_cred_time" =~ *[^0-9]*) exit
    @ __mfa_cred_now = -A /dev/$tty
    @ __mfa_cred_next = $__mfa_cred_tried + 60
    if ($__mfa_cred_now >= $__mfa_cred_tried && $__mfa_cred_time < $__mfa_cred_next) set __mfa_cred_time = $__mfa_cred_next
    # Last, since the other hook runs before each of these lines.
    set __mfa_cred_due = $__mfa_cred_time
    exit
endif

if ($?prompt) then
    # The hooks run within this file, too.
    if (! $?__mfa_cred_file) set __mfa_cred_file = ~/.mfa-cred.tcsh
    set __mfa_cred = __BINARY__
    if (! $?__mfa_cred_tried) set __mfa_cred_tried = 0
    set __mfa_cred_due = 99999999999
    set __mfa_cred_words = (- - - - -)
    # `env` fills it in where it is set.
    if (! $?MFA_CRED_RENEWAL) setenv MFA_CRED_RENEWAL '-'
    set __mfa_cred_precmd = "`alias precmd`"
    if ("$__mfa_cred_precmd" !~ *__mfa_cred_look*) alias precmd 'set __mfa_cred_before = $status; source $__mfa_cred_file:q __mfa_cred_look; set status = $__mfa_cred_before;' "$__mfa_cred_precmd:q"
    set __mfa_cred_postcmd = "`alias postcmd`"
    if ("$__mfa_cred_postcmd" !~ *__mfa_cred_is_due*) alias postcmd 'set __mfa_cred_before = $status; @ __mfa_cred_is_due = (-A /dev/$tty >= $__mfa_cred_due); if ($__mfa_cred_is_due) @ __mfa_cred_tried = -A /dev/$tty; if ($__mfa_cred_is_due) @ __mfa_cred_due = $__mfa_cred_tried + 60; if ($__mfa_cred_is_due) set __mfa_cred_words = (`$__mfa_cred:q __renew --format dotenv` - - - - -); if ("$__mfa_cred_words[5]" =~ MFA_CRED_RENEWAL=*) setenv AWS_ACCESS_KEY_ID "$__mfa_cred_words[1]:s/AWS_ACCESS_KEY_ID=//"; if ("$__mfa_cred_words[5]" =~ MFA_CRED_RENEWAL=*) setenv AWS_SECRET_ACCESS_KEY "$__mfa_cred_words[2]:s/AWS_SECRET_ACCESS_KEY=//"; if ("$__mfa_cred_words[5]" =~ MFA_CRED_RENEWAL=*) setenv AWS_SESSION_TOKEN "$__mfa_cred_words[3]:s/AWS_SESSION_TOKEN=//"; if ("$__mfa_cred_words[5]" =~ MFA_CRED_RENEWAL=*) setenv AWS_CREDENTIAL_EXPIRATION "$__mfa_cred_words[4]:s/AWS_CREDENTIAL_EXPIRATION=//"; if ("$__mfa_cred_words[5]" =~ MFA_CRED_RENEWAL=*) setenv MFA_CRED_RENEWAL "$__mfa_cred_words[5]:s/MFA_CRED_RENEWAL=//"; set __mfa_cred_words = (- - - - -); set status = $__mfa_cred_before;' "$__mfa_cred_postcmd:q"
endif

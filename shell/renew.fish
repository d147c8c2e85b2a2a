# Renews the credentials of this shell when less than five minutes are left, before a command starts, and before the
# prompt. It starts a process only then, at most once a minute: `mfa-cred __renew`, which ends within three seconds, asks
# nothing and prints no message.
#
# fish has no built-in way to get the time, but it can tell how long ago a file was changed. Versions before 3.6 cannot:
# there, `date` is started for each command while the shell holds credentials.

function __mfa_cred_renew --on-event fish_preexec --on-event fish_prompt
    set -l parts (string split --max 3 / -- "$MFA_CRED_RENEWAL")
    # Another tool's keys, and another profile, are left alone.
    set -q parts[4]; and test "$parts[4]" = "$AWS_ACCESS_KEY_ID"
    or return 0
    for other in $AWS_PROFILE $AWS_DEFAULT_PROFILE
        test "$other" = ''; or test "$other" = "$MFA_CRED_PROFILE"
        or return 0
    end
    string match --quiet --regex '^\d+$' -- $parts[1]
    or return 0
    set -l now
    set -l changed (path mtime / 2>/dev/null)
    if set -q changed[1]
        set now (math $changed + (path mtime --relative /))
    else
        set now (command date +%s)
    end
    test $now -ge $parts[1]
    or return 0
    if set -q __mfa_cred_tried; and test $now -ge $__mfa_cred_tried; and test $now -lt (math $__mfa_cred_tried + 60)
        return 0
    end
    set -g __mfa_cred_tried $now
    set -l payload (command __BINARY__ __renew --format fish 2>/dev/null </dev/null)
    and builtin eval $payload
    return 0
end

# `env` fills it in where it is set.
test -n "$MFA_CRED_RENEWAL"; or set -gx MFA_CRED_RENEWAL -

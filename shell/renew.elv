# Renews the credentials of this shell when less than five minutes are left, before a command starts, and before the
# prompt. It starts a process only then, at most once a minute: `mfa-cred __renew`, which ends within three seconds, asks
# nothing and prints no message. Elvish has no built-in way to get the time: on Linux it is read from /proc, elsewhere
# `date` is started for each command while the shell holds credentials.

use math
use re
use str

fn __mfa_cred_time {
    try {
        var boot = (re:find '(?m)^btime (\d+)' (slurp < /proc/stat))[groups][1][text]
        var up = (str:split . (slurp < /proc/uptime) | take 1)
        + $boot $up
    } catch _ {
        num (e:date +%s)
    }
}

var __mfa_cred_tried = (num 0)

fn __mfa_cred_renew {
    var parts = [(str:split &max=4 / $E:MFA_CRED_RENEWAL)]
    # Another tool's keys, and another profile, are left alone.
    if (or (!= (count $parts) 4) (not-eq $parts[-1] $E:AWS_ACCESS_KEY_ID) (not (re:match '^\d+$' $parts[0]))) {
        return
    }
    for other [$E:AWS_PROFILE $E:AWS_DEFAULT_PROFILE] {
        if (not (has-value ['' $E:MFA_CRED_PROFILE] $other)) {
            return
        }
    }
    var now = (__mfa_cred_time)
    if (or (< $now $parts[0]) (and (>= $now $__mfa_cred_tried) (< $now (+ $__mfa_cred_tried 60)))) {
        return
    }
    set __mfa_cred_tried = $now
    try {
        eval ((external __BINARY__) __renew --format elvish </dev/null 2>/dev/null | slurp)
    } catch _ {
    }
}

# This marker prevents the hooks from being added twice.
if (eq (resolve __mfa_cred_renews) '(external __mfa_cred_renews)') {
    edit:add-var __mfa_cred_renews~ {|| }
    # `env` fills it in where it is set.
    if (eq $E:MFA_CRED_RENEWAL '') {
        set-env MFA_CRED_RENEWAL -
    }
    set edit:after-readline = [$@edit:after-readline {|_| __mfa_cred_renew }]
    set edit:before-readline = [$@edit:before-readline $__mfa_cred_renew~]
}

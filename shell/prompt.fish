# The prompt segment: the profile whose credentials this shell holds, and the time left, in the format of `mfa-cred
# prompt`: green, yellow with a `*` below 15 minutes, then red with `EXPIRED`. fish has no built-in way to get the time:
# on Linux it is read from /proc, elsewhere `date` is started.

function __mfa_cred_segment
    set -q MFA_CRED_PROFILE[1]; and test -n "$MFA_CRED_PROFILE"
    or return 0
    set -l color green
    set -l left
    set -l end (string match --regex '^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$' -- "$AWS_CREDENTIAL_EXPIRATION")
    if set -q end[7]
        set -l now
        if test -r /proc/uptime -a -r /proc/stat
            set -l boot (string match --regex --groups-only '^btime (\d+)' </proc/stat)
            read --local up _ </proc/uptime
            set now (math "floor($boot + $up)")
        else
            set now (command date +%s)
        end
        set -l year $end[2]
        set -l month (math $end[3] - 3)
        if test $month -lt 0
            set month (math $month + 12)
            set year (math $year - 1)
        end
        set -l day (math "$end[4] + 365 * $year + floor($year / 4) - floor($year / 100) + floor($year / 400) + floor((153 * $month + 2) / 5) - 719469")
        set left (math "$day * 86400 + $end[5] * 3600 + $end[6] * 60 + $end[7] - $now")
        test $left -lt 900; and set color --bold yellow
        if test $left -le 0
            set color --bold red
            set left ' EXPIRED'
        else if test $left -lt 60
            set left " $left"s\*
        else if test $left -lt 900
            set left ' '(math "floor($left / 60)")m\*
        else if test $left -lt 3600
            set left ' '(math "floor($left / 60)")m
        else if test (math "$left % 3600") -lt 60
            set left ' '(math "floor($left / 3600)")h
        else
            set left ' '(math "floor($left / 3600)")h(math "floor($left % 3600 / 60)")m
        end
    end
    set -l text '('(string replace --all --regex '[[:cntrl:]\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]' '?' -- "$MFA_CRED_PROFILE")"$left) "
    if test -n "$NO_COLOR"
        printf %s $text
    else
        printf %s%s%s (set_color $color) $text (set_color normal)
    end
end

# Passes the status of the last command to the previous prompt.
function __mfa_cred_status
    return $argv[1]
end

# Adds the segment in front of the current `fish_prompt`. Each such function is kept under its own name, because one may
# call the function that it replaced (a virtual environment's prompt does). Within such a call the segment is not
# printed again.
function __mfa_cred_wrap --on-event fish_prompt
    # It may remain from an interrupted prompt.
    set -e __mfa_cred_within
    functions fish_prompt | string match --quiet '*__mfa_cred_within*'
    and return
    set -q __mfa_cred_wrapped; or set -g __mfa_cred_wrapped 0
    set -g __mfa_cred_wrapped (math $__mfa_cred_wrapped + 1)
    set -l before __mfa_cred_prompt_$__mfa_cred_wrapped
    functions --copy fish_prompt $before
    builtin eval "function fish_prompt
        set -l code \$status
        if set -q __mfa_cred_within
            __mfa_cred_status \$code
            $before
        else
            __mfa_cred_segment
            set -g __mfa_cred_within
            __mfa_cred_status \$code
            $before
            set -e __mfa_cred_within
        end
    end"
end
__mfa_cred_wrap

# The prompt segment: the profile whose credentials this shell holds, and the time left, in the format of `mfa-cred
# prompt`: green, yellow with a `*` below 15 minutes, then red with `EXPIRED`. Elvish has no built-in way to get the
# time: on Linux it is read from /proc, elsewhere `date` is started.

use math
use re
use str

fn __mfa_cred_now {
    try {
        var boot = (re:find '(?m)^btime (\d+)' (slurp < /proc/stat))[groups][1][text]
        var up = (str:split . (slurp < /proc/uptime) | take 1)
        + $boot $up
    } catch _ {
        e:date +%s
    }
}

fn __mfa_cred_segment {
    if (not-eq $E:MFA_CRED_PROFILE '') {
        var name = (re:replace '[[:cntrl:]\x{61c}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]' '?' $E:MFA_CRED_PROFILE)
        var left = ''
        var color = green
        var ends = [(re:find '^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$' $E:AWS_CREDENTIAL_EXPIRATION)]
        if (not-eq $ends []) {
            # `08` is an inexact number, which `%` rejects unless it is converted.
            var year month day hour minute second = (each {|group| exact-num $group[text] } $ends[0][groups][1..])
            set month = (- $month 3)
            if (< $month 0) {
                set month = (+ $month 12)
                set year = (- $year 1)
            }
            fn div {|a b| exact-num (math:floor (/ $a $b)) }
            var days = (+ $day (* 365 $year) (div $year 4) (- (div $year 100)) (div $year 400) ^
                (div (+ (* 153 $month) 2) 5) -719469)
            var secs = (- (+ (* $days 86400) (* $hour 3600) (* $minute 60) $second) (__mfa_cred_now))
            if (<= $secs 0) {
                set color = red
                set left = ' EXPIRED'
            } elif (< $secs 60) {
                set color = yellow
                set left = ' '$secs's*'
            } elif (< $secs 900) {
                set color = yellow
                set left = ' '(div $secs 60)'m*'
            } elif (< $secs 3600) {
                set left = ' '(div $secs 60)'m'
            } elif (< (% $secs 3600) 60) {
                set left = ' '(div $secs 3600)'h'
            } else {
                set left = ' '(div $secs 3600)'h'(div (% $secs 3600) 60)'m'
            }
        }
        if (not-eq $E:NO_COLOR '') {
            put '('$name$left') '
        } else {
            styled '('$name$left') ' $color
        }
    }
}

# This marker prevents the segment from being added twice.
if (eq (resolve __mfa_cred_mark) '(external __mfa_cred_mark)') {
    edit:add-var __mfa_cred_mark~ {|| }
    var before = $edit:prompt
    set edit:prompt = { __mfa_cred_segment; $before }
}

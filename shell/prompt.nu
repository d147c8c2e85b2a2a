# The prompt segment: the profile whose credentials this shell holds, and the time left, in the format of `mfa-cred
# prompt`: green, yellow with a `*` below 15 minutes, then red with `EXPIRED`. It starts no process.

def __mfa_cred_segment []: nothing -> string {
    let name = $env.MFA_CRED_PROFILE? | default ''
    if $name == '' {
        return ''
    }
    let end = $env.AWS_CREDENTIAL_EXPIRATION? | default ''
    mut left = ''
    mut color = 'green'
    if $end =~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$' {
        let secs = (($end | into datetime) - (date now)) // 1sec
        if $secs < 900 {
            $color = if $secs <= 0 { 'red_bold' } else { 'yellow_bold' }
        }
        $left = if $secs <= 0 {
            ' EXPIRED'
        } else if $secs < 60 {
            $' ($secs)s*'
        } else if $secs < 900 {
            $' ($secs // 60)m*'
        } else if $secs < 3600 {
            $' ($secs // 60)m'
        } else if $secs mod 3600 < 60 {
            $' ($secs // 3600)h'
        } else {
            $' ($secs // 3600)h($secs mod 3600 // 60)m'
        }
    }
    let text = '(' + ($name | str replace --all --regex '[[:cntrl:]\u{61c}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]' '?') + $left + ') '
    if ($env.NO_COLOR? | default '') != '' { $text } else { $'(ansi $color)($text)(ansi reset)' }
}

# A closure is not exported to other programs, so a nested shell sets up its own.
if $env.MFA_CRED_PROMPT_BEFORE? == null {
    $env.MFA_CRED_PROMPT_BEFORE = $env.PROMPT_COMMAND? | default { {|| pwd } }
    $env.PROMPT_COMMAND = {||
        let before = $env.MFA_CRED_PROMPT_BEFORE
        (__mfa_cred_segment) + (if ($before | describe) == 'closure' { do $before } else { $before })
    }
}

# The prompt segment: the profile whose credentials this shell holds, and the time left, in the format of `mfa-cred
# prompt`: green, yellow with a `*` below 15 minutes, then red with `EXPIRED`. It starts no process. Not tested in
# PowerShell.

function Get-MfaCredSegment {
    if (-not $Env:MFA_CRED_PROFILE) {
        return ''
    }
    $left = ''
    $color = 32
    if ($Env:AWS_CREDENTIAL_EXPIRATION -cmatch '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$') {
        $end = [DateTimeOffset]::Parse($Env:AWS_CREDENTIAL_EXPIRATION, [CultureInfo]::InvariantCulture)
        $seconds = [Math]::Floor(($end - [DateTimeOffset]::UtcNow).TotalSeconds)
        $minutes = [Math]::Floor($seconds / 60)
        if ($seconds -lt 900) {
            $color = if ($seconds -le 0) { '1;31' } else { '1;33' }
        }
        $left = if ($seconds -le 0) {
            ' EXPIRED'
        } elseif ($seconds -lt 60) {
            " ${seconds}s*"
        } elseif ($seconds -lt 900) {
            " ${minutes}m*"
        } elseif ($minutes -lt 60) {
            " ${minutes}m"
        } elseif ($minutes % 60 -eq 0) {
            " $($minutes / 60)h"
        } else {
            " $([Math]::Floor($minutes / 60))h$($minutes % 60)m"
        }
    }
    $text = '(' + ($Env:MFA_CRED_PROFILE -replace '[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]', '?') + $left + ') '
    if ($Env:NO_COLOR) {
        $text
    } else {
        "$([char]27)[${color}m$text$([char]27)[0m"
    }
}

if (-not (Test-Path Variable:MfaCredPromptBefore)) {
    $MfaCredPromptBefore = $function:prompt
    function prompt {
        (Get-MfaCredSegment) + (& $MfaCredPromptBefore)
    }
}

# Renews the credentials of this shell when less than five minutes are left, before the prompt: PowerShell has no hook that
# runs before a command. It starts a process only then, at most once a minute: `mfa-cred __renew`, which ends within three
# seconds, asks nothing and prints no message. Not tested in PowerShell.

function Update-MfaCredCredentials {
    # An exit code that is not zero is no error of PowerShell (7.4 can make it one), nor is a message on stderr (5.1 can).
    $PSNativeCommandUseErrorActionPreference = $false
    $ErrorActionPreference = 'Continue'
    $parts = "$Env:MFA_CRED_RENEWAL".Split('/', 4)
    # Another tool's keys, and another profile, are left alone.
    if ($parts.Count -ne 4 -or $parts[3] -cne $Env:AWS_ACCESS_KEY_ID -or $parts[0] -cnotmatch '^[0-9]{1,18}$') {
        return
    }
    foreach ($other in @($Env:AWS_PROFILE, $Env:AWS_DEFAULT_PROFILE)) {
        if ($other -and $other -cne $Env:MFA_CRED_PROFILE) {
            return
        }
    }
    $now = [DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
    if ($now -lt [long]$parts[0] -or ($now -ge $global:MfaCredTried -and $now -lt $global:MfaCredTried + 60)) {
        return
    }
    $global:MfaCredTried = $now
    $code = $global:LASTEXITCODE
    $payload = & __BINARY__ __renew --format powershell 2>$null
    if ($global:LASTEXITCODE -eq 0) {
        $payload | Invoke-Expression
    }
    $global:LASTEXITCODE = $code
}

if (-not (Test-Path Variable:global:MfaCredTried)) {
    $global:MfaCredTried = 0
    # `env` fills it in where it is set.
    if (-not $Env:MFA_CRED_RENEWAL) {
        $Env:MFA_CRED_RENEWAL = '-'
    }
    $MfaCredRenewBefore = $function:prompt
    function prompt {
        Update-MfaCredCredentials
        & $MfaCredRenewBefore
    }
}

# Printed by `mfa-cred init powershell`: a function that runs the program. If `env` or `unset` succeeds, it evaluates
# their output in this shell. Not tested in PowerShell.

function __COMMAND__ {
    # An exit code that is not zero is no error of PowerShell (7.4 can make it one), nor is a message on stderr (5.1 can).
    $PSNativeCommandUseErrorActionPreference = $false
    $ErrorActionPreference = 'Continue'
    & __BINARY__ __evaluates '--' @args 2>$null
    if ($LASTEXITCODE -eq 0) {
        $payload = & __BINARY__ --format powershell @args
        if ($LASTEXITCODE -eq 0) {
            $payload | Invoke-Expression
        }
    } elseif ($MyInvocation.ExpectingInput) {
        $input | & __BINARY__ @args
    } else {
        & __BINARY__ @args
    }
}

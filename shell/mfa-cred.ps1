# What `mfa-cred init powershell` prints: a function that runs the program and takes what `env` and `unset` print, when
# they succeeded, into this shell. Not run: no PowerShell was at hand.

function __COMMAND__ {
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

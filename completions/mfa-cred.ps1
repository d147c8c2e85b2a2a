# Completion for mfa-cred in PowerShell. mfa-cred quotes the candidates itself.
#   mfa-cred completions powershell | Out-String | Invoke-Expression      (in $PROFILE)
$MfaCredCompleter = {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
            Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
            ForEach-Object { if ($_.Value -is [string]) { $_.Value } else { $_.Extent.Text } })
    if ($wordToComplete -eq '') { $words += '' }
    $program = Get-Command -Name mfa-cred -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $program) { return }
    $kind, $found = @(& $program __complete powershell -- @words 2>$null)
    if ($kind -ne 'values') { return }
    foreach ($line in $found) {
        $word, $about = $line -split "`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
    }
}
Register-ArgumentCompleter -Native -CommandName mfa-cred -ScriptBlock $MfaCredCompleter

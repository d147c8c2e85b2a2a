# Renews the credentials of this shell when less than five minutes are left, before a command starts, and before the
# prompt. It starts a process only then, at most once a minute: `mfa-cred __renew`, which ends within three seconds, asks
# nothing and prints no message.

def --env __mfa_cred_renew [] {
    let parts = $env.MFA_CRED_RENEWAL? | default '' | split row --number 4 '/'
    # Another tool's keys, and another profile, are left alone.
    if ($parts | length) != 4 or $parts.3 != ($env.AWS_ACCESS_KEY_ID? | default '') or $parts.0 !~ '^\d{1,18}$' {
        return
    }
    for other in [$env.AWS_PROFILE? $env.AWS_DEFAULT_PROFILE?] {
        if ($other | default '') not-in ['' ($env.MFA_CRED_PROFILE? | default '')] {
            return
        }
    }
    let now = (date now | into int) // 1_000_000_000
    let tried = $env.MFA_CRED_TRIED.at
    if $now < ($parts.0 | into int) or ($now >= $tried and $now < $tried + 60) {
        return
    }
    $env.MFA_CRED_TRIED = { at: $now }
    let done = ^__BINARY__ __renew --format nu | complete
    if $done.exit_code == 0 {
        $done.stdout | from json | load-env
    }
}

# A record is not exported to other programs, so a nested shell sets up its own hooks.
if $env.MFA_CRED_TRIED? == null {
    $env.MFA_CRED_TRIED = { at: 0 }
    # `env` fills it in where it is set.
    if ($env.MFA_CRED_RENEWAL? | default '') == '' {
        $env.MFA_CRED_RENEWAL = '-'
    }
    $env.config.hooks.pre_execution = $env.config.hooks.pre_execution? | default [] | append {|| __mfa_cred_renew }
    $env.config.hooks.pre_prompt = $env.config.hooks.pre_prompt? | default [] | append {|| __mfa_cred_renew }
}

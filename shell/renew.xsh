# Renews the credentials of this shell when less than five minutes are left, before a command starts, and before the
# prompt. It starts a process only then, at most once a minute: `mfa-cred __renew`, which ends within three seconds, asks
# nothing and prints no message.


def __mfa_cred_renew(tried=[0]):
    import json
    import subprocess
    import time

    env = ${...}
    parts = env.get('MFA_CRED_RENEWAL', '').split('/', 3)
    held = ('', env.get('MFA_CRED_PROFILE', ''))
    now = int(time.time())
    # Another tool's keys, and another profile, are left alone.
    if len(parts) != 4 or parts[3] != env.get('AWS_ACCESS_KEY_ID', '') or not (parts[0].isascii() and parts[0].isdigit()):
        return
    if env.get('AWS_PROFILE', '') not in held or env.get('AWS_DEFAULT_PROFILE', '') not in held:
        return
    if now < int(parts[0]) or tried[0] <= now < tried[0] + 60:
        return
    tried[0] = now
    words, null = [__BINARY__, '__renew', '--format', 'json'], subprocess.DEVNULL
    try:
        answer = subprocess.run(words, env=env.detype(), stdin=null, stdout=subprocess.PIPE, stderr=null)
    except OSError:
        return
    if answer.returncode == 0:
        for name, value in json.loads(answer.stdout).items():
            env[name] = value


if not any(hook.__name__ == '__mfa_cred_before' for hook in events.on_precommand):
    # `env` fills it in where it is set.
    $MFA_CRED_RENEWAL = ${...}.get('MFA_CRED_RENEWAL', '') or '-'

    @events.on_precommand
    def __mfa_cred_before(**_):
        __mfa_cred_renew()

    @events.on_pre_prompt
    def __mfa_cred_at_prompt(**_):
        __mfa_cred_renew()

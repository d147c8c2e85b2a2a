# The prompt segment: the profile whose credentials this shell holds, and the time left, in the format of `mfa-cred
# prompt`: green, yellow with a `*` below 15 minutes, then red with `EXPIRED`. It starts no process. Braces are doubled,
# because the prompt reads them as color codes.


def __mfa_cred_segment():
    import datetime
    import re

    name = ${...}.get('MFA_CRED_PROFILE', '')
    if not name:
        return ''
    name = re.sub(r'[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]', '?', name).replace('{', '{{').replace('}', '}}')
    left, color = '', 'GREEN'
    try:
        end = datetime.datetime.strptime(${...}.get('AWS_CREDENTIAL_EXPIRATION', ''), '%Y-%m-%dT%H:%M:%SZ')
    except ValueError:
        pass
    else:
        end = end.replace(tzinfo=datetime.timezone.utc)
        secs = int((end - datetime.datetime.now(datetime.timezone.utc)).total_seconds())
        color = 'GREEN' if secs >= 900 else 'BOLD_YELLOW' if secs > 0 else 'BOLD_RED'
        if secs <= 0:
            left = ' EXPIRED'
        elif secs < 60:
            left = f' {secs}s*'
        elif secs < 900:
            left = f' {secs // 60}m*'
        elif secs < 3600:
            left = f' {secs // 60}m'
        elif secs % 3600 < 60:
            left = f' {secs // 3600}h'
        else:
            left = f' {secs // 3600}h{secs % 3600 // 60}m'
    text = f'({name}{left}) '
    return text if ${...}.get('NO_COLOR') else '{' + color + '}' + text + '{RESET}'


$PROMPT_FIELDS['mfa_cred'] = __mfa_cred_segment
if '{mfa_cred}' not in $PROMPT:
    $PROMPT = '{mfa_cred}' + $PROMPT

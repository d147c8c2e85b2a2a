# Printed by `mfa-cred init xonsh`: an alias that runs the program. If `env` or `unset` succeeds, it applies their
# output to this shell.


def __mfa_cred(args, stdin=None, stdout=None, stderr=None, spec=None):
    import json
    import subprocess

    def run(*words, **streams):
        return subprocess.run([__BINARY__, *words, *args], env=${...}.detype(), **streams)

    # Xonsh would capture output that goes to the terminal, and the program would no longer see a terminal.
    is_shown = spec is not None and spec.captured in (False, 'hiddenobject')
    if is_shown and spec.captured_stdout is not None:
        stdout = None
    if is_shown and spec.captured_stderr is not None:
        stderr = None

    if run('__evaluates', '--', stderr=subprocess.DEVNULL).returncode != 0:
        return run(stdin=stdin, stdout=stdout, stderr=stderr).returncode
    answer = run('--format', 'json', stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
    if answer.returncode == 0:
        for name, value in json.loads(answer.stdout).items():
            if value is None:
                ${...}.pop(name, None)
            else:
                ${...}[name] = value
    return answer.returncode


aliases['__COMMAND__'] = __mfa_cred

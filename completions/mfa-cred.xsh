# Completion for mfa-cred in Xonsh. mfa-cred quotes the candidates itself.
#   mfa-cred completions xonsh > ~/.config/xonsh/rc.d/mfa-cred-completion.xsh
from xonsh.completers.completer import add_one_completer as _mfa_cred_add
from xonsh.completers.path import contextual_complete_path as _mfa_cred_paths
from xonsh.completers.tools import RichCompletion as _mfa_cred_rich
from xonsh.completers.tools import contextual_command_completer as _mfa_cred_contextual

_mfa_cred_names = set()


@_mfa_cred_contextual
def _mfa_cred_complete(context):
    """Completes the arguments of mfa-cred."""
    import subprocess

    if context.arg_index == 0 or context.args[0].value not in _mfa_cred_names:
        return None
    words = [arg.value for arg in context.args[1 : context.arg_index]]
    try:
        found = subprocess.run(
            ["mfa-cred", "__complete", "xonsh", "--", *words, context.prefix],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env=${...}.detype(),
        ).stdout.split("\n")[:-1]
    except (OSError, ValueError):
        return None
    if not found or found[0] != "values":
        return _mfa_cred_paths(context) if found else None
    length = len(context.opening_quote) + len(context.prefix)
    pairs = (line.split("\t", 1) for line in found[1:])
    return {_mfa_cred_rich(word, prefix_len=length, description=about, append_space=True) for word, about in pairs}


_mfa_cred_add("mfa-cred", _mfa_cred_complete, "start")
_mfa_cred_names.add("mfa-cred")

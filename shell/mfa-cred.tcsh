# Printed by `mfa-cred init tcsh`. Save it as ~/.mfa-cred.tcsh (or set `__mfa_cred_file` to another path) and source it
# in ~/.tcshrc. tcsh has no functions, so the alias sources this file again, with arguments: it runs the program, and if
# `env` or `unset` succeeds, evaluates their output in this shell.

if (! $?__mfa_cred_file) set __mfa_cred_file = ~/.mfa-cred.tcsh
set __mfa_cred = __BINARY__
set __mfa_cred_status = 0
alias __COMMAND__ 'source $__mfa_cred_file:q __mfa_cred \!*'

if ("$1" == __mfa_cred) then
    $__mfa_cred:q __evaluates -- $argv[2-]:q >& /dev/null
    if ($status == 0) then
        eval `$__mfa_cred:q --format tcsh $argv[2-]:q`
        set __mfa_cred_status = $status
    else
        $__mfa_cred:q $argv[2-]:q
        set __mfa_cred_status = $status
    endif
endif

# This comes last, because `endif` sets the status to success.
(exit $__mfa_cred_status)

# What `mfa-cred init tcsh` prints, to be kept as ~/.mfa-cred.tcsh (or where `__mfa_cred_file` says) and sourced by
# ~/.tcshrc. tcsh has no functions, so the alias sources this file anew, with words: it runs the program and takes what
# `env` and `unset` print, when they succeeded, into this shell.

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

# Last, since `endif` succeeds.
(exit $__mfa_cred_status)

# Completion for mfa-cred in tcsh. Names that would need quotes are not offered: tcsh splits what it is given.
#   mfa-cred completions tcsh >~/.mfa-cred-completion.tcsh; source it in ~/.tcshrc
complete mfa-cred 'n/{--config-file,--credentials-file}/f/' 'p/*/`\mfa-cred __complete tcsh`/'

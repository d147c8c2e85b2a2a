# Completion for mfa-cred in tcsh. Names that need quotes are not offered, because tcsh splits its input.
#   mfa-cred completions tcsh >~/.mfa-cred-completion.tcsh; source it in ~/.tcshrc
complete mfa-cred 'n/{--config-file,--credentials-file}/f/' 'p/*/`\mfa-cred __complete tcsh`/'

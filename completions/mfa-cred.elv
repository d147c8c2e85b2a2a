# Completion for mfa-cred in Elvish, which quotes what it inserts.
#   mfa-cred completions elvish >~/.config/elvish/lib/mfa-cred-completion.elv; use mfa-cred-completion in rc.elv
use str

fn -mfa-cred-complete {|@words|
  var kind = ''
  try {
    (external mfa-cred) __complete elvish -- (all $words[1..]) 2>/dev/null | each {|line|
      if (eq $kind '') {
        set kind = $line
      } else {
        var parts = [(str:split "\t" $line)]
        var display = $parts[0]
        if (not-eq $parts[1] '') {
          set display = $parts[0]'  ('$parts[1]')'
        }
        edit:complex-candidate $parts[0] &display=$display &code-suffix=' '
      }
    }
  } catch _ { nop }
  if (has-value [files folders] $kind) {
    edit:complete-filename $@words
  } elif (eq $kind programs) {
    edit:complete-sudo '' $words[-1]
  }
}

set edit:completion:arg-completer[mfa-cred] = $-mfa-cred-complete~

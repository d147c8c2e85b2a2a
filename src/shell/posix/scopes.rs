//! Variables of other scopes, which come back when a function returns: how to keep them from programs then, too.
//!
//! The texts are for one shell each and contain characters that another shell would expand, so the statement carries
//! them escaped. That is done when the program is built: a warm call has no time for it.

use super::is_inert_byte;

/// A text around the names of the variables, for `printf %b`.
macro_rules! encoded {
    ($before:expr, $after:expr) => {{
        const BEFORE: [u8; length($before)] = encode($before);
        const AFTER: [u8; length($after)] = encode($after);
        (ascii(&BEFORE), ascii(&AFTER))
    }};
}

/// zsh cannot reach the global variable while a local one exists. So the local one stays, empty and not exported, and
/// marks the scope: when the function returns, its EXIT trap, which runs in the caller's scope, looks again. A function
/// that has an EXIT trap keeps it; the global variable then comes back.
///
/// `emulate` makes it independent of the user's options, `=(:)` is a temporary file that is deleted at once, and only
/// `trap` without a pipe or a subshell tells the traps of the function.
const ZSH: (&str, &str) = encoded!(
    "() {
[[ -n $MFA_CRED_PROFILE ]]||\\return
\\local n
\\integer is_local
for n in ",
    ";do
case ${(Pt)n} in
(*readonly*) ;;
(*local*) \\typeset -g +x $n=;is_local=1;;
(?*) \\unset $n;;
esac
done
((is_local))
}&&\\zmodload zsh/system&&\\exec {__mfa_cred_file}<> =(:)&&{
\\trap >&$__mfa_cred_file
\\sysseek -u $__mfa_cred_file 0
IFS= \\read -r -d '' -u $__mfa_cred_file __mfa_cred_traps
\\exec {__mfa_cred_file}>&-
case $__mfa_cred_traps in
(*__mfa_cred_leave*) ;;
(*EXIT*) \\unset __mfa_cred_leave;;
(*) \\trap '\\emulate zsh -c \"$__mfa_cred_leave\"' EXIT;;
esac
\\unset __mfa_cred_file __mfa_cred_traps
}||\\unset __mfa_cred_leave"
);

/// In bash a function that unsets a local variable of its own keeps an empty place, and programs get the global one.
/// A function that is called by it removes the variable, and reveals the next one.
const BASH: (&str, &str) = encoded!(
    "function __mfa_cred_unset { \\builtin unset -v ",
    ";} 2>/dev/null
__mfa_cred_unset||\\builtin true
__mfa_cred_unset||\\builtin true
__mfa_cred_unset||\\builtin true
\\builtin unset -f __mfa_cred_unset"
);

const fn length(text: &str) -> usize {
    let (bytes, mut at, mut length) = (text.as_bytes(), 0, 0);
    while at < bytes.len() {
        length += if is_inert_byte(bytes[at]) { 1 } else { 5 };
        at += 1;
    }
    length
}

const fn encode<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let (bytes, mut at, mut end, mut encoded) = (text.as_bytes(), 0, 0, [0; LENGTH]);
    while at < bytes.len() {
        let byte = bytes[at];
        if is_inert_byte(byte) {
            encoded[end] = byte;
            end += 1;
        } else {
            let octal = [b'\\', b'0', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)];
            let mut digit = 0;
            while digit < octal.len() {
                encoded[end + digit] = octal[digit];
                digit += 1;
            }
            end += octal.len();
        }
        at += 1;
    }
    encoded
}

const fn ascii(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("it is ASCII"),
    }
}

/// The statement that unsets these variables.
///
/// Within a function, `unset` in bash and mksh removes the innermost variable with that name and reveals the next one: a
/// caller's local variable or the global one. So it is done three times, not in a loop, which would never end for a
/// read-only variable.
pub(super) fn settle(names: &[&str]) -> String {
    let (plain, encoded) = (names.join(" "), names.join("\\0040"));
    let unset = ["if \\unset ", &plain, ";then \\true;fi;"].concat().repeat(3);
    [
        "if test \"${ZSH_VERSION-}\";then \\typeset -g __mfa_cred_leave=\"`printf %b '",
        ZSH.0,
        &encoded,
        ZSH.1,
        "'`\";\\emulate zsh -c \"$__mfa_cred_leave\";else ",
        &unset,
        "fi;if test \"${BASH_VERSION-}\";then \\eval \"`printf %b '",
        BASH.0,
        &encoded,
        BASH.1,
        "'`\";fi;",
    ]
    .concat()
}

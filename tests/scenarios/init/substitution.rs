//! `eval $(mfa-cred PROFILE)` in a shell that has the function, as somebody types it who learned it before.

use crate::support::pty::PATIENCE;
use crate::support::tools::{find, skip_without};
use crate::support::world::{Cast, World};

const SHELLS: [(&str, &str); 5] =
    [("bash", "bash"), ("zsh", "zsh"), ("ksh", "posix"), ("mksh", "posix"), ("dash", "posix")];

const SCRIPT: &str = "\
eval $(mfa-cred deploy)
echo \"evaluated ${MFA_CRED_PROFILE-nothing}\" >>seen
eval $(mfa-cred unset)
echo \"unset ${MFA_CRED_PROFILE-nothing}\" >>seen
(mfa-cred deploy; echo \"inside ${MFA_CRED_PROFILE-nothing}\" >>seen) >/dev/null
echo \"outside ${MFA_CRED_PROFILE-nothing}\" >>seen
mfa-cred deploy
echo \"called ${MFA_CRED_PROFILE-nothing}\" >>seen
";

const SEEN: &str = "evaluated deploy\nunset nothing\ninside deploy\noutside nothing\ncalled deploy\n";

/// The output of the script itself is a pipe, too: a call in the shell prints nothing into it.
#[test]
fn what_a_substitution_prints_can_be_evaluated_and_a_call_prints_nothing() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    for (shell, language) in SHELLS {
        let Some(program) = find(shell, &["-c", "exit 0"]) else {
            skip_without("eval in a shell", shell);
            continue;
        };
        let function = world.run(&["init", language]);
        assert!(function.status.success(), "{function:?}");
        world.write("function", &function.stdout);
        // An alias is known from the next line on.
        world.write("script", format!(". ./function\n{SCRIPT}"));
        world.write("seen", "");
        let done = world.run_other(program, &["script"], PATIENCE);
        assert_eq!((world.read("seen").as_str(), done.stdout.as_str()), (SEEN, ""), "{shell}: {done:?}");
    }
}

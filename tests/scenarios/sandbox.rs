//! The sandbox, started as people start it.

use std::process::Command;

use crate::support::pty::{PATIENCE, Pty, Stream};

/// What a person does there: read the greeting, get the code, sign in.
#[test]
fn the_sandbox_shows_cargos_progress_and_its_greeting_leads_to_a_sign_in() {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["run", "--example", "sandbox"]);
    command.env("SHELL", "/bin/sh").env("TERM", "xterm").env_remove("MFA_CRED_PROFILE");
    // With cargo's variables about this package, `ring` would be rebuilt.
    for (name, _) in std::env::vars_os() {
        let starts = |start| name.to_str().is_some_and(|name| name.starts_with(start));
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].into_iter().any(starts) {
            command.env_remove(name);
        }
    }
    let mut session = Pty::default().sized(40, 100).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    // Cargo reports its work twice: for the sandbox itself, and for the program in it.
    for text in ["Finished", "Finished", "A sandbox: ", "Get a code first", "mfa-code", "eval $(mfa-cred my-test-role)"]
    {
        session.wait_for(text, 10 * PATIENCE);
    }
    let before = session.screen();
    // The dependencies were already built for the tests, with the same features.
    assert!(!before.contains("Compiling aws"), "{before}");
    session.type_text("mfa-code | mfa-cred login my-test-role --mfa-token -; echo code=$?\r");
    session.wait_for("my-test-role: signed in for ", PATIENCE);
    session.wait_for("code=0", PATIENCE);
    // The profiles that the README's commands name.
    session.type_text("for name in my-user my-test-role my-other-role my-admin-role; do mfa-cred show $name >/dev/null || echo lacks=$name; done; echo looked=$?\r");
    session.wait_for("looked=0", PATIENCE);
    assert!(!session.screen().contains("lacks=my-"), "{}", session.screen());
    session.type_text("exit\r");
    let finished = session.finish(PATIENCE);
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
}

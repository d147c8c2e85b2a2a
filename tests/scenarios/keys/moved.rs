//! From the files into the safe, and out of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{CREDENTIALS, SETTINGS, all_on_terminal, cast, lock, refused, sealed, signs_in, with_text};
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World, calls, json};

#[test]
fn an_imported_key_leaves_the_file_after_a_yes_and_every_other_byte_stays() {
    let cast = World::cast();
    let Cast { world, key, .. } = &cast;
    let text = |lines: &str| {
        format!(
            "# mine\r\n[other]\r\nregion = eu-west-1\r\n\r\n[alice]\r\n{lines}; after\r\noutput = json\r\n[last]\r\nx = 1"
        )
    };
    let lines = format!("aws_access_key_id = {}\r\n# old\r\nAWS_Secret_Access_Key={}\r\n", key.id, key.secret);
    world.write(CREDENTIALS, text(&lines));
    let path = world.home().join(CREDENTIALS);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
    let mut session = world.at_terminal(&["keys", "import", "alice"]);
    session.wait_for("Seal the key and write this? [Y/n] ", PATIENCE);
    session.type_text("\n");
    session.wait_for("There is no keyring here, so a passphrase will protect your access keys.", PATIENCE);
    for prompt in ["New passphrase for your access keys: ", "Repeat the passphrase: "] {
        session.wait_for(prompt, PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        session.type_text("tulip\n");
    }
    let done = session.finish(PATIENCE);
    world.heard("import", &done);
    assert!(done.status.success() && done.stdout.is_empty(), "{done:?}");
    let id = &key.id;
    assert_eq!(
        done.stderr,
        format!(
            "alice: access key {id} of alice is sealed (passphrase-protected file)\n\
             hint: the AWS CLI and SDKs no longer find this key; with `mfa-cred process alice` as the profile's `credential_process`, they get its credentials\n"
        )
    );
    assert!(done.terminal.contains(&format!("-aws_access_key_id = {id}")) && !done.terminal.contains("tulip"));
    assert_eq!(world.read(CREDENTIALS), text("# old\r\n"));
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert_eq!(calls(world), ["GetCallerIdentity"]);
    assert_eq!(with_text(world, &key.secret), Vec::<String>::new());
    signs_in(&cast);
    // Nothing is asked until the next login, and then the passphrase alone.
    world.forget_unlocked_keys();
    let mut session = world.at_terminal(&["process", "alice", "--no-cache"]);
    session.wait_for("Passphrase for your access keys: ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text("tulip\n");
    let done = session.finish(PATIENCE);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(json(&done)["AccessKeyId"], key.id.as_str());
}

#[test]
fn no_and_escape_change_nothing() {
    for answer in ["n\n", "\u{1b}"] {
        let Cast { world, .. } = cast();
        let before = world.read(CREDENTIALS);
        let mut session = world.at_terminal(&["keys", "import", "alice"]);
        session.wait_for("[Y/n] ", PATIENCE);
        session.type_text(answer);
        let done = session.finish(PATIENCE);
        assert_eq!(done.status.code(), Some(130), "{done:?}");
        assert!(done.stderr.starts_with("error: nothing was changed"), "{done:?}");
        assert_eq!((world.read(CREDENTIALS), world.safe().exists()), (before, false));
    }
}

#[test]
fn a_key_that_aws_does_not_take_stays_where_it_is() {
    let Cast { world, key, .. } = cast();
    world.aws.deactivate(&key.id);
    let before = world.read(CREDENTIALS);
    let done = world.run(&["keys", "import", "alice", "--yes"]);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    assert!(done.stderr.starts_with(&format!("error: GetCallerIdentity with access key {}: ", key.id)), "{done:?}");
    assert!(done.stderr.contains("\nhint: the access key was deleted or deactivated"), "{done:?}");
    assert_eq!((world.read(CREDENTIALS), world.safe().exists()), (before, false));
}

#[test]
fn what_is_no_one_key_of_the_profile_is_refused_and_stays() {
    let Cast { world, key, .. } = cast();
    let (id, secret) = (&key.id, &key.secret);
    let file = world.home().join(CREDENTIALS).display().to_string();
    let section = format!("[alice]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    for (credentials, config, error) in [
        (
            format!("{section}aws_session_token = t\n"),
            "",
            format!("{file}:4: profile `alice` has temporary credentials, which end by themselves and are not sealed"),
        ),
        (
            section.clone(),
            "[profile alice]\naws_secret_access_key = other\n",
            "config:2: profile `alice` has another access key here, which would be lost".to_owned(),
        ),
        (format!("[alice]\naws_access_key_id = {id}\n"), "", "has no `aws_secret_access_key`".to_owned()),
        (
            format!("[alice]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = {secret}\n"),
            "",
            "ASIA".to_owned(),
        ),
    ] {
        world.write(CREDENTIALS, &credentials);
        world.write(".aws/config", if config.is_empty() { "[profile alice]\n" } else { config });
        let done = world.run(&["keys", "import", "alice", "--yes"]);
        assert_eq!(done.status.code(), Some(1), "{done:?}");
        assert!(done.stderr.contains(&error), "{error}: {done:?}");
        assert_eq!(world.read(CREDENTIALS), credentials);
        assert!(!world.safe().exists());
    }
    assert_eq!(calls(&world), Vec::<String>::new());
    world.write(CREDENTIALS, "");
    world.write(
        ".aws/config",
        format!(
            "[profile alice]\ncredential_process = x\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"
        ),
    );
    refused(
        &world,
        &["keys", "import", "alice", "--yes"],
        1,
        "error: profile `alice` uses its `credential_process` and not its access key\n",
    );
    world.may_leak();
}

#[test]
fn a_new_key_in_the_file_is_used_and_does_not_replace_a_sealed_one() {
    let Cast { world, key, .. } = sealed();
    let new = world.aws.add_user("alice2");
    world.write_key("alice", &new);
    let used = world.run(&["process", "alice", "--no-cache"]);
    assert_eq!(json(&used)["AccessKeyId"], new.id.as_str());
    let id = &key.id;
    refused(
        &world,
        &["keys", "import", "alice", "--yes"],
        1,
        &format!(
            "error: profile `alice` already has the sealed access key {id}, which would be lost\n\
             hint: `mfa-cred keys export alice` shows it, `mfa-cred keys remove alice` deletes it\n"
        ),
    );
    // The same key once more is what a process that was killed in between leaves.
    world.write_key("alice", &key);
    let again = world.run(&["keys", "import", "alice", "--yes"]);
    assert!(again.status.success(), "{again:?}");
    assert_eq!(world.read(CREDENTIALS), "[alice]\n");
}

#[test]
fn sealing_a_key_ends_no_session_and_a_session_needs_no_key() {
    let cast = cast();
    let Cast { world, device, key } = &cast;
    world.sign_in(device, &["login", "deploy"]);
    assert!(world.run(&["keys", "import", "alice", "--yes"]).status.success());
    world.aws.take_calls();
    lock(world);
    for words in
        [&["env", "deploy"][..], &["process", "deploy"], &["exec", "deploy", "--", "true"], &["status", "deploy"]]
    {
        let done = world.run(words);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{words:?}: {done:?}");
    }
    assert_eq!(calls(world), Vec::<String>::new());
    // Another role needs the session, and not the key either.
    let done = world.run(&["env", "audit"]);
    assert_eq!((done.status.code(), calls(world).join(" ")), (Some(0), "AssumeRole".to_owned()), "{done:?}");
    // The key itself, which nobody can unlock; no code is asked for.
    let done = world.run(&["env", "deploy", "--refresh", "--mfa-token", "123456"]);
    assert_eq!((done.status.code(), done.stdout.as_str(), calls(world)), (Some(7), "", Vec::new()), "{done:?}");
    assert_eq!(
        done.stderr,
        "error: the key to your sealed access keys could not be unlocked: `unlock_process` gave no passphrase: it failed (exit status: 1)\n\
         hint: run the command by hand: it must print the passphrase on one line, and exit with 0\n"
    );
    assert_eq!(with_text(world, &key.secret), Vec::<String>::new());
}

#[test]
fn a_sealed_profile_may_name_mfa_cred_as_its_own_credential_process() {
    let Cast { world, key, .. } = sealed();
    world.edit_config("[profile alice]\n", "[profile alice]\ncredential_process = mfa-cred process alice\n");
    let done = world.run(&["process", "alice", "--no-cache"]);
    assert_eq!(json(&done)["AccessKeyId"], key.id.as_str(), "{done:?}");
}

#[test]
fn an_exported_key_is_on_the_screen_until_enter_and_in_no_pipe() {
    let Cast { world, key, .. } = sealed();
    let mut session = all_on_terminal(&world, &["keys", "export", "alice"]);
    session.wait_for(&format!("Show the secret of access key {} on this screen? [y/N] ", key.id), PATIENCE);
    session.type_text("y\n");
    session.wait_for("Press Enter to wipe this page: ", PATIENCE);
    let screen = session.screen();
    assert!(screen.contains(&key.secret) && screen.contains(&key.id), "{screen}");
    session.type_text("\n");
    session.wait_for("\u{1b}[?1049l", PATIENCE);
    let mut after = vt100::Parser::new(24, 80, 1000);
    after.process(session.screen().as_bytes());
    assert!(!after.screen().contents().contains(&key.secret), "{}", after.screen().contents());
    after.screen_mut().set_scrollback(1000);
    assert!(!after.screen().contents().contains(&key.secret), "{}", after.screen().contents());
    assert!(session.finish(PATIENCE).status.success());
    for (answer, code) in [("\n", 130), ("n\n", 130)] {
        let mut session = all_on_terminal(&world, &["keys", "export", "alice"]);
        session.wait_for("[y/N] ", PATIENCE);
        session.type_text(answer);
        let done = session.finish(PATIENCE);
        assert_eq!(done.status.code(), Some(code));
        assert!(!done.terminal.contains(&key.secret));
    }
    // On a terminal, into a pipe.
    let done = world.at_terminal(&["keys", "export", "alice"]).finish(PATIENCE);
    assert_eq!((done.status.code(), done.stdout.as_str(), done.terminal.as_str()), (Some(1), "", ""));
}

#[test]
fn a_removed_key_is_gone_here_and_its_profile_has_none() {
    let Cast { world, key, .. } = sealed();
    let mut session = world.at_terminal(&["keys", "remove", "alice"]);
    session.wait_for(
        &format!("Delete access key {} of profile `alice`? Its secret cannot be recovered. [y/N] ", key.id),
        PATIENCE,
    );
    session.type_text("\n");
    assert_eq!(session.finish(PATIENCE).status.code(), Some(130));
    let done = world.run(&["keys", "remove", "alice", "--yes"]);
    let id = &key.id;
    done.expect(
        0,
        "",
        &format!(
            "alice: deleted access key {id} from this machine\n\
             hint: AWS still accepts it: `aws iam delete-access-key --access-key-id {id}` deletes it there\n"
        ),
    );
    let left: Vec<_> = fs::read_dir(world.safe()).expect("listed").flatten().map(|file| file.file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".lock")), "{left:?}");
    let done = world.run(&["env", "alice"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.contains("has no credentials") || done.stderr.contains("no access key"), "{done:?}");
    // What is damaged can be removed as well.
    let Cast { world, .. } = sealed();
    let name = fs::read_dir(world.safe()).expect("listed").flatten().map(|file| file.path());
    let file = name.into_iter().find(|path| path.to_string_lossy().contains("access-key-")).expect("the key");
    fs::write(&file, "damaged").expect("ours");
    let done = world.run(&["process", "deploy", "--mfa-token", "123456"]);
    assert_eq!((done.status.code(), calls(&world)), (Some(1), Vec::new()), "{done:?}");
    assert!(done.stderr.contains("does not open") && done.stderr.contains("hint: restore the file"), "{done:?}");
    assert!(world.run(&["keys", "remove", "alice", "--yes"]).status.success());
    assert!(!file.exists());
    world.write(SETTINGS, "");
}

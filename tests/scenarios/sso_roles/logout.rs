//! `logout`: the sign-in ends at AWS and here, with everything that came from it, and nothing else does.

use std::fs;

use super::faults::can_trace;
use super::{ACCOUNT, CONFIG, HOUR, MINUTE, SsoHome, token_file};
use crate::support::aws::{Fault, RoleSpec, When};
use crate::support::pty::{self, PATIENCE};
use crate::support::world::{MFA_CRED, World, calls};

const LEFT: &str = "credentials that programs already have stay valid until they expire";
const LAB: &str = "[sso-session lab]\nsso_start_url = https://lab.awsapps.com/start\nsso_region = eu-west-1\n\
                   [profile lab]\nsso_session = lab\nsso_account_id = 210987654321\nsso_role_name = Developer\n";

/// What stands in the folder of tokens, apart from locks.
fn tokens(world: &World) -> Vec<String> {
    let files = fs::read_dir(world.home().join(".aws/sso/cache")).expect("a folder").flatten();
    let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.ends_with("mfa-cred.lock"));
    names.sort();
    names
}

/// A home with cached credentials of a role, of one on top of it and of a user, and a section that `write` wrote.
fn busy() -> SsoHome {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let arn = world.aws.add_role(RoleSpec::new("deploy").trust_role(&home.role));
    world.add_config(&format!("[profile deploy]\nrole_arn = {arn}\nsource_profile = dev\n"));
    let key = world.aws.add_user("alice");
    world.write_key("alice", &key);
    let plain = world.aws.add_role(RoleSpec::new("plain").trust_user("alice"));
    world.add_config(&format!("[profile plain]\nrole_arn = {plain}\nsource_profile = alice\n"));
    for words in [
        &["login", "deploy", "plain"][..],
        // For a profile of another source, and yet from this login.
        &["login", "plain", "--source-profile", "dev", "--role-arn", &arn, "--duration", "30m"],
        &["write", "deploy", "--as", "copy"],
    ] {
        let done = world.run(words);
        assert!(done.status.success(), "{words:?}: {done:?}");
    }
    world.may_leak();
    assert_eq!(world.entries().len(), 4, "the role, deploy, plain, and that of plain by another source");
    calls(world);
    home
}

#[test]
fn a_login_ends_at_aws_and_here_with_everything_that_came_from_it() {
    for words in
        [&["logout", "dev"][..], &["logout", "deploy"], &["logout", "--sso", "corp"], &["logout"], &["logout", "--all"]]
    {
        let home = busy();
        let world = &home.world;
        let other = token_file(world, "https://other.example/start");
        fs::write(&other, "{\"accessToken\": \"x\", \"expiresAt\": \"2099-01-01T00:00:00Z\"}").expect("a file");
        let done = world.run(words);
        let said = format!(
            "SSO session `corp`: signed out\nremoved 3 cached entries\nremoved `[copy]` from {}\n{LEFT}; the last of \
             those that were cached here expires in 1h\n",
            world.home().join(".aws/credentials").display()
        );
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), ""), "{words:?}: {done:?}");
        assert_eq!(done.stderr.replace("in 59m", "in 1h"), said, "{words:?}");
        assert_eq!((calls(world), world.aws.sso().sessions()), (vec!["Logout".to_owned()], 0), "{words:?}");
        // The other login's token is as it was, and so are the credentials of the user's role.
        assert_eq!(tokens(world), [other.file_name().expect("a name").to_string_lossy()], "{words:?}");
        assert_eq!(world.entries().len(), 1, "{words:?}");
        assert!(world.run(&["process", "plain"]).status.success() && calls(world).is_empty(), "{words:?}");
        assert!(!world.read(".aws/credentials").contains("copy"), "{words:?}");
        assert_eq!(home.process().status.code(), Some(3), "{words:?}");
        // Once more: there is nobody.
        world.run(words).expect(0, "", "SSO session `corp`: nobody is signed in\n");
        assert_eq!(calls(world), Vec::<String>::new(), "{words:?}");
    }
}

#[test]
fn without_an_argument_it_is_the_shells_profile_or_the_only_session() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    world.add_config(LAB);
    world.add_config("[profile key]\nrole_arn = arn:aws:iam::123456789012:role/x\ncredential_source = Environment\n");
    world.run(&["logout"]).expect(2, "", "error: there are several SSO sessions: name one of `corp`, `lab`\n");
    world.set("AWS_PROFILE", "lab");
    world.run(&["logout"]).expect(0, "", "SSO session `lab`: nobody is signed in\n");
    world.set("MFA_CRED_PROFILE", "dev");
    let done = world.run(&["logout"]);
    let hint = format!("{LEFT}\nhint: this shell holds some of them: `eval $(mfa-cred unset)` removes them\n");
    done.expect(0, "", &format!("SSO session `corp`: signed out\n{hint}"));
    // Several profiles of one session are one login.
    world.run(&["logout", "dev", "lab", "dev"]).expect(
        0,
        "",
        "SSO session `corp`: nobody is signed in\nSSO session `lab`: nobody is signed in\n",
    );
}

#[test]
fn a_profile_without_a_login_is_told_what_to_do_instead() {
    let home = busy();
    let world = &home.world;
    world.add_config(
        "[profile console]\nlogin_session = arn:aws:iam::123456789012:user/alice\nregion = eu-west-1\n\
         [profile above]\nsource_profile = console\nrole_arn = arn:aws:iam::123456789012:role/x\n",
    );
    let no_sso = |name: &str| {
        format!(
            "error: profile `{name}` does not sign in with SSO, so there is nothing to sign out of\n\
             hint: `mfa-cred clear {name}` forgets its cached credentials\n"
        )
    };
    let of_cli = |name: &str| {
        format!(
            "error: profile `{name}` uses a session of `aws login`, which belongs to the AWS CLI\n\
             hint: `aws logout --profile console` ends it; `mfa-cred clear {name}` forgets the credentials that were \
             cached\n"
        )
    };
    for (name, said) in [
        ("alice", no_sso("alice")),
        ("plain", no_sso("plain")),
        ("console", of_cli("console")),
        ("above", of_cli("above")),
        ("nobody", "error: there is no profile `nobody`\n".to_owned()),
    ] {
        // Named with one that could be signed out of: nothing is done.
        let done = world.run(&["logout", "dev", name]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{name}: {done:?}");
        assert!(said.starts_with("error: there is") || done.stderr == said, "{name}: {done:?}");
    }
    world.run(&["logout", "--sso", "crop"]).expect(
        1,
        "",
        "error: `--sso`: there is no section `[sso-session crop]`\nhint: did you mean `corp`?\n",
    );
    assert_eq!((calls(world), world.entries().len(), world.aws.sso().sessions()), (Vec::new(), 4, 1));
}

/// A profile that gives no credentials has a login nevertheless.
#[test]
fn a_profile_that_makes_no_plan_can_be_signed_out_of() {
    for lines in [
        "sso_session = corp\n",
        "sso_session = corp\nsso_account_id = 210987654321\n",
        "sso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Developer\nmfa_serial = arn:aws:iam::210987654321:mfa/x\n",
        "sso_session = corp\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
    ] {
        let home = SsoHome::with(HOUR);
        home.world
            .write(".aws/config", CONFIG.replace("[sso-session", &format!("[profile other]\n{lines}[sso-session")));
        home.world.run(&["logout", "other"]).expect(0, "", &format!("SSO session `corp`: signed out\n{LEFT}\n"));
        assert_eq!((home.world.aws.sso().sessions(), tokens(&home.world)), (0, Vec::new()), "{lines}");
    }
}

#[test]
fn the_older_form_is_signed_out_of_by_its_profile_or_with_all_others() {
    let url = "https://corp.awsapps.com/start";
    let old = format!(
        "[profile old]\nsso_start_url = {url}\nsso_region = eu-west-1\nsso_account_id = {ACCOUNT}\nsso_role_name = Developer\n"
    );
    for (words, said) in [
        (&["logout", "old"][..], format!("the SSO login at {url}: signed out\n{LEFT}\n")),
        (&["logout"], format!("the SSO login at {url}: signed out\n{LEFT}\n")),
        (
            &["logout", "--all"],
            format!("SSO session `lab`: nobody is signed in\nthe SSO login at {url}: signed out\n{LEFT}\n"),
        ),
    ] {
        let home = SsoHome::with(HOUR);
        home.world.write(".aws/config", &old);
        if words == ["logout"] {
            home.world.set("AWS_PROFILE", "old");
        } else {
            home.world.add_config(LAB);
        }
        fs::rename(token_file(&home.world, "corp"), token_file(&home.world, url)).expect("it is moved");
        home.world.run(words).expect(0, "", &said);
        assert_eq!((home.world.aws.sso().sessions(), tokens(&home.world)), (0, Vec::new()), "{words:?}");
    }
    let empty = World::empty();
    empty.write(".aws/config", "[profile x]\nregion = eu-west-1\n");
    empty.run(&["logout", "--all"]).expect(0, "", "there is no SSO session to sign out of\n");
    assert!(!empty.home().join(".aws/sso").exists());
}

/// An expired access token ends no login, and the refresh token beside it is still good.
#[test]
fn an_expired_token_is_renewed_so_that_the_login_really_ends() {
    let home = SsoHome::with(MINUTE * -10);
    home.world.run(&["logout"]).expect(0, "", &format!("SSO session `corp`: signed out\n{LEFT}\n"));
    assert_eq!(calls(&home.world), ["CreateToken", "Logout"]);
    assert_eq!((home.world.aws.sso().sessions(), tokens(&home.world)), (0, Vec::new()));
    // One that looks good, and is refused.
    let home = SsoHome::with(HOUR);
    let mut other = home.token();
    other["accessToken"] = "aoaRevoked".into();
    home.write(&other);
    assert!(home.world.run(&["logout"]).status.success());
    assert_eq!(
        (calls(&home.world), home.world.aws.sso().sessions()),
        (["Logout", "CreateToken", "Logout"].map(str::to_owned).to_vec(), 0)
    );
}

#[test]
fn a_login_that_is_over_is_removed_without_an_error() {
    let over = format!("SSO session `corp`: signed out; the sign-in had already expired\n{LEFT}\n");
    for (what, token, made) in [
        ("nothing renews it", "{\"accessToken\": \"aoa\", \"expiresAt\": \"2020-01-01T00:00:00Z\"}", &[][..]),
        ("it is no token", "half a fi", &[]),
    ] {
        let home = SsoHome::with(HOUR);
        fs::write(token_file(&home.world, "corp"), token).expect("a file");
        home.world.run(&["logout"]).expect(0, "", &over);
        assert_eq!((calls(&home.world), tokens(&home.world)), (made.to_vec(), Vec::<String>::new()), "{what}");
    }
    for left in [HOUR, MINUTE * -10] {
        let home = SsoHome::with(left);
        home.world.aws.sso().end_sessions();
        home.world.run(&["logout"]).expect(0, "", &over);
        assert_eq!(tokens(&home.world), Vec::<String>::new());
    }
}

#[test]
fn if_aws_cannot_be_told_everything_is_removed_here_and_the_exit_code_says_so() {
    let hint = "hint: at AWS it lasts until it expires, unless an administrator deletes the user's active session in IAM \
                Identity Center\n";
    for (fault, why, exit) in [
        (Fault::ServerError(When::Before, 500), "AWS failed to answer (HTTP 500)", 6),
        (Fault::Throttle, "AWS is throttling calls", 5),
        (Fault::Drop(When::Before), "the answer was lost", 6),
    ] {
        let home = busy();
        let world = &home.world;
        world.aws.fault("Logout", fault, 100);
        let done = world.run(&["logout", "dev"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(exit), ""), "{why}: {done:?}");
        let error = format!(
            "error: the sign-in to SSO session `corp` was removed from this machine, but not ended at AWS: Logout for SSO \
             session `corp`: {why}"
        );
        assert!(done.stderr.contains(&error) && done.stderr.ends_with(hint), "{why}: {done:?}");
        assert!(done.stderr.contains("removed 3 cached entries\n") && done.stderr.contains(LEFT), "{why}: {done:?}");
        assert_eq!((tokens(world), world.entries().len(), world.aws.sso().sessions()), (Vec::new(), 1, 1), "{why}");
    }
    // Of several, every one is tried.
    let home = SsoHome::with(HOUR);
    home.world.add_config(LAB);
    fs::copy(token_file(&home.world, "corp"), token_file(&home.world, "lab")).expect("a copy");
    home.world.aws.fault("Logout", Fault::ServerError(When::Before, 500), 100);
    let done = home.world.run(&["logout", "--all"]);
    assert_eq!(done.status.code(), Some(6), "{done:?}");
    assert_eq!(done.stderr.matches("but not ended at AWS").count(), 2, "{done:?}");
    assert!(done.stderr.ends_with("error: could not sign out of 2 of 2 SSO sessions\n"), "{done:?}");
    assert_eq!(tokens(&home.world), Vec::<String>::new());
}

#[test]
fn a_token_that_cannot_be_removed_is_an_error_and_the_login_has_ended() {
    if !can_trace() {
        return;
    }
    let home = SsoHome::with(HOUR);
    assert!(home.process().status.success());
    let mut command = pty::off_terminal("strace");
    home.world.dress(&mut command);
    command.args(["-f", "-qq", "-e", "signal=none", "-o", "/dev/null", "-e", "trace=unlink"]);
    command.arg("-P").arg(token_file(&home.world, "corp"));
    command.args(["-e", "inject=unlink:error=EACCES", MFA_CRED, "logout"]);
    let done = pty::run(command, b"", PATIENCE);
    let error = "cannot be written: Permission denied (os error 13)\nhint: ";
    assert!(done.status.code() == Some(1) && done.stderr.contains(error), "{done:?}");
    assert_eq!((home.world.aws.sso().sessions(), home.world.entries()), (0, Vec::new()), "{done:?}");
}

/// The renewal of another process and the end of the login take turns.
#[test]
fn what_a_killed_renewal_left_is_removed_with_the_token() {
    let home = SsoHome::with(HOUR);
    let file = token_file(&home.world, "corp");
    let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
    let new = file.with_file_name(format!(".{stem}.mfa-cred.new"));
    fs::copy(&file, &new).expect("a copy");
    assert!(home.world.run(&["logout"]).status.success());
    assert_eq!((tokens(&home.world), home.world.aws.sso().sessions()), (Vec::new(), 0));
    // Without a token file, too.
    fs::write(&new, "{}").expect("a file");
    home.world.run(&["logout"]).expect(0, "", "SSO session `corp`: nobody is signed in\n");
    assert_eq!(tokens(&home.world), Vec::<String>::new());
}

#[test]
fn a_link_to_the_token_and_what_it_points_to_are_removed() {
    let home = SsoHome::with(HOUR);
    let (file, target) = (token_file(&home.world, "corp"), home.world.home().join("elsewhere.json"));
    fs::rename(&file, &target).expect("it is moved");
    std::os::unix::fs::symlink(&target, &file).expect("a link");
    assert!(home.world.run(&["logout"]).status.success());
    assert!(!target.exists() && tokens(&home.world).is_empty());
}

/// `logout` asks nothing, so it needs no terminal; and it never opens a browser.
#[test]
fn at_a_terminal_it_does_the_same() {
    let home = SsoHome::with(HOUR);
    let done = home.world.at_terminal(&["logout"]).finish(PATIENCE);
    assert!(done.status.success() && home.world.aws.sso().sessions() == 0, "{done:?}");
}

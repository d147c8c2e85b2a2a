//! `mfa-cred console`: the AWS console in a browser, signed in as a role.

mod hidden;
mod refusals;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use mfa_cred::names::console::ConsoleService;

use crate::support::aws::{Fault, RoleSpec, Visit, When};
use crate::support::pty::PATIENCE;
use crate::support::tools::{find, skip_without};
use crate::support::world::{Cast, World, calls};

/// A browser that goes where it is sent, with cookies.
const CURL: &str = "#!/bin/sh\nexec curl -s -L -b '' -o page \"$@\"\n";
const HOME: &str = "https://us-east-1.console.aws.amazon.com/console/home?region=us-east-1";
const TOKYO: &str = "https://ap-northeast-1.console.aws.amazon.com/console/home?region=ap-northeast-1";

/// The usual setup, and a browser that is this script.
fn with_browser(script: &str) -> Cast {
    let cast = World::cast();
    write_browser(&cast.world, script);
    cast.world.set("BROWSER", "./browser");
    cast
}

fn write_browser(world: &World, script: &str) {
    world.write("browser", script);
    fs::set_permissions(world.home().join("browser"), fs::Permissions::from_mode(0o700)).expect("a mode");
}

/// The role and the page of each visit, and the duration of its session.
fn pages(world: &World) -> Vec<(String, String, Option<i64>)> {
    let visits = world.aws.visits().into_iter();
    visits
        .filter_map(|visit| match visit {
            Visit::Page { role, destination, duration, .. } => {
                Some((role.rsplit('/').next().unwrap_or_default().to_owned(), destination, duration))
            }
            Visit::Logout => None,
        })
        .collect()
}

fn page(role: &str, destination: &str, duration: Option<i64>) -> (String, String, Option<i64>) {
    (role.to_owned(), destination.to_owned(), duration)
}

/// Waits for what the browser does by itself.
fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "nothing happened");
        sleep(Duration::from_millis(10));
    }
}

/// Opens an address as a browser does.
fn visit(world: &World, address: &str) {
    let mut curl = Command::new("curl");
    world.dress(&mut curl);
    let done = curl.args(["-s", "-f", "-L", "-b", "", "-o", "page", address]).status().expect("curl");
    assert!(done.success(), "{address}");
}

#[test]
fn a_role_is_signed_in_to_the_console_in_the_browser() {
    let Cast { world, device, .. } = with_browser(CURL);
    let done = world.sign_in(&device, &["console", "deploy"]);
    done.expect(0, "", "deploy: opened the AWS console as role `deploy` in account 123456789012, for 59m\n");
    assert_eq!(calls(&world)[..3], ["GetSessionToken", "AssumeRole", "getSigninToken"]);
    // The next one needs no code, and no new session.
    world.run(&["console", "deploy", "iam"]);
    world.run(&["console", "--profile", "deploy", "logs", "--region", "eu-west-1"]);
    assert_eq!(calls(&world).iter().filter(|call| *call == "getSigninToken").count(), 2);
    let logs = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups";
    let wanted = [
        page("deploy", TOKYO, None),
        page("deploy", "https://console.aws.amazon.com/iam/home", None),
        page("deploy", logs, None),
    ];
    // The browser gets its last page when this program has ended.
    until(|| pages(&world).len() == 3);
    assert_eq!(pages(&world), wanted);
}

#[test]
fn chromium_is_signed_in() {
    const WHAT: &str = "the console in Chromium";
    let Some(chromium) = find("chromium", &["--version"]) else { return skip_without(WHAT, "chromium") };
    let folder = tempfile::tempdir().expect("a folder");
    let (program, data) = (chromium.display(), folder.path().display());
    let script = format!(
        "#!/bin/sh\nexec {program} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
         --user-data-dir={data} --dump-dom \"$1\" >page 2>{data}/log\n"
    );
    let Cast { world, device, .. } = with_browser(&script);
    let done = hidden::watched(&world, || world.sign_in(&device, &["console", "deploy", "s3"]));
    assert!(done.stderr.contains("opened the AWS console as role `deploy`"), "{done:?}");
    until(|| world.read("page").contains("</html>"));
    let seen = world.read("page");
    assert!(seen.contains("<h1>Signed in as arn:aws:iam::123456789012:role/deploy</h1>"), "{seen}");
    let visits = world.aws.visits();
    let [Visit::Page { destination, user_agent, .. }] = &visits[..] else { panic!("{visits:?}") };
    assert_eq!(destination, "https://ap-northeast-1.console.aws.amazon.com/s3/home?region=ap-northeast-1");
    assert!(user_agent.contains("Chrome/"), "{user_agent}");
}

#[test]
fn the_address_is_printed_if_that_is_wanted_or_there_is_no_browser() {
    for (words, browser, notes) in [
        (&["console", "deploy", "--print"][..], "./browser", ""),
        (&["console", "deploy"], "", "deploy: there is no browser here: open this address in yours\n"),
    ] {
        let Cast { world, device, .. } = with_browser("#!/bin/sh\n>opened\n");
        world.set("BROWSER", browser);
        let done = world.sign_in(&device, words);
        let warning = "warning: for 15 minutes, this address signs in anyone who has it to the AWS console, as role \
                       `deploy` in account 123456789012, for 59m: keep it to yourself\n";
        assert_eq!(done.stderr, format!("{notes}{warning}"));
        assert!(done.stdout.starts_with(&format!("{}/federation?Action=login&Issuer=mfa-cred&", world.aws.url())));
        assert_eq!(done.stdout.lines().count(), 1);
        visit(&world, done.stdout.trim_end());
        assert_eq!(pages(&world), [page("deploy", TOKYO, None)]);
        assert!(!world.home().join("opened").exists());
    }
}

#[test]
fn over_ssh_the_address_is_printed_on_the_terminal() {
    let Cast { world, device, .. } = World::cast();
    world.set("DISPLAY", ":0");
    world.set("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22");
    world.sign_in(&device, &["login", "deploy"]);
    let done = world.at_terminal(&["console", "deploy"]).finish(PATIENCE);
    assert!(done.status.success() && done.stdout.contains("/federation?Action=login"), "{done:?}");
    assert!(done.stderr.starts_with("deploy: there is no browser here: open this address in yours\n"), "{done:?}");
}

#[test]
fn the_duration_is_chosen_only_where_a_user_assumed_the_role_directly() {
    let Cast { world, device, .. } = with_browser(CURL);
    let chained = world.aws.add_role(RoleSpec::new("chained").trust_account("123456789012"));
    world.add_config(&format!("[profile chained]\nrole_arn = {chained}\nsource_profile = deploy\n"));
    let open = world.aws.add_role(RoleSpec::new("open").trust_user("alice").max_duration(7200));
    world.add_config(&format!("[profile open]\nrole_arn = {open}\nsource_profile = alice\nduration_seconds = 7200\n"));
    world.sign_in(&device, &["console", "chained"]);
    let done = world.run(&["console", "open"]);
    assert!(
        done.stderr.ends_with("opened the AWS console as role `open` in account 123456789012, for 2h\n"),
        "{done:?}"
    );
    world.sign_in(&device, &["console", "deploy", "--duration", "4h"]);
    until(|| pages(&world).len() == 3);
    let wanted = [page("chained", TOKYO, None), page("open", TOKYO, Some(7200)), page("deploy", TOKYO, Some(14_400))];
    assert_eq!(pages(&world), wanted);
    // A duration that AWS refuses is left out of a second call: there was none.
    assert_eq!(calls(&world).iter().filter(|call| *call == "getSigninToken").count(), 3);
}

#[test]
fn a_duration_that_aws_refuses_is_left_out() {
    let Cast { world, device, .. } = with_browser(CURL);
    world.aws.refuse_durations();
    let done = world.sign_in(&device, &["console", "deploy", "--duration", "4h"]);
    assert!(done.stderr.ends_with("in account 123456789012, for 3h59m\n"), "{done:?}");
    assert_eq!(calls(&world)[..3], ["AssumeRole", "getSigninToken", "getSigninToken"]);
    until(|| pages(&world) == [page("deploy", TOKYO, None)]);
}

#[test]
fn the_browsers_old_session_is_ended_first_if_that_is_wanted() {
    let Cast { world, device, .. } = with_browser(CURL);
    world.sign_in(&device, &["console", "deploy", "--logout-first"]);
    until(|| world.aws.visits().len() == 2);
    let visits = world.aws.visits();
    assert!(matches!(&visits[..], [Visit::Logout, Visit::Page { .. }]), "{visits:?}");
}

#[test]
fn a_role_of_identity_center_is_opened_by_the_start_page_without_credentials() {
    let world = World::empty();
    let config = "[profile dev]\nsso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Power+User\n\
                  region = eu-central-1\n\
                  [sso-session corp]\nsso_start_url = https://corp.awsapps.com/start#/\nsso_region = eu-west-1\n";
    world.write(".aws/config", config);
    let start = "https://corp.awsapps.com/start/#/console?account_id=210987654321&role_name=Power%2BUser";
    world.run(&["console", "dev", "--print"]).expect(0, &format!("{start}\n"), "");
    let page = "https%3A%2F%2Feu-central-1.console.aws.amazon.com%2Fs3%2Fhome%3Fregion%3Deu-central-1";
    world.run(&["console", "dev", "s3", "--print"]).expect(0, &format!("{start}&destination={page}\n"), "");
    write_browser(&world, "#!/bin/sh\ncurl -s -o /dev/null -w '%{redirect_url}' \"$1\" >seen\n");
    let opened = "dev: opened the AWS console as role `Power+User` in account 210987654321 by the start page of IAM \
                  Identity Center\n";
    world.run(&["console", "dev", "--browser", "./browser {url}"]).expect(0, "", opened);
    until(|| !world.read("seen").is_empty());
    assert_eq!(world.read("seen"), start);
    let done = world.run(&["console", "dev", "--logout-first"]);
    assert_eq!(done.status.code(), Some(2), "{done:?}");
    assert!(done.stderr.contains("`--logout-first` does not work with IAM Identity Center"), "{done:?}");
    assert_eq!(calls(&world), [] as [&str; 0]);
}

#[test]
fn a_container_of_firefox_gets_the_profile_and_the_address() {
    let Cast { world, device, .. } = World::cast();
    // As the extension does: it takes the address out of its own.
    let script = "#!/bin/sh\nprintf '%s' \"$1\" >seen\nurl=$(printf '%s' \"${1##*url=}\" | sed 's/%3A/:/g; s/%2F/\\//g')\n\
                  exec curl -s -L -b '' -o page \"$url\"\n";
    write_browser(&world, script);
    let command = "./browser 'ext+container:name={profile}&url={url}'";
    world.sign_in(&device, &["console", "deploy", "--browser", command]);
    until(|| pages(&world).len() == 1);
    let seen = world.read("seen");
    assert!(seen.starts_with("ext+container:name=deploy&url=http%3A%2F%2F127.0.0.1%3A"), "{seen}");
}

#[test]
fn a_service_that_is_not_in_the_list_is_used_as_it_is() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    for (name, near) in [("lamda", "; did you mean `lambda`?"), ("frobnicate", "")] {
        let done = world.run(&["console", "deploy", name, "--print", "--region", "us-east-1"]);
        let warning = format!("warning: `{name}` is not a service in the list, and is used as it is{near}\n");
        assert!(done.stderr.starts_with(&warning), "{done:?}");
        visit(&world, done.stdout.trim_end());
        let url = format!("https://us-east-1.console.aws.amazon.com/{name}/home?region=us-east-1");
        assert_eq!(pages(&world).pop(), Some(page("deploy", &url, None)));
    }
}

#[test]
fn the_page_about_it_lists_every_service() {
    let docs = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/console.md")).expect("a page");
    for service in ConsoleService::all() {
        assert!(docs.contains(&format!("`{}`", service.name())), "{}", service.name());
    }
}

#[test]
fn a_network_that_is_away_for_a_moment_is_waited_for() {
    let Cast { world, device, .. } = with_browser(CURL);
    world.set("AWS_REGION", "us-east-1");
    world.edit_config("region = ap-northeast-1\n", "");
    for fault in [Fault::Drop(When::Before), Fault::ServerError(When::Before, 503)] {
        world.aws.fault("getSigninToken", fault, 1);
    }
    world.sign_in(&device, &["console", "deploy"]);
    until(|| pages(&world) == [page("deploy", HOME, None)]);
}

//! The commands as a person or a script uses them: output, exit codes, what a child process inherits, and when calls
//! are made.

mod exec;
mod renewal;
mod reports;
mod text;

use crate::support::aws::RoleSpec;
use crate::support::pty::Finished;
use crate::support::world::{Cast, World, calls, json};

/// A cast with `deploy` signed in.
fn signed_in() -> Cast {
    let cast = World::cast();
    cast.world.sign_in(&cast.device, &["process", "deploy"]);
    cast.world.aws.take_calls();
    cast
}

/// The exit code and both streams.
fn seen(done: &Finished) -> (Option<i32>, &str, &str) {
    (done.status.code(), &done.stdout, &done.stderr)
}

/// One member of a JSON object on stdout.
fn member<'a>(json: &'a serde_json::Value, path: &str) -> &'a serde_json::Value {
    json.pointer(path).unwrap_or_else(|| panic!("no {path} in {json}"))
}

/// A role with that name that trusts the user, as a profile with the same name and these additional lines.
fn add_role(cast: &Cast, name: &str, lines: &str) -> String {
    let spec = RoleSpec::new(name).trust_user("alice").require_mfa().max_duration(43_200).allow_tags();
    let arn = cast.world.aws.add_role(spec);
    let serial = cast.device.serial();
    let config = format!("[profile {name}]\nsource_profile = alice\nrole_arn = {arn}\nmfa_serial = {serial}\n{lines}");
    cast.world.add_config(&config);
    arn
}

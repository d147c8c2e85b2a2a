//! IAM Identity Center: its addresses, its calls, and signing in.

mod attacks;
mod client;
mod ends;
mod login;
mod profile;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::world::World;

/// The folder that the AWS CLI and the SDKs share.
const CACHE: &str = ".aws/sso/cache";
/// A browser that notes each page and follows where it is sent.
const BROWSER: &str = "./browser";

/// A home with one SSO session, and a person with a browser who approves.
fn corp() -> World {
    let world = World::empty();
    let start_url = world.aws.sso().start_url();
    world.write(".aws/config", format!("[sso-session corp]\nsso_start_url = {start_url}\nsso_region = eu-west-1\n"));
    world.write("browser", "#!/bin/sh\necho \"$1\" >>opened\nexec curl -s -L -o page \"$1\"\n");
    fs::set_permissions(world.home().join("browser"), fs::Permissions::from_mode(0o700)).expect("a mode");
    world.set("BROWSER", BROWSER);
    world
}

/// The pages that were opened.
fn opened(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.home().join("opened")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The token file of the session.
fn token(world: &World) -> Option<Value> {
    // The SHA-1 of `corp`.
    let path = world.home().join(CACHE).join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
    Some(serde_json::from_str(&fs::read_to_string(path).ok()?).expect("JSON"))
}

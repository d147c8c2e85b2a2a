//! aws-vault's `include_profile` is refused, and `show` prints what a person puts in its place.

use std::fmt::Write as _;

use crate::support::world::{World, json};

#[test]
fn the_lines_to_put_in_place_of_an_included_profile_are_printed_and_then_do() {
    let world = World::empty();
    let key = world.aws.add_user("alice");
    let device = world.aws.add_device("alice", "alice-phone");
    world.write_key("alice", &key);
    world.write(
        ".aws/config",
        format!(
            "[profile alice]\ninclude_profile = team\nregion = eu-west-1\n\
             [profile team]\nregion = us-east-1\nmfa_serial = {}\ninclude_profile = all\n\
             [profile all]\nmfa_serial = arn:aws:iam::123456789012:mfa/other\noutput = json\nmfa_process = codes --secret x\n\
             api_token = hunter2\nempty =\nparent_profile = alice\n",
            device.serial()
        ),
    );
    let refused = world.run(&["process", "alice"]);
    let error = format!(
        "error: {}/.aws/config:2: `include_profile` is not supported, and ignoring it could lose an `mfa_serial`\n\
         hint: `mfa-cred show alice` prints the lines to put in its place\n",
        world.home().display()
    );
    assert_eq!((refused.status.code(), refused.stderr), (Some(1), error));
    let shown = world.run(&["show", "alice"]).stdout;
    let (_, block) = shown.split_once("to put in place of that line\n").expect("a block");
    let wanted = format!(
        "  mfa_serial = {}\n  output = json\n  mfa_process = codes (2 arguments hidden)\n  api_token = (hidden)\n",
        device.serial()
    );
    assert_eq!(block, wanted);
    assert_eq!(json(&world.run(&["show", "alice", "--json"]))["included"]["output"], "json");
    // Copied as they are, they do; a secret and a command's arguments are the person's to fill in.
    let mut lines = String::new();
    for line in block.lines().filter(|line| !line.contains("hidden")) {
        writeln!(lines, "{}", line.trim_start()).expect("a String takes any text");
    }
    world.edit_config("include_profile = team\n", &lines);
    let done = world.sign_in(&device, &["process", "alice"]);
    assert_eq!(json(&done)["AccountId"], world.aws.account());
    assert_eq!(json(&world.run(&["show", "alice", "--json"])).get("included"), None);
}

#[test]
fn an_included_profile_that_is_not_there_or_includes_itself_adds_nothing() {
    for included in ["nobody", "alice"] {
        let world = World::empty();
        world.write(".aws/config", format!("[profile alice]\ninclude_profile = {included}\nregion = eu-west-1\n"));
        let shown = world.run(&["show", "alice"]);
        assert!(shown.status.success() && !shown.stdout.contains("to put in place"), "{shown:?}");
    }
}

//! Signals, kills and refusals in the middle: what is left, and how the next run goes on.

use super::faults::{MFA, ONESELF, YES, alices, nobodys, second_run, type_both};
use super::{
    CONFIG, ENROLL, FIRST, LAPTOP, WRITE, answer, calls, devices, enroll, failed, finish, laptop, newcomer, signal,
};
use crate::support::aws::{Fault, When};
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World};
use rustix::process::Signal;

#[test]
fn a_signal_at_a_prompt_leaves_no_device() {
    for name in [Signal::TERM, Signal::HUP, Signal::INT] {
        let (world, _) = newcomer();
        let mut session = world.at_terminal(&ENROLL);
        session.wait_for(FIRST, PATIENCE);
        signal(&session, name);
        let done = finish(&world, session);
        assert_eq!((done.signal(), done.stderr.as_str()), (Some(name.as_raw()), ""));
        assert_eq!(devices(&world), []);
    }
    // Where it cannot be deleted, the last words say so.
    let (world, _) = newcomer();
    world.aws.deny("DeleteVirtualMFADevice");
    let mut session = world.at_terminal(&ENROLL);
    session.wait_for(FIRST, PATIENCE);
    session.control('c');
    let done = finish(&world, session);
    assert_eq!(done.signal(), Some(Signal::INT.as_raw()));
    assert!(
        done.stderr.starts_with(&format!("error: the device {LAPTOP} remains, unassigned\nhint: `aws iam")),
        "{done:?}"
    );
    second_run(&world);
}

#[test]
fn a_signal_during_a_call_waits_for_the_answer_and_leaves_no_device() {
    let (world, _) = newcomer();
    world.aws.fault("CreateVirtualMFADevice", Fault::Delay(When::After, std::time::Duration::from_secs(2)), 1);
    let session = world.at_terminal(&ENROLL);
    let start = std::time::Instant::now();
    while world.aws.count("CreateVirtualMFADevice") == 0 {
        assert!(start.elapsed() < PATIENCE, "it is never called");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    signal(&session, Signal::TERM);
    let done = finish(&world, session);
    assert_eq!((done.signal(), devices(&world)), (Some(Signal::TERM.as_raw()), vec![]));
}

#[test]
fn after_a_kill_between_any_two_steps_the_next_run_continues() {
    // After the making: the seed is lost, so the device is made anew.
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&ENROLL);
    session.wait_for(FIRST, PATIENCE);
    let lost = laptop(&world).seed_base32();
    signal(&session, Signal::KILL);
    finish(&world, session);
    assert_eq!(devices(&world), nobodys());
    let mut session = world.at_terminal(&ENROLL);
    let question =
        "`laptop` was created before but never enabled, and its seed is lost. Delete it and create it again? [y/N] ";
    answer(&mut session, question, "n");
    let done = finish(&world, session);
    done.expect(130, "", "error: nothing was changed\n");
    second_run(&world);
    assert_ne!(laptop(&world).seed_base32(), lost);

    // After the enabling: only the profile is left to do.
    let (world, _) = newcomer();
    let mut session = world.at_terminal(&ENROLL);
    session.wait_for(FIRST, PATIENCE);
    type_both(&mut session, &world);
    session.wait_for(WRITE, PATIENCE);
    signal(&session, Signal::KILL);
    finish(&world, session);
    assert_eq!((devices(&world), world.read(".aws/config")), (alices(), CONFIG.to_owned()));
    calls(&world);
    let done = finish(&world, world.at_terminal(&YES));
    assert!(done.status.success(), "{done:?}");
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices"]);
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}mfa_serial = {LAPTOP}\n"));
}

#[test]
fn an_interrupted_removal_is_finished_by_the_next_one() {
    let (world, _) = newcomer();
    enroll(&world);
    let device = laptop(&world);
    world.aws.deny("DeleteVirtualMFADevice");
    let remove = ["device", "remove", "--profile", "alice", "--yes"];
    let mut session = world.at_terminal(&remove);
    answer(&mut session, "laptop, MFA code: ", &device.fresh_code());
    let done = finish(&world, session);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(said.contains(&format!("the device {LAPTOP} remains, unassigned")), "{said}");
    assert!(said.contains(&format!("`aws iam delete-virtual-mfa-device --serial-number {LAPTOP}`")), "{said}");
    assert_eq!(devices(&world), nobodys());
    world.aws.allow_all();
    calls(&world);
    // The session that is kept still has the MFA; nobody is asked for a code of a device that is gone.
    let done = world.run(&remove);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(calls(&world), ["GetCallerIdentity", "ListMFADevices", "DeleteVirtualMFADevice with MFA"]);
    assert_eq!((devices(&world), world.read(".aws/config")), (vec![], CONFIG.to_owned()));

    // One that no profile names any more is in no list, and is typed.
    world.aws.add_orphan("laptop");
    let typed = world.run(&["device", "remove", LAPTOP, "--profile", "alice", "--yes"]);
    assert!(typed.status.success(), "{typed:?}");
    assert_eq!(devices(&world), []);
}

#[test]
fn a_removal_is_denied_with_the_statement_that_allows_it() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("[profile alice]\n", &format!("[profile alice]\nmfa_serial = {}\n", device.serial()));
    world.aws.deny("DeactivateMFADevice");
    let mut session = world.at_terminal(&["device", "remove", "--profile", "alice", "--yes"]);
    answer(&mut session, "alice-phone, MFA code: ", &device.fresh_code());
    let done = finish(&world, session);
    let (code, said) = failed(&done);
    assert_eq!(code, Some(5));
    assert!(
        said.contains(&format!(
            "hint: deactivating the device needs `iam:DeactivateMFADevice` on `{ONESELF}` (still needed: \
             `iam:DeactivateMFADevice`, `iam:DeleteVirtualMFADevice`); statements that allow it: {{\"Effect\":\"Allow\",\
             \"Action\":\"iam:DeleteVirtualMFADevice\",\"Resource\":\"{MFA}\"}}, {{\"Effect\":\"Allow\",\"Action\":\
             \"iam:DeactivateMFADevice\",\"Resource\":\"{ONESELF}\"}}\n"
        )),
        "{said}"
    );
    assert_eq!(devices(&world).len(), 1);
}

#[test]
fn an_html_page_is_not_taken_for_a_removed_device() {
    for step in ["DeactivateMFADevice", "DeleteVirtualMFADevice"] {
        let (world, _) = newcomer();
        enroll(&world);
        let device = laptop(&world);
        world.aws.fault(step, Fault::Html, 1);
        let mut session = world.at_terminal(&["device", "remove", "--profile", "alice", "--yes"]);
        answer(&mut session, "laptop, MFA code: ", &device.fresh_code());
        let done = finish(&world, session);
        let (code, said) = failed(&done);
        assert_eq!(code, Some(6), "{step}: {said}");
        assert!(said.contains(&format!("{step}: the answer is not one of AWS's, or was cut off")), "{said}");
        assert_eq!((devices(&world).len(), world.aws.count(step)), (1, 1), "{step}");
    }
}

#[test]
fn an_html_page_is_not_taken_for_a_resynchronized_device() {
    let (world, _) = newcomer();
    enroll(&world);
    let device = laptop(&world);
    world.aws.fault("ResyncMFADevice", Fault::Html, 1);
    let mut session = world.at_terminal(&["device", "resync", "--profile", "alice"]);
    let mut type_both = || {
        answer(&mut session, "laptop, first MFA code: ", &device.fresh_code());
        answer(&mut session, "laptop, the next MFA code: ", &device.fresh_code());
    };
    type_both();
    type_both();
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(world.aws.count("ResyncMFADevice"), 2);
}

//! Checks that the server is as strict as AWS. All scenarios depend on it.

mod devices;
mod policies;
mod rules;
mod wire;

use super::{AccessKey, Aws, Device, Response};

/// An account with alice, her phone, and her keys.
fn bench() -> (Aws, AccessKey, Device) {
    let aws = Aws::start();
    let key = aws.add_user("alice");
    let phone = aws.add_device("alice", "alice-phone");
    (aws, key, phone)
}

fn ask(aws: &Aws, key: &AccessKey, action: &str, params: &[(&str, &str)]) -> Response {
    aws.call(key, action, params).expect("the server answers")
}

fn session(aws: &Aws, key: &AccessKey, mfa: Option<&Device>) -> AccessKey {
    let code = mfa.map(Device::fresh_code).unwrap_or_default();
    let mut params = Vec::new();
    if let Some(device) = mfa {
        params.extend([("SerialNumber", device.serial()), ("TokenCode", code.as_str())]);
    }
    ask(aws, key, "GetSessionToken", &params).credentials().expect("a session")
}

fn assume(aws: &Aws, key: &AccessKey, role: &str, more: &[(&str, &str)]) -> Response {
    let params = [&[("RoleArn", role), ("RoleSessionName", "me")], more].concat();
    ask(aws, key, "AssumeRole", &params)
}

fn said(response: &Response) -> (u16, String, String) {
    (response.status, response.code(), response.text("Message").unwrap_or_default())
}

#[track_caller]
fn assert_refused(response: &Response, status: u16, code: &str, message: &str) {
    let (was_status, was_code, was_message) = said(response);
    assert_eq!((was_status, was_code.as_str()), (status, code), "{was_message}");
    assert!(was_message.contains(message), "{was_message:?} does not say {message:?}");
}

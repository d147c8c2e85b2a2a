//! The order in which SDKs look at variables, as their documentation and their sources have it: what the command of
//! `exec --server` and a shell with `--print-env` must not hold. Java's SDK is not run here; the others are, in `sdks`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Serving;
use crate::support::world::{Cast, World, json};

const ADDRESS: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

/// An SDK, what gives it credentials, and what gives it the token; in either, the first that is set wins.
struct Order {
    sdk: &'static str,
    credentials: &'static [&'static str],
    token: [&'static str; 2],
}

const ORDERS: [Order; 7] = [
    Order {
        sdk: "Java 2",
        credentials: &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_PROFILE",
            RELATIVE,
            ADDRESS,
        ],
        token: [TOKEN, TOKEN_FILE],
    },
    Order {
        sdk: "Java 1",
        credentials: &[
            "AWS_ACCESS_KEY_ID",
            "AWS_ACCESS_KEY",
            "AWS_SECRET_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_PROFILE",
            RELATIVE,
            ADDRESS,
        ],
        token: [TOKEN, TOKEN_FILE],
    },
    Order {
        sdk: "Go 2",
        credentials: &[
            "AWS_ACCESS_KEY_ID",
            "AWS_ACCESS_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SECRET_KEY",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_PROFILE",
            "AWS_DEFAULT_PROFILE",
            RELATIVE,
            ADDRESS,
        ],
        token: [TOKEN_FILE, TOKEN],
    },
    Order {
        sdk: "boto3",
        credentials: &[
            "AWS_PROFILE",
            "AWS_DEFAULT_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SECURITY_TOKEN",
            "AWS_SESSION_TOKEN",
            "AWS_CREDENTIAL_EXPIRATION",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME",
            "AWS_CREDENTIAL_FILE",
            RELATIVE,
            ADDRESS,
        ],
        token: [TOKEN_FILE, TOKEN],
    },
    Order {
        sdk: "JavaScript 3",
        credentials: &[
            "AWS_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            RELATIVE,
            ADDRESS,
        ],
        token: [TOKEN_FILE, TOKEN],
    },
    Order {
        sdk: "Rust",
        credentials: &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            RELATIVE,
            ADDRESS,
        ],
        token: [TOKEN_FILE, TOKEN],
    },
    Order {
        sdk: "PHP",
        credentials: &[
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_PROFILE",
            RELATIVE,
            ADDRESS,
        ],
        token: [TOKEN_FILE, TOKEN],
    },
];

/// Every variable of these orders.
pub(crate) fn names() -> BTreeSet<&'static str> {
    ORDERS.iter().flat_map(|order| order.credentials.iter().chain(&order.token)).copied().collect()
}

/// Something that an SDK takes for its own, and that gives it nothing.
pub(crate) fn value(name: &str) -> &'static str {
    match name {
        "AWS_ACCESS_KEY_ID" | "AWS_ACCESS_KEY" => "AKIAIOSFODNN7EXAMPLE",
        "AWS_CREDENTIAL_EXPIRATION" => "2000-01-01T00:00:00Z",
        "AWS_ROLE_ARN" => "arn:aws:iam::123456789012:role/another",
        "AWS_PROFILE" | "AWS_DEFAULT_PROFILE" => "audit",
        ADDRESS => "http://127.0.0.1:9/",
        RELATIVE | TOKEN_FILE | "AWS_WEB_IDENTITY_TOKEN_FILE" | "AWS_CREDENTIAL_FILE" => "/nonexistent",
        _ => "another",
    }
}

/// A shell that holds all of them.
fn crowded() -> Cast {
    let cast = World::cast();
    cast.world.sign_in(&cast.device, &["login", "deploy"]);
    for name in names() {
        cast.world.set(name, value(name));
    }
    cast
}

fn assert_endpoint_wins(is_set: &dyn Fn(&str) -> bool) {
    for Order { sdk, credentials, token } in &ORDERS {
        let first = |names: &[&'static str]| names.iter().copied().find(|name| is_set(name));
        assert_eq!((first(credentials), first(token)), (Some(ADDRESS), Some(TOKEN)), "{sdk}");
        // Old releases look at the address first, and at the other token: nothing else may be there.
        assert!(!is_set(RELATIVE) && !is_set(TOKEN_FILE), "{sdk}");
    }
}

#[test]
fn in_the_order_of_every_sdk_the_endpoint_of_the_command_comes_first() {
    let Cast { world, .. } = crowded();
    let done = world.run(&["exec", "--server", "deploy", "--", "env"]);
    assert_eq!((done.status.code(), &*done.stderr), (Some(0), ""));
    let set: Vec<_> = done.stdout.lines().filter_map(|line| line.split_once('=')).collect();
    assert_endpoint_wins(&|name| set.iter().any(|(it, _)| *it == name));
    for (name, found) in set {
        assert!(!names().contains(name) || found != value(name), "{name}");
    }
}

#[test]
fn in_the_order_of_every_sdk_the_endpoint_of_the_shell_comes_first() {
    let Cast { world, .. } = crowded();
    let _serving = Serving::start(&world, &["deploy"]);
    let told = json(&world.run(&["serve", "--print-env", "json", "deploy"]));
    // What is null is unset; what is not named stays.
    let is_set = |name: &str| told.get(name).is_none_or(|value| *value != Value::Null);
    assert_endpoint_wins(&is_set);
    assert!(names().iter().all(|name| told.get(*name).is_none_or(|found| found != value(name))), "{told}");
}

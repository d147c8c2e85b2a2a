//! The portal: which roles a person may use in which accounts, and their credentials.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::http::Request;
use super::super::random;
use super::super::reply::Refusal;
use super::super::role::RoleSpec;
use super::super::world::{Grant, Role, Signer, World};
use super::{SsoControl, bearer};

/// Who signs with the credentials of every role.
const PERSON: &str = "person@corp.example";
/// How long a permission set's session lasts, in seconds.
const LIFE: i64 = 3600;

fn invalid(what: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidRequestException", what)
}

/// The parameters of a query, each of them known.
fn parameters(request: &Request, known: &[&str]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut found = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(request.query.as_bytes()) {
        if !known.contains(&name.as_ref()) || found.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(invalid(format!("{name} is unknown or there twice")));
        }
    }
    Ok(found)
}

fn needed<'q>(query: &'q BTreeMap<String, String>, name: &str) -> Result<&'q str, Refusal> {
    query
        .get(name)
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| invalid(format!("{name} is required")))
}

pub(super) fn perform(world: &mut World, action: &str, request: &Request) -> Result<Value, Refusal> {
    bearer(world, request)?;
    match action {
        "GetRoleCredentials" => role_credentials(world, request),
        "ListAccounts" => {
            let query = parameters(request, &["max_result", "next_token"])?;
            let accounts: Vec<String> = world.sso.assignments.keys().cloned().collect();
            let named =
                |id: &String| world.sso.names.get(id).cloned().unwrap_or_else(|| format!("account-{}", &id[..4]));
            let entry =
                |id: &String| json!({"accountId": id, "accountName": named(id), "emailAddress": "a@corp.example"});
            page(world, "accountList", accounts.iter().map(entry).collect(), &query)
        }
        _ => {
            let query = parameters(request, &["account_id", "max_result", "next_token"])?;
            let account = needed(&query, "account_id")?;
            let roles = world.sso.assignments.get(account).ok_or_else(no_access)?.clone();
            let entry = |name: &String| json!({"roleName": name, "accountId": account});
            page(world, "roleList", roles.keys().map(entry).collect(), &query)
        }
    }
}

fn no_access() -> Refusal {
    Refusal::new(403, "ForbiddenException", "No access")
}

fn role_credentials(world: &mut World, request: &Request) -> Result<Value, Refusal> {
    let query = parameters(request, &["role_name", "account_id"])?;
    let (account, name) = (needed(&query, "account_id")?, needed(&query, "role_name")?);
    let roles = world.sso.assignments.get(account).ok_or_else(no_access)?;
    let arn = roles.get(name).ok_or_else(no_access)?.clone();
    let signer = Signer::Role { arn, session_name: PERSON.to_owned() };
    let grant = Grant { signer, mfa_at: None, source_identity: None, transitive: Vec::new() };
    let (key, expires) = world.issue(grant, LIFE);
    Ok(json!({"roleCredentials": {
        "accessKeyId": key.id,
        "secretAccessKey": key.secret,
        "sessionToken": key.token,
        "expiration": expires.as_millisecond(),
    }}))
}

/// A page of a list; its marker is the number of the next member.
fn page(world: &World, list: &str, all: Vec<Value>, query: &BTreeMap<String, String>) -> Result<Value, Refusal> {
    let number = |name: &str| query.get(name).map(|text| text.parse::<usize>().map_err(|_| invalid(name))).transpose();
    let most = number("max_result")?.unwrap_or(100);
    if !(1..=100).contains(&most) {
        return Err(invalid("max_result"));
    }
    let (from, size) = (number("next_token")?.unwrap_or(0), most.min(world.page));
    let next = (from + size < all.len()).then(|| (from + size).to_string());
    let members: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    Ok(json!({list: members, "nextToken": next}))
}

impl SsoControl {
    /// Assigns a role to the person, and returns its ARN.
    pub(crate) fn assign(&self, account: &str, name: &str) -> String {
        let mut world = self.shared.world();
        let path = format!("aws-reserved/sso.amazonaws.com/AWSReservedSSO_{name}_0123456789abcdef");
        let arn = format!("arn:aws:iam::{account}:role/{path}");
        let role = Role { spec: RoleSpec::new(&path).account(account), id: random::id("AROA") };
        world.roles.insert(arn.clone(), role);
        world.sso.assignments.entry(account.to_owned()).or_default().insert(name.to_owned(), arn.clone());
        arn
    }

    /// Gives an account a name.
    pub(crate) fn name_account(&self, account: &str, name: &str) {
        self.shared.world().sso.names.insert(account.to_owned(), name.to_owned());
    }

    /// Takes a role from the person, and with the last one the account.
    pub(crate) fn unassign(&self, account: &str, name: &str) {
        let mut world = self.shared.world();
        let roles = world.sso.assignments.get_mut(account).expect("an account");
        roles.remove(name).expect("a role");
        if roles.is_empty() {
            world.sso.assignments.remove(account);
        }
    }

    /// Takes every role from the person.
    pub(crate) fn unassign_all(&self) {
        self.shared.world().sso.assignments.clear();
    }
}

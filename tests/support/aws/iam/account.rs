//! A whole account: its users, their passwords and keys, the summary, all policies at once, the credential report.

use std::fmt::Write as _;

use data_encoding::BASE64;
use jiff::Timestamp;

use super::super::front::Caller;
use super::super::reply::{Refusal, element};
use super::super::sigv4::percent_encode;
use super::super::validate::{Class, Constraints};
use super::super::world::{KeyStatus, LongTermKey, Params, ROOT, World};
use super::{page, permit, seconds, user_name};

pub(super) fn users(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    permit(world, caller, "ListUsers", &format!("arn:aws:iam::{}:user/", world.account))?;
    let member = |name: &String| {
        let used = world.account_facts.passwords.get(name).and_then(|(_, used)| *used);
        identity(world, name) + &used.map(|used| element("PasswordLastUsed", &seconds(used))).unwrap_or_default()
    };
    page(world, params, "Users", &world.users.keys().map(member).collect::<Vec<_>>())
}

fn identity(world: &World, name: &str) -> String {
    let user = &world.users[name];
    element("Path", "/")
        + &element("UserName", name)
        + &element("UserId", &user.id)
        + &element("Arn", &world.user_arn(name))
        + &element("CreateDate", &seconds(user.created))
}

pub(super) fn login_profile(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let name = user_name(world, caller, params)?;
    permit(world, caller, "GetLoginProfile", &world.user_arn(&name))?;
    let Some((made, _)) = world.account_facts.passwords.get(&name) else {
        return Err(Refusal::new(404, "NoSuchEntity", format!("Login Profile for User {name} cannot be found.")));
    };
    let inner = element("UserName", &name) + &element("CreateDate", &seconds(*made));
    Ok(format!("<LoginProfile>{inner}</LoginProfile>"))
}

pub(super) fn keys(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let name = super::keys::named_user(world, caller, params)?;
    permit(world, caller, "ListAccessKeys", &world.user_arn(&name))?;
    let member = |(id, key): (&String, &LongTermKey)| {
        let status = if key.status == KeyStatus::Active { "Active" } else { "Inactive" };
        element("UserName", &name)
            + &element("AccessKeyId", id)
            + &element("Status", status)
            + &element("CreateDate", &seconds(made(world, id)))
    };
    let of_user = world.keys.iter().filter(|(_, key)| key.user == name);
    page(world, params, "AccessKeyMetadata", &of_user.map(member).collect::<Vec<_>>())
}

fn made(world: &World, id: &str) -> Timestamp {
    world.account_facts.keys.get(id).map_or_else(|| world.now(), |(made, _)| *made)
}

pub(super) fn last_use(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let mut constraints = Constraints::default();
    let id = constraints.required(params, "AccessKeyId");
    constraints.text("AccessKeyId", id, (16, 128), Class::Text);
    constraints.check()?;
    let key = world.keys.get(id);
    let key =
        key.ok_or_else(|| Refusal::new(404, "NoSuchEntity", format!("The Access Key with id {id} cannot be found.")))?;
    permit(world, caller, "GetAccessKeyLastUsed", &world.user_arn(&key.user))?;
    let used = world.account_facts.keys.get(id).and_then(|(_, used)| *used);
    let (date, word) = match used {
        Some(used) => (element("LastUsedDate", &seconds(used)), "s3"),
        None => (String::new(), "N/A"),
    };
    let inner = date + &element("ServiceName", word) + &element("Region", word);
    Ok(element("UserName", &key.user) + &format!("<AccessKeyLastUsed>{inner}</AccessKeyLastUsed>"))
}

pub(super) fn summary(world: &World, caller: &Caller) -> Result<String, Refusal> {
    permit(world, caller, "GetAccountSummary", "*")?;
    let root_has_key = world.keys.values().any(|key| key.user == ROOT && key.status == KeyStatus::Active);
    let entry = |(key, value): (&str, usize)| {
        format!("<entry>{}{}</entry>", element("key", key), element("value", &value.to_string()))
    };
    let map: String = [
        ("Users", world.users.len()),
        ("Groups", world.policies.groups.len()),
        ("AccountMFAEnabled", usize::from(world.account_facts.root_has_mfa)),
        ("AccountAccessKeysPresent", usize::from(root_has_key)),
        ("AccountPasswordPresent", 1),
        ("UsersQuota", 5000),
    ]
    .into_iter()
    .map(entry)
    .collect();
    Ok(format!("<SummaryMap>{map}</SummaryMap>"))
}

pub(super) fn password_policy(world: &World, caller: &Caller) -> Result<String, Refusal> {
    permit(world, caller, "GetAccountPasswordPolicy", "*")?;
    let Some((length, remembered)) = world.account_facts.policy else {
        let text = format!("The Password Policy with domain name {} cannot be found.", world.account);
        return Err(Refusal::new(404, "NoSuchEntity", text));
    };
    let mut inner = element("MinimumPasswordLength", &length.to_string()) + &element("RequireSymbols", "false");
    if remembered > 0 {
        inner += &element("PasswordReusePrevention", &remembered.to_string());
    }
    Ok(format!("<PasswordPolicy>{inner}</PasswordPolicy>"))
}

/// Users, groups and managed policies, as the filters ask, in one sequence of pages.
pub(super) fn details(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    permit(world, caller, "GetAccountAuthorizationDetails", "*")?;
    let filters = params.members("Filter", "");
    let known = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
    if let Some(unknown) = filters.iter().find(|filter| !known.contains(*filter)) {
        return Err(Refusal::invalid(format!("Value '{unknown}' at 'filter' failed to satisfy constraint.")));
    }
    let wants = |kind: &str| filters.is_empty() || filters.contains(&kind);
    let mut all: Vec<(&str, String)> = Vec::new();
    if wants("User") {
        all.extend(world.users.keys().map(|name| ("UserDetailList", user(world, name))));
    }
    if wants("Group") {
        all.extend(world.policies.groups.keys().map(|name| ("GroupDetailList", group(world, name))));
    }
    for (arn, managed) in &world.policies.managed {
        if !wants(if arn.contains(":aws:policy/") { "AWSManagedPolicy" } else { "LocalManagedPolicy" }) {
            continue;
        }
        let versions = managed.versions.iter().enumerate().map(|(at, document)| {
            let inner = element("Document", &percent_encode(document))
                + &element("VersionId", &format!("v{}", at + 1))
                + &element("IsDefaultVersion", &(at + 1 == managed.default).to_string());
            format!("<member>{inner}</member>")
        });
        let versions: String = versions.collect();
        let inner = element("PolicyName", arn.rsplit('/').next().unwrap_or_default())
            + &element("Arn", arn)
            + &element("DefaultVersionId", &format!("v{}", managed.default))
            + &format!("<PolicyVersionList>{versions}</PolicyVersionList>");
        all.push(("Policies", inner));
    }
    let size: usize = params.get("MaxItems").and_then(|size| size.parse().ok()).unwrap_or(100).min(world.page);
    let start: usize = params
        .get("Marker")
        .map_or(Some(0), |marker| marker.strip_prefix("page-")?.parse().ok())
        .filter(|start| *start <= all.len())
        .ok_or_else(|| Refusal::invalid("Invalid Marker."))?;
    let end = all.len().min(start + size);
    let lists = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"].map(|list| {
        let members = all[start..end].iter().filter(|(of, _)| *of == list);
        let members: String = members.map(|(_, member)| format!("<member>{member}</member>")).collect();
        format!("<{list}>{members}</{list}>")
    });
    let more = end < all.len();
    let marker = if more { element("Marker", &format!("page-{end}")) } else { String::new() };
    Ok(lists.concat() + &element("IsTruncated", &more.to_string()) + &marker)
}

fn inline(world: &World, holder: &str, list: &str) -> String {
    let own = world.policies.inline.iter().filter(|((of, _), _)| of == holder);
    let members = own.map(|((_, name), document)| {
        let inner = element("PolicyName", name) + &element("PolicyDocument", &percent_encode(document));
        format!("<member>{inner}</member>")
    });
    format!("<{list}>{}</{list}>", members.collect::<String>())
}

fn attached(world: &World, holder: &str) -> String {
    let arns = world.policies.attached.get(holder).map_or(&[][..], Vec::as_slice).iter();
    let members = arns.map(|arn| {
        let inner = element("PolicyName", arn.rsplit('/').next().unwrap_or_default()) + &element("PolicyArn", arn);
        format!("<member>{inner}</member>")
    });
    format!("<AttachedManagedPolicies>{}</AttachedManagedPolicies>", members.collect::<String>())
}

fn user(world: &World, name: &str) -> String {
    let groups = world.policies.groups.iter().filter(|(_, users)| users.iter().any(|user| user == name));
    let groups: String = groups.map(|(group, _)| element("member", group)).collect();
    let boundary = world.policies.boundaries.get(name).map(|arn| {
        let inner = element("PermissionsBoundaryType", "Policy") + &element("PermissionsBoundaryArn", arn);
        format!("<PermissionsBoundary>{inner}</PermissionsBoundary>")
    });
    let holder = format!("user/{name}");
    identity(world, name)
        + &inline(world, &holder, "UserPolicyList")
        + &format!("<GroupList>{groups}</GroupList>")
        + &attached(world, &holder)
        + &boundary.unwrap_or_default()
}

fn group(world: &World, name: &str) -> String {
    let holder = format!("group/{name}");
    element("Path", "/")
        + &element("GroupName", name)
        + &element("Arn", &format!("arn:aws:iam::{}:group/{name}", world.account))
        + &inline(world, &holder, "GroupPolicyList")
        + &attached(world, &holder)
}

pub(super) fn generate(world: &mut World, caller: &Caller) -> Result<String, Refusal> {
    permit(world, caller, "GenerateCredentialReport", "*")?;
    let facts = &mut world.account_facts;
    let state = match (facts.waits, facts.is_reported) {
        (0, _) => "COMPLETE",
        (_, false) => "STARTED",
        (_, true) => "INPROGRESS",
    };
    facts.waits = facts.waits.saturating_sub(1);
    facts.is_reported = true;
    Ok(element("State", state))
}

pub(super) fn report(world: &World, caller: &Caller) -> Result<String, Refusal> {
    permit(world, caller, "GetCredentialReport", "*")?;
    if !world.account_facts.is_reported {
        return Err(Refusal::new(410, "ReportNotPresent", "No report is present."));
    }
    let mut csv = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,mfa_active,\
        access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,\
        access_key_2_last_rotated,access_key_2_last_used_date"
        .to_owned();
    let time = |time: Option<Timestamp>| time.map_or_else(|| "N/A".to_owned(), seconds);
    for name in [ROOT.to_owned()].iter().chain(world.users.keys()) {
        let (called, created, password, has_mfa) = if name == ROOT {
            ("<root_account>", world.now(), None, world.account_facts.root_has_mfa)
        } else {
            let has_mfa = world.devices.values().any(|device| device.is_of(name));
            (name.as_str(), world.users[name].created, world.account_facts.passwords.get(name), has_mfa)
        };
        let enabled = if name == ROOT { "not_supported".to_owned() } else { password.is_some().to_string() };
        let used = password.map_or("N/A".to_owned(), |(_, used)| used.map_or("no_information".to_owned(), seconds));
        let arn = world.user_arn(name);
        let _ = write!(
            csv,
            "\n{called},{arn},{},{enabled},{used},{},{has_mfa}",
            seconds(created),
            time(password.map(|(made, _)| *made))
        );
        let mut own = world.keys.iter().filter(|(_, key)| key.user == *name);
        for _ in 0..2 {
            let cells = own.next().map_or("false,N/A,N/A".to_owned(), |(id, key)| {
                let used = world.account_facts.keys.get(id).and_then(|(_, used)| *used);
                format!("{},{},{}", key.status == KeyStatus::Active, seconds(made(world, id)), time(used))
            });
            let _ = write!(csv, ",{cells}");
        }
    }
    Ok(element("Content", &BASE64.encode(csv.as_bytes()))
        + &element("ReportFormat", "text/csv")
        + &element("GeneratedTime", &seconds(world.now())))
}

//! Reads a whole account from IAM.
//!
//! Many calls run one after another, and calls about users run five at a time. When AWS throttles, the waits grow
//! beyond those of the SDK's own retries, and only after half a minute is it an error.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_smithy_types::base64;
use percent_encoding::percent_decode_str;

use super::access_keys::{last_use, listed};
use super::answer::{self, Element, Read};
use super::together::together;
use super::{AwsIam, Call, MOST_PAGES, next};
use crate::aws::transport::provider;
use crate::aws::{CallError, classify};
use crate::iam::IamError;
use crate::iam::account::{
    AccountReader, Asked, Detail, Details, Inline, Listed, PasswordPolicy, Report, Summary, Told,
};
use crate::secret::Credentials;

/// How many calls run at the same time.
const MOST_AT_ONCE: usize = 5;

/// The waits after throttling, in seconds.
const WAITS: [u64; 5] = [1, 2, 4, 8, 16];

/// The page sizes of GetAccountAuthorizationDetails. A page that exceeds the limit on answers is requested again with
/// the next, smaller size.
const SIZES: [&str; 3] = ["100", "10", "1"];

/// The signer and the client.
pub(super) struct Signed<'a> {
    pub(super) iam: &'a AwsIam<'a>,
    pub(super) signer: &'a Credentials,
}

impl Signed<'_> {
    /// Sends a call and reads its result; waits and retries after throttling.
    async fn result<T>(&self, call: &Call<'_>, reader: &dyn Fn(Element<'_>) -> Read<T>) -> Result<T, CallError> {
        let result = format!("{}Result", call.action());
        self.answer(call, &|answer| reader(answer.child(&result)?)).await
    }

    /// Sends a call whose answer only confirms it.
    pub(super) async fn done(&self, call: &Call<'_>) -> Result<(), CallError> {
        self.answer(call, &|_| Ok(())).await
    }

    async fn answer<T>(&self, call: &Call<'_>, reader: &dyn Fn(Element<'_>) -> Read<T>) -> Result<T, CallError> {
        let mut waits = WAITS.into_iter();
        loop {
            let body = self.iam.wire.send(call, provider(self.signer)).await.map_err(|error| classify(&error));
            match (body, waits.next()) {
                (Err(CallError::Throttled), Some(secs)) => tokio::time::sleep(Duration::from_secs(secs)).await,
                (body, _) => return answer::read(&body?, call.action(), reader),
            }
        }
    }

    /// The same for all pages of a list.
    pub(super) async fn list<T>(
        &self,
        call: &Call<'_>,
        list: &str,
        member: &dyn Fn(Element<'_>) -> Read<T>,
    ) -> Result<Vec<T>, CallError> {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let page = call.clone().with_some("Marker", marker.as_deref());
            let read = |result: Element<'_>| {
                let members: Read<Vec<T>> = result.list(list)?.into_iter().map(member).collect();
                Ok((members?, next(result)?))
            };
            let (members, next) = self.result(&page, &read).await?;
            all.extend(members);
            match next {
                Some(next) if marker.as_ref() != Some(&next) => marker = Some(next),
                Some(_) => return Err(CallError::Unreadable),
                None => return Ok(all),
            }
        }
        Err(CallError::Unreadable)
    }

    async fn told(&self, asked: &Asked) -> Result<Told, CallError> {
        let call = Call::repeatable(asked.call());
        Ok(match asked {
            Asked::Devices(user) => {
                let serial =
                    |device: Element<'_>| device.text("SerialNumber")?.parse().map_err(|_| CallError::Unreadable);
                Told::Devices(self.list(&call.with("UserName", user), "MFADevices", &serial).await?)
            }
            Asked::Password(user) => {
                let made = |result: Element<'_>| result.child("LoginProfile")?.optional_time("CreateDate");
                Told::Password(self.result(&call.with("UserName", user), &made).await?)
            }
            Asked::Keys(user) => {
                Told::Keys(self.list(&call.with("UserName", user), "AccessKeyMetadata", &listed).await?)
            }
            Asked::LastUse(key) => Told::LastUse(self.result(&call.with("AccessKeyId", key), &last_use).await?),
        })
    }

    /// One page of GetAccountAuthorizationDetails, and where the next one starts.
    async fn details(&self, marker: Option<&str>, size: &str) -> Result<(Details, Option<String>), CallError> {
        let call = Call::repeatable("GetAccountAuthorizationDetails")
            .with("Filter.member.1", "User")
            .with("Filter.member.2", "Group")
            .with("Filter.member.3", "LocalManagedPolicy")
            .with("Filter.member.4", "AWSManagedPolicy")
            .with("MaxItems", size)
            .with_some("Marker", marker);
        let read = |result: Element<'_>| {
            let members = |list| result.optional_list(list);
            let users: Read<_> =
                members("UserDetailList")?.into_iter().map(|user| detail(user, "UserName", "UserPolicyList")).collect();
            let groups: Read<_> = members("GroupDetailList")?
                .into_iter()
                .map(|group| detail(group, "GroupName", "GroupPolicyList"))
                .collect();
            let managed: Read<BTreeMap<_, _>> = members("Policies")?.into_iter().map(managed).collect();
            Ok((Details { users: users?, groups: groups?, managed: managed? }, next(result)?))
        };
        self.result(&call, &read).await
    }
}

impl AwsIam<'_> {
    pub(super) fn wait_for<T>(&self, call: impl Future<Output = Result<T, CallError>>) -> Result<T, IamError> {
        self.transport.wait(call).map_err(IamError::of)
    }
}

impl AccountReader for AwsIam<'_> {
    fn summary(&self, signer: &Credentials) -> Result<Summary, IamError> {
        let read = |result: Element<'_>| {
            let entries = result.entries("SummaryMap")?;
            let number = |name: &str| entries.iter().find(|(key, _)| *key == name)?.1.parse::<usize>().ok();
            Ok(Summary {
                users: number("Users").unwrap_or_default(),
                root_has_mfa: number("AccountMFAEnabled").ok_or(CallError::Unreadable)? > 0,
                root_has_key: number("AccountAccessKeysPresent").ok_or(CallError::Unreadable)? > 0,
                root_has_password: number("AccountPasswordPresent").map(|number| number > 0),
            })
        };
        self.wait_for(Signed { iam: self, signer }.result(&Call::repeatable("GetAccountSummary"), &read))
    }

    fn users(&self, signer: &Credentials) -> Result<Vec<Listed>, IamError> {
        let user = |user: Element<'_>| {
            Ok(Listed {
                name: user.text("UserName")?.to_owned(),
                arn: user.text("Arn")?.to_owned(),
                created: user.optional_time("CreateDate")?,
                password_used: user.optional_time("PasswordLastUsed")?,
            })
        };
        self.wait_for(Signed { iam: self, signer }.list(&Call::repeatable("ListUsers"), "Users", &user))
    }

    fn password_policy(&self, signer: &Credentials) -> Result<Option<PasswordPolicy>, IamError> {
        let read = |result: Element<'_>| {
            let policy = result.child("PasswordPolicy")?;
            let number = |name| -> Read<Option<u32>> {
                let child = policy.optional_child(name)?;
                child.map(|it| it.own_text()?.parse().map_err(|_| CallError::Unreadable)).transpose()
            };
            let length = number("MinimumPasswordLength")?.ok_or(CallError::Unreadable)?;
            Ok(PasswordPolicy { length, remembered: number("PasswordReusePrevention")?.unwrap_or_default() })
        };
        let call = Call::repeatable("GetAccountPasswordPolicy");
        match self.wait_for(Signed { iam: self, signer }.result(&call, &read)) {
            Err(IamError::Gone(_)) => Ok(None),
            policy => policy.map(Some),
        }
    }

    fn details(&self, signer: &Credentials) -> Result<Details, IamError> {
        let signed = Signed { iam: self, signer };
        let (mut all, mut marker, mut sizes) = (Details::default(), None::<String>, SIZES.into_iter().peekable());
        // Each of the three lists may have the maximum number of pages.
        for _ in 0..MOST_PAGES * 100 {
            let size = sizes.peek().copied().unwrap_or("1");
            match self.wait_for(signed.details(marker.as_deref(), size)) {
                Err(IamError::Call(CallError::TooLong)) if size != "1" => {
                    sizes.next();
                }
                Err(error) => return Err(error),
                Ok((page, next)) => {
                    all.users.extend(page.users);
                    all.groups.extend(page.groups);
                    all.managed.extend(page.managed);
                    match next {
                        Some(next) if marker.as_ref() != Some(&next) => marker = Some(next),
                        Some(_) => break,
                        None => return Ok(all),
                    }
                }
            }
        }
        Err(CallError::Unreadable.into())
    }

    fn generate_report(&self, signer: &Credentials) -> Result<bool, IamError> {
        let read = |result: Element<'_>| Ok(result.text("State")? == "COMPLETE");
        self.wait_for(Signed { iam: self, signer }.result(&Call::repeatable("GenerateCredentialReport"), &read))
    }

    fn report(&self, signer: &Credentials) -> Result<Report, IamError> {
        let read = |result: Element<'_>| {
            let csv = base64::decode(result.text("Content")?).map_err(|_| CallError::Unreadable)?;
            Ok(Report { csv, generated: result.optional_time("GeneratedTime")? })
        };
        self.wait_for(Signed { iam: self, signer }.result(&Call::repeatable("GetCredentialReport"), &read))
    }

    fn ask(&self, signer: &Credentials, asked: &[Asked], told: &mut dyn FnMut(usize, Result<Told, IamError>)) {
        let signed = Signed { iam: self, signer };
        let calls = asked.iter().map(|asked| signed.told(asked));
        let mut done = |place, answer: Result<Told, CallError>| told(place, answer.map_err(IamError::of));
        self.transport.wait(together(calls, MOST_AT_ONCE, &mut done));
    }
}

/// A user or a group.
fn detail(of: Element<'_>, name: &str, policies: &str) -> Read<Detail> {
    let texts = |list, name: Option<&str>| -> Read<Vec<String>> {
        let one = |item: Element<'_>| name.map_or_else(|| item.own_text(), |name| item.text(name)).map(str::to_owned);
        of.optional_list(list)?.into_iter().map(one).collect()
    };
    let inline: Read<Inline> = of
        .optional_list(policies)?
        .into_iter()
        .map(|policy| Ok((policy.text("PolicyName")?.to_owned(), decoded(policy.text("PolicyDocument")?))))
        .collect();
    let boundary = of.optional_child("PermissionsBoundary")?;
    let boundary = boundary.map(|boundary| boundary.text("PermissionsBoundaryArn")).transpose()?;
    Ok(Detail {
        name: of.text(name)?.to_owned(),
        arn: of.text("Arn")?.to_owned(),
        groups: texts("GroupList", None)?,
        inline: inline?,
        attached: texts("AttachedManagedPolicies", Some("PolicyArn"))?,
        boundary: boundary.map(str::to_owned),
    })
}

/// A managed policy's ARN, and the document of its default version.
fn managed(policy: Element<'_>) -> Read<(String, Vec<u8>)> {
    let default = policy.text("DefaultVersionId")?;
    for version in policy.list("PolicyVersionList")? {
        if version.text("VersionId")? == default {
            return Ok((policy.text("Arn")?.to_owned(), decoded(version.text("Document")?)));
        }
    }
    Err(CallError::Unreadable)
}

/// RFC 3986: a plus sign stays a plus sign.
fn decoded(document: &str) -> Vec<u8> {
    percent_decode_str(document).collect()
}

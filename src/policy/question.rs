//! A question about one action: its name, or an AccessDenied message as AWS printed it, in any language of the console.

use crate::names::{AccountId, Partition};

/// An action, and what else a message says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// `service:Action`
    pub action: String,
    /// The resource, if the message names one.
    pub resource: Option<String>,
    /// The user who was denied, if the message names one.
    pub user: Option<Asker>,
    /// Was it a role's session that was denied?
    pub is_of_role: bool,
    /// The kind of policy that decided, according to AWS, unless it is one of the user's own.
    pub decided_by: Option<&'static str>,
}

/// A user, from an ARN.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asker {
    /// The name, after its path if it has one.
    pub name: String,
    /// The account.
    pub account: AccountId,
    /// The partition.
    pub partition: Partition,
}

/// A text without an action.
#[derive(Debug, thiserror::Error)]
pub enum NoQuestion {
    /// EC2 encodes its messages.
    #[error(
        "the message is encoded: decode it with `aws sts decode-authorization-message --encoded-message TEXT`, and ask about its `action`"
    )]
    Encoded,
    /// Neither an action nor a message with one.
    #[error("expected `SERVICE:NAME`, such as `s3:GetObject`, or an AccessDenied message with an action")]
    NoAction,
}

/// Other kinds of policies, with their names in AWS's messages.
const OTHERS: [&str; 6] = [
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "resource-based policy",
    "VPC endpoint policy",
];

impl std::str::FromStr for Question {
    type Err = NoQuestion;

    /// Uses only the parts of a message that are not translated: ARNs, the action, and the kind of policy.
    fn from_str(text: &str) -> Result<Self, NoQuestion> {
        let text = &unwrapped(text);
        let words = words(text);
        let after = words.iter().position(|word| *word == "perform:").and_then(|at| words.get(at + 1));
        let action = after.copied().filter(|word| is_action(word));
        let action = action.or_else(|| words.iter().copied().find(|word| is_action(word)));
        let Some(action) = action else {
            let is_encoded = without_space(text).contains("Encodedauthorizationfailuremessage");
            return Err(if is_encoded { NoQuestion::Encoded } else { NoQuestion::NoAction });
        };
        // AWS names the policy that decided: `in a service control policy: ARN`.
        let is_of_policy = |at: usize| {
            let before = at.checked_sub(1).map(|at| words[at]);
            before.is_some_and(|word| ["policy:", "boundary:"].contains(&word))
        };
        let is_arn = |at: &usize| words[*at].starts_with("arn:") && !is_of_policy(*at);
        let arns: Vec<usize> = (0..words.len()).filter(is_arn).collect();
        let is_principal = |at: usize| {
            let is_first = arns.first() == Some(&at) && is_identity(words[at]);
            is_first && (arns.len() > 1 || !is_resource_word(words[..at].last().copied()))
        };
        let principal = arns.iter().copied().find(|at| is_principal(*at));
        let resource = arns.iter().copied().find(|at| Some(*at) != principal);
        let packed = without_space(text);
        Ok(Self {
            action: action.to_owned(),
            resource: resource.map(|at| words[at].to_owned()),
            user: principal.and_then(|at| user_of(words[at])),
            is_of_role: principal.is_some_and(|at| words[at].contains(":assumed-role/")),
            decided_by: OTHERS.into_iter().find(|kind| packed.contains(&without_space(kind))),
        })
    }
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The words that follow an ARN or an action in AWS's messages.
const FOLLOWING: [&str; 10] = ["is", "on", "with", "because", "and", "for", "by", "action", "as", "explicitly"];

/// The text with the ARNs and actions whole that a terminal broke at the end of a line.
fn unwrapped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        let left = whole.rsplit(|c: char| c.is_whitespace() || "\"'“”「」".contains(c)).next().unwrap_or_default();
        let right = line.split(|c: char| c.is_whitespace() || "\"'“”「」".contains(c)).next().unwrap_or_default();
        let is_followed = FOLLOWING.contains(&right.trim_end_matches([':', ',', '.']));
        let is_start = ["a", "ar", "arn"].contains(&left) && format!("{left}{right}").starts_with("arn:");
        let is_service = whole.strip_suffix(left).is_some_and(|before| before.trim_end().ends_with("perform:"));
        // `Error:` and `resource:` end in the colon; `perform: s3:` does not end there.
        let is_middle = left.starts_with("arn:") || is_action_start(left);
        let is_broken = is_start
            || is_service && !left.contains(':') && right.contains(':') && left != "perform:"
            || right.starts_with(':') && !left.is_empty()
            || is_middle && !is_followed;
        if !is_broken && !whole.is_empty() {
            whole.push(' ');
        }
        whole += line;
    }
    whole
}

/// `s3:`, `s3:GetOb`
fn is_action_start(word: &str) -> bool {
    word.split_once(':').is_some_and(|(service, name)| {
        let is_service =
            !service.is_empty() && service.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        is_service
            && !["resource", "perform", "operation", "policy", "boundary", "error", "message"].contains(&service)
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// The parts of a text that could be ARNs or actions: quotes and Japanese characters, which may follow without a space,
/// end them.
fn words(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || ":/_+=,.@*?${}-#".contains(c);
    let parts = text.split(|c| !is_part(c)).map(|word| word.trim_end_matches(['.', ',', '?']));
    parts.filter(|word| !word.is_empty()).collect()
}

fn is_action(word: &str) -> bool {
    let is_service = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    word.split_once(':').is_some_and(|(service, name)| is_service(service) && is_name(name))
}

/// Is it an identity that signs requests: a user, or a session?
fn is_identity(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        [_, _, "iam", _, _, name] => name.starts_with("user/") || name == "root",
        [_, _, "sts", _, _, name] => name.starts_with("assumed-role/") || name.starts_with("federated-user/"),
        _ => false,
    }
}

fn is_resource_word(word: Option<&str>) -> bool {
    word.is_some_and(|word| word.to_ascii_lowercase().trim_end_matches([':', 's']).ends_with("resource"))
}

fn user_of(arn: &str) -> Option<Asker> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, partition, "iam", _, account, name] = parts[..] else { return None };
    Some(Asker {
        name: name.strip_prefix("user/")?.to_owned(),
        account: account.parse().ok()?,
        partition: partition.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::Question;

    const USER: &str = "arn:aws:iam::123456789012:user/team/alice";

    /// The action, the resource, the user, whether it is a role session, and the kind of policy that decided.
    fn read(text: &str) -> (String, Option<String>, Option<String>, bool, Option<&'static str>) {
        let it: Question = text.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
        (it.action, it.resource, it.user.map(|user| user.name), it.is_of_role, it.decided_by)
    }

    #[test]
    fn messages_as_aws_prints_them() {
        let alice = || Some("team/alice".to_owned());
        let bucket = "arn:aws:s3:::reports/2026/a.csv";
        let role = "arn:aws:sts::123456789012:assumed-role/deploy/me";
        for (text, expected) in [
            ("s3:GetObject".to_owned(), ("s3:GetObject", None, None, false, None)),
            (
                format!(
                    "An error occurred (AccessDenied) when calling the ListMFADevices operation: User: {USER} is not \
                     authorized to perform: iam:ListMFADevices on resource: {USER} with an explicit deny in an \
                     identity-based policy"
                ),
                ("iam:ListMFADevices", Some(USER), alice(), false, None),
            ),
            (
                format!(
                    "User: {USER} is not authorized to perform: s3:GetObject on resource: \"{bucket}\" because no \
                     identity-based policy allows the s3:GetObject action."
                ),
                ("s3:GetObject", Some(bucket), alice(), false, None),
            ),
            (
                format!(
                    "User: {USER} is not authorized to perform: s3:GetObject\non resource: {bucket} with an explicit \
                     deny in a service\ncontrol policy"
                ),
                ("s3:GetObject", Some(bucket), alice(), false, Some("service control policy")),
            ),
            (
                format!("User: {role} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/x"),
                ("sts:AssumeRole", Some("arn:aws:iam::1:role/x"), None, true, None),
            ),
            (
                format!("User: {USER} is not authorized to perform: iam:ListMFADevices on resource: user alice"),
                ("iam:ListMFADevices", None, alice(), false, None),
            ),
            (
                format!(
                    "アクセスが拒否されました iam:ListMFADevicesを実行する許可がありません。ユーザー: {USER}アクション: \
                     iam:ListMFADevices リソース: {USER} コンテキスト: an identity-based policy explicitly denies the action"
                ),
                ("iam:ListMFADevices", Some(USER), alice(), false, None),
            ),
            (
                format!(
                    "エラーが発生しました。「User: {USER} is not authorized to perform: iam:CreateVirtualMFADevice on \
                     resource: arn:aws:iam::123456789012:mfa/phone because no identity-based policy allows it」。"
                ),
                ("iam:CreateVirtualMFADevice", Some("arn:aws:iam::123456789012:mfa/phone"), alice(), false, None),
            ),
            (
                format!(
                    "“User: {USER} is not authorized to perform: organizations:LeaveOrganization with an explicit deny \
                     in a service control policy: arn:aws:organizations::111122223333:policy/o-abc/service_control_policy/p-1”"
                ),
                ("organizations:LeaveOrganization", None, alice(), false, Some("service control policy")),
            ),
            (
                format!(
                    "User: {USER} is not authorized to perform: s3:GetObject on resource: {bucket} with an explicit deny \
                     in an identity-based policy: arn:aws:iam::123456789012:policy/mfa"
                ),
                ("s3:GetObject", Some(bucket), alice(), false, None),
            ),
            (
                format!(
                    "User: {USER} is not authorized to perform: s3:GetObject on resource: {bucket} because no session \
                     policy allows the s3:GetObject action"
                ),
                ("s3:GetObject", Some(bucket), alice(), false, Some("session policy")),
            ),
            (
                format!(
                    "{{\"Message\": \"User: {USER} is not authorized to perform: s3:GetObject on resource: \\\"{bucket}\\\" \
                     because no VPC endpoint policy allows the s3:GetObject action\"}}"
                ),
                ("s3:GetObject", Some(bucket), alice(), false, Some("VPC endpoint policy")),
            ),
            (
                format!(
                    "‘&quot;User: {USER} is not authorized to perform: kms:Decrypt on resource: &quot;arn:aws:kms:eu-west-1:1:key/a&quot; \
                     because no resource-based policy allows the kms:Decrypt action&quot;’"
                ),
                ("kms:Decrypt", Some("arn:aws:kms:eu-west-1:1:key/a"), alice(), false, Some("resource-based policy")),
            ),
            (
                format!(
                    "User: {USER} is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:1:instance/* \
                     because no identity-based policy allows the ec2:RunInstances action. Encoded authorization failure \
                     message: 4GIOHl"
                ),
                ("ec2:RunInstances", Some("arn:aws:ec2:eu-west-1:1:instance/*"), alice(), false, None),
            ),
            (
                format!("not authorized to perform: iam:GetUser on resource: {USER}"),
                ("iam:GetUser", Some(USER), None, false, None),
            ),
        ] {
            let (action, resource, user, is_of_role, by): (&str, Option<&str>, _, _, _) = expected;
            let expected = (action.to_owned(), resource.map(str::to_owned), user, is_of_role, by);
            assert_eq!(read(&text), expected, "{text}");
        }
    }

    /// At any width, whether the terminal breaks lines at spaces or within words.
    #[test]
    fn a_message_that_a_terminal_wrapped_is_whole() {
        let bucket = "arn:aws:s3:::reports/2026/a.csv";
        let message = format!(
            "An error occurred (AccessDenied) when calling the GetObject operation: User: {USER} is not authorized to \
             perform: s3:GetObject on resource: {bucket} with an explicit deny in a service control policy"
        );
        let whole = read(&message);
        for width in 40..140 {
            let chars: Vec<char> = message.chars().collect();
            let lines: Vec<String> = chars.chunks(width).map(|line| line.iter().collect::<String>()).collect();
            for end in ["\n", "\r\n", "\n  "] {
                assert_eq!(read(&lines.join(end)), whole, "{width}: {lines:#?}");
            }
            let mut words = vec![String::new()];
            for word in message.split(' ') {
                if words.last().is_some_and(|line| line.len() + word.len() >= width) {
                    words.push(String::new());
                }
                let line = words.last_mut().expect("a line");
                *line += if line.is_empty() { "" } else { " " };
                *line += word;
            }
            assert_eq!(read(&words.join("\n")), whole, "{width}: {words:#?}");
        }
    }

    #[test]
    fn a_text_without_an_action_is_no_question() {
        for (text, said) in [
            ("", "expected `SERVICE:NAME`"),
            ("Access Denied", "expected `SERVICE:NAME`"),
            ("s3:", "expected `SERVICE:NAME`"),
            ("s3:Get*", "expected `SERVICE:NAME`"),
            (
                "You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHl",
                "decode",
            ),
            (
                "You are not authorized to perform this operation. Encoded authori\nzation failure message: 4GIOHl",
                "decode",
            ),
        ] {
            let error = text.parse::<Question>().expect_err(text);
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
    }
}

//! `policy print`: every combination of its choices decides as it says, in every format, read by the formats' own
//! tools.

use std::fmt::Write as _;

use mfa_cred::policy::evaluate::{Context, Policies, Request, Verdict, evaluate};
use mfa_cred::policy::journey::Subject;
use mfa_cred::policy::print::{Choices, Format, print};
use mfa_cred::policy::rules::{CheckOptions, Severity};
use mfa_cred::policy::{Document, PolicyKind, check};
use serde_json::{Map, Value, json};

const ACCOUNT: &str = "210987654321";

/// Every combination of the choices.
fn every() -> Vec<Choices> {
    let mut all = Vec::new();
    // The fifth is a quarantine, with which two others do not go.
    for bits in (0..32_u8).filter(|bits| bits & 16 == 0 || bits & 6 == 0) {
        for (account, partition) in
            [(None, None), (Some(ACCOUNT), None), (None, Some("aws-us-gov")), (Some(ACCOUNT), Some("aws-cn"))]
        {
            for user_path in [None, Some("/team/x/"), Some("*")] {
                all.push(Choices {
                    allows_first_password_change: bits & 1 != 0,
                    with_own_access_keys: bits & 2 != 0,
                    is_console_only: bits & 4 != 0,
                    is_quarantine: bits & 16 != 0,
                    account: account.map(|id| id.parse().expect("an account")),
                    partition: partition.map(|name| name.parse().expect("a partition")),
                    user_path: user_path.map(|path| path.parse().expect("a path")),
                    group: (bits & 8 != 0).then(|| "dev+ops@example.com".to_owned()),
                });
            }
        }
    }
    assert_eq!(all.len(), 240);
    all
}

/// A user whom these choices are about.
struct User {
    partition: String,
    path: &'static str,
}

impl User {
    fn of(choices: &Choices) -> Self {
        let partition = choices.partition.map_or("aws", |partition| partition.as_str()).to_owned();
        Self { partition, path: if choices.user_path.is_some() { "team/x/" } else { "" } }
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:{}:iam::{ACCOUNT}:{resource}", self.partition)
    }

    fn user(&self, name: &str) -> String {
        self.arn(&format!("user/{}{name}", self.path))
    }
}

fn document(name: &str, text: &str) -> Document {
    Document::parse(name, text.as_bytes(), PolicyKind::User).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn everything_allowed() -> Document {
    document(
        "administrator",
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    )
}

/// What a request over this way in brings along.
fn context(way: &str) -> Context {
    let context = Context::default().with("aws:username", "alice");
    match way {
        "key" => context.without("aws:MultiFactorAuthPresent"),
        "console" => context.with("aws:MultiFactorAuthPresent", "false"),
        _ => context.with("aws:MultiFactorAuthPresent", "true"),
    }
}

fn is_allowed(identity: &[Document], way: &str, action: &str, resource: &str) -> bool {
    let request = Request { action, resource, context: &context(way), is_allowed_elsewhere: false };
    match evaluate(Policies { identity, boundary: &[] }, &request).verdict {
        Verdict::Allowed => true,
        Verdict::Denied => false,
        Verdict::Unknown => panic!("{way}: {action} on {resource} is not decided"),
    }
}

#[test]
fn every_combination_lets_users_enroll_and_nobody_else_work() {
    for choices in every() {
        let own = document("printed", &print(Format::Json, &choices));
        let administrator = [own.clone(), everything_allowed()];
        let (user, own) = (User::of(&choices), [own]);
        let (alice, bob, any) = (user.user("alice"), user.user("bob"), "*".to_owned());
        let device = |name: &str| user.arn(&format!("mfa/{name}"));
        let says = |is: bool, identity: &[Document], way: &str, action: &str, resource: &str| {
            assert_eq!(is_allowed(identity, way, action, resource), is, "{way}: {action} on {resource}: {choices:?}");
        };
        for way in ["key", "console", "mfa"] {
            // A device of any name, and only for oneself.
            for name in ["alice", "alice-laptop", "bob"] {
                says(true, &own, way, "iam:CreateVirtualMFADevice", &device(name));
            }
            for action in ["EnableMFADevice", "ListMFADevices", "ResyncMFADevice", "GetMFADevice", "GetUser"] {
                says(true, &own, way, &format!("iam:{action}"), &alice);
                says(false, &own, way, &format!("iam:{action}"), &bob);
            }
            says(true, &own, way, "iam:ListVirtualMFADevices", &any);
            says(false, &own, way, "iam:DeactivateMFADevice", &bob);
            says(false, &own, way, "iam:CreateAccessKey", &bob);
            says(false, &own, way, "iam:ChangePassword", &bob);
            says(false, &own, way, "s3:GetObject", "arn:aws:s3:::bucket/key");

            let with_mfa = way == "mfa";
            let first = choices.allows_first_password_change;
            let manages = with_mfa && !choices.is_quarantine;
            says(manages, &own, way, "iam:DeactivateMFADevice", &alice);
            says(manages, &own, way, "iam:DeleteVirtualMFADevice", &device("alice-laptop"));
            says(manages || first, &own, way, "iam:ChangePassword", &alice);
            for action in ["Create", "Delete", "Update"] {
                let with_keys = with_mfa && choices.with_own_access_keys;
                says(with_keys, &own, way, &format!("iam:{action}AccessKey"), &alice);
            }

            // Whatever else is allowed: the Deny holds for all ways that it is for.
            let passes = with_mfa || way == "key" && choices.is_console_only;
            let else_ =
                ["s3:GetObject", "iam:CreateAccessKey", "iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice"];
            for action in else_ {
                says(passes, &administrator, way, action, &alice);
            }
            says(passes || first, &administrator, way, "iam:ChangePassword", &alice);
            // An administrator enrolls without MFA as everybody does: for nobody else.
            for action in ["iam:EnableMFADevice", "iam:ResyncMFADevice"] {
                says(true, &administrator, way, action, &alice);
                says(passes, &administrator, way, action, &bob);
            }
        }
        // Where the password page looks for the rules.
        for way in ["key", "console"] {
            let passes = choices.allows_first_password_change || way == "key" && choices.is_console_only;
            says(passes, &own, way, "iam:GetAccountPasswordPolicy", &any);
        }
    }
}

#[test]
fn a_policy_for_one_partition_does_not_fit_another() {
    let choices = Choices {
        account: Some(ACCOUNT.parse().expect("an account")),
        user_path: Some("team".parse().expect("a path")),
        ..Choices::default()
    };
    let own = [document("printed", &print(Format::Json, &choices))];
    for (resource, is) in [
        ("arn:aws:iam::210987654321:user/team/alice", true),
        ("arn:aws:iam::210987654321:user/alice", false),
        ("arn:aws:iam::210987654321:user/teams/alice", false),
        ("arn:aws:iam::123456789012:user/team/alice", false),
        ("arn:aws-cn:iam::210987654321:user/team/alice", false),
    ] {
        assert_eq!(is_allowed(&own, "key", "iam:EnableMFADevice", resource), is, "{resource}");
    }
}

/// What is printed holds, and its notes are those that were chosen or cannot be helped.
#[test]
fn every_combination_passes_the_check_with_its_notes() {
    for choices in every() {
        let document = document("printed", &print(Format::Json, &choices));
        let user = User::of(&choices);
        let partition = user.partition.parse().expect("a partition");
        let account = ACCOUNT.parse().expect("an account");
        let subject = Subject::new(&format!("{}alice", user.path), account, partition).expect("a user");
        let options = CheckOptions {
            allows_first_password_change: choices.allows_first_password_change,
            is_console_only: choices.is_console_only,
            account: choices.account.clone(),
            partition: choices.partition,
            ..CheckOptions::default()
        };
        let identity = [document];
        let report = check(Policies { identity: &identity, boundary: &[] }, &subject, None, &options);
        let mut rules: Vec<Option<u8>> = report.findings.iter().map(|finding| finding.rule.number()).collect();
        rules.sort_unstable();
        let is_note = report.findings.iter().all(|finding| finding.severity == Severity::Note);
        assert!(report.holds() && is_note, "{choices:?}: {:#?}", report.findings);
        rules.dedup();
        // The thief who enrolls first, which has no number; the password, forced or free; what services do.
        let mut expected = vec![None, Some(6), Some(12)];
        if choices.is_console_only {
            expected.insert(1, Some(1));
        }
        assert_eq!(rules, expected, "{choices:?}: {:#?}", report.findings);

        // It holds for an administrator in the group, too.
        let [document] = identity;
        let identity = [document, everything_allowed()];
        let report = check(Policies { identity: &identity, boundary: &[] }, &subject, None, &options);
        assert!(report.holds(), "{choices:?}: {:#?}", report.findings);
    }
}

#[test]
fn terraform_reads_the_same_document() {
    for choices in every() {
        let text = print(Format::Terraform, &choices);
        let body: Value = hcl::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let label = if choices.is_quarantine { "mfa_quarantine" } else { "require_mfa" };
        let data = &body["data"]["aws_iam_policy_document"][label];
        let statements = data["statement"].as_array().expect("statements").iter().map(of_terraform);
        let document = json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()});
        let expected: Value = serde_json::from_str(&print(Format::Json, &choices)).expect("JSON");
        assert_eq!(document, expected, "{text}");

        let policy = &body["resource"]["aws_iam_policy"][label];
        assert_eq!(policy["policy"], format!("${{data.aws_iam_policy_document.{label}.json}}"));
        let attachment = &body["resource"]["aws_iam_group_policy_attachment"][label];
        assert_eq!(attachment["policy_arn"], format!("${{aws_iam_policy.{label}.arn}}"));
        let variable = body.get("variable").map(|all| &all["group"]["type"]);
        let (group, kind) = match &choices.group {
            Some(group) => (group.as_str(), None),
            None => ("${var.group}", Some(&json!("${string}"))),
        };
        let named = if choices.is_quarantine {
            assert_eq!(attachment["group"], "${aws_iam_group.mfa_quarantine.name}");
            &body["resource"]["aws_iam_group"][label]["name"]
        } else {
            assert!(body["resource"].get("aws_iam_group").is_none());
            &attachment["group"]
        };
        assert_eq!((named, variable), (&json!(group), kind));
    }
}

/// A `statement` block as the data source renders it.
fn of_terraform(block: &Value) -> Value {
    let mut statement = Map::new();
    for (name, value) in block.as_object().expect("a block") {
        let (name, value) = match name.as_str() {
            "sid" => ("Sid", value.clone()),
            "effect" => ("Effect", value.clone()),
            "actions" => ("Action", value.clone()),
            "not_actions" => ("NotAction", value.clone()),
            "resources" => ("Resource", of_provider(only(value))),
            "not_resources" => ("NotResource", of_provider(only(value))),
            "condition" => {
                let [test, variable] = ["test", "variable"].map(|name| value[name].as_str().expect("a text"));
                ("Condition", json!({test: {variable: only(&value["values"])}}))
            }
            _ => panic!("no such argument: {name}"),
        };
        statement.insert(name.to_owned(), value);
    }
    Value::Object(statement)
}

/// The only one of a list, which the provider renders without the list.
fn only(list: &Value) -> &Value {
    match &list.as_array().expect("a list")[..] {
        [one] => one,
        more => panic!("not one: {more:?}"),
    }
}

/// The provider's own spelling of policy variables; what Terraform itself would fill in stands in none of these.
fn of_provider(text: &Value) -> Value {
    let text = text.as_str().expect("a text");
    assert!(!text.contains("${") && !text.contains("%{"), "{text}");
    text.replace("&{", "${").into()
}

#[test]
fn cloudformation_reads_the_same_document() {
    for choices in every() {
        let text = print(Format::CloudFormation, &choices);
        let expected: Value = serde_json::from_str(&print(Format::Json, &choices)).expect("JSON");
        let template = template(&text, choices.partition.map_or("aws", |partition| partition.as_str()));
        let (name, group) =
            if choices.is_quarantine { ("MFAQuarantine", "QuarantineGroup") } else { ("RequireMFA", "Group") };
        let policy = &template["Resources"][name];
        assert_eq!(policy["Type"], "AWS::IAM::ManagedPolicy");
        assert_eq!(policy["Properties"]["PolicyDocument"], expected, "{text}");
        assert_eq!(policy["Properties"]["Groups"], json!([{"Ref": group}]));
        let made = json!({"Type": "AWS::IAM::Group", "Properties": {"GroupName": {"Ref": "Group"}}});
        assert_eq!(template["Resources"].get("QuarantineGroup"), choices.is_quarantine.then_some(&made));
        let group = &template["Parameters"]["Group"];
        assert_eq!(group["Type"], "String");
        let default = choices.group.as_deref().or(choices.is_quarantine.then_some("MFAQuarantine"));
        assert_eq!(group.get("Default"), default.map(|group| json!(group)).as_ref());
    }
}

/// A template in YAML, as a stack in any account of this partition takes it.
fn template(text: &str, partition: &str) -> Value {
    use saphyr::LoadableYamlNode as _;

    let documents = saphyr::Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let [document] = &documents[..] else { panic!("not one document") };
    of_yaml(document, partition)
}

fn of_yaml(node: &saphyr::Yaml<'_>, partition: &str) -> Value {
    use saphyr::{Scalar, Yaml};

    match node {
        Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
        Yaml::Sequence(items) => items.iter().map(|item| of_yaml(item, partition)).collect(),
        Yaml::Mapping(map) => {
            let name = |key: &Yaml<'_>| key.as_str().expect("a text").to_owned();
            Value::Object(map.iter().map(|(key, value)| (name(key), of_yaml(value, partition))).collect())
        }
        Yaml::Tagged(tag, value) => {
            let text = value.as_str().expect("a text");
            match tag.suffix.as_str() {
                "Ref" => json!({"Ref": text}),
                "Sub" => substituted(text, partition).into(),
                other => panic!("no such function: {other}"),
            }
        }
        other => panic!("a value that is no text: {other:?}"),
    }
}

/// `Fn::Sub`, the account taken for any.
fn substituted(text: &str, partition: &str) -> String {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').expect("the variable's end");
        done += before;
        match name {
            "AWS::Partition" => done += partition,
            "AWS::AccountId" => done += "*",
            literal => {
                let literal = literal.strip_prefix('!').unwrap_or_else(|| panic!("CloudFormation knows no {literal}"));
                write!(done, "${{{literal}}}").expect("a text grows");
            }
        }
        rest = after;
    }
    assert_ne!(rest.len(), text.len(), "there is something to substitute");
    done + rest
}

#[test]
fn the_defaults_are_these_texts() {
    let folder = crate::support::cases::path("policy/printed");
    let quarantine = Choices { is_quarantine: true, ..Choices::default() };
    for (name, choices) in [("require-mfa", Choices::default()), ("mfa-quarantine", quarantine)] {
        for (format, file) in [(Format::Json, "json"), (Format::Terraform, "tf"), (Format::CloudFormation, "yaml")] {
            let expected = std::fs::read_to_string(folder.join(name).with_extension(file)).expect("a text");
            assert_eq!(print(format, &choices), expected);
        }
    }
}

#[cfg(unix)]
mod command {
    use std::process::Command;

    use super::{Choices, Format, every, print};
    use crate::support::tools::{find, skip_without};
    use crate::support::world::World;

    #[test]
    fn the_linter_of_cloudformation_finds_nothing() {
        let Some(linter) = find("cfn-lint", &["--version"]) else {
            return skip_without("CloudFormation templates", "a working `cfn-lint --version`");
        };
        let folder = tempfile::tempdir().expect("a folder");
        let lint = |names: &[String]| {
            let mut command = Command::new(&linter);
            let output = command.current_dir(folder.path()).args(["--format", "parseable", "--"]).args(names).output();
            let output = output.expect("it starts");
            (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
        };
        let names = every().into_iter().enumerate().map(|(number, choices)| {
            let name = format!("{number}.yaml");
            std::fs::write(folder.path().join(&name), print(Format::CloudFormation, &choices)).expect("it is written");
            name
        });
        // One in eleven: every choice is among them, in every company.
        let names: Vec<String> = names.step_by(11).collect();
        assert_eq!(lint(&names), (Some(0), String::new()));
        // It does look: the variable as IAM spells it is an unknown parameter to CloudFormation.
        let broken = print(Format::CloudFormation, &Choices::default()).replace("${!", "${");
        std::fs::write(folder.path().join("broken.yaml"), broken).expect("it is written");
        let (code, said) = lint(&["broken.yaml".to_owned()]);
        assert!(code != Some(0) && said.contains("aws:username"), "{code:?} {said}");
    }

    #[test]
    fn stdout_is_the_policy_and_stderr_the_warnings() {
        let world = World::empty();
        let run = |words: &[&str]| {
            let done = world.run(&[&["policy", "print"], words].concat());
            (done.status.code(), done.stdout, done.stderr)
        };
        let plain = Choices::default();
        assert_eq!(run(&[]), (Some(0), print(Format::Json, &plain), String::new()));
        for (name, format) in
            [("json", Format::Json), ("terraform", Format::Terraform), ("cloudformation", Format::CloudFormation)]
        {
            assert_eq!(run(&["--format", name]), (Some(0), print(format, &plain), String::new()));
        }
        let all = Choices {
            allows_first_password_change: true,
            with_own_access_keys: true,
            is_console_only: true,
            is_quarantine: false,
            account: Some("210987654321".parse().expect("an account")),
            partition: Some("aws-cn".parse().expect("a partition")),
            user_path: Some("/team/".parse().expect("a path")),
            group: Some("developers".to_owned()),
        };
        let words = [
            "--format=terraform",
            "--allow-first-password-change",
            "--own-access-keys",
            "--console-only",
            "--account=210987654321",
            "--partition=aws-cn",
            "--user-path=team",
            "--group=developers",
        ];
        let warnings = "warning: with `--console-only`, anyone who holds a long-term access key can use it without MFA; AWS does not recommend this\nwarning: with `--allow-first-password-change`, a stolen key or password is enough to change the password; AWS does not recommend this\n";
        assert_eq!(run(&words), (Some(0), print(Format::Terraform, &all), warnings.to_owned()));
        assert_eq!(run(&[&words[..], &["-q"]].concat()), (Some(0), print(Format::Terraform, &all), String::new()));
        let quarantine = Choices { is_quarantine: true, ..Choices::default() };
        assert_eq!(run(&["--quarantine-group"]), (Some(0), print(Format::Json, &quarantine), String::new()));
    }

    #[test]
    fn an_invalid_choice_is_refused() {
        let world = World::empty();
        for (words, said) in [
            (
                &["--group", "developers"][..],
                "`--group` works only with `--format terraform` and `--format cloudformation`",
            ),
            (&["--format", "terraform", "--group", "a\"b"], "a group name can contain only"),
            (&["--format", "terraform", "--group", ""], "a group name can contain only"),
            (&["--user-path", "/team/${aws:username}/"], "expected `/`, then parts"),
            (&["--user-path", "/"], "expected `/`, then parts"),
            (&["--quarantine-group", "--own-access-keys"], "cannot be used with"),
            (&["--quarantine-group", "--console-only"], "cannot be used with"),
            (&["--user-path", "a//b"], "expected `/`, then parts"),
            (&["--account", "12345678901"], "an account ID has 12 digits"),
            (&["--partition", "aws-moon"], "unknown partition"),
            (&["--format", "yaml"], "possible values: json, terraform, cloudformation"),
        ] {
            let done = world.run(&[&["policy", "print"], words].concat());
            assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{words:?}");
            assert!(done.stderr.contains(said), "{words:?}: {}", done.stderr);
        }
    }
}

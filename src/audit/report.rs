//! IAM's credential report → facts.
//!
//! Columns are found by their names: AWS adds some and leaves some out. What a report cannot say stays unknown: the kind
//! of an MFA device, groups and policies. Both the CSV and what `aws iam get-credential-report` prints are read.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>

use jiff::Timestamp;
use serde::Deserialize;

use super::facts::{Account, Gap, Key, Mfa, Password, Root, User, WasUsed};
use super::question::Question;
use crate::names::{AccountId, moment};

/// The name that the root user's row has.
pub const ROOT: &str = "<root_account>";

/// Why a text is no credential report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A row of another length than the header.
    #[error("it is not a credential report: line {line} has {length} fields, and the header {expected}")]
    Row {
        /// The line, counted from 1.
        line: u64,
        /// How many fields it has.
        length: u64,
        /// How many it should have.
        expected: u64,
    },
    /// Something that is no text.
    #[error("it is not a credential report: line {0} is not UTF-8")]
    NotText(u64),
    /// A column that every report has.
    #[error("it is not a credential report: it has no column `{0}`")]
    Column(&'static str),
    /// The JSON around it.
    #[error("it is not a credential report: {0}")]
    Json(&'static str),
    /// A header alone.
    #[error("the credential report has no rows")]
    Empty,
}

impl From<csv::Error> for ReportError {
    fn from(error: csv::Error) -> Self {
        let line = error.position().map_or(1, csv::Position::line);
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Self::Row { line, length: *len, expected: *expected_len }
            }
            // Memory is read, so that nothing else can go wrong.
            _ => Self::NotText(line),
        }
    }
}

/// What `aws iam get-credential-report` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    content: String,
    generated_time: Option<String>,
}

/// Reads a report: CSV, or the JSON of the AWS CLI around it, which also says when it was generated.
///
/// # Errors
/// It is none.
pub fn read(bytes: &[u8]) -> Result<Account, ReportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return of_csv(bytes, None);
    }
    let printed: Printed =
        serde_json::from_slice(bytes).map_err(|_| ReportError::Json("it is JSON without `Content`"))?;
    let content = aws_smithy_types::base64::decode(printed.content);
    let content = content.map_err(|_| ReportError::Json("its `Content` is not base64"))?;
    of_csv(&content, printed.generated_time.as_deref().and_then(moment))
}

/// Reads the CSV of a report that was generated at that time, where that is known.
///
/// # Errors
/// It is none.
pub fn of_csv(bytes: &[u8], generated: Option<Timestamp>) -> Result<Account, ReportError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = Columns::of(reader.headers()?)?;
    let mut account = Account { reported: generated, unanswerable: columns.unanswerable(), ..Account::default() };
    let mut row = csv::StringRecord::new();
    let mut has_rows = false;
    while reader.read_record(&mut row)? {
        has_rows = true;
        let row = Row { columns: &columns, row: &row };
        if account.id.is_none() {
            account.id = row.get("arn").and_then(|arn| arn.split(':').nth(4)?.parse::<AccountId>().ok());
        }
        if row.get("user") == Some(ROOT) {
            account.root = Some(row.root());
        } else {
            let user = row.user();
            account.gaps.extend(row.gaps(&user));
            account.users.push(user);
        }
    }
    if has_rows { Ok(account) } else { Err(ReportError::Empty) }
}

/// Without these nothing could be said.
const NEEDED: [&str; 3] = ["user", "password_enabled", "mfa_active"];

/// Those that are read, in alphabetical order.
const READ: [&str; 13] = [
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "arn",
    "mfa_active",
    "password_enabled",
    "password_last_changed",
    "password_last_used",
    "user",
    "user_creation_time",
];

/// Where each column of [`READ`] stands.
struct Columns([Option<usize>; READ.len()]);

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, ReportError> {
        let place = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        if let Some(missing) = NEEDED.into_iter().find(|name| place(name).is_none()) {
            return Err(ReportError::Column(missing));
        }
        Ok(Self(READ.map(place)))
    }

    fn at(&self, name: &str) -> Option<usize> {
        self.0[READ.binary_search(&name).ok()?]
    }

    /// What no report says, and what this one leaves out.
    fn unanswerable(&self) -> Vec<Question> {
        use Question::{
            CannotEnroll, GroupWithoutUsers, KeyWithoutMfa, MfaNotEnforced, OldKey, OnlyFido, PasswordLength,
            PasswordReuse, PoliciesOnUser, TwoActiveKeys, UnusedKey, UnusedPassword, UserInNoGroup,
        };
        let mut questions = vec![
            MfaNotEnforced,
            CannotEnroll,
            OnlyFido,
            UserInNoGroup,
            PoliciesOnUser,
            GroupWithoutUsers,
            PasswordLength,
            PasswordReuse,
        ];
        for (column, of_it) in [
            ("access_key_1_active", &[KeyWithoutMfa, OldKey, UnusedKey, TwoActiveKeys][..]),
            ("access_key_1_last_rotated", &[OldKey, UnusedKey]),
            ("access_key_1_last_used_date", &[UnusedKey]),
            ("password_last_used", &[UnusedPassword]),
        ] {
            if self.at(column).is_none() {
                questions.extend(of_it);
            }
        }
        questions.sort_unstable();
        questions.dedup();
        questions
    }
}

/// One row.
struct Row<'r> {
    columns: &'r Columns,
    row: &'r csv::StringRecord,
}

impl<'r> Row<'r> {
    fn get(&self, column: &str) -> Option<&'r str> {
        self.row.get(self.columns.at(column)?)
    }

    /// AWS writes `true` and `false`; its documentation has them in capitals. All else is no answer.
    fn is(&self, column: &str) -> Option<bool> {
        let text = self.get(column)?;
        match () {
            () if text.eq_ignore_ascii_case("true") => Some(true),
            () if text.eq_ignore_ascii_case("false") => Some(false),
            () => None,
        }
    }

    /// `N/A`, `no_information` and `not_supported` are no times.
    fn time(&self, column: &str) -> Option<Timestamp> {
        self.get(column).filter(|text| text.starts_with(|first: char| first.is_ascii_digit())).and_then(moment)
    }

    fn root(&self) -> Root {
        let has_key = self.keys().map(|keys| keys.iter().any(|key| key.is_active));
        let has_password = self.is("password_enabled");
        // `not_supported` is what a root user has who can sign in, or about whom nothing is known.
        let has_credentials = Some(has_password != Some(false) || has_key == Some(true));
        Root { has_credentials, has_mfa: self.is("mfa_active"), has_key }
    }

    fn user(&self) -> User {
        let mfa = self.is("mfa_active").map(|has_mfa| if has_mfa { Mfa::Some } else { Mfa::None });
        let name = self.get("user").unwrap_or_default().to_owned();
        User { name, password: self.password(), mfa, keys: self.keys(), ..User::default() }
    }

    /// What this row should say and does not.
    fn gaps(&self, user: &User) -> Vec<Gap> {
        use Question::{ConsoleWithoutMfa, KeyWithoutMfa, OldKey, TwoActiveKeys, UnusedKey, UnusedPassword};
        let columns = [
            ("password_enabled", user.password.is_none(), &[ConsoleWithoutMfa, UnusedPassword][..]),
            ("mfa_active", user.mfa.is_none(), &[ConsoleWithoutMfa, KeyWithoutMfa]),
            (
                "access_key_1_active",
                self.get("access_key_1_active").is_some() && self.is("access_key_1_active").is_none(),
                &[KeyWithoutMfa, OldKey, UnusedKey, TwoActiveKeys],
            ),
        ];
        let unread = columns.into_iter().filter(|(_, is_unread, _)| *is_unread);
        let gap = |(column, _, questions): (&str, bool, &[Question])| Gap {
            call: format!("the column `{column}`"),
            about: Some(user.name.clone()),
            why: "it is neither `true` nor `false`".to_owned(),
            questions: questions.to_vec(),
        };
        unread.map(gap).collect()
    }

    fn password(&self) -> Option<Password> {
        if !self.is("password_enabled")? {
            return Some(Password::None);
        }
        if self.columns.at("password_last_used").is_none() {
            return Some(Password::Since(None, WasUsed::Never));
        }
        if let Some(used) = self.time("password_last_used") {
            return Some(Password::Since(Some(used), WasUsed::Then));
        }
        let since = self.time("password_last_changed").or_else(|| self.time("user_creation_time"));
        Some(Password::Since(since, WasUsed::Never))
    }

    fn keys(&self) -> Option<Vec<Key>> {
        let is_use_known = self.columns.at("access_key_1_last_used_date").is_some();
        let mut keys = Vec::new();
        for (name, active, made, used) in [
            ("1", "access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date"),
            ("2", "access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date"),
        ] {
            let (is_active, made) = (self.is(active), self.time(made));
            if name == "1" && self.columns.at(active).is_none() {
                return None;
            }
            // A slot that never had a key has no date either; an inactive key keeps its own.
            if is_active == Some(true) || made.is_some() {
                let used = self.time(used);
                let is_active = is_active.unwrap_or_default();
                keys.push(Key { name: name.to_owned(), is_active, made, used, is_use_known });
            }
        }
        Some(keys)
    }
}

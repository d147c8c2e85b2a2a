//! IAM's credential report → facts.
//!
//! Columns are found by name, because AWS adds some and omits some. What a report does not contain stays unknown: the
//! kinds of MFA devices, groups and policies. Both the CSV and the output of `aws iam get-credential-report` are
//! accepted.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>

use jiff::Timestamp;
use serde::Deserialize;

use super::facts::{Account, Gap, Key, Mfa, Password, Root, User, WasUsed};
use super::question::Question;
use crate::names::{AccountId, moment};

/// The name in the root user's row.
pub const ROOT: &str = "<root_account>";

/// Why a text is not a credential report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A row whose length differs from the header's.
    #[error("not a credential report: line {line} has {length} fields, but the header has {expected}")]
    Row {
        /// The line, counted from 1.
        line: u64,
        /// The number of its fields.
        length: u64,
        /// The expected number of fields.
        expected: u64,
    },
    /// Bytes that are not text.
    #[error("not a credential report: line {0} is not UTF-8")]
    NotText(u64),
    /// A missing column that every report has.
    #[error("not a credential report: it has no column `{0}`")]
    Column(&'static str),
    /// Invalid JSON around it.
    #[error("not a credential report: {0}")]
    Json(&'static str),
    /// Only a header.
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
            // It reads from memory, so nothing else can go wrong.
            _ => Self::NotText(line),
        }
    }
}

/// The output of `aws iam get-credential-report`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    content: String,
    generated_time: Option<String>,
}

/// Parses a report: CSV, or the AWS CLI's JSON around it, which also says when it was generated.
///
/// # Errors
/// It is not a credential report.
pub fn read(bytes: &[u8]) -> Result<Account, ReportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return of_csv(bytes, None);
    }
    let printed: Printed = serde_json::from_slice(bytes).map_err(|_| ReportError::Json("the JSON has no `Content`"))?;
    let content = aws_smithy_types::base64::decode(printed.content);
    let content = content.map_err(|_| ReportError::Json("its `Content` is not base64"))?;
    of_csv(&content, printed.generated_time.as_deref().and_then(moment))
}

/// Parses the CSV of a report that was generated at that time, if known.
///
/// # Errors
/// It is not a credential report.
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

/// The required columns.
const NEEDED: [&str; 3] = ["user", "password_enabled", "mfa_active"];

/// The columns that are read, in alphabetical order.
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

/// The index of each column of [`READ`].
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

    /// The checks that no report can answer, and those that this one cannot.
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

    /// AWS writes `true` and `false`; its documentation has them in capitals. Anything else counts as unknown.
    fn is(&self, column: &str) -> Option<bool> {
        let text = self.get(column)?;
        match () {
            () if text.eq_ignore_ascii_case("true") => Some(true),
            () if text.eq_ignore_ascii_case("false") => Some(false),
            () => None,
        }
    }

    /// A time; not `N/A`, `no_information` or `not_supported`.
    fn time(&self, column: &str) -> Option<Timestamp> {
        self.get(column).filter(|text| text.starts_with(|first: char| first.is_ascii_digit())).and_then(moment)
    }

    fn root(&self) -> Root {
        let has_key = self.keys().map(|keys| keys.iter().any(|key| key.is_active));
        let has_password = self.is("password_enabled");
        // `not_supported` means that the root user can sign in, or that nothing is known.
        let has_credentials = Some(has_password != Some(false) || has_key == Some(true));
        Root { has_credentials, has_mfa: self.is("mfa_active"), has_key }
    }

    fn user(&self) -> User {
        let mfa = self.is("mfa_active").map(|has_mfa| if has_mfa { Mfa::Some } else { Mfa::None });
        let name = self.get("user").unwrap_or_default().to_owned();
        User { name, password: self.password(), mfa, keys: self.keys(), ..User::default() }
    }

    /// What this row should contain but does not.
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
            call: format!("column `{column}`"),
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
            // A slot that never had a key has no date; an inactive key still has one.
            if is_active == Some(true) || made.is_some() {
                let used = self.time(used);
                let is_active = is_active.unwrap_or_default();
                keys.push(Key { name: name.to_owned(), is_active, made, used, is_use_known });
            }
        }
        Some(keys)
    }
}

//! The numbered rules of MFA in policies, each with the statement that breaks it, the reason and the repair.
//!
//! A rule inspects one statement and asks the evaluator whether the problem really occurs given everything else that
//! applies: a Deny that does not stop access keys is no finding if another Deny stops them.

mod attached;
mod boundary;
mod enforcement;
mod enrollment;
mod exceptions;
mod keys;
mod meaning;
mod retest;
mod scope;
mod spelling;
mod trust;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

use super::document::{Condition, Document, PolicyKind, Scope, Statement, Test};
use super::evaluate::{Context, Policies, Request, StatementId, Truth, Verdict, covers_resource, if_absent, matches};
use super::journey::{self, Journey, Stage, Subject, Way};
use crate::names::{AccountId, Partition};

pub use super::finding::{Edit, Finding, Opened};
pub use super::rule::{Rule, Severity};

/// What the policies are expected to do, besides enforcing MFA.
#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// May the password be changed without MFA, so that a forced first change is possible?
    pub allows_first_password_change: bool,
    /// Is only the console meant to require MFA?
    pub is_console_only: bool,
    /// The account, if it was given.
    pub account: Option<AccountId>,
    /// The partition, if it was given.
    pub partition: Option<Partition>,
    /// The trust policies of the roles that the user may assume.
    pub trusts: Vec<Document>,
}

/// Everything that the rules inspect.
pub(super) struct Inspected<'a> {
    pub(super) policies: Policies<'a>,
    pub(super) subject: &'a Subject,
    pub(super) journey: Option<&'a Journey>,
    pub(super) options: &'a CheckOptions,
    /// Earlier decisions: similar statements lead to the same requests.
    decided: RefCell<HashMap<Asked, Verdict>>,
    /// How many statements may still be evaluated for decisions; after that, the rules report that they did not finish.
    left: Cell<usize>,
    is_spent: Cell<bool>,
    contexts: Vec<[Context; 2]>,
}

/// A request on a way in, and whether it is assumed to be allowed elsewhere.
type Asked = (Way, String, String, bool);

/// The number of statements that may be evaluated. A finding may need a few decisions, and each decision evaluates
/// every statement, so without a limit a large set of bad policies would take minutes. A user's twenty policies never
/// come near it.
const MOST_LOOKS: usize = 5_000_000;

/// The actions that a Deny must exempt, or nobody can enroll.
const NEEDED: [&str; 4] =
    ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"];

/// Every finding of the rules, in the order of documents and statements.
pub(super) fn findings(look: &Inspected<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, document, statement) in look.statements() {
        let one = Inspection { look, at, document, statement };
        scope::look(&one, &mut found);
        spelling::look(&one, &mut found);
        let before = found.len();
        meaning::look(&one, &mut found);
        // Another operator does not repair a statement that never applies.
        let is_dead = found[before..].iter().any(|finding| finding.rule == Rule::Contradiction);
        match document.kind {
            PolicyKind::User => {
                exceptions::look(&one, &mut found);
                if !is_dead {
                    enforcement::look(&one, &mut found);
                }
            }
            PolicyKind::Trust => trust::look(&one, &mut found),
            PolicyKind::Role => attached::look(&one, &mut found),
            PolicyKind::Organization => {
                attached::look(&one, &mut found);
                let start = found.len();
                enforcement::of_conditions(&one, &mut found);
                if !attached::is_limited(statement) {
                    // A stricter operator alone would also deny federated principals and roles.
                    found[start..].iter_mut().for_each(|finding| finding.edits.clear());
                }
            }
        }
    }
    boundary::look(look, &mut found);
    enrollment::look(look, &mut found);
    let of_causes: Vec<(Stage, Way)> =
        found.iter().filter(|it| is_cause(it)).flat_map(|it| it.explains.clone()).collect();
    found.retain(|it| !is_consequence(it, &of_causes));
    if look.is_spent.get() {
        found.push(unfinished());
    }
    found
}

/// Is it about a Deny that allows what it should stop?
fn is_cause(finding: &Finding) -> bool {
    let rules = [Rule::BareKeyOpen, Rule::NullTest, Rule::AgeWithoutIfExists, Rule::UnsafeException];
    finding.severity == Severity::Failure && rules.contains(&finding.rule)
}

/// One cause, one finding: the Allow is as harmless as intended once the Deny is repaired.
fn is_consequence(finding: &Finding, of_causes: &[(Stage, Way)]) -> bool {
    finding.rule == Rule::DeactivateWithoutMfa && finding.explains.iter().all(|at| of_causes.contains(at))
}

/// The names, each in backticks; `None` for an empty list.
fn listed(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [only] => Some(format!("`{only}`")),
        [rest @ .., last] => Some(format!("`{}` and `{last}`", rest.join("`, `"))),
    }
}

fn unfinished() -> Finding {
    Finding {
        severity: Severity::Failure,
        rule: Rule::Unfinished,
        at: None,
        place: None,
        what: "too many statements might break a rule: not all of them were checked".to_owned(),
        why: "each is evaluated together with all the others, and there are more here than ever apply to one user"
            .to_owned(),
        repair: "repair what was found, or check fewer policies at once".to_owned(),
        edits: Vec::new(),
        explains: Vec::new(),
        opens: None,
    }
}

/// One statement in its context.
struct Inspection<'a> {
    look: &'a Inspected<'a>,
    at: StatementId,
    document: &'a Document,
    statement: &'a Statement,
}

impl<'a> Inspected<'a> {
    pub(super) fn new(
        policies: Policies<'a>,
        subject: &'a Subject,
        journey: Option<&'a Journey>,
        options: &'a CheckOptions,
    ) -> Self {
        Self {
            policies,
            subject,
            journey,
            options,
            decided: RefCell::default(),
            left: Cell::new(MOST_LOOKS),
            is_spent: Cell::new(false),
            contexts: Way::ALL.map(|way| [false, true].map(|is_iam| subject.context(way, is_iam))).into(),
        }
    }

    /// The condition keys of a request on that way in.
    fn context(&self, way: Way, is_iam: bool) -> &Context {
        &self.contexts[way as usize][usize::from(is_iam)]
    }

    fn statements(&self) -> impl Iterator<Item = (StatementId, &'a Document, &'a Statement)> {
        self.policies.identity.iter().enumerate().flat_map(|(document, of)| {
            let at = move |statement| StatementId { is_boundary: false, document, statement };
            of.statements.iter().enumerate().map(move |(statement, one)| (at(statement), of, one))
        })
    }

    /// The verdict; `None` once the limit is reached.
    fn verdict(&self, way: Way, action: &str, resource: &str, is_allowed_elsewhere: bool) -> Option<Verdict> {
        let asked = (way, action.to_owned(), resource.to_owned(), is_allowed_elsewhere);
        if let Some(verdict) = self.decided.borrow().get(&asked) {
            return Some(*verdict);
        }
        let all = |documents: &[Document]| documents.iter().map(|document| document.statements.len()).sum::<usize>();
        let Some(left) = self.left.get().checked_sub(all(self.policies.identity) + all(self.policies.boundary)) else {
            self.is_spent.set(true);
            return None;
        };
        self.left.set(left);
        let asked_of = journey::Asked { policies: self.policies, subject: self.subject };
        let verdict = journey::decide(asked_of, way, action, resource, is_allowed_elsewhere).0;
        self.decided.borrow_mut().insert(asked, verdict);
        Some(verdict)
    }

    /// Is it possibly allowed on this way in?
    fn is_open(&self, way: Way, action: &str, resource: &str, is_allowed_elsewhere: bool) -> bool {
        self.verdict(way, action, resource, is_allowed_elsewhere).is_some_and(|verdict| verdict != Verdict::Denied)
    }
}

/// The state of MFA that one condition requires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asks {
    /// `Bool`, `BoolIfExists`, and equivalents: `StringNotEquals`, for example, also holds if the key is missing.
    Bool { wants: bool, is_if_exists: bool },
    /// `Null`: must the key be absent?
    Null { wants_absent: bool },
    /// Any other test of the key, or a test of its age.
    Otherwise,
}

const PRESENT: &str = "aws:MultiFactorAuthPresent";
const AGE: &str = "aws:MultiFactorAuthAge";

/// Is it an MFA condition?
pub(super) fn is_of_mfa(condition: &Condition) -> bool {
    [PRESENT, AGE].iter().any(|key| condition.key.value.eq_ignore_ascii_case(key))
}

impl<'a> Inspection<'a> {
    /// The MFA conditions, and what each requires.
    fn asks(&self) -> impl Iterator<Item = (&'a Condition, Asks)> {
        self.statement.conditions.iter().filter_map(|condition| {
            let key = &condition.key.value;
            if key.eq_ignore_ascii_case(AGE) {
                return Some((condition, Asks::Otherwise));
            }
            if !key.eq_ignore_ascii_case(PRESENT) {
                return None;
            }
            let operator = condition.operator;
            let wants: Option<bool> = match &condition.values.items[..] {
                [one] if matches!(operator.test, Test::Text | Test::Like) => one.value.parse().ok(),
                [one] => one.value.to_ascii_lowercase().parse().ok(),
                _ => None,
            };
            let asks = match (operator.test, wants) {
                (Test::Bool | Test::Text | Test::TextIgnoreCase | Test::Like, Some(wants)) => {
                    Asks::Bool { wants: wants != operator.is_negated, is_if_exists: if_absent(operator) }
                }
                (Test::Null, Some(wants_absent)) => Asks::Null { wants_absent },
                _ => Asks::Otherwise,
            };
            Some((condition, asks))
        })
    }

    /// May the scope cover the resource?
    fn covers(&self, scope: &Scope, resource: &str) -> bool {
        let context = self.look.context(Way::Key, true);
        let request = Request { action: "iam:Any", resource, context, is_allowed_elsewhere: false };
        covers_resource(self.document, scope, &request) != Truth::No
    }

    /// Does the statement match that request?
    fn speaks_of(&self, way: Way, (action, resource): &(String, String)) -> Truth {
        let is_iam = action.split_once(':').is_some_and(|(service, _)| service.eq_ignore_ascii_case("iam"));
        let context = self.look.context(way, is_iam);
        let request = Request { action, resource, context, is_allowed_elsewhere: false };
        matches(self.document, self.statement, &request)
    }

    /// Does the statement have any MFA condition?
    fn asks_for_mfa(&self) -> bool {
        self.asks().next().is_some()
    }

    /// A finding of that rule in this statement, at that offset, with the rule's default severity.
    fn breaks(&self, rule: Rule, offset: usize, what: String, why: &str, repair: &str) -> Finding {
        Finding {
            severity: rule.severity(),
            rule,
            at: Some(self.at),
            place: Some(self.document.place(offset)),
            what,
            why: why.to_owned(),
            repair: repair.to_owned(),
            edits: Vec::new(),
            explains: Vec::new(),
            opens: None,
        }
    }

    fn edit(&self, range: Range<usize>, text: String) -> Edit {
        Edit { document: self.at.document, range, text }
    }
}

impl Finding {
    fn note_if(mut self, is_note: bool) -> Self {
        if is_note {
            self.severity = Severity::Note;
        }
        self
    }

    fn failure_if(mut self, is_failure: bool) -> Self {
        if is_failure {
            self.severity = Severity::Failure;
        }
        self
    }

    fn with_edits(mut self, edits: Vec<Edit>) -> Self {
        self.edits = edits;
        self
    }

    fn explaining(mut self, steps: &[Stage], ways: &[Way]) -> Self {
        self.explains = steps.iter().flat_map(|step| ways.iter().map(|way| (*step, *way))).collect();
        self
    }
}

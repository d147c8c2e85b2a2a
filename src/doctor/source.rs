//! The file that the profile's credentials come from: the token of a web identity, or a session of `aws login`.

use super::reading::quoted;
use super::{Facts, Finding};
use crate::disk::trust::is_readable_by_others;
use crate::messages::{aws_login, with_causes};
use crate::plan::{Base, LoginSession, WebIdentity};
use crate::signin::{self, Standing};
use crate::web_token;

/// Can the file be used, and does it still hold what is needed?
pub(super) fn file(facts: &Facts) -> Finding {
    match facts.plan().map(|plan| &plan.base) {
        Err(why) => Finding::skipped(why),
        Ok(Base::WebIdentity(web)) => token(facts, web),
        Ok(Base::Login(session)) => login(facts, session),
        Ok(_) => Finding::skipped("the profile needs neither a token file nor `aws login`"),
    }
}

fn token(facts: &Facts, web: &WebIdentity) -> Finding {
    let shown = web.file.display();
    let token = match web_token::read(&web.file) {
        Ok(token) => token,
        Err(why) => {
            return Finding::fail(
                format!("no token can be read from {shown}: {}", with_causes(&why)),
                "start what writes that file, or correct the path",
            );
        }
    };
    match web_token::expiration(&token) {
        Some(end) if end <= facts.now => Finding::fail(
            format!("the token in {shown} expired at {end}"),
            "restart what writes that file (such as the kubelet or a CI job): it has stopped renewing the token",
        ),
        Some(end) => Finding::pass(format!("{shown} holds a token that is valid until {end}")),
        None => Finding::pass(format!("{shown} holds a token, which does not tell when it expires")),
    }
}

fn login(facts: &Facts, session: &LoginSession) -> Finding {
    let (profile, again) = (&session.profile, aws_login(&session.profile));
    let Some(folder) = signin::folder(&facts.variables, facts.home.as_deref()) else {
        return Finding::skipped("no home folder is known");
    };
    let file = folder.join(signin::file_name(&session.arn));
    let shown = file.display();
    let end = match signin::standing(session, &file) {
        Standing::Absent => return Finding::fail(format!("`{profile}` is not signed in: there is no {shown}"), again),
        Standing::Damaged => return Finding::fail(format!("{shown} does not hold a session of `aws login`"), again),
        Standing::Until(end) => end,
    };
    if end.duration_since(facts.now) <= -signin::LONGEST {
        return Finding::fail(format!("the session of `aws login` for `{profile}` has ended"), again);
    }
    if session.service.is_none() {
        let what = format!("`{profile}` has no `region`, so its session of `aws login` cannot be renewed");
        return Finding::fail(what, "add the region in which the session was started");
    }
    if is_readable_by_others(&file) {
        let what = format!("{shown} holds a session, and other users of this machine can read it");
        return Finding::warn(what, format!("`chmod 600 {}`", quoted(&file)));
    }
    Finding::pass(if end > facts.now {
        format!("`{profile}` is signed in by `aws login`; its credentials last until {end}, and are then renewed")
    } else {
        format!("`{profile}` was signed in by `aws login`; its credentials are renewed when they are needed")
    })
}

//! What a token file says: the access token of a login, and what renews it.
//!
//! In: the text of a file that this program, the AWS CLI or an SDK wrote. Out: a [`Token`], and the text of the next
//! file, which keeps every key that is not known here: a newer AWS CLI may need it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::names::moment;
use crate::secret::Secret;

/// Room for every file, so that no copy of a secret stays behind in a buffer that was too small.
const ROOM: usize = 1 << 16;
/// A token that ends this soon would not survive the call that it is for.
const LAST_MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// The AWS CLI renews a token below this.
const SOON: SignedDuration = SignedDuration::from_mins(15);

const START_URL: &str = "startUrl";
const REGION: &str = "region";
const ACCESS_TOKEN: &str = "accessToken";
const EXPIRES_AT: &str = "expiresAt";
const REFRESH_TOKEN: &str = "refreshToken";
const CLIENT_ID: &str = "clientId";
const CLIENT_SECRET: &str = "clientSecret";
const REGISTRATION_EXPIRES_AT: &str = "registrationExpiresAt";

/// The token of a login.
#[derive(Debug)]
pub struct Token {
    /// `startUrl`
    pub start_url: Option<String>,
    /// `region`
    pub region: Option<String>,
    /// `accessToken`: what the portal takes.
    pub access_token: Secret<String>,
    /// `expiresAt`: when the access token ends.
    pub expires_at: Timestamp,
    /// What renews it, if the login can be renewed.
    pub renewal: Option<Renewal>,
    /// Everything else.
    others: Others,
}

/// What renews a login without a person.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// `refreshToken`, which is spent by its use.
    pub refresh_token: Secret<String>,
    /// `clientId`
    pub client_id: String,
    /// `clientSecret`
    pub client_secret: Secret<String>,
    /// `registrationExpiresAt`: when AWS forgets the client.
    pub(super) registration_expires_at: Timestamp,
}

/// Keys that are not known here, as they were. They may be secret, so they are zeroed and never printed.
#[derive(Default)]
struct Others(Map<String, Value>);

impl std::fmt::Debug for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} redacted]", self.0.len())
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        wipe(Value::Object(std::mem::take(&mut self.0)));
    }
}

fn wipe(value: Value) {
    match value {
        Value::String(text) => drop(Secret::new(text)),
        Value::Array(values) => values.into_iter().for_each(wipe),
        Value::Object(values) => values.into_iter().for_each(|(_, value)| wipe(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Token {
    /// The token of a new login.
    pub fn new(access_token: Secret<String>, expires_at: Timestamp, renewal: Option<Renewal>) -> Self {
        Self { start_url: None, region: None, access_token, expires_at, renewal, others: Others::default() }
    }

    /// The same login after a renewal. A refresh token that AWS did not replace is still good.
    #[must_use]
    pub fn renewed(
        mut self,
        access_token: Secret<String>,
        expires_at: Timestamp,
        refresh_token: Option<Secret<String>>,
    ) -> Self {
        (self.access_token, self.expires_at) = (access_token, expires_at);
        if let (Some(renewal), Some(refresh_token)) = (&mut self.renewal, refresh_token) {
            renewal.refresh_token = refresh_token;
        }
        self
    }

    /// Can it still be used?
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.duration_since(now) > LAST_MINUTE
    }

    /// Is it time to renew it?
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.expires_at.duration_since(now) < SOON
    }

    /// What renews it, unless AWS has forgotten the client.
    pub fn renewal(&self, now: Timestamp) -> Option<&Renewal> {
        self.renewal.as_ref().filter(|renewal| renewal.registration_expires_at > now)
    }

    /// Reads a file's text. The SDK for Rust reads keys in any case, so they are read in any case here, too.
    ///
    /// # Errors What is missing or wrong, in words that follow the file's name.
    pub(super) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut others = Others(serde_json::from_slice(text).map_err(|_| "is not a JSON object")?);
        let mut take = |name: &str| others.take(name);
        let access_token = take(ACCESS_TOKEN).ok_or("has no `accessToken`")?;
        // It travels in a header.
        if !access_token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("has an `accessToken` that cannot be sent");
        }
        let expires_at = take(EXPIRES_AT).ok_or("has no `expiresAt`")?;
        let expires_at = moment(expires_at.expose()).ok_or("has an `expiresAt` that is not a time")?;
        let mut clear = |name: &str| Some(take(name)?.expose().clone());
        let (start_url, region) = (clear(START_URL), clear(REGION));
        let (client_id, end) = (clear(CLIENT_ID), clear(REGISTRATION_EXPIRES_AT));
        let (refresh_token, client_secret) = (take(REFRESH_TOKEN), take(CLIENT_SECRET));
        let mut renewal = None;
        if let (Some(refresh_token), Some(client_secret), Some(client_id)) =
            (&refresh_token, &client_secret, &client_id)
            && let Some(registration_expires_at) = end.as_deref().and_then(moment)
        {
            let (refresh_token, client_secret) = (refresh_token.clone(), client_secret.clone());
            renewal =
                Some(Renewal { refresh_token, client_id: client_id.clone(), client_secret, registration_expires_at });
        } else {
            // They renew nothing, but the file keeps them.
            let secret = |text: &Secret<String>| text.expose().clone();
            others.put(REFRESH_TOKEN, refresh_token.as_ref().map(secret));
            others.put(CLIENT_ID, client_id);
            others.put(CLIENT_SECRET, client_secret.as_ref().map(secret));
            others.put(REGISTRATION_EXPIRES_AT, end);
        }
        Ok(Self { start_url, region, access_token, expires_at, renewal, others })
    }

    /// The file's text, as the AWS CLI writes it.
    pub(super) fn text(&self) -> Secret<Vec<u8>> {
        let time = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at).to_string();
        let mut all = Others::default();
        all.put(START_URL, self.start_url.clone());
        all.put(REGION, self.region.clone());
        all.put(ACCESS_TOKEN, Some(self.access_token.expose().clone()));
        all.put(EXPIRES_AT, Some(time(self.expires_at)));
        if let Some(renewal) = &self.renewal {
            all.put(CLIENT_ID, Some(renewal.client_id.clone()));
            all.put(CLIENT_SECRET, Some(renewal.client_secret.expose().clone()));
            all.put(REGISTRATION_EXPIRES_AT, Some(time(renewal.registration_expires_at)));
            all.put(REFRESH_TOKEN, Some(renewal.refresh_token.expose().clone()));
        }
        all.0.extend(self.others.0.iter().map(|(name, value)| (name.clone(), value.clone())));
        let mut text = Vec::with_capacity(ROOM);
        serde_json::to_writer(&mut text, &all.0).expect("JSON is written to memory");
        Secret::new(text)
    }
}

impl Others {
    /// Takes a text out, whatever the case of its key; an empty one counts as absent.
    fn take(&mut self, name: &str) -> Option<Secret<String>> {
        let key = self.0.iter().find(|(key, value)| key.eq_ignore_ascii_case(name) && value.is_string());
        let key = key.map(|(key, _)| key.clone())?;
        match self.0.shift_remove(&key) {
            Some(Value::String(text)) if !text.is_empty() => Some(Secret::new(text)),
            _ => None,
        }
    }

    fn put(&mut self, name: &str, text: Option<String>) {
        if let Some(text) = text {
            self.0.insert(name.to_owned(), Value::String(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"startUrl": "https://corp.awsapps.com/start", "region": "eu-west-1", "accessToken": "aoa",
        "expiresAt": "2026-11-27T10:00:00Z", "clientId": "id", "clientSecret": "s3", "refreshToken": "aor",
        "registrationExpiresAt": "2027-01-01T00:00:00Z", "newKey": {"deep": ["x", 1, null]}}"#;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_file_is_read_whatever_the_case_of_its_keys_and_the_form_of_its_times() {
        let end = at("2026-11-27T10:00:00Z");
        for text in [
            FULL.to_owned(),
            FULL.to_lowercase().replace("2026-11-27t10:00:00z", "2026-11-27T10:00:00UTC"),
            FULL.replace("00:00Z", "00:00UTC"),
            FULL.replace("10:00:00Z", "11:00:00+01:00"),
            FULL.replace("accessToken", "AccessToken").replace("refreshToken", "REFRESHTOKEN"),
            format!("\u{feff}{FULL}"),
        ] {
            let token = Token::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{why}: {text}"));
            assert_eq!((token.access_token.expose().as_str(), token.expires_at), ("aoa", end), "{text}");
            let renewal = token.renewal(end).expect("it can be renewed");
            assert_eq!(renewal.refresh_token.expose(), "aor", "{text}");
            assert!(token.renewal(at("2027-01-01T00:00:00Z")).is_none(), "AWS has forgotten the client");
        }
    }

    #[test]
    fn a_file_that_is_not_a_token_is_told_apart() {
        for (text, why) in [
            ("", "is not a JSON object"),
            ("[]", "is not a JSON object"),
            ("{", "is not a JSON object"),
            (r#"{"clientId":"x"}"#, "has no `accessToken`"),
            (r#"{"accessToken":""}"#, "has no `accessToken`"),
            (r#"{"accessToken":7}"#, "has no `accessToken`"),
            (r#"{"accessToken":"a b"}"#, "has an `accessToken` that cannot be sent"),
            (r#"{"accessToken":"a\nb"}"#, "has an `accessToken` that cannot be sent"),
            (r#"{"accessToken":"a"}"#, "has no `expiresAt`"),
            (r#"{"accessToken":"a","expiresAt":"soon"}"#, "has an `expiresAt` that is not a time"),
        ] {
            assert_eq!(Token::parse(text.as_bytes()).map(drop), Err(why), "{text}");
        }
    }

    #[test]
    fn without_all_four_parts_nothing_can_be_renewed_and_nothing_is_lost() {
        for part in ["refreshToken", "clientId", "clientSecret", "registrationExpiresAt"] {
            let token = Token::parse(FULL.replace(part, "other").as_bytes()).expect("a token");
            assert!(token.renewal.is_none(), "{part}");
            let text = String::from_utf8(token.text().expose().clone()).expect("text");
            let kept: Map<String, Value> = serde_json::from_str(&text).expect("JSON");
            assert_eq!(kept.len(), 9, "{part}: {text}");
        }
    }

    #[test]
    fn a_renewal_keeps_what_it_does_not_know() {
        let token = Token::parse(FULL.as_bytes()).expect("a token");
        let end = at("2026-11-27T11:00:00.123Z");
        let renewed = token.renewed(Secret::from("new"), end, Some(Secret::from("next")));
        let text = String::from_utf8(renewed.text().expose().clone()).expect("text");
        assert_eq!(
            text,
            r#"{"startUrl":"https://corp.awsapps.com/start","region":"eu-west-1","accessToken":"new","expiresAt":"2026-11-27T11:00:00Z","clientId":"id","clientSecret":"s3","registrationExpiresAt":"2027-01-01T00:00:00Z","refreshToken":"next","newKey":{"deep":["x",1,null]}}"#
        );
        let again = Token::parse(text.as_bytes()).expect("a token");
        let kept = again.renewed(Secret::from("newer"), end, None);
        assert_eq!(kept.renewal.expect("it can be renewed").refresh_token.expose(), "next");
    }

    #[test]
    fn a_token_is_renewed_in_its_last_quarter_of_an_hour_and_used_until_its_last_minute() {
        let token = Token::new(Secret::from("a"), at("2026-11-27T10:00:00Z"), None);
        for (now, ends_soon, is_live) in [
            ("2026-11-27T09:45:00Z", false, true),
            ("2026-11-27T09:45:01Z", true, true),
            ("2026-11-27T09:58:59Z", true, true),
            ("2026-11-27T09:59:00Z", true, false),
            ("2026-11-27T11:00:00Z", true, false),
        ] {
            assert_eq!((token.ends_soon(at(now)), token.is_live(at(now))), (ends_soon, is_live), "{now}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let token = Token::parse(FULL.replace("deep", "secret").as_bytes()).expect("a token");
        let shown = format!("{token:?}");
        assert!(!["aoa", "aor", "s3", "\"x\""].iter().any(|secret| shown.contains(secret)), "{shown}");
    }
}

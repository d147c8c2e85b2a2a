//! The registration of this program as a client, in the file that the AWS CLI keeps: each uses what the other registered.
//!
//! In: a login's name, address and scopes. Out: a [`Registration`] that will last, if there is one. Losing the file costs
//! one more registration, so what cannot be read or written is no error.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::file::TokenFile;
use super::oidc::{DEFAULT_SCOPE, Flow, Registration};
use crate::disk::reserved::Reserved;
use crate::disk::trust::distrust;
use crate::host::read_regular;
use crate::names::moment;
use crate::plan::SsoSession;
use crate::secret::Secret;

/// The AWS CLI registers anew when less than this is left.
const LAST: SignedDuration = SignedDuration::from_mins(15);
/// Room for every file, so that no copy of a secret stays behind in a buffer that was too small.
const ROOM: usize = 1 << 16;
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The file's content.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    client_id: String,
    client_secret: String,
    expires_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant_types: Option<Vec<String>>,
}

/// The registration files of a login.
pub(super) struct Registrations<'s> {
    folder: PathBuf,
    session: &'s SsoSession,
}

impl<'s> Registrations<'s> {
    pub(super) fn of(home: &Path, session: &'s SsoSession) -> Self {
        Self { folder: home.join(".aws/sso/cache"), session }
    }

    /// Those in the folder of the login's token.
    pub(super) fn beside(token: &TokenFile, session: &'s SsoSession) -> Self {
        Self { folder: token.folder().to_owned(), session }
    }

    /// A client that may use this flow and these scopes, and will not end during the sign-in.
    pub(super) fn find(&self, flow: Flow, now: Timestamp) -> Option<Registration> {
        self.names().iter().find_map(|name| self.read(name, flow, now))
    }

    /// Keeps a client for the next sign-in.
    pub(super) fn keep(&self, flow: Flow, client: &Registration) {
        let grants = ["authorization_code", "refresh_token"].map(str::to_owned).to_vec();
        let stored = Stored {
            client_id: client.client_id.clone(),
            client_secret: client.client_secret.expose().clone(),
            expires_at: Timestamp::from_second(client.expires_at.as_second()).unwrap_or(client.expires_at).to_string(),
            scopes: Some(self.session.scopes.clone()),
            grant_types: (flow == Flow::Browser).then_some(grants),
        };
        let mut text = Vec::with_capacity(ROOM);
        let is_text = serde_json::to_writer(&mut text, &stored).is_ok();
        let text = Secret::new(text);
        drop(Secret::new(stored.client_secret));
        let path = self.folder.join(&self.names()[0]);
        if is_text {
            let _ = Reserved::beside(&path, text.expose().len()).and_then(|file| file.fill(&text));
        }
    }

    /// Forgets a client that AWS no longer knows.
    pub(super) fn forget(&self, client: &Registration) {
        for path in self.names().iter().map(|name| self.folder.join(name)) {
            if Self::stored(&path).is_some_and(|stored| stored.client_id == client.client_id) {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    fn read(&self, name: &str, flow: Flow, now: Timestamp) -> Option<Registration> {
        let mut stored = Self::stored(&self.folder.join(name))?;
        let client_secret = Secret::new(std::mem::take(&mut stored.client_secret));
        let (scopes, grants) = (stored.scopes.unwrap_or_default(), stored.grant_types);
        let has = |grant: &str| grants.as_ref().is_some_and(|grants| grants.iter().any(|known| known == grant));
        let may_be_used = match flow {
            Flow::Browser => has("authorization_code"),
            Flow::DeviceCode => grants.is_none() || has(DEVICE_CODE),
        };
        let has_scopes = self.session.scopes.iter().all(|scope| scopes.contains(scope));
        let expires_at = moment(&stored.expires_at).filter(|end| end.duration_since(now) > LAST)?;
        (may_be_used && has_scopes).then_some(Registration { client_id: stored.client_id, client_secret, expires_at })
    }

    fn stored(path: &Path) -> Option<Stored> {
        // A client of someone else's, who knows its secret.
        if distrust(path).is_some() {
            return None;
        }
        serde_json::from_slice(read_regular(path).ok()?.expose()).ok()
    }

    /// The AWS CLI names the file by a hash of what it registers for. Where it is told no scopes, it has none in the name.
    fn names(&self) -> Vec<String> {
        let mut names = vec![self.name(Some(&self.session.scopes))];
        if self.session.scopes == [DEFAULT_SCOPE] {
            names.push(self.name(None));
        }
        names
    }

    fn name(&self, scopes: Option<&[String]>) -> String {
        let SsoSession { name, start_url, oidc, .. } = self.session;
        let scopes = scopes.map_or("null".to_owned(), |scopes| {
            format!("[{}]", scopes.iter().map(|scope| quoted(scope)).collect::<Vec<_>>().join(", "))
        });
        let text = format!(
            r#"{{"region": {}, "scopes": {scopes}, "session_name": {}, "startUrl": {}, "tool": "botocore"}}"#,
            quoted(oidc.region.as_str()),
            name.as_deref().map_or("null".to_owned(), quoted),
            quoted(start_url),
        );
        base16ct::lower::encode_string(&Sha1::digest(text.as_bytes())) + ".json"
    }
}

/// A JSON string as Python writes it: in ASCII.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap_or_default();
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        // The other control characters are escaped already, in the same way.
        if c.is_ascii() && c != '\u{7f}' {
            ascii.push(c);
        } else {
            ascii.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::{Flow, Registration, Registrations, quoted};
    use crate::names::Partition;
    use crate::plan::{Service, SsoSession};
    use crate::secret::Secret;
    use jiff::{SignedDuration, Timestamp};

    fn session(name: Option<&str>, scopes: &[&str]) -> SsoSession {
        let service = Service {
            region: "eu-west-1".parse().expect("a region"),
            partition: Partition::AWS,
            endpoint_url: None,
            fips: false,
            dualstack: false,
            ca_bundle: None,
            may_be_in_clear: false,
        };
        SsoSession {
            name: name.map(str::to_owned),
            start_url: "https://corp.awsapps.com/start".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            portal: service.clone(),
            oidc: service,
        }
    }

    #[test]
    fn the_files_are_named_as_the_aws_cli_names_them() {
        // Python: hashlib.sha1(json.dumps({...}, sort_keys=True).encode()).hexdigest()
        let (listed, none) =
            ("787ef34d0a944c01385765faa28b5e67d1c08f33.json", "a5ef4a75f83137c047e4ff336d1dade82162017b.json");
        let names = |session: &SsoSession| Registrations::of("".as_ref(), session).names();
        assert_eq!(names(&session(Some("corp"), &["sso:account:access"])), [listed, none]);
        assert_eq!(names(&session(None, &["sso:account:access"]))[0], "7a4dc4a59a321505ca7cb89b170c26a092b3e03b.json");
        assert_eq!(names(&session(Some("corp"), &["other"])).len(), 1);
        assert_eq!(quoted("ü𝒳\"\u{7f}\n"), r#""\u00fc\ud835\udcb3\"\u007f\n""#);
    }

    #[test]
    fn a_registration_is_used_for_what_it_was_made_for_and_not_in_its_last_minutes() {
        let home = tempfile::tempdir().expect("a home");
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().expect("a time");
        let client = |secs| Registration {
            client_id: "id".to_owned(),
            client_secret: Secret::from("s3cret"),
            expires_at: now + SignedDuration::from_secs(secs),
        };
        let corp = session(Some("corp"), &["sso:account:access"]);
        let registrations = Registrations::of(home.path(), &corp);
        assert!(registrations.find(Flow::Browser, now).is_none());
        registrations.keep(Flow::Browser, &client(3600));
        assert_eq!(registrations.find(Flow::Browser, now).map(|found| found.client_id).as_deref(), Some("id"));
        assert!(registrations.find(Flow::DeviceCode, now).is_none());
        registrations.keep(Flow::DeviceCode, &client(3600));
        assert!(
            registrations.find(Flow::DeviceCode, now).is_some() && registrations.find(Flow::Browser, now).is_none()
        );
        registrations.keep(Flow::Browser, &client(60));
        assert!(registrations.find(Flow::Browser, now).is_none());
        registrations.keep(Flow::Browser, &client(3600));
        registrations.forget(&Registration { client_id: "other".to_owned(), ..client(0) });
        assert!(registrations.find(Flow::Browser, now).is_some());
        registrations.forget(&client(0));
        assert!(registrations.find(Flow::Browser, now).is_none());
    }

    #[test]
    fn a_registration_of_the_aws_cli_without_these_scopes_is_not_used() {
        let home = tempfile::tempdir().expect("a home");
        let folder = home.path().join(".aws/sso/cache");
        std::fs::create_dir_all(&folder).expect("a folder");
        let corp = session(Some("corp"), &["sso:account:access"]);
        let registrations = Registrations::of(home.path(), &corp);
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().expect("a time");
        for (scopes, is_used) in [
            (r#""scopes": ["sso:account:access"], "#, true),
            (r#""scopes": ["other", "sso:account:access"], "#, true),
            (r#""scopes": ["other"], "#, false),
            ("", false),
        ] {
            let text = format!(
                r#"{{{scopes}"clientId": "theirs", "clientSecret": "s", "expiresAt": "2026-12-27T10:00:00Z"}}"#
            );
            std::fs::write(folder.join(&registrations.names()[1]), text).expect("it is written");
            assert_eq!(registrations.find(Flow::DeviceCode, now).is_some(), is_used, "{scopes}");
        }
    }
}

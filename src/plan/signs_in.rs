//! Where a person signs in for a profile, whether or not the rest of the profile makes a plan: signing out must be
//! possible for a profile that lacks its role or has a property too many.

use super::chain::{self, sign_in};
use super::endpoint::Caller;
use super::error::PlanError;
use super::sso::{self, SsoSession};
use super::{Ambient, PlanRequest, existing};
use crate::names::ProfileName;
use crate::profile::ProfileSet;

/// Where a person signs in for a profile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SignsIn {
    /// At IAM Identity Center.
    Sso(Box<SsoSession>),
    /// With `aws login`, for the profile at the end of the chain.
    AwsLogin(ProfileName),
    /// Nowhere: it has an access key, or another source.
    Nowhere,
}

impl SignsIn {
    /// Where a person signs in for that profile or for the last one of its chain, from which its roles start.
    ///
    /// # Errors There is no such profile, or the login that it names is not described as a whole.
    pub fn of(
        set: &ProfileSet,
        name: &ProfileName,
        request: &PlanRequest,
        ambient: &Ambient,
    ) -> Result<Self, PlanError> {
        let links = chain::sources(set, existing(set, name)?);
        let last = *links.last().expect("a chain has the profile that was asked for");
        // A source's own key signs, whatever else it has; a web identity comes before everything.
        let signs_otherwise =
            last.filled("web_identity_token_file").is_some() || links.len() > 1 && chain::has_key(last);
        match sign_in(last).filter(|_| !signs_otherwise) {
            None => Ok(Self::Nowhere),
            Some((property, _)) if property.key() == chain::LOGIN_SESSION => {
                Ok(Self::AwsLogin(chain::profile_name(last)))
            }
            Some(_) => {
                let caller = Caller { set, profile: Some(last), request, ambient };
                Ok(Self::Sso(Box::new(sso::session_of(last, caller)?)))
            }
        }
    }
}

//! AWS's IAM: its query protocol, typed and strict.
//!
//! [`Call`] is a request and [`Element`] an answer; each method of the ports sends one and reads the other. A request that
//! carries a code or creates a device is never sent twice: see [`Iam`](super::Iam).

mod access_keys;
mod answer;
mod account;
mod call;
mod devices;
mod groups;
mod policies;
mod together;
mod wire;

use answer::{Element, Read};
use call::Call;
use wire::Wire;

use super::IamError;
use super::endpoint::Endpoint;
use crate::aws::transport::{Transport, provider};
use crate::aws::{CallError, classify};

use crate::plan::Service;
use crate::secret::Credentials;
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// AWS's IAM, or the server at the configured endpoint.
pub struct AwsIam<'a> {
    wire: Wire,
    transport: Transport<'a>,
}

/// More pages than any account has: it ends a list that would never end.
const MOST_PAGES: usize = 1000;
/// The same for their size, in bytes. The 5,000 users of a full account come to three million.
const MOST_BYTES: usize = 64 << 20;

impl<'a> AwsIam<'a> {
    /// Loads certificates (for `https://` endpoints) and builds a client.
    ///
    /// # Errors
    /// A CA bundle cannot be read, or the async runtime cannot be built.
    pub fn connect(service: &Service, limits: Limits, clock: &'a CorrectedClock<'a>) -> Result<Self, CallError> {
        let endpoint = Endpoint::of(service)?;
        let transport = Transport::new(clock.of(service))?;
        let wire = Wire::new(endpoint, transport.config(service, limits)?, transport.read_date());
        Ok(Self { wire, transport })
    }

    /// Sends a call whose answer only confirms it.
    fn done(&self, signer: &Credentials, call: &Call<'_>) -> Result<(), IamError> {
        self.answer(signer, call, &|_| Ok(()))
    }

    /// Sends a call and reads its result.
    fn result<T>(
        &self,
        signer: &Credentials,
        call: &Call<'_>,
        reader: &dyn Fn(Element<'_>) -> Read<T>,
    ) -> Result<T, IamError> {
        let result = format!("{}Result", call.action());
        self.answer(signer, call, &|answer| reader(answer.child(&result)?))
    }

    /// Sends a call for each page of a list, whatever the size of a page, and reads each member.
    fn list<T>(
        &self,
        signer: &Credentials,
        call: &Call<'_>,
        list: &str,
        member: &dyn Fn(Element<'_>) -> Read<T>,
    ) -> Result<Vec<T>, IamError> {
        let (mut all, mut marker, mut bytes) = (Vec::new(), None::<String>, 0);
        for _ in 0..MOST_PAGES {
            let page = call.clone().with_some("Marker", marker.as_deref());
            let (members, next, length) = self.result(signer, &page, &|result| {
                let members: Read<Vec<T>> = result.list(list)?.into_iter().map(member).collect();
                Ok((members?, next(result)?, result.length_of_answer()))
            })?;
            all.extend(members);
            bytes += length;
            match next {
                Some(_) if bytes > MOST_BYTES => return Err(CallError::TooLong.into()),
                Some(next) if marker.as_ref() != Some(&next) => marker = Some(next),
                // A truncated list without a new marker.
                Some(_) => return Err(CallError::Unreadable.into()),
                None => return Ok(all),
            }
        }
        Err(CallError::Unreadable.into())
    }

    fn answer<T>(
        &self,
        signer: &Credentials,
        call: &Call<'_>,
        reader: &dyn Fn(Element<'_>) -> Read<T>,
    ) -> Result<T, IamError> {
        let attempt = || {
            let body = self.transport.wait(self.wire.send(call, provider(signer)));
            answer::read(&body.map_err(|error| classify(&error))?, call.action(), reader)
        };
        self.transport.send(&attempt).map_err(IamError::of)
    }
}

/// The marker of the next page.
fn next(result: Element<'_>) -> Read<Option<String>> {
    match result.optional_flag("IsTruncated")? {
        Some(true) => result.text("Marker").map(|marker| Some(marker.to_owned())),
        Some(false) | None => Ok(None),
    }
}

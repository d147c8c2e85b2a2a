//! Asks AWS who it is, again and again with one client, by the AWS SDK for Rust and its default chain of credentials.
//!
//! usage: who COUNT PAUSE-IN-MILLISECONDS

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use aws_config::BehaviorVersion;

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<u64> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [count, pause] = numbers[..] else { return Err("COUNT and PAUSE".into()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Every server here is on the loopback.
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
        let client = aws_sdk_sts::Client::new(&config);
        for n in 0..count {
            if n > 0 {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            let answer = client.get_caller_identity().send().await?;
            writeln!(std::io::stdout(), "{}", answer.arn().unwrap_or_default())?;
        }
        Ok(())
    })
}

// Asks AWS who it is, again and again with one client, by the AWS SDK for JavaScript and its default chain of credentials.
//
// usage: who.cjs COUNT PAUSE-IN-MILLISECONDS
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');

const [count, pause] = process.argv.slice(2).map(Number);

async function main() {
    const client = new STSClient();
    for (let n = 0; n < count; n++) {
        if (n > 0) {
            await new Promise((done) => setTimeout(done, pause));
        }
        console.log((await client.send(new GetCallerIdentityCommand())).Arn);
    }
}

main().catch((error) => {
    console.error(String(error));
    process.exitCode = 1;
});

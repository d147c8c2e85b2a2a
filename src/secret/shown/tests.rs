use super::{command, said, url, value};

#[test]
fn error_output_keeps_its_words_and_loses_its_secrets() {
    for (text, shown) in [
        ("token: expired", "token: expired"),
        ("error: cannot find the secret", "error: cannot find the secret"),
        ("exit 3, no such profile `x`", "exit 3, no such profile `x`"),
        ("login failed, password=hunter2 user=me", "login failed, password=(hidden) user=me"),
        ("PASSWORD = 'hunter2 x'", "PASSWORD = '(hidden) x'"),
        (r#"{"SecretAccessKey": "abc/def+", "Version":1}"#, r#"{"SecretAccessKey": "(hidden)", "Version":1}"#),
        ("https://x/?api_token=abc&y=1", "https://x/?api_token=(hidden)&y=1"),
        ("got wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!", "got wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!"),
        ("got wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY now", "got (hidden) now"),
        ("ü=1 ghp_abcdefghij", "ü=1 (hidden)"),
    ] {
        assert_eq!(said(text), shown);
    }
}

#[test]
fn harmless_values_are_shown_in_full() {
    for (name, text) in [
        ("region", "eu-west-1"),
        ("aws_access_key_id", "AKIAIOSFODNN7EXAMPLE"),
        ("note", "key AKIAIOSFODNN7EXAMPLE of AIDAIOSFODNN7EXAMPLE"),
        ("source_profile", "PRODUCTIONACCOUNTS"),
        ("web_identity_token_file", "/var/run/token"),
        ("role_arn", "arn:aws:iam::123456789012:role/deploy"),
        ("credential_source", "Environment"),
        ("sso_session", "corp"),
        ("session_tags", "team=a,cost=b"),
        ("color_of_the_shed", "green = blue"),
        ("s3", "\nmax_concurrent_requests = 20\nmultipart_threshold = 64MB"),
        ("sts", "\nendpoint_url = https://sts.example:8443/x"),
        ("note", "two\nlines"),
        ("empty", ""),
        ("aws_access_key_id", "minio_admin-1"),
        ("mfa_serial", "arn:aws:iam::123456789012:mfa/me@example.com"),
        ("policy", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"),
        ("no_proxy", "localhost,10.0.0.0/8,[::1]:80"),
        ("sso_start_url", "https://corp.example:8443/start"),
        ("commit", "0123456789abcdef0123456789abcdef01234567"),
        ("role_session_name", "me@example.com"),
        ("role_arn", "arn:aws:iam::123456789012:role/sk-admin"),
        ("note", "the token expires - see the desk"),
        ("design", "blue"),
        ("page", "https://corp.example/"),
        ("page", "https://corp.example"),
        ("policies", "arn:aws:iam::123456789012:policy/team/a, /etc/aws/policy.json"),
        ("share", "//server/aws/config"),
        ("template", "file:///etc/aws/policy.json"),
        ("ca_bundle", "/etc/ssl/certs/corp.pem"),
        ("home", "C:\\Users\\me\\aws"),
        ("ec2_metadata_service_endpoint", "http://[fd00:ec2::254]:80/latest"),
    ] {
        assert_eq!(value(name, text), text, "{name}");
    }
}

#[test]
fn possible_secrets_are_hidden() {
    for (name, text, shown) in [
        ("aws_secret_access_key", "hunter2", "(hidden)"),
        ("aws_session_token", "hunter2", "(hidden)"),
        ("aws_security_token", "hunter2", "(hidden)"),
        ("mfa_seed", "hunter2", "(hidden)"),
        ("API-KEY", "hunter2", "(hidden)"),
        ("ProxyPassword", "hunter2", "(hidden)"),
        ("vendor_pass", "hunter2", "(hidden)"),
        ("github_pat_token", "hunter2\nhunter2", "(hidden)"),
        ("vendor", "\nname = x\npassword = hunter2", "\nname = x\npassword = (hidden)"),
        ("vendor", "\nclient_secret=hunter2\n# old: hunter2", "\nclient_secret=(hidden)\n# (hidden)"),
        ("vendor", "password = hunter2", "password = (hidden)"),
        ("tool", "curl -u me:hunter2 https://x", "curl -u (hidden)"),
        ("tool", "curl --user me:hunter2 https://x", "curl --user (hidden)"),
        ("region", "JBSWY3DPEHPK3PXP", "(hidden)"),
        ("note", "seed JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "(hidden)"),
        ("role_session_name", "me@wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "(hidden)"),
        ("note", "[wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "(hidden)"),
        ("sts", "endpoint_url = https://me:hunter2@sts.example", "endpoint_url = https://(hidden)@sts.example"),
        ("sts", "\nendpoint_url=http://hunter2@x/?k=hunter2", "\nendpoint_url=http://(hidden)@x/?(hidden)"),
        ("endpoint_url", "https://me:hunter2@sts.example", "https://(hidden)@sts.example"),
        ("endpoint_url", "https://me:hun/ter2@sts.example/x", "https://(hidden)@sts.example/x"),
        ("endpoint_url", "//me:hunter2@sts.example", "//(hidden)@sts.example"),
        ("mail", "me:hunter2@sts.example", "(hidden)@sts.example"),
        ("proxies", "http://ok/,https://me:hunter2@b/", "http://ok/,https://(hidden)@b/"),
        ("header", "Authorization: Bearer hunter2", "Authorization: (hidden)"),
        ("header", "X-Api-Key: hunter2", "X-Api-Key: (hidden)"),
        ("header", "Bearer hunter2", "(hidden)"),
        ("vendor", "{\"user\": \"x\", \"token\": \"hunter2\"}", "{\"user\": \"x\", \"token\": (hidden)"),
        ("dsn", "Server=x;Pwd=hunter2", "Server=x;Pwd= (hidden)"),
        ("vendor", "a = 1, password : hunter2", "a = 1, password : (hidden)"),
        ("vendor", "\nname = a=1;password=hunter2", "\nname = a=1;password= (hidden)"),
        ("slack_webhook", "https://hooks.example/hunter2", "(hidden)"),
        ("notify", "https://hooks.example/services/hunter2", "https://hooks.example/(hidden)"),
        ("notify", "https://hooks.example:8443/hunter2?a=b", "https://hooks.example:8443/(hidden)"),
        ("notify", "https://hooks.example?hunter2", "https://hooks.example?(hidden)"),
        ("notify", "https://hooks.example/a#hunter2", "https://hooks.example/(hidden)"),
        ("notify", "https://hooks.example#hunter2", "https://hooks.example#(hidden)"),
        ("notify", "https://me:pw@hooks.example/hunter2", "https://(hidden)@hooks.example/(hidden)"),
        ("notify", "https://[::1]:8443/hunter2", "https://[::1]:8443/(hidden)"),
        ("notify", "//hooks.example/hunter2", "//hooks.example/(hidden)"),
        ("notify", "https://h%6Foks.example/hunter2", "https://h%6Foks.example/(hidden)"),
        ("notify", "https://hooks.example%2Fhunter2", "https://(hidden)"),
        ("notify", "https%3A%2F%2Fhooks.example%2Fhunter2", "(hidden)"),
        ("notify", "https://hooks.example\\hunter2", "https://hooks.example/(hidden)"),
        (
            "notify",
            "{\"url\":\"https:\\/\\/hooks.example\\/hunter2\"}",
            "{\"url\":\"https:\\/\\/hooks.example/(hidden)\"}",
        ),
        ("notify", "https://a.example/hunter2|https://b.example/hunter2", "https://a.example/(hidden)"),
        ("notify", "to https://a/hunter2 and 'https://b/hunter2'", "to https://a/(hidden) and 'https://b/(hidden)'"),
        ("feeds", "http://ok/,https://me:pw@b/hunter2, x", "http://ok/,https://(hidden)@b/(hidden), x"),
        ("tools", "\nnotify = https://hooks.example/hunter2", "\nnotify = https://hooks.example/(hidden)"),
        ("tools", "\nhttps://hooks.example/hunter2", "\nhttps://hooks.example/(hidden)"),
        ("tools", "\nhttps://hooks.example/hunter2=x", "\nhttps://hooks.example/(hidden)"),
        ("tools", "\nhttps://hooks.example/hunter2?token=x", "\nhttps://hooks.example/(hidden) (hidden)"),
        ("tools", "one\nhttps://hooks.example/hunter2", "one\nhttps://hooks.example/(hidden)"),
        ("vendor", "-----BEGIN PRIVATE KEY-----", "(hidden)"),
        ("note", "use ghp_hunter2hunter2 to log in", "(hidden)"),
        ("note", "scan otpauth://totp/x?secret=hunter2", "(hidden)"),
        ("note", "run it --user me --password  hunter2", "run it --user me --password (hidden)"),
        ("note", "-passcode hunter2", "-passcode (hidden)"),
        ("sas_sig", "hunter2", "(hidden)"),
        ("db_creds", "me:hunter2", "(hidden)"),
        ("mfa_process2", "oathtool hunter2", "oathtool (1 argument hidden)"),
        ("credential_process_old", "vendor hunter2", "vendor (1 argument hidden)"),
        ("vendor", "ghp_hunter2", "(hidden)"),
        ("vendor", "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "(hidden)"),
        ("aws_access_key_id", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "(hidden)"),
        ("credential_process", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "(hidden)"),
        ("mfa_process", "jbswy3dpehpk3pxp", "(hidden)"),
        ("credential_process", "vendor --token hunter2", "vendor (2 arguments hidden)"),
        ("mfa_process", "oathtool -b --totp HUNTER2", "oathtool (3 arguments hidden)"),
        ("mfa_process", "JBSWY3DPEHPK3PXPJBSWY3DP", "(hidden)"),
        ("vendor", "\nmfa_process = oathtool HUNTER2", "\nmfa_process = oathtool (1 argument hidden)"),
        ("credential_process", "vendor\n--token hunter2", "vendor (2 arguments hidden)"),
        ("region", "eu-west-1\naws_secret_access_key = hunter2", "eu-west-1\naws_secret_access_key = (hidden)"),
    ] {
        assert_eq!(value(name, text), shown, "{name} = {text}");
    }
}

#[test]
fn a_long_value_with_many_marks_is_scanned_only_once() {
    let start = std::time::Instant::now();
    for (many, times) in [("a@//b:", 20_000), ("a:", 20_000), ("a=", 20_000), ("-x ", 20_000), ("é:", 20_000)] {
        let _ = value("endpoint_url", &("http://localhost/".to_owned() + &many.repeat(times)));
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn only_the_program_of_a_command_line_is_shown() {
    for (line, shown) in [
        ("cat", "cat"),
        ("/opt/a b/vendor x", "/opt/a (2 arguments hidden)"),
        ("'/opt/a b/vendor' x", "/opt/a b/vendor (1 argument hidden)"),
        ("TOKEN=hunter2 vendor", "(hidden)"),
        ("curl\"", "(hidden)"),
        ("echo;hunter2", "(hidden)"),
        ("$(hunter2)", "(hidden)"),
        ("https://hunter2", "(hidden)"),
        ("123456", "(hidden)"),
        ("", "(hidden)"),
    ] {
        assert_eq!(command(line), shown, "{line}");
    }
}

#[test]
fn the_user_and_the_query_of_a_url_are_hidden() {
    for (text, shown) in [
        ("no address", "no address"),
        ("https://sts.example/x", "https://sts.example/x"),
        ("https://a@b@sts.example:1/x@y", "https://(hidden)@sts.example:1/x@y"),
        ("socks5://me:pw@proxy", "socks5://(hidden)@proxy"),
        ("https://sts.example/x?sig=1#2", "https://sts.example/x?(hidden)"),
    ] {
        assert_eq!(url(text), shown);
    }
}

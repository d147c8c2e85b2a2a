use super::Quoting;

#[test]
fn a_command_line_means_the_same_to_a_shell_and_to_those_who_split_it_themselves() {
    for (quoting, program, profile, line) in [
        (Quoting::Posix, "/usr/bin/mfa-cred", "deploy", Some("/usr/bin/mfa-cred process deploy")),
        (Quoting::Posix, "/my apps/mfa-cred", "a b", Some("'/my apps/mfa-cred' process 'a b'")),
        (Quoting::Posix, "/p", "it's", Some(r"/p process 'it'\''s'")),
        (Quoting::Posix, "/p", "-x", Some("/p process -- -x")),
        (Quoting::Posix, "/p", "a #b ;c#d", Some("/p process 'a ''#b '';c#d'")),
        (Quoting::Posix, "/p", "$(id)`id`\\", Some(r"/p process '$(id)`id`\'")),
        (Quoting::Posix, "/p", "a\nb", None),
        (
            Quoting::Windows,
            r"C:\Program Files\mfa-cred.exe",
            "deploy",
            Some(r#""C:\Program Files\mfa-cred.exe" process deploy"#),
        ),
        (Quoting::Windows, r"C:\bin\mfa-cred.exe", "a b", Some(r#"C:\bin\mfa-cred.exe process "a b""#)),
        (Quoting::Windows, r"C:\bin\mfa-cred.exe", "it's", Some(r#"C:\bin\mfa-cred.exe process "it's""#)),
        (Quoting::Windows, r"C:\bin\mfa-cred.exe", "%PATH%", None),
        (Quoting::Windows, r"C:\bin\mfa-cred.exe", r#"a"b"#, None),
        (Quoting::Windows, r"C:\bin\mfa-cred.exe", r"a b\", None),
        (Quoting::Windows, r"C:\bin\mfa-cred.exe", "a #b", None),
    ] {
        assert_eq!(quoting.line(program, profile).as_deref(), line, "{quoting:?} {profile}");
        if let (Quoting::Posix, Some(line)) = (quoting, line) {
            let words = shlex::split(line).expect("it can be split");
            assert_eq!(
                (words.first().map(String::as_str), words.last().map(String::as_str)),
                (Some(program), Some(profile))
            );
        }
    }
}

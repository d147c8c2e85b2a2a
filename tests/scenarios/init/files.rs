//! Which script is printed, another name for the function, and which of the user's definitions are left alone.

use super::*;
use crate::support::world::Cast;

#[test]
fn an_unknown_shell_is_a_usage_error() {
    let world = World::empty();
    for words in
        [&["init", "cmd"][..], &["init", ""], &["init", "bash", "--cmd", "a;b"], &["init", "fish", "--cmd", ""]]
    {
        let done = world.run(words);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{words:?}");
        assert!(done.stderr.starts_with("error: "), "{words:?}: {}", done.stderr);
    }
    for shell in ["tcsh", "posix"] {
        let done = world.run(&["init", shell, "--prompt"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{shell}");
        let said = "error: this shell cannot show the time left without running a program\n\
                    hint: call `mfa-cred prompt` in its prompt\n";
        assert_eq!(done.stderr, said, "{shell}");
    }
}

#[test]
fn without_an_argument_the_calling_shell_decides() {
    let world = World::empty();
    // It is run in startup files, and works even if our settings are invalid.
    world.write("config/mfa-cred/config.ini", "nonsense");
    world.set("SHELL", "/usr/bin/fish");
    let first =
        |finished: &Finished| finished.stdout.lines().find(|line| line.contains("Printed by")).map(str::to_owned);
    let file = |shell: &str| format!("# Printed by `mfa-cred init {shell}`");
    for (program, words, shell) in [
        ("bash", &["--norc", "-c", "mfa-cred init; :"][..], "bash"),
        ("zsh", &["-fc", "mfa-cred init; :"], "zsh"),
        ("dash", &["-c", "mfa-cred init; :"], "posix"),
        ("env", &["mfa-cred", "init"], "fish"),
        ("env", &["mfa-cred", "init", "ksh"], "posix"),
        ("env", &["mfa-cred", "init", "pwsh"], "powershell"),
    ] {
        if tools::find(program, &["-c", "true"]).is_none() && program != "env" {
            tools::skip_without("init without a word", program);
            continue;
        }
        let finished = world.run_other(program, words, PATIENCE);
        assert_eq!((finished.status.code(), finished.stderr.as_str()), (Some(0), ""), "{program}");
        assert!(first(&finished).is_some_and(|line| line.starts_with(&file(shell))), "{program}: {}", finished.stdout);
    }
}

#[test]
fn the_function_gets_the_requested_name() {
    for shell in ALL {
        let Some(program) = shell.find() else { continue };
        let Cast { world, device, .. } = World::cast();
        world.sign_in(&device, &["login", "deploy"]);
        let scene = Scene::new(world);
        let script = shell.step("first", "awsume deploy") + &shell.step("gone", "awsume unset");
        let session = shell.start(&program, &scene, "--cmd awsume", &script);
        let finished = shell.finish(session, &scene, shell.name);
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""), "{}", shell.name);
        assert_eq!((scene.code("first").as_str(), scene.code("gone").as_str()), ("0", "0"), "{}", shell.name);
        assert_eq!(scene.value("first", "MFA_CRED_PROFILE").as_deref(), Some("deploy"), "{}", shell.name);
        assert_eq!(scene.seen("gone"), [], "{}", shell.name);
    }
}

#[test]
fn the_users_own_definitions_are_left_alone() {
    for (shell, state) in [
        (BASH, "set +o; shopt -p; trap -p; alias -p; declare -p PROMPT_COMMAND PS1; declare -F; IFS; "),
        (ZSH, "setopt; trap; alias; print -r -- $PROMPT ${precmd_functions-}"),
        (DASH, "set -o; trap; alias"),
        (KSH, "set -o; trap"),
        (MKSH, "set -o; trap"),
    ] {
        let Some(program) = shell.find() else { continue };
        let Cast { world, device, .. } = World::cast();
        world.sign_in(&device, &["login", "deploy"]);
        let scene = Scene::new(world);
        // An earlier load has defined the function itself.
        let state = |file: &str| format!("{{ {}; }} >{} 2>&1 || :\n", state.replace("IFS; ", ":"), shell.out(file));
        let script = format!(
            "trap 'echo bye' USR1\nPROMPT_COMMAND=own PS1=own\n{}{}\nmfa-cred deploy\nmfa-cred nosuch 2>/dev/null || :\n\
             mfa-cred unset\n{}",
            state("before"),
            shell.load(""),
            state("after")
        );
        let session = shell.start(&program, &scene, "", &script);
        let finished = shell.finish(session, &scene, shell.name);
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""), "{}", shell.name);
        assert_eq!(finished.status.code(), Some(0), "{}", shell.name);
        let before = scene.read("before");
        assert!(before.contains("bye"), "{}: {before}", shell.name);
        assert_eq!(scene.read("after"), before, "{}", shell.name);
    }
}

/// PowerShell is not available here. This text was compared with its documentation.
#[test]
fn the_powershell_script_is_exactly_this_one() {
    let done = World::empty().run(&["init", "powershell", "--cmd", "awsume"]);
    let text = r"
function awsume {
    # An exit code that is not zero is no error of PowerShell (7.4 can make it one), nor is a message on stderr (5.1 can).
    $PSNativeCommandUseErrorActionPreference = $false
    $ErrorActionPreference = 'Continue'
    & ('MFA_CRED') __evaluates '--' @args 2>$null
    if ($LASTEXITCODE -eq 0) {
        $payload = & ('MFA_CRED') --format powershell @args
        if ($LASTEXITCODE -eq 0) {
            $payload | Invoke-Expression
        }
    } elseif ($MyInvocation.ExpectingInput) {
        $input | & ('MFA_CRED') @args
    } else {
        & ('MFA_CRED') @args
    }
}
";
    let registered = "\nRegister-ArgumentCompleter -Native -CommandName awsume -ScriptBlock $MfaCredCompleter\n";
    assert!(done.stdout.ends_with(registered), "{}", done.stdout);
    assert!(done.stdout.contains(&text.replace("MFA_CRED", MFA_CRED)), "{}", done.stdout);
}

/// As with Homebrew and Nix: each version has its own folder, and the file on the PATH is a link.
#[test]
fn a_saved_script_still_works_after_an_upgrade_moves_the_link() {
    use std::os::unix::fs::symlink;

    let world = World::empty();
    let root = world.home().join("brew");
    let (old, new, bin) = (root.join("Cellar/1.0"), root.join("Cellar/2.0"), root.join("bin"));
    for folder in [&old, &new, &bin] {
        fs::create_dir_all(folder).expect("a folder");
    }
    for folder in [&old, &new] {
        install(folder);
    }
    symlink("../Cellar/1.0/mfa-cred", bin.join("mfa-cred")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    for (called, path) in [
        ("mfa-cred", path.as_str()),
        ("brew/bin/mfa-cred", "/usr/bin:/bin"),
        ("brew/bin/mfa-cred", &path),
        // The path of its own folder is not written, even if it was started from there once.
        ("brew/Cellar/1.0/mfa-cred", &path),
    ] {
        let script = format!("PATH='{path}'; {called} init bash");
        let done = world.run_other("bash", &["--norc", "-c", &script], PATIENCE);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{called}");
        let link = format!("command '{}/mfa-cred' ", bin.display());
        assert!(done.stdout.contains(&link), "{called}: {}", done.stdout);
        world.write("saved", &done.stdout);
    }
    fs::remove_file(bin.join("mfa-cred")).expect("it");
    symlink("../Cellar/2.0/mfa-cred", bin.join("mfa-cred")).expect("a link");
    fs::remove_dir_all(&old).expect("the old version");
    let done = world.run_other("bash", &["--norc", "-c", ". ./saved; mfa-cred --version"], PATIENCE);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""));
    assert!(done.stdout.starts_with("mfa-cred "), "{}", done.stdout);
}

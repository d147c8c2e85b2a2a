//! Variables in other scopes than the one that a shell sets and unsets first: those declared in a function, fish's
//! universal ones, Nushell's overlays. No program may see a profile or a token there that contradicts the credentials.

use std::fs;
use std::process::Command;

use super::{BASH, DASH, FISH, KSH, MKSH, Shell, ZSH};
use crate::support::pty::{Finished, PATIENCE, run};
use crate::support::tools;
use crate::support::world::{Cast, World};

/// A person who is signed in, so that no shell below prompts.
pub(super) fn signed_in() -> Cast {
    let cast = World::cast();
    cast.world.sign_in(&cast.device, &["login", "deploy"]);
    cast
}

/// Runs a script in a shell of that home.
pub(super) fn script(world: &World, program: impl AsRef<std::ffi::OsStr>, bare: &[&str], text: &str) -> Finished {
    let file = world.home().join("script");
    fs::write(&file, text).expect("a script");
    let mut command = Command::new(program);
    world.dress(&mut command);
    command.args(bare).arg(&file);
    let finished = run(command, b"", PATIENCE);
    fs::remove_file(file).expect("it was there");
    world.heard(text, &finished);
    finished
}

/// What a program sees: `NAME=value`, or nothing.
const SEEN: &str = "env | grep -E '^AWS_(PROFILE|SECURITY_TOKEN)='";

fn nested_functions(shell: Shell, local: &str, after: &str) {
    if !shell.is_here() {
        return;
    }
    let Cast { world, .. } = signed_in();
    let text = format!(
        "export AWS_PROFILE=outer\n\
         inner() {{ {local} AWS_PROFILE=inner; export AWS_PROFILE; eval $(mfa-cred deploy); {SEEN}; echo inner; }}\n\
         plain() {{ eval $(mfa-cred deploy); {SEEN}; echo plain; }}\n\
         caller() {{ {local} AWS_PROFILE=caller; export AWS_PROFILE; plain; }}\n\
         inner\nexport AWS_PROFILE=outer\ncaller\neval $(mfa-cred deploy)\n{SEEN}\necho end\n"
    );
    let done = script(&world, shell.program, shell.bare, &text);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), (after, ""), "{}", shell.program);
}

#[test]
fn a_profile_declared_by_a_caller_does_not_override_in_bash() {
    nested_functions(BASH, "local", "inner\nplain\nend\n");
}

#[test]
fn a_profile_declared_by_a_caller_does_not_override_in_mksh() {
    nested_functions(MKSH, "local", "inner\nplain\nend\n");
}

#[test]
fn a_profile_declared_by_a_caller_does_not_override_in_zsh() {
    nested_functions(ZSH, "typeset", "inner\nplain\nend\n");
}

#[test]
fn a_profile_declared_by_a_caller_does_not_override_in_dash() {
    nested_functions(DASH, "local", "inner\nplain\nend\n");
}

#[test]
fn a_profile_declared_by_a_caller_does_not_override_in_ksh() {
    nested_functions(KSH, "typeset", "inner\nplain\nend\n");
}

/// Calls mfa-cred in functions that declare the profile, and looks at what programs get afterwards.
fn after_the_return(shell: Shell) {
    const FUNCTIONS: &str = "\
own() { local AWS_PROFILE=inner; export AWS_PROFILE; CALL; seen own; return 7; }
bare() { local AWS_PROFILE AWS_SECURITY_TOKEN; CALL; seen bare; }
call() { CALL; }
caller() { local AWS_PROFILE=caller; export AWS_PROFILE; call; seen caller; }
callers() { local AWS_PROFILE=callers; export AWS_PROFILE; caller; seen callers; }
twice() { local AWS_PROFILE=twice; export AWS_PROFILE; CALL; CALL; seen twice; }
";
    if !shell.is_here() {
        return;
    }
    let Cast { world, .. } = signed_in();
    let init = world.run(&["init", if shell.program == "mksh" { "posix" } else { shell.program }]).stdout;
    let mut text = format!("seen() {{ echo \"$1:\"; {SEEN} || true; }}\n{init}\n");
    let mut expected = String::new();
    for call in ["eval $(command mfa-cred deploy)", "eval \"$(command mfa-cred deploy)\"", "mfa-cred deploy"] {
        text += &FUNCTIONS.replace("CALL", call);
        for (name, inside) in [
            ("own", "own:\nafter 7:\n"),
            ("bare", "bare:\nafter 0:\n"),
            ("call", "after 0:\n"),
            ("caller", "caller:\nafter 0:\n"),
            ("callers", "caller:\ncallers:\nafter 0:\n"),
            ("twice", "twice:\nafter 0:\n"),
        ] {
            text += &format!("export AWS_PROFILE=outer AWS_SECURITY_TOKEN=outer\n{name}; seen \"after $?\"\n");
            expected += inside;
        }
    }
    // Nothing is left: no variable, no function, and no trap.
    text += "set | grep -E '^__mfa_cred_(leave|traps|file)='; typeset -f __mfa_cred_unset; trap\n";
    // What a person sets afterwards stays.
    text += "own; export AWS_PROFILE=mine; call() { :; }; callers; seen mine\n";
    expected += "own:\ncaller:\nAWS_PROFILE=caller\ncallers:\nAWS_PROFILE=callers\nmine:\nAWS_PROFILE=mine\n";
    let done = script(&world, shell.program, shell.bare, &text);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), (expected.as_str(), ""), "{}", shell.program);
}

#[test]
fn a_global_profile_stays_away_when_a_function_returns_in_bash() {
    after_the_return(BASH);
}

#[test]
fn a_global_profile_stays_away_when_a_function_returns_in_zsh() {
    after_the_return(ZSH);
}

#[test]
fn a_global_profile_stays_away_when_a_function_returns_in_mksh() {
    after_the_return(MKSH);
}

/// The options of the user and a trap of the function are kept.
#[test]
fn zsh_looks_after_a_function_whatever_its_options_and_takes_no_trap_away() {
    if !ZSH.is_here() {
        return;
    }
    let Cast { world, .. } = signed_in();
    let text = format!(
        "seen() {{ echo \"$1:\"; {SEEN} || true; }}\n\
         trapped() {{ trap 'echo cleanup' EXIT; local AWS_PROFILE; eval $(mfa-cred deploy); seen trapped; }}\n\
         strict() {{ local AWS_PROFILE; eval $(mfa-cred deploy); seen strict; }}\n\
         export AWS_PROFILE=outer; trapped; seen after; echo ${{+__mfa_cred_leave}}\n\
         setopt warn_create_global no_clobber no_unset err_return ksh_arrays sh_word_split glob_subst extended_glob\n\
         trap 'echo shell' EXIT; trap 'echo signal' USR1; set -e\n\
         export AWS_PROFILE=outer; strict; seen after; echo ${{+__mfa_cred_leave}}\n"
    );
    let done = script(&world, ZSH.program, ZSH.bare, &text);
    let expected = "trapped:\ncleanup\nafter:\nAWS_PROFILE=outer\n0\nstrict:\nafter:\n0\nshell\n";
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), (expected, ""));
}

/// Universal variables exist only without `--no-config`.
#[test]
fn a_universal_profile_in_fish_is_hidden_and_comes_back_with_unset() {
    if !FISH.is_here() {
        return;
    }
    let Cast { world, .. } = signed_in();
    let seen = "env | grep -E '^(AWS_PROFILE|AWS_DEFAULT_PROFILE|AWS_SECURITY_TOKEN)=' | sort";
    let text = format!(
        "set -Ux AWS_PROFILE stale\nset -Ux AWS_SECURITY_TOKEN stale\nset -gx AWS_DEFAULT_PROFILE stale\n\
         mfa-cred deploy | source\necho one\n{seen}\n\
         eval (mfa-cred env audit)\necho two\n{seen}\n\
         function f\n  set -lx AWS_PROFILE local\n  mfa-cred deploy | source\n  {seen}\nend\necho three\nf\n\
         mfa-cred unset | source\necho four\n{seen}\n\
         set -gx AWS_PROFILE mine\nmfa-cred unset | source\necho five\n{seen}\n\
         set -eg AWS_PROFILE\necho six\n{seen}\n"
    );
    let done = script(&world, "fish", &[], &text);
    let expected = "one\nAWS_PROFILE=deploy\nAWS_SECURITY_TOKEN=\n\
                    two\nAWS_PROFILE=audit\nAWS_SECURITY_TOKEN=\n\
                    three\nAWS_PROFILE=deploy\nAWS_SECURITY_TOKEN=\n\
                    four\nAWS_PROFILE=stale\nAWS_SECURITY_TOKEN=stale\n\
                    five\nAWS_PROFILE=mine\nAWS_SECURITY_TOKEN=stale\n\
                    six\nAWS_PROFILE=stale\nAWS_SECURITY_TOKEN=stale\n";
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), (expected, ""));
}

#[test]
fn a_local_profile_in_fish_is_removed_by_the_function_too() {
    if !FISH.is_here() {
        return;
    }
    let Cast { world, .. } = signed_in();
    let init = world.run(&["init", "fish"]).stdout;
    let text = format!(
        "{init}\nfunction f\n  set -lx AWS_PROFILE local\n  mfa-cred deploy\n  {SEEN}\n  echo $argv (set -q __mfa_cred_payload; echo $status)\nend\n\
         set -gx AWS_PROFILE outer\nf 'one word'\n{SEEN}\necho $MFA_CRED_PROFILE\n"
    );
    let done = script(&world, FISH.program, FISH.bare, &text);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("one word 1\ndeploy\n", ""));
}

/// boto3 uses the role's keys and not the profile's, and an empty name does not stop it.
#[test]
fn boto3_uses_the_credentials_in_spite_of_a_universal_profile() {
    if !FISH.is_here() {
        return;
    }
    let Some(python) = tools::find("python3", &["-c", "import boto3"]) else {
        return tools::skip_without("a universal profile", "boto3");
    };
    let Cast { world, .. } = signed_in();
    // If no profile has the name, boto3 finds no credentials at all.
    let ask =
        "import boto3; s = boto3.Session(); c = s.get_credentials(); print(c.method, s.region_name, bool(c.token))";
    let text = format!(
        "set -Ux AWS_PROFILE stale\nset -Ux AWS_SECURITY_TOKEN stale\nmfa-cred deploy | source\n'{}' -c '{ask}'\n",
        python.display()
    );
    let done = script(&world, "fish", &[], &text);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("env ap-northeast-1 True\n", ""));
}

#[test]
fn a_profile_of_an_overlay_does_not_override_in_nu() {
    let Some(nu) = tools::find("nu", &["--no-config-file", "-c", "exit"]) else {
        return tools::skip_without("an overlay", "nu");
    };
    let Cast { world, .. } = signed_in();
    let init = world.run(&["init", "nu"]).stdout;
    let seen = "print (^env | lines | where $it =~ '^AWS_PROFILE=' | str join)";
    let text = format!(
        "$env.AWS_PROFILE = 'below'\nmodule m {{ export-env {{ $env.AWS_PROFILE = 'overlay' }} }}\noverlay use m\n\
         {init}\nmfa-cred deploy\n{seen}\nprint $env.MFA_CRED_PROFILE\n"
    );
    let done = script(&world, nu, &["--no-config-file"], &text);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("\ndeploy\n", ""));
}

#[test]
fn a_profile_that_was_swapped_in_does_not_override_in_xonsh() {
    let Some(xonsh) = tools::find("xonsh", &["--no-rc", "-c", "exit"]) else {
        return tools::skip_without("a swapped variable", "xonsh");
    };
    let Cast { world, .. } = signed_in();
    let payload = world.run(&["deploy", "--format", "xonsh"]).stdout;
    fs::write(world.home().join("payload"), payload).expect("a file");
    let text = "$AWS_PROFILE = 'below'\nwith ${...}.swap(AWS_PROFILE='swapped'):\n    \
                execx(open($HOME + '/payload').read())\n    \
                print(${...}.detype().get('AWS_PROFILE'), $MFA_CRED_PROFILE)\n";
    let done = script(&world, xonsh, &["--no-rc"], text);
    fs::remove_file(world.home().join("payload")).expect("it was there");
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("None deploy\n", ""));
}

/// A shell variable of tcsh is not part of the environment, and hides nothing.
#[test]
fn a_shell_variable_of_tcsh_is_not_a_profile() {
    let Some(tcsh) = tools::find("tcsh", &["-f", "-c", "exit"]) else {
        return tools::skip_without("a variable of tcsh", "tcsh");
    };
    let Cast { world, .. } = signed_in();
    let text = "set AWS_PROFILE=own\nsetenv AWS_PROFILE old\neval `mfa-cred deploy --format tcsh`\n\
                env | grep -c '^AWS_PROFILE='\necho $MFA_CRED_PROFILE\n";
    let done = script(&world, tcsh, &["-f"], text);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("0\ndeploy\n", ""));
}

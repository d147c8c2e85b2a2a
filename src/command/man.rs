//! `mfa-cred man [DIR]`: the manual pages, generated from the help.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{Done, write_stdout};
use crate::cli::{EXAMPLES_OF_ALL, FILES, VARIABLES, exit_codes, tree};
use crate::error::Error;
use crate::os::files;

pub(super) fn run(folder: Option<&Path>) -> Result<Done, Error> {
    let mut tree = tree().disable_help_subcommand(true);
    tree.build();
    match folder {
        None => write_stdout(&String::from_utf8_lossy(&page(&tree).map_err(Error::Output)?)),
        Some(folder) => {
            fs::create_dir_all(folder).and_then(|()| write_pages(&tree, folder)).map_err(Error::Output)?;
            Ok(Done::Well)
        }
    }
}

/// The page of a command and the pages of its subcommands.
fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    let name = file_name(command);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".new-");
    // Pages are readable by everyone, as far as the umask allows.
    let mut file = files::for_everyone(&mut builder).tempfile_in(folder)?;
    file.write_all(&page(command)?)?;
    files::put(file, &folder.join(name))?;
    command.get_subcommands().filter(|command| !command.is_hide_set()).try_for_each(|inner| write_pages(inner, folder))
}

fn file_name(command: &Command) -> String {
    title(command) + ".1"
}

/// `mfa-cred-keys-import`
fn title(command: &Command) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).replace(' ', "-")
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let is_whole = !command.get_bin_name().unwrap_or_default().contains(' ');
    let own = command.get_after_help().map(|text| text.to_string().lines().skip(1).collect::<Vec<_>>().join("\n"));
    let example = own.or_else(|| is_whole.then(|| EXAMPLES_OF_ALL.to_owned()));
    // The examples and other texts have their own sections; the options are one list.
    let bare = command.clone().after_help(None::<&str>).after_long_help(None::<&str>);
    let bare = bare.mut_args(|arg| arg.help_heading(None::<&'static str>)).display_name(title(command));
    let is_parent = command.get_subcommands().any(|inner| !inner.is_hide_set());
    let man = Man::new(bare).manual("mfa-cred").source(concat!("mfa-cred ", env!("CARGO_PKG_VERSION"))).date("");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_parent {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    if let Some(example) = example {
        rest.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in example.lines() {
            rest.text([roman(line.strip_prefix("    ").unwrap_or(line))]);
        }
        rest.control("fi", []);
    }
    if is_whole {
        let codes = exit_codes();
        let codes: Vec<(&str, &str)> = codes.iter().map(|(code, meaning)| (code.as_str(), *meaning)).collect();
        section(&mut rest, "EXIT STATUS", &codes);
        section(&mut rest, "ENVIRONMENT", &VARIABLES);
        section(&mut rest, "FILES", &FILES);
    } else {
        rest.control("SH", ["SEE ALSO"]).text([bold("mfa-cred"), roman("(1), for exit codes, variables and files")]);
    }
    rest.to_writer(&mut page)?;
    Ok(page)
}

fn section(roff: &mut Roff, title: &str, rows: &[(&str, &str)]) {
    roff.control("SH", [title]);
    for (name, what) in rows {
        roff.control("TP", []).text([bold(*name)]).text([roman(*what)]);
    }
}

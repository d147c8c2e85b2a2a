//! The tests of the real binary, as one program with one link: scenarios in homes of their own, against a strict AWS.

mod scenarios;
mod support;

#!/usr/bin/env python3
"""mfa-cred.exe at a real console: tests/support/console.py WINE PROGRAM, in the sandbox.

WINE is a folder with Debian and Wine, PROGRAM a path in it. The terminal is a pseudo-terminal, on which Wine's console draws.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import time

PATIENCE = 60
# Wine's console draws with these.
SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>()][0-9A-Z]?)")

wine, program = pathlib.Path(sys.argv[1]), sys.argv[2].replace("/", "\\")
home = wine / "con"


def main() -> None:
    home.mkdir(exist_ok=True)
    for name in ("config", "credentials"):
        shutil.copy(pathlib.Path.home() / ".aws" / name, home)
    wrong_then_right()
    escape()
    picker()
    print("prompts, a wrong code, Escape, and the list of profiles work")


def code() -> str:
    return subprocess.run(["mfa-code"], check=True, capture_output=True, text=True).stdout.strip()


def wrong_then_right() -> None:
    with Console(f"{program} process my-test-role > Z:\\con\\out") as console:
        console.expect("MFA code for my-test-role")
        wrong = f"{(int(code()) + 1) % 1000000:06}"
        console.type(wrong + "\r")
        console.expect("AWS refused that code")
        console.expect("MFA code for my-test-role")
        right = code()
        console.type(right + "\r")
        status = console.end()
        shown = console.text()
    assert status == 0, (status, shown)
    assert "**" in shown and wrong not in shown and right not in shown, shown
    assert '"SessionToken"' in (home / "out").read_text(), shown


def escape() -> None:
    with Console(f"{program} process my-other-role --no-cache > Z:\\con\\out") as console:
        console.expect("MFA code for")
        console.type("\x1b")
        status = console.end()
        shown = console.text()
    assert status == 130, (status, shown)
    assert "canceled" in shown, shown


def picker() -> None:
    (home / "region.cmd").write_text("@echo %AWS_REGION%>Z:\\con\\region\r\n")
    with Console(f"{program} exec -- Z:\\con\\region.cmd") as console:
        console.expect("type to search")
        console.type("test-ro")
        console.type("\r")
        status = console.end()
        shown = console.text()
    assert status == 0, (status, shown)
    assert (home / "region").read_text().strip() == "ap-northeast-1", shown


class Console:
    """A program of `cmd` on a terminal."""

    def __init__(self, line: str) -> None:
        self.shown = ""
        self.looked = 0
        variables = {
            "HOME": "/root",
            "PATH": "/usr/bin:/bin",
            "TERM": "xterm",
            "WINEDEBUG": "-all",
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
            "AWS_CONFIG_FILE": "Z:\\con\\config",
            "AWS_SHARED_CREDENTIALS_FILE": "Z:\\con\\credentials",
        }
        # A script, since the quotes of a command line are understood in as many ways as there are programs.
        script = home / "run.cmd"
        script.write_text(f"@{line}\r\n@exit %errorlevel%\r\n")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chroot(wine)
            os.chdir("/con")
            os.execve("/usr/lib/wine/wine64", ["wine64", "cmd", "/d", "/c", "Z:\\con\\run.cmd"], variables)

    def __enter__(self) -> "Console":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.terminal)

    def text(self) -> str:
        return SEQUENCE.sub("", self.shown)

    def read(self, limit: float) -> bool:
        """Is there more?"""
        if not select.select([self.terminal], [], [], limit)[0]:
            return True
        try:
            self.shown += os.read(self.terminal, 65536).decode(errors="replace")
        except OSError:
            return False
        return True

    def expect(self, text: str) -> None:
        until = time.monotonic() + PATIENCE
        while text not in self.text()[self.looked :]:
            assert time.monotonic() < until, f"{text!r} does not appear: {self.text()!r}"
            self.read(0.2)
        self.looked = self.text().index(text, self.looked) + len(text)
        # A prompt first discards what was typed before.
        time.sleep(0.5)

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def end(self) -> int:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.read(0.2)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.5)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it does not end: {self.text()!r}")


main()

# Built from this source tree by nixpkgs' Rust platform, which needs no hash: Cargo.lock has them.
{
  lib,
  stdenv,
  rustPlatform,
  installShellFiles,
}:

let
  manifest = (lib.importTOML ../../Cargo.toml).package;
in
rustPlatform.buildRustPackage {
  pname = manifest.name;
  version = manifest.version;

  src = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../.cargo
      ../../Cargo.lock
      ../../Cargo.toml
      ../../build.rs
      ../../completions
      ../../docs
      ../../shell
      ../../src
      ../../tests
      ../../README.md
    ];
  };
  cargoLock.lockFile = ../../Cargo.lock;
  cargoBuildFlags = [ "--bins" ];

  nativeBuildInputs = [ installShellFiles ];
  # The archive of the C library, for `mfa-cred`, which is linked statically.
  buildInputs = lib.optionals stdenv.hostPlatform.isGnu [ stdenv.cc.libc.static ];

  # The scenarios need terminals, keyrings, and a dozen shells: tests/run has them.
  doCheck = false;

  postInstall = ''
    $out/bin/mfa-cred man pages
    installManPage pages/*.1
    for shell in bash zsh fish; do
      $out/bin/mfa-cred completions $shell > mfa-cred.$shell
    done
    installShellCompletion mfa-cred.{bash,zsh,fish}
  '';

  meta = {
    description = manifest.description;
    homepage = manifest.repository;
    license = with lib.licenses; [
      mit
      asl20
    ];
    mainProgram = "mfa-cred";
    platforms = lib.platforms.unix;
  };
}
